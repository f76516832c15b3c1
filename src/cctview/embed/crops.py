"""Cut vehicles out of stills, and say how much each crop can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cctview import geometry
from cctview.extras import cv2
from cctview.types import Detections, Frame

__all__ = ["Cropping", "crops_of", "cut", "quality", "whole"]

_FULL_SIDE_PX = 40.0
_SHARP = 12.0


@dataclass(frozen=True, kw_only=True)
class Cropping:
    """How a box becomes a picture of ``height`` x ``width``.

    The box grows by ``margin`` of its size on each side and is stretched. With ``short`` it keeps its
    shape: its shorter side becomes ``short`` and the middle is cut out, as torchvision does it.
    ``stored`` asks for crops that lie in files already, rather than for new ones from the still.
    """

    height: int
    width: int
    margin: float = 0.0
    short: int = 0
    stored: bool = False


def crops_of(frames: Sequence[Frame], detections: Detections, cropping: Cropping) -> NDArray[np.uint8]:
    """Return the crops ``uint8 (N, height, width, 3)`` of the detections."""
    out = np.empty((len(detections), cropping.height, cropping.width, 3), np.uint8)
    for frame in frames:
        rows = np.flatnonzero(detections.frame == frame.id)
        out[rows] = cut(frame.image, detections.box[rows], cropping)
    return out


def cut(image: NDArray[np.uint8], boxes: NDArray[np.float32], cropping: Cropping) -> NDArray[np.uint8]:
    """Return the crops ``uint8 (N, height, width, 3)`` of boxes ``(N, 4)``."""
    out = np.empty((len(boxes), cropping.height, cropping.width, 3), np.uint8)
    fill = _middle if cropping.short else _stretched
    for row, (x1, y1, x2, y2) in enumerate(_pixels(geometry.widened(boxes, cropping.margin), image).tolist()):
        fill(image[y1:y2, x1:x2], out[row], cropping)
    return out


def whole(image: NDArray[np.uint8], cropping: Cropping) -> NDArray[np.uint8]:
    """Return the crop ``uint8 (1, height, width, 3)`` of a picture that is a crop already."""
    height, width = image.shape[:2]
    return cut(image, np.array([[0, 0, width, height]], np.float32), replace(cropping, margin=0.0))


def _stretched(patch: NDArray[np.uint8], out: NDArray[np.uint8], cropping: Cropping) -> None:
    size = (cropping.width, cropping.height)
    way = cv2.INTER_AREA if max(patch.shape[:2]) > max(size) else cv2.INTER_LINEAR
    cv2.resize(patch, size, dst=out, interpolation=way)


def _middle(patch: NDArray[np.uint8], out: NDArray[np.uint8], cropping: Cropping) -> None:
    height, width = patch.shape[:2]
    short = min(height, width)
    size = (int(cropping.short * width / short), int(cropping.short * height / short))
    resized = np.asarray(Image.fromarray(np.ascontiguousarray(patch)).resize(size, Image.Resampling.BILINEAR))
    top, left = round((size[1] - cropping.height) / 2), round((size[0] - cropping.width) / 2)
    out[:] = resized[top : top + cropping.height, left : left + cropping.width]


def quality(crops: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a value in [0, 1] per crop that grows with the size of its box and with its sharpness.

    Crops are ``(N, height, width, 3)`` RGB, boxes ``(N, 4)``, values ``(N,)``.

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
