"""The vehicles of a world at one moment, and the people on its walkways."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cctview.sim.world.road import LANE_WIDTH, Road, lane_offset

__all__ = ["CHANGE_S", "Pedestrians", "Traffic", "stroll"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

CHANGE_S = 3.0
_FIRST_PEDESTRIAN = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Every vehicle on the roads at one moment, one row each.

    ``way`` is the carriageway, ``travelled`` the front bumper in metres from its beginning; ``came_from``
    the lane a vehicle is leaving (its own when it is not changing), ``change_left`` the seconds of the lane
    change still to go (below zero: seconds since the last one), ``wish`` the free speed in m/s, ``exit_at``
    where it turns off, ``exit_by`` through which exit (-1: it drives to the end).
    """

    time: float
    identity: Ints
    kind: Ints
    way: Ints
    lane: Ints
    came_from: Ints
    change_left: Floats
    travelled: Floats
    speed: Floats
    wish: Floats
    length: Floats
    exit_at: Floats
    exit_by: Ints

    def __len__(self) -> int:
        return len(self.identity)

    @property
    def direction(self) -> Ints:
        """Return (N,) 0 for vehicles towards growing ``s``, 1 for the others."""
        return self.way % 2

    def rows(self, chosen: Any) -> Self:
        """Return the chosen vehicles only."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _COLUMNS})

    def joined(self, other: Self) -> Self:
        """Return these vehicles followed by the others, at this table's moment."""
        if not len(other):
            return self
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in _COLUMNS)
        columns: dict[str, Any] = {name: np.concatenate([mine, theirs]) for name, mine, theirs in pairs}
        return replace(self, **columns)

    def on(self, road: int) -> Self:
        """Return the vehicles on one road."""
        return self.rows(self.way >> 1 == road)

    def at(self, time: float, road: Road, *, against: bool = False) -> tuple[Floats, Floats, Floats]:
        """Return ``s``, ``d`` of the vehicles' middles and their heading, (N,) each, at a moment up to one step ahead.

        All must be on this road; ``against`` says that it is the reversed one.
        """
        ahead = time - self.time
        along = self.travelled + self.speed * ahead - self.length / 2
        sense = self.direction ^ 1 if against else self.direction
        s = np.where(sense == 0, along, road.length - along)
        left = np.clip(self.change_left - ahead, 0.0, CHANGE_S) / CHANGE_S
        blend = left * left * (3 - 2 * left)
        lane = self.lane + (self.came_from - self.lane) * blend
        drift = 6 * left * (1 - left) * (self.lane - self.came_from) * (LANE_WIDTH / CHANGE_S)
        heading = road.heading(s) + np.where(sense == 0, 0.0, np.pi)
        return s, lane_offset(sense, lane), heading + np.arctan2(drift, np.maximum(self.speed, 4))


_COLUMNS = tuple(f.name for f in fields(Traffic) if f.name != "time")


@dataclass(frozen=True, kw_only=True)
class Pedestrians:
    """People on the walkways of one road: where each was at time 0, and how it walks."""

    identity: Ints
    start: Floats
    offset: Floats
    pace: Floats
    span: float

    def at(self, time: float, road: Road, *, against: bool = False) -> tuple[Floats, Floats, Floats]:
        """Return ``s``, ``d`` and heading, (N,) each, of every person."""
        s = (self.start + self.pace * time) % self.span
        forward = (self.pace > 0) != against
        s, d = (self.span - s, -self.offset) if against else (s, self.offset)
        return s, d, road.heading(s) + np.where(forward, 0.0, np.pi)


def stroll(road: Road, offsets: tuple[float, float], rng: np.random.Generator, first: int = 0) -> Pedestrians:
    """Return people spread over both walkways, whose offsets lie between two values, one for every 22 m."""
    count = int(road.length / 22)
    pace = rng.normal(1.35, 0.2, count) * rng.choice([-1.0, 1.0], count)
    return Pedestrians(
        identity=_FIRST_PEDESTRIAN + first + np.arange(count),
        start=rng.uniform(0, road.length, count),
        offset=rng.uniform(*offsets, count) * rng.choice([-1.0, 1.0], count),
        pace=pace,
        span=road.length,
    )
