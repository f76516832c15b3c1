"""What cameras see of a world without drawing it: boxes of bounding cuboids, many stills at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import area
from cctview.sim.cameras.lens import lens
from cctview.sim.cameras.pose import RoadCamera
from cctview.sim.plan import Plan
from cctview.sim.sightings import Sightings
from cctview.sim.world.arrivals import STEP_S
from cctview.sim.world.fleet import KIND_SIZE, TYPES
from cctview.sim.world.road import Road
from cctview.sim.world.traffic import Traffic

__all__ = ["observed"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Columns = dict[str, NDArray[Any]]

_NEAREST_M, _FARTHEST_M = 2.5, 240.0
_SMALLEST_AREA = 4.0  # square pixels
_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
_CHUNK = 40_000  # sightings whose corners are held at a time
_SAMPLES = 6  # per side of a box, to tell how much of it is hidden
_ROUNDED = 0.94  # a vehicle's outline is that much narrower than its bounding cuboid's


def observed(plan: Plan, story: Iterator[Traffic]) -> Sightings:
    """Return the sightings of all vehicles in all stills; ``story`` is the traffic, step by step from the start."""
    parts = [_seen(plan, chunk) for chunk in _chunks(_encounters(plan, story))]
    return Sightings.concat(parts) if parts else Sightings.empty()


def _encounters(plan: Plan, story: Iterator[Traffic]) -> Iterator[Columns]:
    """Yield, step by step, which vehicles are in front of which still's camera, in road coordinates."""
    table, sites = plan.timetable, plan.layout.sites
    road = np.array([site.road for site in sites])[table.camera]
    against = np.array([site.against for site in sites])[table.camera]
    station = np.array([pose.station for pose in plan.poses])[table.camera]
    length = np.array([view.length for view in plan.views])[table.camera]
    step = np.floor(table.at / STEP_S).astype(np.int64)
    starts = np.searchsorted(step, np.arange(int(step[-1]) + 2)) if len(step) else np.zeros(1, np.int64)
    for number, traffic in zip(range(len(starts) - 1), story, strict=False):
        rows = np.arange(starts[number], starts[number + 1])
        if not len(rows) or not len(traffic):
            continue
        along = traffic.travelled - traffic.length / 2 + traffic.speed * (table.at[rows, None] - traffic.time)
        onward = (traffic.direction == 0) != against[rows, None]
        s = np.where(onward, along, length[rows, None] - along) - station[rows, None]
        here = (traffic.way >> 1 == road[rows, None]) & (s > 0) & (s < _FARTHEST_M + 10)
        still, who = np.nonzero(here)
        yield _told(traffic, rows, still, who, table.at)


def _told(traffic: Traffic, rows: Ints, still: Ints, who: Ints, at: Floats) -> Columns:
    """Return the columns of vehicles ``who`` as the stills ``rows[still]`` meet them."""
    names = ("identity", "kind", "way", "lane", "came_from", "change_left", "travelled", "speed", "wish", "length")
    columns = {name: getattr(traffic, name)[who] for name in names}
    return {**columns, "still": rows[still], "ahead": at[rows[still]] - traffic.time}


def _chunks(steps: Iterator[Columns]) -> Iterator[Columns]:
    """Join steps into chunks of about _CHUNK rows."""
    held: list[Columns] = []
    for columns in steps:
        held.append(columns)
        if sum(len(part["still"]) for part in held) >= _CHUNK:
            yield _joined(held)
            held = []
    if held:
        yield _joined(held)


