"""The road of one camera in metres, learnt from the boxes of its vehicles alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import foot
from cctview.road.border import extent_of
from cctview.road.ground import Ground, road_plane
from cctview.tracking.priors import TrackPriors

__all__ = ["Road", "road_of"]

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Road:
    """How places in the image lie on the ground.

    ``ground`` gives metres to the side and away, ``extent`` (2,) the width and height of the image as far as
    vehicles reach. The road runs through ``middle`` (2,), metres to the side and away, in the direction ``ahead``
    (2,), bent by the parabola ``curve`` (3,) within ``reach`` (2,). Metres are good to a constant factor.
    """

    ground: Ground
    extent: Floats
    middle: Floats
    ahead: Floats
    reach: Floats
    curve: Floats

    def scale(self, feet: Floats) -> Floats:
        """Return the usual height in pixels of a car that stands at pixels (N, 2), ``(N,)``."""
        return self.ground.heights(feet)

    def place(self, feet: Floats) -> Floats:
        """Return metres along the road and across it of what stands at pixels (N, 2), ``(N, 2)``."""
        points = self.ground.places(feet) - self.middle
        along = points @ self.ahead
        across = points @ np.array([self.ahead[1], -self.ahead[0]])
        bend = np.clip(along, *self.reach)
        return np.column_stack([along, across - (self.curve[0] + bend * (self.curve[1] + bend * self.curve[2]))])

    def grain(self, feet: Floats, here: Floats) -> Floats:
        """Return the metres along and across of one pixel at pixels (N, 2) whose ``place`` is ``here``: ``(N, 2)``."""
        steps = [self.place(feet + np.array(shift)) - here for shift in ((1.0, 0.0), (0.0, 1.0))]
        return np.hypot(*steps)


def road_of(box: Floats, priors: TrackPriors) -> Road:
    """Return the road through the vehicles of one camera, ``box`` (N, 4), N > 0.

    Its direction is the first principal axis of where they stand, by a robust singular value decomposition;
    the parabola is fitted across it. Offsets are weighed by the root of the depth, for the far end trembles.
    """
    extent = extent_of(box)
    ground = Ground(
        plane=road_plane(box, priors.road),
        width=float(extent[0]),
        unit=priors.vehicle_height_m,
        least_px=priors.road.least_height_px,
    )
    points = ground.places(foot(box))
    depth = points[:, 1]
    near = depth <= np.quantile(depth, priors.near_share)
    middle = np.median(points[near], axis=0)
    offset = (points - middle) / np.sqrt(depth)[:, None]
    _, _, axes = np.linalg.svd(
        offset[near] / np.sqrt(1 + (offset[near] / priors.axis_robust) ** 2), full_matrices=False
    )
    ahead = axes[0] if axes[0, 1] >= 0 else -axes[0]
    along = (points - middle) @ ahead
    across = (points - middle) @ np.array([ahead[1], -ahead[0]])
    reach = np.array([along[near].min(), along[near].max()])
    curve = _parabola(np.clip(along, *reach), across, near / depth, priors)
    return Road(ground=ground, extent=extent, middle=middle, ahead=ahead, reach=reach, curve=curve)


def _parabola(along: Floats, across: Floats, trust: Floats, priors: TrackPriors) -> Floats:
    """Return the parabola through points by robust, slightly ridged least squares, ``(3,)``."""
    terms = np.column_stack([np.ones_like(along), along, along**2])
    ridge = np.diag(priors.curve_ridge) ** 0.5
    weight = trust
    curve = np.zeros(3)
    for _ in range(priors.curve_rounds):
        left = np.concatenate([terms * weight[:, None], ridge])
        curve, *_ = np.linalg.lstsq(left, np.append(across * weight, np.zeros(3)), rcond=None)
        weight = trust / np.sqrt(1 + ((across - terms @ curve) / priors.curve_robust_m) ** 2)
    return curve
