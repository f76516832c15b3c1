"""The ground before one camera, from how tall vehicles are at each place of its view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import centre, foot, size
from cctview.road.priors import ROAD, RoadPriors

__all__ = ["Ground", "road_plane", "road_scale", "usual_height"]

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ground:
    """The ground as a projection of the image, so that lines stay lines.

    ``plane`` (3,) gives the height in pixels that a vehicle has at each place: per pixel down, per pixel right, at
    0; no less than ``least_px``. ``width`` is that of the view in pixels, ``unit`` how long a vehicle's height is:
    1.5 for metres, 1 for heights. Lengths away from the camera and to the side are true to a factor each.
    """

    plane: Floats
    width: float
    unit: float = 1.0
    least_px: float = ROAD.least_height_px

    def heights(self, points: Floats) -> Floats:
        """Return the height in pixels that a vehicle has where it stands: ``(N, 2)`` pixels to ``(N,)``."""
        return usual_height(points, self.plane, self.least_px)

    def places(self, points: Floats) -> Floats:
        """Return how far to the side and away pixels ``(N, 2)`` are, ``(N, 2)`` units."""
        tall = self.heights(points)
        side = self.unit * (points[:, 0] - self.width / 2) / tall
        return np.column_stack([side, self.unit * self.width / tall])

    def pixels(self, places: Floats) -> Floats:
        """Return the pixels of places before the camera: ``(N, 2)`` units to ``(N, 2)``."""
        tall = self.unit * self.width / np.maximum(places[:, 1], 1e-6)
        x = self.width / 2 + places[:, 0] * tall / self.unit
        return np.column_stack([x, (tall - self.plane[1] * x - self.plane[2]) / self.plane[0]])


def road_scale(boxes: Floats, priors: RoadPriors = ROAD) -> Floats:
    """Return the usual height in pixels of a vehicle at the foot of each box of one camera: ``(N, 4)`` to ``(N,)``."""
    return usual_height(foot(boxes), road_plane(boxes, priors), priors.least_height_px)


def usual_height(points: Floats, plane: Floats, least_px: float) -> Floats:
    """Return the height in pixels that a vehicle has on a road plane (3,) where it stands: ``(N, 2)`` to ``(N,)``."""
    return np.maximum(plane[0] * points[:, 1] + plane[1] * points[:, 0] + plane[2], least_px)


def road_plane(boxes: Floats, priors: RoadPriors = ROAD) -> Floats:
    """Return how the height of vehicles grows over the image, ``(3,)``: per pixel down, per pixel right, at 0.

    On a flat road it is a plane. Fitted to the boxes ``(N, 4)`` by iteratively reweighted least squares with
    relative residuals (Holland, Welsch 1977, with the weight 1 / sqrt(1 + r^2)); a few made-up boxes that shrink
    towards a horizon keep it sane where there is little to learn from.
    """
    middle, bottom, tall = centre(boxes)[:, 0], boxes[:, 3], size(boxes)[:, 1]
    image = float(bottom.max(initial=1.0))
    below = max(float(np.median(bottom)) / image - priors.horizon, priors.horizon_least)
    feet = image * np.array(priors.feet)
    made_up = np.maximum(float(np.median(tall)) / below * (feet / image - priors.horizon), 1.0)
    x = np.append(middle, np.full(len(feet), np.median(middle)))
    y, h = np.append(bottom, feet), np.append(tall, made_up)
    terms = np.column_stack([y, x, np.ones_like(x)])
    guess = np.maximum(h, priors.least_height_px)
    for _ in range(priors.plane_rounds):
        weight = 1 / guess / np.sqrt(1 + ((h - guess) / (priors.height_robust * guess)) ** 2)
        plane, *_ = np.linalg.lstsq(terms * weight[:, None], h * weight, rcond=None)
        guess = np.maximum(terms @ plane, priors.least_height_px)
    return plane
