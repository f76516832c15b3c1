"""The road of one camera in metres, learnt from the boxes of its vehicles alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import centre, road_plane, usual_height

__all__ = ["Road", "road_of"]

Floats = NDArray[np.floating[Any]]

_VEHICLE_HEIGHT_M = 1.5
_ROBUST_ROUNDS = 15


@dataclass(frozen=True, eq=False, kw_only=True)
class Road:
    """How places in the image lie on the ground.

    ``plane`` (3,) gives the height in pixels that a car has at each place, ``extent`` (2,) the width
    and height of the image as far as vehicles reach. The road runs through ``middle`` (2,), metres
    to the side and away, in the direction ``ahead`` (2,), bent by the parabola ``curve`` (3,) within
    ``reach`` (2,). Metres are good to a constant factor.
    """

    plane: Floats
    extent: Floats
    middle: Floats
    ahead: Floats
    reach: Floats
    curve: Floats

    def scale(self, box: Floats) -> Floats:
        """Return the usual height in pixels of a car at the foot of each box, ``(N,)``."""
        return usual_height(box, self.plane)

    def ground(self, box: Floats) -> Floats:
        """Return metres to the side and away from the camera, ``(N, 2)``."""
        scale = self.scale(box)
        side = _VEHICLE_HEIGHT_M * (centre(box)[:, 0] - self.extent[0] / 2) / scale
        return np.column_stack([side, _VEHICLE_HEIGHT_M * self.extent[0] / scale])

    def place(self, box: Floats) -> Floats:
        """Return metres along the road and across it, ``(N, 2)``."""
        points = self.ground(box) - self.middle
        along = points @ self.ahead
        across = points @ np.array([self.ahead[1], -self.ahead[0]])
        bend = np.clip(along, *self.reach)
        return np.column_stack([along, across - (self.curve[0] + bend * (self.curve[1] + bend * self.curve[2]))])

    def grain(self, box: Floats) -> Floats:
        """Return how many metres along and across one pixel makes at the foot of each box, ``(N, 2)``."""
        here = self.place(box)
        steps = [self.place(box + np.array(shift)) - here for shift in ((1.0, 0.0, 1.0, 0.0), (0.0, 1.0, 0.0, 1.0))]
        return np.hypot(*steps)


def road_of(box: Floats) -> Road:
    """Return the road through the vehicles of one camera, ``box`` (N, 4), N > 0."""
    extent = np.array([box[:, 2].max(), box[:, 3].max()])
    flat = Road(
        plane=road_plane(box),
        extent=extent,
        middle=np.zeros(2),
        ahead=np.array([0.0, 1.0]),
        reach=np.zeros(2),
        curve=np.zeros(3),
    )
    points = flat.ground(box)
    depth = points[:, 1]
    near = depth <= np.quantile(depth, 0.9)
    middle = np.median(points[near], axis=0)
    offset = (points - middle) / np.sqrt(depth)[:, None]
    _, _, axes = np.linalg.svd(offset[near] / np.sqrt(1 + (offset[near] / 3) ** 2), full_matrices=False)
    ahead = axes[0] if axes[0, 1] >= 0 else -axes[0]
    along = (points - middle) @ ahead
    across = (points - middle) @ np.array([ahead[1], -ahead[0]])
    reach = np.array([along[near].min(), along[near].max()])
    curve = _parabola(np.clip(along, *reach), across, near / depth)
    return Road(plane=flat.plane, extent=extent, middle=middle, ahead=ahead, reach=reach, curve=curve)


def _parabola(along: Floats, across: Floats, trust: Floats) -> Floats:
    """Return the parabola through points by robust, slightly ridged least squares, ``(3,)``."""
    terms = np.column_stack([np.ones_like(along), along, along**2])
    ridge = np.diag([1e-3, 1e1, 1e4]) ** 0.5
    weight = trust
    curve = np.zeros(3)
    for _ in range(_ROBUST_ROUNDS):
        left = np.concatenate([terms * weight[:, None], ridge])
        curve, *_ = np.linalg.lstsq(left, np.append(across * weight, np.zeros(3)), rcond=None)
        weight = trust / np.sqrt(1 + ((across - terms @ curve) / 2) ** 2)
    return curve
