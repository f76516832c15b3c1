"""Traffic on the road: arrivals, car following, lane changes, and ways out, one array step at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cctview.sim.road import LANES, Road, lane_offset

__all__ = ["KINDS", "STEP_S", "Pedestrians", "Traffic", "flow", "stroll"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

STEP_S = 0.2
_FIRST_PEDESTRIAN = 1_000_000_000
KINDS = np.array(["sedan", "suv", "hatch", "taxi", "truck", "bus"])
_KIND_SHARE = (0.40, 0.33, 0.12, 0.05, 0.07, 0.03)
_LENGTH_M = np.array([(4.5, 5.0), (4.5, 5.1), (3.8, 4.3), (4.6, 5.0), (6.5, 8.5), (10.8, 12.4)])
_SPEED_MPS = np.array([20.5, 20.5, 20.0, 20.0, 18.0, 17.5])
_LANE_SHARE = np.array([0.30, 0.38, 0.32])
_RAMP_SHARE = 0.12
_CHANGE_S = 3.0
_REST_S = 6.0
_GAP_M, _HEADWAY_S, _ACCELERATION, _BRAKING = 2.0, 1.2, 1.4, 2.0
_LANE_KEY = 1e6  # longer than any road, so that one sorted array holds every lane


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Every vehicle on the road at one moment, one row each.

    ``travelled`` is the front bumper in metres from the vehicle's own end of the road, ``came_from``
    the lane it is leaving (its own when it is not changing), ``change_left`` the seconds of the lane
    change still to go (below zero: seconds since the last one), ``wish`` the free speed in m/s,
    ``exit_at`` where it leaves.
    """

    time: float
    identity: Ints
    kind: Ints
    direction: Ints
    lane: Ints
    came_from: Ints
    change_left: Floats
    travelled: Floats
    speed: Floats
    wish: Floats
    length: Floats
    exit_at: Floats

    def __len__(self) -> int:
        return len(self.identity)

    def rows(self, chosen: Any) -> Self:
        """Return the chosen vehicles only."""
        columns = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name != "time"}
        return replace(self, **columns)

    def joined(self, other: Self) -> Self:
        """Return these vehicles followed by the others, at this table's moment."""
        columns: dict[str, Any] = {
            f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
            for f in fields(self)
            if f.name != "time"
        }
        return replace(self, **columns)

    def at(self, time: float, road: Road) -> tuple[Floats, Floats, Floats]:
        """Return ``s``, ``d`` of the vehicles' middles and their heading at a moment up to one step ahead."""
        ahead = time - self.time
        along = self.travelled + self.speed * ahead - self.length / 2
        s = np.where(self.direction == 0, along, road.length - along)
        left = np.clip(self.change_left - ahead, 0.0, _CHANGE_S) / _CHANGE_S
        blend = left * left * (3 - 2 * left)
        lane = self.lane + (self.came_from - self.lane) * blend
        drift = 6 * left * (1 - left) * (self.lane - self.came_from) * (3.5 / _CHANGE_S)
        heading = road.heading(s) + np.where(self.direction == 0, 0.0, np.pi)
        return s, lane_offset(self.direction, lane), heading + np.arctan2(drift, np.maximum(self.speed, 4))


@dataclass(frozen=True, kw_only=True)
class Pedestrians:
    """People on the walkway: where each was at time 0, and how it walks."""

    identity: Ints
    start: Floats
    offset: Floats
    pace: Floats
    span: float

    def at(self, time: float, road: Road) -> tuple[Floats, Floats, Floats]:
        """Return ``s``, ``d`` and heading of every person."""
        s = (self.start + self.pace * time) % self.span
        return s, self.offset, road.heading(s) + np.where(self.pace > 0, 0.0, np.pi)


@dataclass(frozen=True, kw_only=True)
class _Doors:
    """Where vehicles come in: one row per lane at either end, one per on-ramp and direction."""

    direction: Ints
    lane: Ints
    at: Floats
    rate: Floats


def stroll(road: Road, offsets: tuple[float, float], rng: np.random.Generator) -> Pedestrians:
    """Return people spread over both walkways, whose offsets lie between two values, one for every 22 m."""
    count = int(road.length / 22)
    pace = rng.normal(1.35, 0.2, count) * rng.choice([-1.0, 1.0], count)
    return Pedestrians(
        identity=_FIRST_PEDESTRIAN + np.arange(count),
        start=rng.uniform(0, road.length, count),
        offset=rng.uniform(*offsets, count) * rng.choice([-1.0, 1.0], count),
        pace=pace,
        span=road.length,
    )


