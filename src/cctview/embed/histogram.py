"""The baseline that needs no model: where which colours are in a crop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cctview.embed.crops import Cropping
from cctview.extras import cv2

__all__ = ["HistogramEmbedder"]

_LEVELS = 4
_BANDS = 2


class HistogramEmbedder:
    """Count colours in the upper and the lower half of a crop; 128 numbers, unit length.

    Colours are CIELAB cut into 4 x 4 x 4 bins; the square root of the shares (the Hellinger map)
    keeps one large bin from drowning the rest.
    """

    name = "histogram"
    cropping = Cropping(height=32, width=32)

    @property
    def producer(self) -> str:
        """The words that tie a vector to this method."""
        return "histogram 1"

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one unit vector per crop ``uint8 (N, S, S, 3)``: ``float32 (N, 128)``."""
        count, height, width = crops.shape[:3]
        if not count:
            return np.zeros((0, _BANDS * _LEVELS**3), np.float32)
        lab = cv2.cvtColor(crops.reshape(count * height, width, 3), cv2.COLOR_RGB2LAB)
        level = (lab.reshape(count, height, width, 3) // (256 // _LEVELS)).astype(np.int64)
        colour = level @ np.array([_LEVELS**2, _LEVELS, 1])
        band = (np.arange(height) * _BANDS // height)[None, :, None]
        cell = (np.arange(count)[:, None, None] * _BANDS + band) * _LEVELS**3 + colour
        shares = np.bincount(cell.ravel(), minlength=count * _BANDS * _LEVELS**3).reshape(count, -1)
        return np.sqrt(shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)

    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the same vectors ``(N, D)``; no others are known of."""
        return self(crops)
