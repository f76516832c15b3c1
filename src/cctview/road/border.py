"""Boxes that the border of the image cuts: what shows of them is not the vehicle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["cut_by_border", "extent_of"]

Floats = NDArray[np.floating[Any]]


def extent_of(boxes: Floats) -> Floats:
    """Return width and height of the image as far as vehicles reach, ``(2,)`` pixels, of boxes ``(..., 4)``."""
    return boxes[..., 2:].max(axis=tuple(range(boxes.ndim - 1)), initial=0.0)


def cut_by_border(boxes: Floats, extent: Floats, edge_px: float) -> NDArray[np.bool_]:
    """Return which boxes ``(..., 4)`` come nearer than ``edge_px`` to the left, right or lower border: ``(...)``.

    ``extent`` (2,) is width and height of the image in pixels. The upper border cuts nothing: vehicles there are
    small and far.
    """
    right, bottom = extent
    return (boxes[..., 0] < edge_px) | (boxes[..., 2] > right - edge_px) | (boxes[..., 3] > bottom - edge_px)
