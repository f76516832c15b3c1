"""Which way tracklets go, and for single detections which way their place of the road flows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.geometry import aligned_iou
from cctview.tracking.road import Road
from cctview.tracking.scene import PLACE, place_bins

__all__ = ["headings"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_LEAST_FLOW = 2.0
_CLEAR_SHARE = 0.85


def headings(road: Road, box: Floats, chain: Ints, first: Ints, last: Ints) -> NDArray[np.str_]:
    """Return the heading of each chain, ``(T,)``, from its first and last box.

    ``box`` (N, 4) are all boxes, ``chain`` (N,) their chains, ``first`` and ``last`` (T,) rows of boxes.
    """
    ground = road.ground(box)
    nearer = ground[first, 1] - ground[last, 1]
    aside = np.abs(ground[last, 0] - ground[first, 0])
    moved = aligned_iou(box[first], box[last]) < 0.3
    heading = np.where(nearer > 0, "towards", "away")
    heading = np.where(aside > 3 * np.abs(nearer), "across", heading)
    heading = np.where(moved, heading, "still")
    place = place_bins(road, box)
    flow = _flow(place, heading[chain])
    return np.where(first == last, flow[place[first]], heading).astype(np.str_)


def _flow(place: Ints, heading: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the heading that rules each place, "still" where none clearly does."""
    towards, away = (
        gaussian_filter(np.bincount(place, heading == way, int(np.prod(PLACE))).reshape(PLACE), 0.7).ravel()
        for way in ("towards", "away")
    )
    both = np.maximum(towards + away, 1e-9)
    clear = (towards + away > _LEAST_FLOW) & (np.maximum(towards, away) / both > _CLEAR_SHARE)
    return np.where(clear, np.where(towards > away, "towards", "away"), "still")
