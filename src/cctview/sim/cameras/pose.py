"""A pinhole camera above the road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.world.road import Road

__all__ = ["RoadCamera", "beside_road"]

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class RoadCamera:
    """Position in metres, where it looks, and its picture.

    ``yaw`` is radians clockwise from north, ``tilt`` radians below the horizon, ``roll`` radians the
    picture is turned, ``focal`` pixels.
    ``station`` and ``offset`` are the road coordinates of its mast.
    """

    station: float
    offset: float
    position: Floats
    yaw: float
    tilt: float
    roll: float
    focal: float
    width: int
    height: int

    @property
    def axes(self) -> Floats:
        """Return the unit vectors to the right, down and forward, as rows (3, 3)."""
        sine, cosine = np.sin(self.yaw), np.cos(self.yaw)
        below, level = np.sin(self.tilt), np.cos(self.tilt)
        right = np.array([cosine, -sine, 0.0])
        down = np.array([-sine * below, -cosine * below, -level])
        lean, upright = np.sin(self.roll), np.cos(self.roll)
        forward = np.array([sine * level, cosine * level, -below])
        return np.stack([right * upright + down * lean, down * upright - right * lean, forward])

    @property
    def horizon(self) -> float:
        """Return the image row of the horizon, in pixels."""
        return self.height / 2 - self.focal * np.tan(self.tilt)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Return pixels and depth in metres of world points: ``(..., 3)`` to ``(..., 2)`` and ``(...)``."""
        seen = (points - self.position) @ self.axes.T
        depth = seen[..., 2]
        scale = self.focal / np.where(depth > 0.1, depth, 0.1)
        pixels = seen[..., :2] * scale[..., None] + np.array([self.width, self.height]) / 2
        return pixels, depth

    def rays(self, zoom: int) -> Floats:
        """Return the direction of each pixel of the picture drawn ``zoom`` times larger: ``(H, W, 3)``, depth 1."""
        column = ((np.arange(self.width * zoom) + 0.5) / zoom - self.width / 2) / self.focal
        row = ((np.arange(self.height * zoom) + 0.5) / zoom - self.height / 2) / self.focal
        right, down, forward = self.axes
        return column[None, :, None] * right + row[:, None, None] * down + forward


def beside_road(road: Road, station: float, size: tuple[int, int], rng: np.random.Generator) -> RoadCamera:
    """Return a camera on a mast, with both directions of the road in view; ``size`` is width and height."""
    width, height = size
    low, high = ((-16.0, -3.0), (-3.0, 3.0), (8.0, 16.0))[rng.choice(3, p=(0.5, 0.3, 0.2))]
    offset = float(rng.uniform(low, high))
    mast = float(rng.uniform(7.5, 12.0))
    focal = width / 2 / np.tan(np.deg2rad(rng.uniform(36, 52)) / 2)
    aim = -0.15 * offset + rng.uniform(-3.0, 4.0)
    ground = road.place(np.array([station, station + 45.0]), np.array([offset, aim]))
    east, north = ground[1] - ground[0]
    horizon = rng.uniform(0.10, 0.22) * height
    return RoadCamera(
        station=station,
        offset=offset,
        position=np.array([*ground[0], mast]),
        yaw=float(np.arctan2(east, north)),
        roll=float(np.deg2rad(rng.normal(0, 1.2))),
        tilt=float(np.arctan((height / 2 - horizon) / focal)),
        focal=float(focal),
        width=width,
        height=height,
    )
