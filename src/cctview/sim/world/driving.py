"""How vehicles drive: following, stopping, changing lanes; one array step at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.world.layout import CYCLE_S, GREEN_S, Layout
from cctview.sim.world.road import LANES
from cctview.sim.world.traffic import CHANGE_S, Traffic

__all__ = ["STEP_S", "changing_lanes", "moved"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

STEP_S = 0.5
REST_S = 6.0
_GAP_M, _HEADWAY_S, _ACCELERATION, _BRAKING = 2.0, 1.2, 1.4, 2.0
_SOFTEST, _HARDEST = -2.5, -9.0
_TRY = 0.4  # of the vehicles that may change lanes think about it in one step
_KEY = 1e6  # longer than any road, so that one sorted array holds every lane
_WAVE_S, _WAVE = 95.0, 0.55  # how often and how much a bottleneck's speed comes and goes


def moved(traffic: Traffic, layout: Layout) -> Traffic:
    """Return the traffic one step later; nobody enters the space of the vehicle in front."""
    row, key = _presence(traffic)
    if not len(row):
        return traffic
    lane = np.floor(key / _KEY)
    leader = np.append(np.where(lane[1:] == lane[:-1], row[1:], -1), -1)
    wish = _wish(traffic, layout)
    pull, gap = _pull(traffic, wish, row, leader)
    slowest, room = np.full(len(traffic), np.inf), np.full(len(traffic), np.inf)
    np.minimum.at(slowest, row, pull)
    np.minimum.at(room, row, gap)
    if len(layout.signals.at):
        slowest = np.minimum(slowest, _held(traffic, layout))
    speed = np.clip(traffic.speed + slowest * STEP_S, 0.0, np.maximum(room - 0.5, 0.0) / STEP_S)
    return replace(
        traffic,
        travelled=traffic.travelled + speed * STEP_S,
        speed=speed,
        change_left=traffic.change_left - STEP_S,
    )


def changing_lanes(traffic: Traffic, tick: int, rng: np.random.Generator) -> Traffic:
    """Return the traffic with some vehicles starting a lane change (MOBIL: gain against the harm done behind).

    Each step serves one pair of neighbouring lanes in one sense, so two vehicles can never choose
    the same gap from two sides. Kesting, Treiber, Helbing: MOBIL, Transp. Res. Rec. 1999 (2007).
    """
    origin, target = ((0, 1), (1, 2), (1, 0), (2, 1))[tick % 4]
    rested = traffic.change_left < -REST_S
    who = np.flatnonzero((traffic.lane == origin) & rested & (rng.random(len(traffic)) < _TRY))
    if not len(who):
        return traffic
    row, key = _presence(traffic)
    old_leader, _ = _beside(traffic, who, origin, row, key)
    leader, follower = _beside(traffic, who, target, row, key)
    wish = traffic.wish
    now, _ = _pull(traffic, wish, who, old_leader)
    then, front = _pull(traffic, wish, who, leader)
    harm, back = _pull(traffic, wish, np.maximum(follower, 0), np.where(follower < 0, -1, who))
    harm, back = np.where(follower < 0, 0.0, harm), np.where(follower < 0, np.inf, back)
    to_exit = traffic.exit_at[who] - traffic.travelled[who]
    urge = np.where((to_exit > 0) & (to_exit < 350), np.where(target > origin, 2.0, -2.0), 0.1 * (target - origin))
    safe = (front > 4) & (back > 4) & (harm > -2.5) & (then > -2.0)
    changed = who[safe & (then - now + 0.3 * np.minimum(harm, 0) + urge > 0.35)]
    lane, came_from, left = traffic.lane.copy(), traffic.came_from.copy(), traffic.change_left.copy()
    lane[changed], came_from[changed], left[changed] = target, origin, CHANGE_S
    return replace(traffic, lane=lane, came_from=came_from, change_left=left)


def _presence(traffic: Traffic) -> tuple[Ints, Floats]:
    """Return vehicle rows and lane keys, sorted by key; a vehicle changing lanes is present in both."""
    changing = np.flatnonzero(traffic.change_left > 0)
    row = np.concatenate([np.arange(len(traffic)), changing])
    lane = np.concatenate([traffic.lane, traffic.came_from[changing]])
    key = (traffic.way[row] * LANES + lane) * _KEY + traffic.travelled[row]
    order = np.argsort(key)
    return row[order], key[order]


def _beside(traffic: Traffic, who: Ints, lane: int, row: Ints, key: Floats) -> tuple[Ints, Ints]:
    """Return the vehicles in front of and behind ``who`` in a lane; -1 where there is none."""
    group = traffic.way[who] * LANES + lane
    place = group * _KEY + traffic.travelled[who]
    after, before = np.searchsorted(key, place, side="right"), np.searchsorted(key, place, side="left") - 1
    front, back = np.minimum(after, len(key) - 1), np.maximum(before, 0)
    leader = np.where((after < len(key)) & (key[front] // _KEY == group), row[front], -1)
    follower = np.where((before >= 0) & (key[back] // _KEY == group), row[back], -1)
    return leader, follower


def _pull(traffic: Traffic, wish: Floats, follower: Ints, leader: Ints) -> tuple[Floats, Floats]:
    """Return intelligent-driver accelerations and gaps of followers; ``leader`` -1 means a free road.

    Treiber, Hennecke, Helbing: Congested traffic states, Phys. Rev. E 62 (2000).
    """
    speed = traffic.speed[follower]
    rear = traffic.travelled[leader] - traffic.length[leader]
    gap = np.where(leader < 0, np.inf, rear - traffic.travelled[follower])
    closing = np.where(leader < 0, 0.0, speed - traffic.speed[leader])
    return _acceleration(speed, wish[follower], gap, closing), gap


def _acceleration(speed: Floats, wish: Floats, gap: Floats, closing: Floats) -> Floats:
    desired = _GAP_M + np.maximum(_HEADWAY_S * speed + speed * closing / (2 * np.sqrt(_ACCELERATION * _BRAKING)), 0)
    ratio = speed / wish
    ratio *= ratio
    free = np.maximum(_ACCELERATION * (1 - ratio * ratio), _SOFTEST)
    near = desired / np.maximum(gap, 0.1)
    return np.maximum(free - _ACCELERATION * near * near, _HARDEST)


def _wish(traffic: Traffic, layout: Layout) -> Floats:
    """Return the speed each vehicle would drive at if it were alone, bottlenecks included."""
    slow = layout.bottlenecks
    if not len(slow.way):
        return traffic.wish
    inside = (
        (traffic.way[:, None] == slow.way)
        & (traffic.travelled[:, None] > slow.start)
        & (traffic.travelled[:, None] < slow.end)
    )
    limit = slow.speed * (1 + _WAVE * np.sin(2 * np.pi * traffic.time / _WAVE_S + slow.start))
    return np.minimum(traffic.wish, np.where(inside, limit, np.inf).min(axis=1))


def _held(traffic: Traffic, layout: Layout) -> Floats:
    """Return the accelerations that the next red signal asks of vehicles that can still stop."""
    signals = layout.signals
    key = signals.way * _KEY + signals.at
    following = np.searchsorted(key, traffic.way * _KEY + traffic.travelled)
    place = np.minimum(following, len(key) - 1)
    gap = np.where(following < len(key), signals.at[place] - traffic.travelled, np.inf)
    red = (traffic.time + signals.offset[place]) % CYCLE_S > GREEN_S
    stops = red & (signals.way[place] == traffic.way) & (gap > 0) & (traffic.speed**2 / (2 * np.maximum(gap, 0.1)) < 4)
    held = _acceleration(traffic.speed, traffic.wish, gap + _GAP_M, traffic.speed)
    return np.where(stops, held, np.inf)
