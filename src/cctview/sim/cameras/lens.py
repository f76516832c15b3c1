"""Barrel distortion: straight lines bend outwards, the corners of the picture stay where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2

__all__ = ["Lens", "lens"]

Floats = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]
_EDGE = np.array([0.0, 0.5, 1.0])


@dataclass(frozen=True, kw_only=True)
class Lens:
    """A lens that shows ideal radius ``r (1 + k r^2) / (1 + k)`` at radius ``r``, 1 being the corner.

    ``maps`` say which enlarged pixel shows at each enlarged pixel; None for a lens without distortion.
    """

    strength: float
    width: int
    height: int
    maps: tuple[NDArray[np.int16], NDArray[np.uint16]] | None

    def bent(self, image: Image) -> Image:
        """Return a picture ``(H, W, 3)`` seen through the lens; of the size the maps were made for."""
        if self.maps is None:
            return image
        return np.asarray(cv2.remap(image, *self.maps, cv2.INTER_LINEAR), np.uint8)

    def boxes(self, boxes: Floats) -> Floats:
        """Return the boxes ``(N, 4)`` in still pixels that bound what ideal boxes become."""
        if self.strength == 0 or not len(boxes):
            return boxes
        x = boxes[:, 0, None] + (boxes[:, 2] - boxes[:, 0])[:, None] * _EDGE
        y = boxes[:, 1, None] + (boxes[:, 3] - boxes[:, 1])[:, None] * _EDGE
        rim = np.stack(np.broadcast_arrays(x[:, :, None], y[:, None, :]), axis=-1).reshape(len(boxes), 9, 2)
        seen = self._seen(rim)
        return np.concatenate([seen.min(axis=1), seen.max(axis=1)], axis=1)

    def _seen(self, points: Floats) -> Floats:
        """Return where ideal points show, by fixed-point iteration on the radius."""
        middle = np.array([self.width, self.height]) / 2
        away = (points - middle) / np.hypot(*middle)
        radius = np.hypot(away[..., 0], away[..., 1])
        seen = radius
        for _ in range(12):
            seen = radius * (1 + self.strength) / (1 + self.strength * seen * seen)
        return points + (away * (seen / np.maximum(radius, 1e-9) - 1)[..., None]) * np.hypot(*middle)


def lens(strength: float, width: int, height: int, zoom: int) -> Lens:
    """Return a lens for stills of this size that are drawn ``zoom`` times larger."""
    if strength == 0:
        return Lens(strength=0.0, width=width, height=height, maps=None)
    middle = np.array([width, height]) * zoom / 2
    rows, columns = np.indices((height * zoom, width * zoom), np.float32)
    x, y = columns + 0.5 - middle[0], rows + 0.5 - middle[1]
    squeeze = (1 + strength * (x * x + y * y) / (middle @ middle)) / (1 + strength)
    source = (x * squeeze + middle[0] - 0.5).astype(np.float32), (y * squeeze + middle[1] - 0.5).astype(np.float32)
    whole, part = cv2.convertMaps(*source, cv2.CV_16SC2)
    return Lens(
        strength=strength, width=width, height=height, maps=(np.asarray(whole, np.int16), np.asarray(part, np.uint16))
    )
