"""Bring stills of any size to the shape a graph expects, and boxes back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2

__all__ = ["Stretch", "stacked"]

# The graph picks its best K cells, so it must have more than K.
_LEAST_SIDE = 128
_MOST_GROWTH = 1.25


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Stretch a still to the nearest multiples of ``stride``, so that no pixel of a graph is padding.

    One whose longer side exceeds ``max_side`` is shrunk; one of fewer than ``least_pixels`` is enlarged
    to about as many, by a quarter at most: small vehicles are found better, and a still costs the same.
    """

    stride: int
    max_side: int
    least_pixels: int

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Stretch:
        """Read the rule from the ``input`` part of a model record."""
        return cls(
            stride=int(spec["stride"]), max_side=int(spec["max_side"]), least_pixels=int(spec.get("least_pixels", 0))
        )

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the ``(H, W)`` the graph sees for a still of this size."""
        growth = min(max(1.0, math.sqrt(self.least_pixels / (height * width))), _MOST_GROWTH)
        scale = min(growth, self.max_side / max(height, width))
        return self._nearest(height * scale), self._nearest(width * scale)

    def _nearest(self, side: float) -> int:
        return max(_LEAST_SIDE, round(side / self.stride) * self.stride)


def stacked(images: Sequence[NDArray[np.uint8]], rule: Stretch) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return one batch ``(B, H, W, 3)`` of images of equal size, and the scale of its boxes, ``(4,)``."""
    height, width = images[0].shape[:2]
    rows, columns = rule.shape(height, width)
    batch = np.empty((len(images), rows, columns, 3), np.uint8)
    how = cv2.INTER_AREA if rows * columns < height * width else cv2.INTER_LINEAR
    for row, image in zip(batch, images, strict=True):
        if (rows, columns) == (height, width):
            row[:] = image
        else:
            cv2.resize(image, (columns, rows), dst=row, interpolation=how)
    return batch, np.array([columns / width, rows / height] * 2, np.float32)
