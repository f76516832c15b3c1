"""Which way each place of a camera's road flows, learnt from tracklets that were seen to move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cctview.geometry import aligned_iou, area, foot
from cctview.types import Tracklets

__all__ = ["MOVED_IOU", "lane_flow", "nearest_box", "ways"]

Floats = NDArray[np.floating[Any]]

MOVED_IOU = 0.3
_NEIGHBOURS = 31
_FEWEST = 8
_CLEAR_SHARE = 0.8


def ways(tracklets: Tracklets) -> NDArray[np.str_]:
    """Return which way the vehicles of one camera go: "towards", "away", or their heading where unclear.

    The lane says more than the few stills of one vehicle: a vehicle seen once has no motion, and a
    tracklet that mixes two vehicles has a wrong one.
    """
    share = lane_flow(tracklets)
    clear = np.maximum(share, 1 - share) >= _CLEAR_SHARE
    return np.where(clear, np.where(share >= 0.5, "towards", "away"), tracklets.heading).astype(np.str_)


def lane_flow(tracklets: Tracklets) -> Floats:
    """Return the share of "towards" among moving vehicles around where each one was nearest, ``(T,)``.

    A half where too few were seen to move. All tracklets are of one camera.
    """
    first, last = (box.astype(np.float64) for box in (tracklets.first_box, tracklets.last_box))
    apart = aligned_iou(first, last) < MOVED_IOU
    moving = np.flatnonzero(apart & np.isin(tracklets.heading, ("towards", "away")))
    if len(moving) < _FEWEST:
        return np.full(len(tracklets), 0.5)
    towards = np.tile(tracklets.heading[moving] == "towards", 2)
    tree = cKDTree(np.concatenate([foot(first[moving]), foot(last[moving])]), balanced_tree=False)
    count = min(_NEIGHBOURS, 2 * len(moving))
    _, near = tree.query(foot(nearest_box(tracklets).astype(np.float64)), k=count)
    share: Floats = towards[near].mean(axis=1)
    return share


def nearest_box(tracklets: Tracklets) -> NDArray[np.float32]:
    """Return the larger of the first and the last box of each tracklet, ``(T, 4)``."""
    leaving = area(tracklets.last_box) >= area(tracklets.first_box)
    return np.where(leaving[:, None], tracklets.last_box, tracklets.first_box)
