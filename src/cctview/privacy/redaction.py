"""Blacking out boxes, in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import TableError
from cctview.geometry import clip, widened

__all__ = ["redact"]

Floats = NDArray[np.floating[Any]]


def redact(image: NDArray[np.uint8], boxes: Floats, grow: float = 0.15) -> NDArray[np.uint8]:
    """Return a copy of ``image`` (H, W, 3) with ``boxes`` (N, 4) blacked out.

    Each box is first grown on every side by ``grow`` times its size, then to whole pixels. Raise
    TableError for boxes that are not finite: one that cannot be drawn must not pass unseen.
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise TableError(f"boxes to black out: expected finite (N, 4), got shape {boxes.shape}: {boxes!r}")
    height, width = image.shape[:2]
    grown = widened(boxes.astype(np.float64), grow)
    low = clip(np.floor(grown[:, [0, 1, 0, 1]]), width, height)[:, :2].astype(np.intp)
    high = clip(np.ceil(grown[:, [2, 3, 2, 3]]), width, height)[:, :2].astype(np.intp)
    redacted = image.copy()
    redacted.reshape(-1, image.shape[2])[_pixels(low, np.maximum(high - low, 0), width)] = 0
    return redacted


def _pixels(low: NDArray[np.intp], extent: NDArray[np.intp], width: int) -> NDArray[np.intp]:
    """Return the flat index of every pixel of boxes given by their corner and extent, (N, 2) each."""
    box = np.repeat(np.arange(len(low)), extent[:, 1])
    start = (low[box, 1] + _counted(extent[:, 1])) * width + low[box, 0]
    return np.repeat(start, extent[box, 0]) + _counted(extent[box, 0])


def _counted(lengths: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return 0, 1, ... ``length - 1`` for each length, one after the other."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
