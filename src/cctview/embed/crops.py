"""Cut vehicles out of stills, and say how much each crop can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctview import geometry
from cctview.types import Detections, Frame

__all__ = ["crops_of", "cut", "quality"]

_FULL_SIDE_PX = 40.0
_SHARP = 12.0


def crops_of(frames: Sequence[Frame], detections: Detections, side: int, margin: float) -> NDArray[np.uint8]:
    """Return the crops ``uint8 (N, side, side, 3)`` of the detections, stretched to a square."""
    out = np.empty((len(detections), side, side, 3), np.uint8)
    for frame in frames:
        rows = np.flatnonzero(detections.frame == frame.id)
        out[rows] = cut(frame.image, detections.box[rows], side, margin)
    return out


def cut(image: NDArray[np.uint8], boxes: NDArray[np.float32], side: int, margin: float) -> NDArray[np.uint8]:
    """Return the crops ``uint8 (N, side, side, 3)`` of boxes ``(N, 4)`` grown by ``margin`` of their size."""
    out = np.empty((len(boxes), side, side, 3), np.uint8)
    for row, (x1, y1, x2, y2) in enumerate(_pixels(geometry.widened(boxes, margin), image).tolist()):
        patch = image[y1:y2, x1:x2]
        way = cv2.INTER_AREA if max(patch.shape[:2]) > side else cv2.INTER_LINEAR
        cv2.resize(patch, (side, side), dst=out[row], interpolation=way)
    return out


def quality(crops: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a value in [0, 1] per crop that grows with the size of its box and with its sharpness.

    The size part is the short side over 40 px; the sharpness part is the mean absolute difference
    of neighbouring pixels, both saturating.
    """
    size = np.minimum(geometry.size(boxes).min(axis=1) / _FULL_SIDE_PX, 1)
    return (size * np.minimum(_contrast(crops) / _SHARP, 1)).astype(np.float32)


def _contrast(crops: NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
    grey = crops[:, ::2, ::2, 1].astype(np.int16)
    steps = (np.abs(np.diff(grey, axis=1)), np.abs(np.diff(grey, axis=2)))
    return np.mean([step.mean(axis=(1, 2)) for step in steps], axis=0)


def _pixels(boxes: NDArray[Any], image: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return whole-pixel boxes inside the image, each at least one pixel wide and high."""
    height, width = image.shape[:2]
    low = np.clip(np.floor(boxes[:, :2]), 0, (width - 1, height - 1))
    high = np.clip(np.ceil(boxes[:, 2:]), low + 1, (width, height))
    return np.concatenate([low, high], axis=1).astype(np.int64)
