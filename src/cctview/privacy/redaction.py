"""Blacking out boxes, in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import TableError
from cctview.geometry import widened

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
    rows = _inside(grown[:, 1], grown[:, 3], height)
    columns = _inside(grown[:, 0], grown[:, 2], width)
    covered = rows.T @ columns > 0
    return np.where(covered[..., None], np.uint8(0), image)


def _inside(low: Floats, high: Floats, extent: int) -> NDArray[np.float32]:
    """Return which pixels each interval touches, ``(N, extent)``; float32 so that BLAS joins them."""
    pixel = np.arange(extent)
    return ((pixel >= np.floor(low)[:, None]) & (pixel < np.ceil(high)[:, None])).astype(np.float32)
