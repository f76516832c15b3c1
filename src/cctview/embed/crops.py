"""Cut vehicles out of stills, and say how much each crop can tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctview import geometry
from cctview.types import Detections, Frame

__all__ = ["crops_of", "quality"]

_FULL_SIDE_PX = 40.0
_SHARP = 12.0


def crops_of(frames: Sequence[Frame], detections: Detections, side: int, margin: float) -> NDArray[np.uint8]:
    """Return the crops ``uint8 (N, side, side, 3)`` of the detections, stretched to a square."""
    images = {frame.id: frame.image for frame in frames}
    corners = geometry.widened(detections.box, margin)
    out = np.empty((len(detections), side, side, 3), np.uint8)
    for row, (frame, box) in enumerate(zip(detections.frame.tolist(), corners, strict=True)):
        image = images[frame]
        x1, y1, x2, y2 = _pixels(box, image)
        patch = image[y1:y2, x1:x2]
        shrinks = patch.shape[0] > side or patch.shape[1] > side
        cv2.resize(patch, (side, side), dst=out[row], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
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


def _pixels(box: NDArray[np.float32], image: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    height, width = image.shape[:2]
    x1, y1 = int(max(0, np.floor(box[0]))), int(max(0, np.floor(box[1])))
    x2, y2 = int(min(width, np.ceil(box[2]))), int(min(height, np.ceil(box[3])))
    return min(x1, width - 1), min(y1, height - 1), max(x2, x1 + 1), max(y2, y1 + 1)