def flow(road: Road, per_minute: float, rng: np.random.Generator) -> Iterator[Traffic]:
    """Yield the traffic every STEP_S seconds from time 0, for ever, on a road that is already in use."""
    doors = _doors(road, per_minute / 60)
    waiting = np.zeros(len(doors.rate), np.int64)
    next_identity = 1
    traffic = _spawn(np.zeros(0, np.int64), doors, road, 1, rng)
    warm_up = int(road.length / _SPEED_MPS.min() * 1.3 / STEP_S)
    for tick in range(-warm_up, 2**62):
        if tick >= 0:
            yield traffic
        waiting += rng.poisson(doors.rate * STEP_S)
        entering = np.flatnonzero((waiting > 0) & _free(traffic, doors))
        waiting[entering] -= 1
        moved = _moved(_leaving(_changing_lanes(traffic, tick, rng), road))
        traffic = replace(moved.joined(_spawn(entering, doors, road, next_identity, rng)), time=(tick + 1) * STEP_S)
        next_identity += len(entering)


def _doors(road: Road, per_second: float) -> _Doors:
    """Return the doors with their mean arrivals per second; every ramp lets in as many as leave before it."""
    ramps = len(road.ramps)
    both = np.array([0, 1])
    ramp_at = np.concatenate([road.ramps, road.length - road.ramps])
    return _Doors(
        direction=np.concatenate([np.repeat(both, LANES), np.repeat(both, ramps)]),
        lane=np.concatenate([np.tile(np.arange(LANES), 2), np.full(2 * ramps, LANES - 1)]),
        at=np.concatenate([np.zeros(2 * LANES), ramp_at]),
        rate=per_second * np.concatenate([np.tile(_LANE_SHARE, 2), np.full(2 * ramps, _RAMP_SHARE)]),
    )


def _spawn(entering: Ints, doors: _Doors, road: Road, first: int, rng: np.random.Generator) -> Traffic:
    """Return new vehicles just inside the doors they enter by."""
    count = len(entering)
    kind = rng.choice(len(KINDS), count, p=_KIND_SHARE)
    direction, lane, at = doors.direction[entering], doors.lane[entering], doors.at[entering]
    wish = _SPEED_MPS[kind] * rng.normal(1.0, 0.09, count).clip(0.75, 1.3) + 0.9 * (LANES - 1 - lane)
    exits = np.sort(np.where(direction[:, None] == 0, road.ramps - 60, road.length - road.ramps - 60), axis=1)
    taken = (exits > at[:, None] + 150) & (rng.random(exits.shape) < _RAMP_SHARE)
    return Traffic(
        time=0.0,
        identity=first + np.arange(count),
        kind=kind,
        direction=direction,
        lane=lane,
        came_from=lane,
        change_left=np.full(count, -_REST_S),
        travelled=at.astype(np.float64),
        speed=wish * 0.9,
        wish=wish,
        length=rng.uniform(*_LENGTH_M[kind].T),
        exit_at=np.where(taken, exits, road.length).min(axis=1, initial=road.length),
    )


def _free(traffic: Traffic, doors: _Doors) -> NDArray[np.bool_]:
    """Return which doors have room for a vehicle of any length."""
    same = (doors.direction[:, None] == traffic.direction) & (
        (doors.lane[:, None] == traffic.lane) | ((doors.lane[:, None] == traffic.came_from) & (traffic.change_left > 0))
    )
    rear = (traffic.travelled - traffic.length) - doors.at[:, None]
    ahead_clear = rear > 8 + 1.3 * np.maximum(20 - traffic.speed, 0) + 10
    behind_clear = doors.at[:, None] - 13.0 - traffic.travelled > 12 + 0.8 * traffic.speed
    return np.all(~same | ahead_clear | behind_clear, axis=1)


def _presence(traffic: Traffic) -> tuple[Ints, Floats]:
    """Return vehicle rows and lane keys, sorted by key; a vehicle changing lanes is present in both."""
    changing = np.flatnonzero(traffic.change_left > 0)
    row = np.concatenate([np.arange(len(traffic)), changing])
    lane = np.concatenate([traffic.lane, traffic.came_from[changing]])
    key = (traffic.direction[row] * LANES + lane) * _LANE_KEY + traffic.travelled[row]
    order = np.argsort(key, kind="stable")
    return row[order], key[order]


