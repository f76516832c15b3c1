"""Traffic in a world: who comes in where, who turns off, and every moment of it in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.world.driving import REST_S, STEP_S, changing_lanes, moved
from cctview.sim.world.fleet import KINDS
from cctview.sim.world.layout import LANE_SHARE, OUT, Layout
from cctview.sim.world.road import LANES
from cctview.sim.world.traffic import Traffic

__all__ = ["STEP_S", "flow"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_KIND_SHARE = (0.38, 0.31, 0.11, 0.05, 0.05, 0.03, 0.06, 0.01)
_LENGTH_M = np.array([(4.5, 5.0), (4.5, 5.1), (3.8, 4.3), (4.6, 5.0), (6.5, 8.5), (10.8, 12.4), (4.9, 6.0), (2.0, 2.3)])
_SPEED_MPS = np.array([20.5, 20.5, 20.0, 20.0, 18.0, 17.5, 19.5, 21.0])
_WARM_UP_S, _WARM_UP_JAMMED_S = 60.0, 300.0
_LONGEST_QUEUE = 40  # vehicles at one door; who comes later takes another road
_CLEAR_M = 150.0  # nobody turns off sooner after coming in
_MISSED_M = 30.0
_DOOR_M = 60.0  # what is farther from a door leaves it free


@dataclass(frozen=True, kw_only=True)
class _Queue:
    """Vehicles that wait to come in: through which door, and from when on."""

    vehicles: Traffic
    door: Ints
    due: Floats

    def joined(self, vehicles: Traffic, door: Ints, due: Floats) -> _Queue:
        return _Queue(
            vehicles=self.vehicles.joined(vehicles),
            door=np.concatenate([self.door, door]),
            due=np.concatenate([self.due, due]),
        )

    def rows(self, chosen: Any) -> _Queue:
        return _Queue(vehicles=self.vehicles.rows(chosen), door=self.door[chosen], due=self.due[chosen])


class _Drivers:
    """Makes vehicles with kind, size, temper and destination, each with a number of its own."""

    def __init__(self, layout: Layout, rng: np.random.Generator) -> None:
        self._layout, self._rng, self._next = layout, rng, 1

    def come(self, way: Ints, lane: Ints, at: Floats) -> Traffic:
        """Return new vehicles at positions on ways."""
        count, rng = len(way), self._rng
        kind = rng.choice(len(KINDS), count, p=_KIND_SHARE)
        wish = _SPEED_MPS[kind] * rng.normal(1.0, 0.09, count).clip(0.75, 1.3) + 0.9 * (LANES - 1 - lane)
        identity = self._next + np.arange(count)
        self._next += count
        blank = np.zeros(count)
        fresh = Traffic(
            time=0.0, identity=identity, kind=kind, way=way, lane=lane, came_from=lane, change_left=blank - REST_S,
            travelled=blank, speed=blank, wish=wish, length=rng.uniform(*_LENGTH_M[kind].T), exit_at=blank,
            exit_by=np.full(count, OUT),
        )  # fmt: skip
        return self.enter(fresh, way, lane, at, 1.0)

    def enter(self, who: Traffic, way: Ints, lane: Ints, at: Floats, pace: float | Floats) -> Traffic:
        """Return vehicles put on ways, with the exits they will take; ``pace`` is that of the road they left."""
        wish = who.wish * self._layout.pace[way // 2] / pace
        exits, length = self._layout.exits, self._layout.length[way]
        ahead = (exits.way == way[:, None]) & (exits.at > at[:, None] + np.minimum(_CLEAR_M, 0.5 * length)[:, None])
        taken = ahead & (self._rng.random(ahead.shape) < exits.share)
        where = np.where(taken, exits.at, np.inf)
        first = where.argmin(axis=1) if where.size else np.zeros(len(way), np.int64)
        leaves = taken.any(axis=1)
        return replace(
            who, way=way, lane=lane, came_from=lane, change_left=np.full(len(way), -REST_S), travelled=at,
            speed=wish * 0.9, wish=wish, exit_by=np.where(leaves, first, OUT),
            exit_at=np.where(leaves, exits.at[first] if len(exits.at) else 0.0, length + 100.0),
        )  # fmt: skip


def flow(layout: Layout, per_minute: float, rng: np.random.Generator) -> Iterator[Traffic]:
    """Yield the traffic every STEP_S seconds from time 0, for ever, on roads that are already in use.

    ``per_minute`` vehicles are asked for at each end of each road.
    """
    drivers, per_second = _Drivers(layout, rng), per_minute / 60
    traffic = drivers.come(*_settled(layout, per_second, rng))
    queue = _Queue(vehicles=traffic.rows(slice(0)), door=np.zeros(0, np.int64), due=np.zeros(0))
    slow_to_settle = len(layout.bottlenecks.way) or len(layout.signals.way)
    for tick in range(-int((_WARM_UP_JAMMED_S if slow_to_settle else _WARM_UP_S) / STEP_S), 2**62):
        traffic = replace(traffic, time=tick * STEP_S)
        if tick >= 0:
            yield traffic
        queue = _arriving(queue, layout, drivers, per_second, traffic.time, rng)
        traffic, turning = _leaving(changing_lanes(traffic, tick, rng), layout)
        entering, queue = _entering(_turned(queue, turning, layout, drivers), traffic, layout)
        traffic = moved(traffic, layout).joined(entering)


def _settled(layout: Layout, per_second: float, rng: np.random.Generator) -> tuple[Ints, Ints, Floats]:
    """Return ways, lanes and positions of the vehicles that are there before anyone comes in."""
    ends = layout.doors.at == 0
    way, lane, rate = layout.doors.way[ends], layout.doors.lane[ends], layout.doors.rate[ends]
    rate = np.where(rate > 0, rate, 0.5 * np.array(LANE_SHARE)[lane]) * per_second
    speed = _SPEED_MPS[0] * layout.pace[way // 2]
    count = np.minimum(rate / speed, 1 / 40) * layout.length[way]
    whole = np.floor(count + rng.random(len(count))).astype(np.int64)
    row = np.repeat(np.arange(len(way)), whole)
    place = np.arange(len(row)) - np.repeat(np.cumsum(whole) - whole, whole)
    gap = layout.length[way[row]] / whole[row]
    return way[row], lane[row], (place + 0.35 + 0.5 * rng.random(len(row))) * gap


def _arriving(
    queue: _Queue, layout: Layout, drivers: _Drivers, per_second: float, now: float, rng: np.random.Generator
) -> _Queue:
    """Return the queue with those who arrive during one step; a full queue takes nobody."""
    doors = layout.doors
    waiting = np.bincount(queue.door, minlength=len(doors.at))
    arrivals = np.where(waiting < _LONGEST_QUEUE, rng.poisson(doors.rate * (per_second * STEP_S)), 0)
    door = np.repeat(np.arange(len(doors.at)), arrivals)
    if not len(door):
        return queue
    fresh = drivers.come(doors.way[door], doors.lane[door], doors.at[door])
    return queue.joined(fresh, door, np.full(len(door), now))


def _entering(queue: _Queue, traffic: Traffic, layout: Layout) -> tuple[Traffic, _Queue]:
    """Return who comes in now, one at most at each door that is free, and who goes on waiting."""
    due = np.flatnonzero(queue.due <= traffic.time)
    door, first = np.unique(queue.door[due], return_index=True)
    enters = np.zeros(len(queue.door), np.bool_)
    enters[due[first[_free(traffic, layout, door)]]] = True
    return queue.vehicles.rows(enters), queue.rows(~enters)


def _free(traffic: Traffic, layout: Layout, door: Ints) -> NDArray[np.bool_]:
    """Return which of these doors have room for a vehicle of any length."""
    doors = layout.doors
    lane, at = doors.lane[door, None], doors.at[door, None]
    here = (traffic.way == doors.way[door, None]) & (np.abs(traffic.travelled - at) < _DOOR_M)
    same = (traffic.lane == lane) | ((traffic.came_from == lane) & (traffic.change_left > 0))
    front = traffic.travelled - at
    ahead_clear = front - traffic.length > 12 + np.maximum(18 - traffic.speed, 0)
    behind_clear = -front - 13.0 > 12 + 0.8 * traffic.speed
    return ~np.any(here & same & ~ahead_clear & ~behind_clear, axis=1)


def _leaving(traffic: Traffic, layout: Layout) -> tuple[Traffic, Traffic]:
    """Return who stays and who turns off; who missed the exit in another lane drives on to the end."""
    end = layout.length[traffic.way]
    passed = traffic.travelled >= traffic.exit_at
    off = passed & (traffic.lane == LANES - 1) & (traffic.change_left <= 0)
    gone = off | (traffic.travelled - traffic.length >= end - 5)
    missed = traffic.travelled > traffic.exit_at + _MISSED_M
    if missed.any():
        exit_at = np.where(missed, end + 100.0, traffic.exit_at)
        traffic = replace(traffic, exit_at=exit_at, exit_by=np.where(missed, OUT, traffic.exit_by))
    if not gone.any():
        return traffic, traffic.rows(gone)
    return traffic.rows(~gone), traffic.rows(off & (traffic.exit_by != OUT))


def _turned(queue: _Queue, turning: Traffic, layout: Layout, drivers: _Drivers) -> _Queue:
    """Return the queue with those who turned off onto another road."""
    exits, doors = layout.exits, layout.doors
    turning = turning.rows(exits.door[turning.exit_by] != OUT) if len(turning) else turning
    if not len(turning):
        return queue
    door = exits.door[turning.exit_by]
    pace = layout.pace[turning.way // 2]
    entering = drivers.enter(turning, doors.way[door], doors.lane[door], doors.at[door], pace)
    return queue.joined(entering, door, turning.time + exits.delay[turning.exit_by])
