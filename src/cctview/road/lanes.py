"""Where the lanes of each camera run, learnt from the paths of its tracklets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.geometry import foot
from cctview.priors import fingerprint
from cctview.road.border import cut_by_border, extent_of
from cctview.road.flow import moved, ways
from cctview.road.ground import Ground, road_plane
from cctview.road.priors import ROAD, ROAD_VERSION, RoadPriors
from cctview.types import Breaks, Detections, Lanes, Ragged, Tracklets, rows_among

__all__ = ["learn_lanes"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


class _Steps(NamedTuple):
    """Moves (N,) of a tracklet (its row) from one place of the ground to the next, (N, 2) each."""

    owner: Ints
    start: Floats
    end: Floats
    seconds: Floats

    def rows(self, chosen: Any) -> _Steps:
        return _Steps(*(column[chosen] for column in self))


class _Crossings(NamedTuple):
    """Where (M,) a tracklet crosses a station of the road."""

    owner: Ints
    station: Ints
    across: Floats


class _Crowds(NamedTuple):
    """Where (P,) most vehicles cross a station, by station and place."""

    station: Ints
    across: Floats


class _Lane(NamedTuple):
    """One lane: its line in pixels (8, 2), pixels per second, and the rows of its tracklets."""

    line: Floats
    speed: float
    members: Ints


def learn_lanes(
    tracklets: Tracklets, detections: Detections, breaks: Breaks | None = None, priors: RoadPriors = ROAD
) -> Lanes:
    """Return the lanes of all cameras, from tracklets and the detections that are their members, if there.

    Where vehicles of one direction cross lines over the road, they crowd in the middle of lanes; a
    lane joins the crowds that the same vehicles belong to. Lanes too close to tell apart come out as
    one, and those of few vehicles not at all. Vehicles that go against their place's flow do not
    count, nor does what a camera saw before it was last turned.
    """
    if breaks is not None:
        tracklets = tracklets[_settled(tracklets, detections, breaks[breaks.kind == "turned"])]
    cameras = np.unique(tracklets.camera)
    return Lanes.concat([_of_camera(tracklets[tracklets.camera == camera], detections, priors) for camera in cameras])


def _settled(tracklets: Tracklets, detections: Detections, turned: Breaks) -> NDArray[np.bool_]:
    """Return which tracklets came after their camera was last turned, by the stamps of its stills."""
    if not len(turned):
        return np.ones(len(tracklets), np.bool_)
    turned = turned.sort("camera", "time")
    last = np.maximum(np.searchsorted(turned.camera, tracklets.camera, side="right") - 1, 0)
    begun = np.append(detections.time, np.datetime64("NaT"))[
        rows_among(detections.id, tracklets.members.values[tracklets.members.offsets[:-1]])
    ]
    return (turned.camera[last] != tracklets.camera) | (begun >= turned.time[last])


def _of_camera(tracklets: Tracklets, detections: Detections, priors: RoadPriors) -> Lanes:
    meta = {"lanes": ROAD_VERSION, "lanes_priors": fingerprint(priors)}
    moving = moved(tracklets.first_box, tracklets.last_box, priors)
    going = tracklets[moving & (ways(tracklets, priors) == tracklets.heading)]
    box, owner, seconds = _whole_boxes(going, detections, priors)
    if min(len(going), len(box)) < priors.fewest:
        return Lanes.empty(meta)
    ground = Ground(plane=road_plane(box, priors), width=float(extent_of(box)[0]), least_px=priors.least_height_px)
    steps = _steps(ground.places(foot(box)), owner, seconds)
    sideways = np.where(steps.end[:, 0] > steps.start[:, 0], "right", "left")
    heading = going.heading[steps.owner]
    stream = np.where(heading == "across", sideways, heading)
    least = max(priors.fewest, priors.fewest_share * len(going))
    streams = [steps.rows(stream == name) for name in np.unique(stream)]
    found = [lane for part in streams for lane in _of_stream(part, ground, least, priors)]
    found.sort(key=lambda lane: float(lane.line[:, 0].mean()))
    points, sizes = np.concatenate([lane.line for lane in found] or [np.zeros((0, 2))]), [priors.points] * len(found)
    return Lanes(
        meta=meta,
        camera=np.full(len(found), tracklets.camera[0]),
        heading=np.array([going.heading[lane.members[0]] for lane in found], np.str_),
        speed=np.array([lane.speed for lane in found], np.float32),
        x=Ragged.from_lengths(points[:, 0].astype(np.float32), sizes),
        y=Ragged.from_lengths(points[:, 1].astype(np.float32), sizes),
        members=Ragged.from_lengths(
            np.concatenate([going.id[lane.members] for lane in found] or [going.id[:0]]),
            [len(lane.members) for lane in found],
        ),
    )


def _whole_boxes(tracklets: Tracklets, detections: Detections, priors: RoadPriors) -> tuple[Floats, Ints, Floats]:
    """Return boxes (N, 4) that no border cuts, the row of their tracklet and their seconds, in its order."""
    place = rows_among(detections.id, tracklets.members.values)
    rows, owner = detections[place[place >= 0]], tracklets.members.row[place >= 0]
    box, seconds = rows.box.astype(np.float64), rows.time.astype(np.int64) / 1e9
    whole = ~cut_by_border(box, extent_of(box), priors.edge_px)
    return box[whole], owner[whole], seconds[whole]


def _steps(place: Floats, owner: Ints, seconds: Floats) -> _Steps:
    """Return the moves between neighbouring places of each tracklet."""
    n = np.flatnonzero((owner[1:] == owner[:-1]) & (np.diff(seconds) > 0))
    return _Steps(owner[n], place[n], place[n + 1], seconds[n + 1] - seconds[n])


def _of_stream(steps: _Steps, ground: Ground, least: float, priors: RoadPriors) -> list[_Lane]:
    """Return the lanes that vehicles of one direction took, at least so many of them each."""
    axes = _axes(steps)
    steps = steps._replace(start=steps.start @ axes, end=steps.end @ axes)
    steps = steps.rows(steps.end[:, 0] > steps.start[:, 0])
    if len(steps.owner) < least:
        return []
    first, last = np.quantile(np.concatenate([steps.start, steps.end])[:, 0], priors.stretch).tolist()
    stations = np.linspace(first, last, priors.stations)
    met = _crossings(steps, stations)
    if not len(met.owner):
        return []
    crowds = _crowds(met, priors)
    lane, of_crowd = _followed(met, crowds, priors)
    members = _mostly(met.owner, lane)
    found = []
    for number in np.flatnonzero(np.bincount(members[members >= 0]) >= least).tolist():
        mine = np.flatnonzero(members == number)
        support = np.bincount(met.station[(lane == number) & (members[met.owner] == number)], minlength=len(stations))
        own = np.flatnonzero((of_crowd == number) & (support >= priors.end_share * support.max())[crowds.station])
        if len(own) >= priors.shortest:
            at = crowds.station[own]
            line = ground.pixels(_centre_line(stations[at], crowds.across[own], support[at], priors) @ axes)
            seconds = np.ptp(stations[at]) / np.median(_pace(steps.rows(np.isin(steps.owner, mine))))
            found.append(_Lane(_in_even_steps(line, priors.points), float(_lengths(line)[-1] / seconds), mine))
    return found


def _axes(steps: _Steps) -> Floats:
    """Return the axes (2, 2) along and across the mean direction of the moves, their own inverse."""
    move = steps.end - steps.start
    mean = np.mean(move / np.maximum(np.hypot(*move.T), 1e-9)[:, None], axis=0)
    ahead, aside = mean / max(float(np.hypot(*mean)), 1e-9)
    return np.array([[ahead, aside], [aside, -ahead]])


def _pace(steps: _Steps) -> Floats:
    """Return how far along the road each move goes in a second."""
    return (steps.end[:, 0] - steps.start[:, 0]) / steps.seconds


def _crossings(steps: _Steps, stations: Floats) -> _Crossings:
    first = np.searchsorted(stations, steps.start[:, 0])
    count = np.searchsorted(stations, steps.end[:, 0]) - first
    step = np.repeat(np.arange(len(count)), count)
    station = np.arange(len(step)) - np.repeat(np.cumsum(count) - count - first, count)
    start, end = steps.start[step], steps.end[step]
    share = (stations[station] - start[:, 0]) / (end[:, 0] - start[:, 0])
    return _Crossings(steps.owner[step], station, start[:, 1] + share * (end[:, 1] - start[:, 1]))


def _crowds(met: _Crossings, priors: RoadPriors) -> _Crowds:
    """Return the maxima of the density of crossings over each station."""
    low, high = np.quantile(met.across, priors.outliers) + np.array([-1, 1])
    columns = int((high - low) / priors.column) + 1
    column = np.clip((met.across - low) / priors.column, 0, columns - 1).astype(np.int64)
    count = np.bincount(met.station * columns + column, minlength=priors.stations * columns)
    vehicles = (
        gaussian_filter(
            count.reshape(priors.stations, -1).astype(np.float64),
            (priors.spread_stations, priors.spread / priors.column),
        )
        * np.sqrt(2 * np.pi)
        * priors.spread
        / priors.column
    )
    left, middle, right = vehicles[:, :-2], vehicles[:, 1:-1], vehicles[:, 2:]
    station, column = np.nonzero((middle > left) & (middle >= right) & (middle >= priors.peak))
    return _Crowds(station, low + (column + 1 + 0.5) * priors.column)


def _followed(met: _Crossings, crowds: _Crowds, priors: RoadPriors) -> tuple[Ints, Ints]:
    """Return lane numbers of the crossings (M,), -1 for none, and of the crowds (P,)."""
    crowd = _nearest(met, crowds, priors.reach)
    order = np.lexsort((met.station, met.owner))
    owner, station, joined = met.owner[order], met.station[order], crowd[order]
    before = np.full(len(crowds.station), -1)
    for stride in priors.strides:
        a, b = slice(None, -stride), slice(stride, None)
        same = (owner[a] == owner[b]) & (station[a] + stride == station[b]) & (joined[a] >= 0) & (joined[b] >= 0)
        start, end = joined[a][same], joined[b][same]
        free = ~np.isin(start, before) & (before[end] < 0)
        start, end = _favourites(start[free], end[free], priors.votes)
        before[end] = start
    lane = np.where(before < 0, np.arange(len(before)), before)
    while np.any(lane[lane] != lane):
        lane = lane[lane]
    return np.where(crowd >= 0, np.append(lane, -1)[crowd], -1), lane


def _nearest(met: _Crossings, crowds: _Crowds, reach: float) -> Ints:
    """Return the crowd nearest to each crossing on its station (M,), -1 where none is within ``reach``."""
    wide = np.ptp(met.across) + 4 * reach
    line = np.concatenate([[-np.inf], crowds.station * wide + crowds.across, [np.inf]])
    wanted = met.station * wide + met.across
    after = np.searchsorted(line, wanted)
    best = np.where(line[after] - wanted < wanted - line[after - 1], after, after - 1)
    return np.where(np.abs(line[best] - wanted) < reach, best - 1, -1)


def _favourites(start: Ints, end: Ints, votes: int) -> tuple[Ints, Ints]:
    """Return the pairs of which each end is the other's most frequent one, often enough."""
    start, end, count = _counted(start, end)
    chosen = count >= votes
    for side in (start, end):
        best = np.lexsort((-count, side))
        first = np.zeros(len(side), np.bool_)
        first[best[np.diff(side[best], prepend=-1) > 0]] = True
        chosen &= first
    return start[chosen], end[chosen]


