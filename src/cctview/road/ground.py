"""The ground before one camera, from how tall vehicles are at each place of its view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import usual_height

__all__ = ["Ground"]

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Ground:
    """The ground in heights of a vehicle: a projection, so that lines stay lines.

    ``plane`` (3,) gives the height in pixels at each place, ``width`` is that of the view in pixels.
    Lengths away from the camera and to the side are true to a factor each.
    """

    plane: Floats
    width: float

    def places(self, points: Floats) -> Floats:
        """Return how far to the side and away pixels ``(N, 2)`` are, ``(N, 2)``."""
        tall = usual_height(np.concatenate([points, points], axis=1), self.plane)
        return np.column_stack([points[:, 0] - self.width / 2, np.full(len(points), self.width)]) / tall[:, None]

    def pixels(self, places: Floats) -> Floats:
        """Return the pixels of places before the camera: ``(N, 2)`` to ``(N, 2)``."""
        tall = self.width / np.maximum(places[:, 1], 1e-6)
        x = self.width / 2 + places[:, 0] * tall
        return np.column_stack([x, (tall - self.plane[1] * x - self.plane[2]) / self.plane[0]])