def _joined(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _seen(plan: Plan, met: Columns) -> Sightings:
    """Return the sightings among encounters: what is in the picture, large enough, and not wholly hidden."""
    camera = plan.timetable.camera[met["still"]]
    whole, depth, towards = np.zeros((len(camera), 4)), np.zeros(len(camera)), np.zeros(len(camera), np.bool_)
    for k in np.unique(camera).tolist():
        mine = np.flatnonzero(camera == k)
        road, pose, site = plan.views[k], plan.poses[k], plan.layout.sites[k]
        part = {name: column[mine] for name, column in met.items()}
        whole[mine], depth[mine], towards[mine] = _projected(road, pose, part, site.against)
    settings = plan.settings
    edge = np.array([settings.width, settings.height] * 2)
    glass = lens(settings.distortion, settings.width, settings.height, 1)
    whole = np.asarray(glass.boxes(np.clip(whole, 0, edge)), np.float64)
    kept = np.flatnonzero((depth > _NEAREST_M) & (depth < _FARTHEST_M) & (area(whole) >= _SMALLEST_AREA))
    order = kept[np.lexsort((depth[kept], met["still"][kept]))]
    still, whole = met["still"][order], whole[order]
    box, shows = _showing(still, whole)
    seen = shows > 0
    order, still = order[seen], still[seen]
    table = plan.timetable
    return Sightings(
        still=still,
        camera=np.array(plan.cameras)[table.camera[still]],
        time=plan.times(table.told[still]),
        at=table.at[still],
        identity=met["identity"][order],
        type=TYPES[met["kind"][order]],
        box=box[seen].astype(np.float32),
        whole=whole[seen].astype(np.float32),
        visibility=shows[seen].astype(np.float32),
        lane=met["lane"][order],
        speed=met["speed"][order].astype(np.float32),
        towards=towards[order],
    )


def _projected(
    road: Road,
    pose: RoadCamera,
    met: Columns,
    against: bool,  # noqa: FBT001
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return boxes ``(N, 4)`` before clipping, depths and whether vehicles come closer, for one camera."""
    names = ("identity", "kind", "way", "lane", "came_from", "change_left", "travelled", "speed", "wish", "length")
    zero = np.zeros(len(met["still"]))
    columns = {name: met[name] for name in names}
    columns["travelled"] = met["travelled"] + met["speed"] * met["ahead"]
    columns["change_left"] = met["change_left"] - met["ahead"]
    vehicles = Traffic(time=0.0, exit_at=zero, exit_by=zero.astype(np.int64), **columns)
    s, d, heading = vehicles.at(0.0, road, against=against)
    width, height = KIND_SIZE[met["kind"]].T
    size = np.stack([met["length"], width * _ROUNDED, height], axis=1)
    corners = _CORNERS * size[:, None]
    sine, cosine = np.sin(heading)[:, None], np.cos(heading)[:, None]
    east = corners[..., 0] * sine - corners[..., 1] * cosine
    north = corners[..., 0] * cosine + corners[..., 1] * sine
    ground = road.place(s, d)
    points = np.stack([east + ground[:, :1], north + ground[:, 1:], corners[..., 2]], axis=-1)
    pixels, depth = pose.project(points)
    towards = np.cos(heading - road.heading(s)) < 0
    return np.concatenate([pixels.min(axis=1), pixels.max(axis=1)], axis=1), depth.min(axis=1), towards


def _showing(still: Ints, boxes: Floats) -> tuple[Floats, Floats]:
    """Return what of each box shows, as a box and as a share, by points on a grid over it.

    Rows come nearest first within each still; a nearer box hides what is behind it.
    """
    first = np.searchsorted(still, still)
    nearer = np.arange(len(still)) - first
    behind = np.repeat(np.arange(len(still)), nearer)
    front = np.arange(len(behind)) - np.repeat(np.cumsum(nearer) - nearer - first, nearer)
    meet = np.all((boxes[front, :2] < boxes[behind, 2:]) & (boxes[behind, :2] < boxes[front, 2:]), axis=1)
    behind, front = behind[meet], front[meet]
    steps = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    size = boxes[:, 2:] - boxes[:, :2]
    x, y = (boxes[:, axis, None] + size[:, axis, None] * steps for axis in (0, 1))
    shows = np.ones((len(still), _SAMPLES, _SAMPLES), np.bool_)
    across = (x[behind] > boxes[front, 0, None]) & (x[behind] < boxes[front, 2, None])
    down = (y[behind] > boxes[front, 1, None]) & (y[behind] < boxes[front, 3, None])
    np.logical_and.at(shows, behind, ~(down[:, :, None] & across[:, None, :]))
    return _trimmed(boxes, size, shows), shows.mean(axis=(1, 2))


def _trimmed(boxes: Floats, size: Floats, shows: NDArray[np.bool_]) -> Floats:
    """Return boxes without the rows and columns of the grid that are wholly hidden at their edges."""
    edges = []
    for axis, sense in ((1, 1), (2, 1), (1, -1), (2, -1)):
        line = np.asarray(shows.any(axis=axis))[:, ::sense]
        edges.append(line.argmax(axis=1) / _SAMPLES)
    left, top, right, bottom = edges
    low = boxes[:, :2] + size * np.stack([left, top], axis=1)
    high = boxes[:, 2:] - size * np.stack([right, bottom], axis=1)
    return np.concatenate([low, high], axis=1)