def _mostly(owner: Ints, label: Ints) -> Ints:
    """Return the most frequent label >= 0 of each owner, from 0 to the largest, -1 for none."""
    most = np.full(owner.max(initial=-1) + 1, -1)
    who, what, count = _counted(owner[label >= 0], label[label >= 0])
    order = np.lexsort((-what, count))
    most[who[order]] = what[order]
    return most


def _counted(left: Ints, right: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the different pairs of numbers >= 0 and how often each is there."""
    base = right.max(initial=0) + 1
    pair, count = np.unique(left * base + right, return_counts=True)
    return pair // base, pair % base, count


def _centre_line(along: Floats, across: Floats, support: Ints, priors: RoadPriors) -> Floats:
    """Return many places on the smooth line through the crowds of a lane."""
    bend = Polynomial.fit(along, across, priors.bends, w=np.sqrt(support))
    fine = np.linspace(along[0], along[-1], priors.stations)
    return np.column_stack([fine, bend(fine)])


def _in_even_steps(line: Floats, points: int) -> Floats:
    """Return points on a line that are equally far from one another, both its ends included."""
    length = _lengths(line)
    even = np.linspace(0, length[-1], points)
    return np.column_stack([np.interp(even, length, column) for column in line.T])


def _lengths(line: Floats) -> Floats:
    """Return how long a line is up to each of its points."""
    return np.append(0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
