"""Boxes that are no vehicle of their own: second boxes of one vehicle, and things that stand where they stood."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import aligned_iou

__all__ = ["second_boxes", "standing"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]


def second_boxes(still: Ints, box: Floats, weight: Floats, limit: float) -> Mask:
    """Return which boxes (N,) overlap one of more weight in their still by more than ``limit``.

    ``still`` (N,) numbers the stills, ``box`` (N, 4) are pixels; of equal weights the later row gives way.
    """
    left, right = _pairs(still, 0)
    left, right = left[left < right], right[left < right]
    met = aligned_iou(box[left], box[right]) > limit
    left, right = left[met], right[met]
    gone = np.zeros(len(box), np.bool_)
    gone[np.where(weight[left] < weight[right], left, right)] = True
    return gone


def standing(still: Ints, box: Floats, limit: float, stills: int) -> Mask:
    """Return which boxes (N,) have one in the same place, up to so many ``stills`` before or after.

    The same place is an overlap of more than ``limit``.
    """
    stood = np.zeros(len(box), np.bool_)
    for later in range(1, stills + 1):
        left, right = _pairs(still, later)
        same = aligned_iou(box[left], box[right]) > limit
        stood[left[same]] = stood[right[same]] = True
    return stood


def _pairs(still: Ints, later: int) -> tuple[Ints, Ints]:
    """Return all pairs of rows of which the second lies so many stills later."""
    order = np.argsort(still, kind="stable")
    ranked = still[order]
    first, end = (np.searchsorted(ranked, ranked + later, side=side) for side in ("left", "right"))
    count = end - first
    left = np.repeat(np.arange(len(still)), count)
    right = np.arange(len(left)) - np.repeat(np.cumsum(count) - count - first, count)
    return order[left], order[right]
