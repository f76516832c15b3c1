"""A world whose vehicles drive as they were recorded: the road is laid along them.

The road follows the vehicle that came farthest. Who drives beside it, along it or against it, on one
of the three innermost lanes of its way, is in this world; all others are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.spatial import cKDTree

from cctview.errors import SettingsError
from cctview.sim.world.driving import REST_S, STEP_S
from cctview.sim.world.fleet import KINDS
from cctview.sim.world.layout import OUT
from cctview.sim.world.mending import Trajectories
from cctview.sim.world.road import LANES, OVERHANG_M, Road, lane_offset
from cctview.sim.world.traffic import Traffic

__all__ = ["Recording", "recording"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_LANE_M = 3.2  # SUMO's default
_BESIDE_M = 25.0
_ALONG = 0.7  # cosine between a vehicle's heading and the road's
_SMOOTH_M = 15
_SHORTEST_M = 100.0
_CARS = ("sedan", "suv", "hatch")
_KIND_OF = {"bus": "bus", "coach": "bus", "truck": "truck", "trailer": "truck", "lorry": "truck"}
_KIND_OF |= {"van": "van", "delivery": "van", "taxi": "taxi", "moto": "motorcycle", "moped": "motorcycle"}
_NO_VEHICLE = ("bicycle", "bike", "pedestrian", "tram", "rail", "train", "ship")
_LENGTH_M = np.array([4.7, 4.8, 4.1, 4.8, 7.5, 11.8, 5.1, 2.2])  # by kind, as in KINDS


@dataclass(frozen=True, eq=False, kw_only=True)
class Recording:
    """A road and the vehicles on it, one row per vehicle and moment, in order of time and vehicle.

    ``moments`` are the seconds at which anyone was recorded, here or elsewhere; ``noticed`` is what of the file was
    left out or mended.
    """

    road: Road
    moments: Floats
    time: Floats
    vehicle: Ints
    way: Ints
    lane: Ints
    travelled: Floats
    speed: Floats
    kind: Ints
    noticed: dict[str, int] = field(default_factory=dict)

    def flow(self) -> Iterator[Traffic]:
        """Yield the traffic every STEP_S seconds from the first moment on, for ever; none after the last."""
        moments, gaps = self.moments, np.diff(self.moments)
        ends = np.searchsorted(self.time, np.append(moments, np.inf))
        longest = 1.5 * np.median(gaps)  # between two steps of SUMO; nobody is there in longer gaps
        for tick in count():
            at = tick * STEP_S
            place = int(np.searchsorted(moments, at, side="right")) - 1
            if place == len(gaps) or gaps[place] > longest:
                yield self._traffic(at, slice(0), np.zeros(0))
                continue
            now, later = (slice(ends[k], ends[k + 1]) for k in (place, place + 1))
            yield self._between(at, now, later, gaps[place])

    def _between(self, at: float, now: slice, later: slice, span: float) -> Traffic:
        """Return who is there now, as fast as leads to where each is later."""
        _, here, there = np.intersect1d(self.vehicle[now], self.vehicle[later], return_indices=True)
        same = self.way[now][here] == self.way[later][there]
        here, there = here[same], there[same]
        speed = self.speed[now].copy()
        speed[here] = np.maximum(self.travelled[later][there] - self.travelled[now][here], 0) / span
        return self._traffic(at, now, speed)

    def _traffic(self, at: float, rows: slice, speed: Floats) -> Traffic:
        way, lane, kind = self.way[rows], self.lane[rows], self.kind[rows]
        ahead = at - self.time[rows]
        return Traffic(
            time=at, identity=self.vehicle[rows] + 1, kind=kind, way=way, lane=lane, came_from=lane,
            change_left=np.full(len(way), -REST_S), travelled=self.travelled[rows] + speed * ahead, speed=speed,
            wish=speed, length=_LENGTH_M[kind], exit_at=np.full(len(way), self.road.length + 100.0),
            exit_by=np.full(len(way), OUT),
        )  # fmt: skip


def recording(given: Trajectories) -> Recording:
    """Return the world of recorded trajectories; raise SettingsError when nobody drives far enough for a road."""
    path = _laid(_farthest(given))
    s, d, sense = _on_road(path, given)
    road = _shifted(path, d[sense == 0])
    s, d, sense = _on_road(road, given)
    kinds = _kinds(given.kinds)[given.vehicle]
    lane = np.zeros(len(s), np.int64)
    for way in (0, 1):
        mine = sense == way
        aside = np.abs(d[mine])
        lane[mine] = np.rint((aside - _innermost(aside)) / _LANE_M) if mine.any() else 0
    kept = np.flatnonzero((sense >= 0) & (kinds >= 0) & (lane >= 0) & (lane < LANES) & (s >= 0) & (s <= road.length))
    kept = kept[np.lexsort((given.vehicle[kept], given.time[kept]))]
    return Recording(
        road=road,
        moments=np.unique(given.time) - given.time[0],
        time=given.time[kept] - given.time[0],
        vehicle=given.vehicle[kept],
        way=sense[kept],
        lane=lane[kept],
        travelled=np.where(sense == 0, s, road.length - s)[kept],
        speed=given.speed[kept],
        kind=kinds[kept],
        noticed=given.noticed,
    )


def _farthest(given: Trajectories) -> Floats:
    """Return the points ``(N, 2)`` of the vehicle that came farthest, in order of time."""
    order = np.lexsort((given.time, given.vehicle))
    points, owner = np.stack([given.x, given.y], axis=1)[order], given.vehicle[order]
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1) * (np.diff(owner) == 0)
    far = np.bincount(owner[1:], steps, minlength=len(given.kinds))
    if not far.max(initial=0) >= _SHORTEST_M:
        raise SettingsError(
            f"trajectories: nobody drives {_SHORTEST_M:g} m, too short for a road; record a longer stretch of SUMO"
        )
    mine: Floats = points[owner == far.argmax()]
    return mine


def _laid(points: Floats) -> Road:
    """Return a road along points ``(N, 2)``, straight on beyond them."""
    moved = np.append(True, np.linalg.norm(np.diff(points, axis=0), axis=1) > 0.1)
    points = points[moved]
    along = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    length = float(np.floor(along[-1]))
    even = np.stack([np.interp(np.arange(length + 1), along, axis) for axis in points.T], axis=1)
    ends = [even[_SMOOTH_M] - even[0], even[-1] - even[-1 - _SMOOTH_M]]
    before, after = (end / np.linalg.norm(end) for end in ends)
    reach = np.arange(1, OVERHANG_M + 1)[:, None]
    whole = np.concatenate([even[0] - reach[::-1] * before, even, even[-1] + reach * after])
    smooth = uniform_filter1d(whole, _SMOOTH_M, axis=0, mode="nearest")
    east, north = np.gradient(smooth, axis=0).T
    return Road(
        length=length,
        stations=np.arange(-OVERHANG_M, length + OVERHANG_M + 1),
        x=smooth[:, 0],
        y=smooth[:, 1],
        bearing=np.unwrap(np.arctan2(east, north)),
    )


def _shifted(road: Road, aside: Floats) -> Road:
    """Return the road moved sideways until its innermost lane lies where vehicles drive."""
    by = _innermost(aside) - float(lane_offset(np.zeros(1, np.int64), np.zeros(1))[0])
    inside = road.stations[(road.stations >= 0) & (road.stations <= road.length)]
    return _laid(road.place(inside, np.full(len(inside), by)))


def _innermost(aside: Floats) -> float:
    return float(np.quantile(aside, 0.02)) if len(aside) else 0.0


def _on_road(road: Road, given: Trajectories) -> tuple[Floats, Floats, Ints]:
    """Return road coordinates of each row, and whether it drives along (0), against (1) or elsewhere (-1)."""
    points = np.stack([given.x, given.y], axis=1)
    away, near = cKDTree(np.stack([road.x, road.y], axis=1)).query(points)
    s, d = road.locate(points, road.stations[near])
    along = np.cos(np.deg2rad(given.angle) - road.heading(s))
    beside = away < _BESIDE_M
    right = np.where(along > 0, d > -_BESIDE_M, d < 0)
    sense = np.where(beside & right & (along > _ALONG), 0, np.where(beside & right & (along < -_ALONG), 1, OUT))
    return s, d, sense


def _kinds(types: NDArray[np.str_]) -> Ints:
    """Return the kind of each vehicle by the words in SUMO's type, -1 for what is no motor vehicle."""
    names = np.strings.lower(types)
    kinds = np.array([KINDS.tolist().index(name) for name in _CARS])[np.arange(len(names)) % len(_CARS)]
    for word in _NO_VEHICLE:
        kinds = np.where(np.strings.find(names, word) >= 0, OUT, kinds)
    for word, kind in _KIND_OF.items():  # a trailer is no rail, a motorbike no bike
        kinds = np.where(np.strings.find(names, word) >= 0, KINDS.tolist().index(kind), kinds)
    return kinds
