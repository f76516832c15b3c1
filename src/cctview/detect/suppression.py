"""Settle which of many overlapping boxes name one object, over whole batches at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cctview import geometry

__all__ = ["settled"]

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]


def settled(boxes: Floats, scores: Floats, image: Rows, threshold: float, *, mean: bool) -> tuple[Rows, Floats]:
    """Return which boxes survive suppression within their image, and the boxes they become.

    Takes ``(N, 4)``, ``(N,)`` and the image of each, ``(N,)``. A box stays unless a better one that
    stays overlaps it by more than ``threshold``: that rule has one solution, and repeating it until
    nothing changes finds it. With ``mean``, a survivor becomes the mean of itself and of those that
    overlap it so much, weighted by score (box voting, Gidaris and Komodakis 2015).
    """
    order = np.lexsort((-scores, image))
    better, worse = _overlapping(boxes[order], image[order], threshold)
    keep = _unbeaten(len(order), better, worse)
    if mean:
        boxes = boxes.copy()
        boxes[order] = _voted(boxes[order], scores[order], better, worse)
    kept = order[keep]
    return kept, boxes[kept]


def _overlapping(boxes: Floats, image: Rows, threshold: float) -> tuple[Rows, Rows]:
    """Return the pairs of one image that overlap, of boxes in order of image and score: better, worse."""
    first = np.searchsorted(image, image)
    ahead = np.arange(len(image)) - first
    worse = np.repeat(np.arange(len(image)), ahead)
    better = np.arange(len(worse)) - np.repeat(np.cumsum(ahead) - ahead - first, ahead)
    left, right = boxes[:, 0].copy(), boxes[:, 2].copy()
    meet = (left[better] < right[worse]) & (left[worse] < right[better])
    better, worse = better[meet], worse[meet]
    overlap = geometry.aligned_iou(boxes[better], boxes[worse]) > threshold
    return better[overlap], worse[overlap]


def _unbeaten(count: int, better: Rows, worse: Rows) -> NDArray[np.bool_]:
    keep: NDArray[np.bool_] = np.ones(count, np.bool_)
    for _ in range(count):
        unbeaten: NDArray[np.bool_] = np.ones(count, np.bool_)
        unbeaten[worse[keep[better]]] = False
        if np.array_equal(unbeaten, keep):
            break
        keep = unbeaten
    return keep


def _voted(boxes: Floats, scores: Floats, better: Rows, worse: Rows) -> Floats:
    total, weight = boxes * scores[:, None], scores.copy()
    np.add.at(total, better, boxes[worse] * scores[worse, None])
    np.add.at(weight, better, scores[worse])
    return (total / weight[:, None]).astype(np.float32)