def _pull(traffic: Traffic, follower: Ints, leader: Ints) -> tuple[Floats, Floats]:
    """Return intelligent-driver accelerations and gaps of followers; ``leader`` -1 means a free road.

    Treiber, Hennecke, Helbing: Congested traffic states, Phys. Rev. E 62 (2000).
    """
    speed, wish = traffic.speed[follower], traffic.wish[follower]
    gap = np.where(leader < 0, np.inf, (traffic.travelled - traffic.length)[leader] - traffic.travelled[follower])
    closing = np.where(leader < 0, 0.0, speed - traffic.speed[leader])
    desired = _GAP_M + np.maximum(_HEADWAY_S * speed + speed * closing / (2 * np.sqrt(_ACCELERATION * _BRAKING)), 0)
    pull = _ACCELERATION * (1 - (speed / wish) ** 4 - (desired / np.maximum(gap, 0.1)) ** 2)
    return np.clip(pull, -9.0, _ACCELERATION), gap


def _moved(traffic: Traffic) -> Traffic:
    """Return the traffic one step later; nobody enters the space of the vehicle in front."""
    row, key = _presence(traffic)
    if not len(row):
        return traffic
    same = np.append(key[1:] // _LANE_KEY == key[:-1] // _LANE_KEY, False)
    leader = np.where(same, np.roll(row, -1), -1)
    pull, gap = _pull(traffic, row, leader)
    slowest, room = np.full(len(traffic), np.inf), np.full(len(traffic), np.inf)
    np.minimum.at(slowest, row, pull)
    np.minimum.at(room, row, gap)
    speed = np.clip(traffic.speed + slowest * STEP_S, 0.0, np.maximum(room - 0.5, 0.0) / STEP_S)
    return replace(
        traffic,
        travelled=traffic.travelled + speed * STEP_S,
        speed=speed,
        change_left=traffic.change_left - STEP_S,
    )


def _leaving(traffic: Traffic, road: Road) -> Traffic:
    """Return the traffic without those who left; who missed the ramp in another lane drives on to the end."""
    passed = traffic.travelled >= traffic.exit_at
    at_end = traffic.travelled - traffic.length >= road.length - 5
    gone = at_end | (passed & (traffic.lane == LANES - 1) & (traffic.change_left <= 0))
    missed = traffic.travelled > traffic.exit_at + 30
    return replace(traffic, exit_at=np.where(missed, road.length + 100, traffic.exit_at)).rows(~gone)


def _changing_lanes(traffic: Traffic, tick: int, rng: np.random.Generator) -> Traffic:
    """Return the traffic with some vehicles starting a lane change (MOBIL: gain against the harm done behind).

    Each step serves one pair of neighbouring lanes in one sense, so two vehicles can never choose
    the same gap from two sides. Kesting, Treiber, Helbing: MOBIL, Transp. Res. Rec. 1999 (2007).
    """
    origin, target = ((0, 1), (1, 2), (1, 0), (2, 1))[tick % 4]
    rested = traffic.change_left < -_REST_S
    who = np.flatnonzero((traffic.lane == origin) & rested & (rng.random(len(traffic)) < 0.25))
    if not len(who):
        return traffic
    row, key = _presence(traffic)
    old_leader, _ = _beside(traffic, who, origin, row, key)
    leader, follower = _beside(traffic, who, target, row, key)
    now, _ = _pull(traffic, who, old_leader)
    then, front = _pull(traffic, who, leader)
    harm, back = _pull(traffic, np.maximum(follower, 0), np.where(follower < 0, -1, who))
    harm, back = np.where(follower < 0, 0.0, harm), np.where(follower < 0, np.inf, back)
    to_exit = traffic.exit_at[who] - traffic.travelled[who]
    urge = np.where((to_exit > 0) & (to_exit < 350), np.where(target > origin, 2.0, -2.0), 0.1 * (target - origin))
    safe = (front > 4) & (back > 4) & (harm > -2.5) & (then > -2.0)
    changed = who[safe & (then - now + 0.3 * np.minimum(harm, 0) + urge > 0.35)]
    lane, came_from, left = traffic.lane.copy(), traffic.came_from.copy(), traffic.change_left.copy()
    lane[changed], came_from[changed], left[changed] = target, origin, _CHANGE_S
    return replace(traffic, lane=lane, came_from=came_from, change_left=left)


def _beside(traffic: Traffic, who: Ints, lane: int, row: Ints, key: Floats) -> tuple[Ints, Ints]:
    """Return the vehicles in front of and behind ``who`` in a lane; -1 where there is none."""
    group = traffic.direction[who] * LANES + lane
    place = group * _LANE_KEY + traffic.travelled[who]
    after, before = np.searchsorted(key, place, side="right"), np.searchsorted(key, place, side="left") - 1
    front, back = np.minimum(after, len(key) - 1), np.maximum(before, 0)
    leader = np.where((after < len(key)) & (key[front] // _LANE_KEY == group), row[front], -1)
    follower = np.where((before >= 0) & (key[back] // _LANE_KEY == group), row[back], -1)
    return leader, follower
