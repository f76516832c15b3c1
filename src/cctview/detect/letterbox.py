"""Bring stills of any size to the shape a graph expects, and boxes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Letterbox", "stacked"]

# The graph picks its best K cells, so it must have more than K.
_LEAST_SIDE = 128


@dataclass(frozen=True, kw_only=True)
class Letterbox:
    """Shrink a still whose longer side exceeds ``max_side``, then pad right and below to ``stride``.

    Stills are never enlarged: what a camera did not record is not there to be found.
    """

    stride: int
    max_side: int
    pad: int

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Letterbox:
        """Read the rule from the ``input`` part of a model record."""
        return cls(stride=int(spec["stride"]), max_side=int(spec["max_side"]), pad=int(spec["pad"]))

    def scale(self, height: int, width: int) -> float:
        """Return the factor from still pixels to graph pixels, at most 1."""
        return min(1.0, self.max_side / max(height, width))

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the padded ``(H, W)`` the graph sees for a still of this size."""
        scale = self.scale(height, width)
        return _raised(height * scale, self.stride), _raised(width * scale, self.stride)


def stacked(images: Sequence[NDArray[np.uint8]], rule: Letterbox) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return one batch ``(B, H, W, 3)`` of images of equal size, and their scale ``(B, 1, 1)``."""
    height, width = images[0].shape[:2]
    scale = rule.scale(height, width)
    batch = np.full((len(images), *rule.shape(height, width), 3), rule.pad, np.uint8)
    inner = (max(1, round(height * scale)), max(1, round(width * scale)))
    for row, image in zip(batch, images, strict=True):
        same = inner == (height, width)
        row[: inner[0], : inner[1]] = image if same else cv2.resize(image, inner[::-1], interpolation=cv2.INTER_AREA)
    return batch, np.full((len(images), 1, 1), scale, np.float32)


def _raised(value: float, stride: int) -> int:
    return max(_LEAST_SIDE, -(-round(value) // stride) * stride)
