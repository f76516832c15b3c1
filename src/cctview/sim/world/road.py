"""A road: a gently winding centre line and its cross-section."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FIRST_LINE",
    "LANES",
    "LANE_WIDTH",
    "MEDIAN",
    "OVERHANG_M",
    "PARAPET",
    "RAILING",
    "SHOULDER",
    "WALKWAY",
    "Road",
    "lane_offset",
    "winding",
]

Floats = NDArray[np.floating[Any]]

LANES = 3
LANE_WIDTH = 3.5
MEDIAN = 0.35  # metres from the centre line to the face of the median barrier
FIRST_LINE = 1.1
SHOULDER = FIRST_LINE + LANES * LANE_WIDTH
PARAPET = SHOULDER + 1.8
WALKWAY = PARAPET + 1.0
RAILING = WALKWAY + 4.0
OVERHANG_M = 1500  # metres of road drawn beyond either end, for the view to the horizon


@dataclass(frozen=True, kw_only=True)
class Road:
    """A centre line sampled every metre, with road coordinates ``(s, d)``.

    ``s`` is metres along the road, ``d`` metres to the right of the centre line when looking along
    growing ``s``. The ground is flat: x points east, y north, z up. Direction 0 travels towards
    growing ``s`` on positive ``d``, direction 1 the other way.
    """

    length: float
    stations: Floats
    x: Floats
    y: Floats
    bearing: Floats

    def heading(self, s: Floats) -> Floats:
        """Return the direction of the centre line at ``(...)`` metres, in radians clockwise from north."""
        return np.interp(s, self.stations, self.bearing)

    def place(self, s: Floats, d: Floats) -> Floats:
        """Return ground points of road coordinates: ``(...)`` and ``(...)`` to ``(..., 2)``."""
        bearing = self.heading(s)
        x = np.interp(s, self.stations, self.x) + d * np.cos(bearing)
        y = np.interp(s, self.stations, self.y) - d * np.sin(bearing)
        return np.stack([x, y], axis=-1)

    def locate(self, points: Floats, guess: Floats) -> tuple[Floats, Floats]:
        """Return road coordinates of ground points ``(..., 2)`` by Newton steps along the road from ``guess``."""
        s = guess
        for _ in range(3):
            along, _ = self._residual(points, s)
            s = s + along
        return s, self._residual(points, s)[1]

    def reversed(self) -> Self:
        """Return the same road looked along the other way: ``s`` becomes ``length - s`` and ``d`` becomes ``-d``."""
        return replace(
            self,
            stations=(self.length - self.stations)[::-1],
            x=self.x[::-1],
            y=self.y[::-1],
            bearing=self.bearing[::-1] + np.pi,
        )

    def _residual(self, points: Floats, s: Floats) -> tuple[Floats, Floats]:
        centre = self.place(s, np.zeros_like(s))
        east, north = points[..., 0] - centre[..., 0], points[..., 1] - centre[..., 1]
        bearing = self.heading(s)
        sine, cosine = np.sin(bearing), np.cos(bearing)
        return east * sine + north * cosine, east * cosine - north * sine


def winding(
    length: float,
    rng: np.random.Generator,
    *,
    start: tuple[float, float] = (0.0, 0.0),
    bearing_deg: float = 12.0,
    bends: float = 1.0,
) -> Road:
    """Return a road of a length in metres that winds about a compass direction; ``bends`` 0 is straight."""
    s = np.arange(-OVERHANG_M, np.ceil(length) + OVERHANG_M + 1.0)
    waves = 2 * np.pi / rng.uniform(500, 1400, 3)
    swing = np.sin(np.outer(s, waves) + rng.uniform(0, 2 * np.pi, 3)) @ (rng.uniform(0.05, 0.12, 3) * bends)
    bearing = np.deg2rad(bearing_deg) + swing
    x, y = np.cumsum(np.sin(bearing)), np.cumsum(np.cos(bearing))
    return Road(
        length=length,
        stations=s,
        x=x - x[OVERHANG_M] + start[0],
        y=y - y[OVERHANG_M] + start[1],
        bearing=bearing,
    )


def lane_offset(direction: NDArray[np.integer[Any]], lane: Floats | NDArray[np.integer[Any]]) -> Floats:
    """Return ``d`` of lane centres (N,); lane 0 is next to the median, fractions lie between lanes."""
    return np.where(direction == 0, 1.0, -1.0) * (FIRST_LINE + LANE_WIDTH * (lane + 0.5))
