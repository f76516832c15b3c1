"""Coarse colours of vehicles: told from the pixels when asked, never stored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2
from cctview.store.filters import COLOURS

__all__ = ["colour_of"]

_HUE_ENDS = np.array([9, 20, 33, 85, 135, 181])  # OpenCV's hues, 0 to 179: red ends at 9, orange at 20, ...
_HUES = np.array([3, 4, 5, 6, 7, 3])
_PALE, _DIM = 70, 55
_DARK, _LIGHT = 80, 165
_COLOURED_SHARE = 0.25


def colour_of(still: bytes, boxes: NDArray[np.float32]) -> list[str]:
    """Return the coarse colour of each box ``(N, 4)`` of a still: one of ``COLOURS``.

    The middle of the box votes pixel by pixel, in hue, saturation and value. A quarter of coloured
    pixels outvotes the grey ones, because windows, tyres and road are grey on every vehicle.
    """
    image = cv2.imdecode(np.frombuffer(still, np.uint8), cv2.IMREAD_COLOR_BGR)
    if image is None:
        return [""] * len(boxes)
    hsv = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2HSV), np.uint8)
    return [_voted(hsv[y1:y2, x1:x2].reshape(-1, 3)) for x1, y1, x2, y2 in _middles(boxes, *image.shape[:2])]


def _middles(boxes: NDArray[np.float32], height: int, width: int) -> list[list[int]]:
    """Return the inner part of each box in whole pixels, at least one."""
    inset = (boxes[:, 2:] - boxes[:, :2]) * 0.2
    low = np.clip(np.floor(boxes[:, :2] + inset), 0, (width - 1, height - 1))
    high = np.clip(np.ceil(boxes[:, 2:] - inset), low + 1, (width, height))
    middles: list[list[int]] = np.concatenate([low, high], axis=1).astype(int).tolist()
    return middles


def _voted(pixels: NDArray[np.uint8]) -> str:
    hue, saturation, value = pixels[:, 0], pixels[:, 1], pixels[:, 2]
    coloured = (saturation > _PALE) & (value > _DIM)
    if coloured.mean() >= _COLOURED_SHARE:
        votes = _HUES[np.searchsorted(_HUE_ENDS, hue[coloured], side="right")]
    else:
        votes = np.searchsorted([_DARK, _LIGHT], value[~coloured], side="right")
    return COLOURS[int(np.bincount(votes).argmax())]
