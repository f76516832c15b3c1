"""A small road to drive for tests: vehicles in lanes, seen by pinhole cameras, with true identities.

Needs nothing but the package, so that a plug-in's tests, benchmarks and notebooks can use it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.network import CameraNetwork, Link
from cctview.types import Cameras, Detections, Embeddings, Tracklets, content_id, row_ids

__all__ = ["HEIGHT", "RISE", "START", "WIDTH", "Scenery", "Seen", "drive", "link_scores", "network", "project"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

WIDTH, HEIGHT = 352.0, 240.0
"""Size of the stills in pixels."""

FOCAL, HORIZON, RISE = 350.0, 60.0, 7.0
"""Focal length and row of the horizon in pixels, height of the camera in metres."""

START = np.datetime64("2020-05-05T17:00:00", "ns")
_NEAR_M, _FAR_M = 9, 95
_LEAST_PX = 3
_METRES_PER_DEGREE = 111_195


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """What a test wants to see.

    ``per_minute`` vehicles per direction at about ``speed`` m/s for ``seconds``; a still every ``step_s`` give or
    take the share ``jitter``, with ``whole_seconds`` stamped as the original's are; ``missed`` is the share of
    detections left out, ``noise_px`` how wrong a side of a box is, ``look_noise`` how much the look of one vehicle
    differs between stills (1: as much as it differs from nothing). Camera ``k`` of ``cameras`` stands ``k *
    spacing_m`` down the southbound road.
    """

    seconds: float = 180.0
    step_s: float = 1.7
    jitter: float = 0.1
    per_minute: float = 25.0
    speed: float = 18.0
    both_ways: bool = True
    missed: float = 0.08
    noise_px: float = 0.7
    look_noise: float = 0.6
    dimensions: int = 32
    whole_seconds: bool = False
    seed: int = 1
    cameras: tuple[str, ...] = ("c1",)
    spacing_m: float = 400.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """Tables of a scene and the vehicle that each detection shows, ``(N,)``."""

    detections: Detections
    embeddings: Embeddings
    identity: Ints
    network: CameraNetwork = field(default_factory=CameraNetwork)


class _Fleet(NamedTuple):
    """The vehicles of a scene (V,): way (1 south, -1 north), entry (s), pace (m/s), lane, size and look (V, D)."""

    way: Floats
    enter: Floats
    pace: Floats
    lane: Floats
    tall: Floats
    broad: Floats
    look: Floats


class _Glimpse(NamedTuple):
    """What one still shows: B boxes (B, 4), their vehicles, looks (B, D) and scores."""

    camera: str
    moment: float
    who: Ints
    box: Floats
    vector: Floats
    score: Floats


def drive(scenery: Scenery) -> Seen:
    """Return what the cameras see of one road; southbound traffic comes towards cameras that look north.

    The same scenery gives the same tables, whatever else has been drawn before.
    """
    rng = np.random.default_rng(scenery.seed)
    length = scenery.spacing_m * len(scenery.cameras) + 400
    fleet = _fleet(scenery, length, rng)
    return _tables(list(_glimpses(scenery, fleet, length, rng)), scenery)


def _fleet(scenery: Scenery, length: float, rng: np.random.Generator) -> _Fleet:
    lead = length / scenery.speed * 1.5
    count = rng.poisson(scenery.per_minute / 60 * (scenery.seconds + lead), 2)
    count[1] *= scenery.both_ways
    way = np.repeat([1.0, -1.0], count)
    total = len(way)
    enter = rng.uniform(-lead, scenery.seconds, total)
    pace = scenery.speed * rng.normal(1, 0.1, total).clip(0.7, 1.3)
    lane = np.where(way > 0, -2.0, -12.0) - 3.5 * rng.integers(0, 2, total)
    tall = rng.normal(1.55, 0.12, total).clip(1.2, 2.1)
    broad = rng.normal(1.85, 0.1, total)
    look = _unit(rng.normal(size=(total, scenery.dimensions)))
    return _Fleet(way, enter, pace, lane, tall, broad, look)


def _glimpses(scenery: Scenery, fleet: _Fleet, length: float, rng: np.random.Generator) -> Iterator[_Glimpse]:
    stills = int(scenery.seconds / scenery.step_s)
    for number, camera in enumerate(scenery.cameras):
        clock = np.cumsum(scenery.step_s * rng.uniform(1 - scenery.jitter, 1 + scenery.jitter, stills))
        post = 400 + scenery.spacing_m * number
        for moment in clock.tolist():
            gone = (moment - fleet.enter) * fleet.pace
            yield _glimpse(scenery, fleet, post - np.where(fleet.way > 0, gone, length - gone), camera, moment, rng)


def _glimpse(
    scenery: Scenery, fleet: _Fleet, ahead: Floats, camera: str, moment: float, rng: np.random.Generator
) -> _Glimpse:
    there = (ahead > _NEAR_M) & (ahead < _FAR_M) & (rng.random(len(ahead)) > scenery.missed)
    who = np.flatnonzero(there)
    box = project(ahead[who], fleet.lane[who], fleet.tall[who], fleet.broad[who])
    box = box + rng.normal(0, scenery.noise_px, (len(who), 4))
    inside = (box[:, 0] > 0) & (box[:, 2] < WIDTH) & (box[:, 3] < HEIGHT)
    inside &= (box[:, 2] - box[:, 0] > _LEAST_PX) & (box[:, 3] - box[:, 1] > _LEAST_PX)
    who, box = who[inside], box[inside]
    noise = scenery.look_noise * rng.normal(size=(len(who), scenery.dimensions)) / np.sqrt(scenery.dimensions)
    return _Glimpse(camera, moment, who, box, _unit(fleet.look[who] + noise), rng.uniform(0.5, 0.99, len(who)))


def _unit(vectors: Floats) -> Floats:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def project(ahead: Floats, lane: Floats, tall: Floats, broad: Floats) -> Floats:
    """Return boxes (V, 4) of upright rectangles on the ground; all arguments are metres (V,).

    Seen by a camera RISE metres up; ``lane`` is how far to the right of it a vehicle drives.
    """
    foot, top = HORIZON + FOCAL * RISE / ahead, HORIZON + FOCAL * (RISE - tall) / ahead
    middle = 260 + FOCAL * (lane + 2) / ahead
    half = FOCAL * broad / 2 / ahead
    return np.column_stack([middle - half, top, middle + half, foot])


def _tables(glimpses: list[_Glimpse], scenery: Scenery) -> Seen:
    sizes = [len(glimpse.who) for glimpse in glimpses]
    stamps = [np.floor(glimpse.moment) if scenery.whole_seconds else glimpse.moment for glimpse in glimpses]
    frame = np.repeat([content_id(glimpse.camera, f"{glimpse.moment:.6f}") for glimpse in glimpses], sizes)
    rank = (np.arange(len(frame)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + 1).astype(np.int32)
    detections = Detections(
        id=row_ids(frame, rank, "test"),
        frame=frame,
        camera=np.repeat([glimpse.camera for glimpse in glimpses], sizes),
        time=np.repeat([START + np.timedelta64(int(stamp * 1e9), "ns") for stamp in stamps], sizes),
        rank=rank,
        box=np.concatenate([glimpse.box for glimpse in glimpses]).astype(np.float32),
        score=np.concatenate([glimpse.score for glimpse in glimpses]).astype(np.float32),
        type=np.full(len(frame), "car"),
    )
    embeddings = Embeddings(
        detection=detections.id,
        vector=np.concatenate([glimpse.vector for glimpse in glimpses]).astype(np.float32),
        quality=np.clip((detections.box[:, 3] - detections.box[:, 1]) / 40, 0, 1).astype(np.float32),
    )
    identity = np.concatenate([glimpse.who for glimpse in glimpses])
    return Seen(detections=detections, embeddings=embeddings, identity=identity, network=network(scenery))


def network(scenery: Scenery) -> CameraNetwork:
    """Return the cameras in a row to the south, all looking north, linked both ways."""
    count = len(scenery.cameras)
    cameras = Cameras(
        id=np.array(scenery.cameras),
        name=np.array(scenery.cameras),
        lon=np.full(count, -73.97),
        lat=40.75 - np.arange(count) * scenery.spacing_m / _METRES_PER_DEGREE,
        heading_deg=np.zeros(count, np.float32),
        interval_s=np.full(count, scenery.step_s, np.float32),
    )
    ways = [
        way
        for a, b in zip(scenery.cameras[:-1], scenery.cameras[1:], strict=True)
        for way in ((a, b, 180.0), (b, a, 0.0))
    ]
    return CameraNetwork(cameras=cameras, links=tuple(_link(*way, scenery.spacing_m) for way in ways))


def _link(origin: str, target: str, direction: float, metres: float) -> Link:
    low, high = max(metres - 100, 0) / 35, (metres + 100) / 2.5 + 60
    return Link(origin=origin, target=target, direction_deg=direction, metres=metres, min_s=low, max_s=high)


def link_scores(seen: Seen, tracklets: Tracklets) -> tuple[float, float]:
    """Return recall and precision of links between neighbouring detections of one vehicle, each in [0, 1]."""
    place = {int(name): n for n, name in enumerate(seen.detections.id.tolist())}
    at = np.array([place[int(name)] for name in tracklets.members.values.tolist()])
    owner = seen.identity[at]
    same = tracklets.members.row[1:] == tracklets.members.row[:-1]
    right = int((same & (owner[1:] == owner[:-1])).sum())
    keys = np.lexsort((seen.detections.time, seen.identity, seen.detections.camera))
    camera, identity = seen.detections.camera[keys], seen.identity[keys]
    wanted = int(((camera[1:] == camera[:-1]) & (identity[1:] == identity[:-1])).sum())
    return right / max(wanted, 1), right / max(int(same.sum()), 1)
