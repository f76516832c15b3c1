"""Boxes that are no vehicle of their own: second boxes of one vehicle, and things that stand where they stood."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import aligned_iou, area

__all__ = ["second_boxes", "standing"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]


def second_boxes(still: Ints, box: Floats, weight: Floats, limit: float, inside: float) -> Mask:
    """Return which boxes (N,) are of a vehicle that has a box of more ``weight`` (N,) in their still.

    They overlap it by more than ``limit``, or more than the share ``inside`` of the smaller one lies in the larger.
    ``still`` (N,) numbers the stills, ``box`` (N, 4) are pixels; of equal weights the later row gives way.
    """
    left, right = _pairs(still, 0)
    left, right = left[left < right], right[left < right]
    met = (aligned_iou(box[left], box[right]) > limit) | (_inside(box[left], box[right]) > inside)
    left, right = left[met], right[met]
    gone = np.zeros(len(box), np.bool_)
    gone[np.where(weight[left] < weight[right], left, right)] = True
    return gone


def standing(still: Ints, box: Floats, look: Floats, limit: float, alike: float, stills: int) -> Mask:
    """Return which boxes (N,) have one in the same place that looks the same, up to so many ``stills`` off.

    The same place is an overlap of more than ``limit``, the same look a cosine of the vectors (N, D) above ``alike``.
    """
    stood = np.zeros(len(box), np.bool_)
    for later in range(1, stills + 1):
        left, right = _pairs(still, later)
        same = aligned_iou(box[left], box[right]) > limit
        same &= np.einsum("nd,nd->n", look[left], look[right]) > alike
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


def _inside(left: Floats, right: Floats) -> Floats:
    """Return the share of the smaller of two boxes (N, 4) that lies in the other, (N,)."""
    size = np.minimum(left[:, 2:], right[:, 2:]) - np.maximum(left[:, :2], right[:, :2])
    share: Floats = size.clip(0).prod(axis=1) / np.maximum(np.minimum(area(left), area(right)), 1e-9)
    return share
