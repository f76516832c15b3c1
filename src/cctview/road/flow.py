"""Which way each place of a camera's road flows, learnt from tracklets that were seen to move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cctview.geometry import aligned_iou, area, foot
from cctview.road.priors import ROAD, RoadPriors
from cctview.types import Tracklets

__all__ = ["lane_flow", "moved", "nearest_box", "ruling_way", "ways"]

Floats = NDArray[np.floating[Any]]
Names = NDArray[np.str_]


def ways(tracklets: Tracklets, priors: RoadPriors = ROAD) -> Names:
    """Return which way the vehicles of one camera go, ``(T,)``: "towards", "away", or their heading where unclear.

    The lane says more than the few stills of one vehicle: a vehicle seen once has no motion, and a
    tracklet that mixes two vehicles has a wrong one.
    """
    return ruling_way(lane_flow(tracklets, priors), priors.clear_share, tracklets.heading)


def ruling_way(share: Floats, clear: float, otherwise: Names | str) -> Names:
    """Return which way places flow, given the share (N,) of vehicles there that go towards the camera: ``(N,)``.

    "towards" or "away" where at least the share ``clear`` agrees, else what is said ``otherwise`` of the place.
    """
    agreed = np.maximum(share, 1 - share) >= clear
    return np.where(agreed, np.where(share >= 1 / 2, "towards", "away"), otherwise).astype(np.str_)


def moved(first: Floats, last: Floats, priors: RoadPriors = ROAD) -> NDArray[np.bool_]:
    """Return which vehicles were seen to move, by their first and last box: ``(T, 4), (T, 4)`` to ``(T,)``."""
    return aligned_iou(first, last) < priors.moved_iou


def lane_flow(tracklets: Tracklets, priors: RoadPriors = ROAD) -> Floats:
    """Return the share of "towards" among moving vehicles around where each one was nearest, ``(T,)``.

    A half where too few were seen to move. All tracklets are of one camera.
    """
    first, last = (box.astype(np.float64) for box in (tracklets.first_box, tracklets.last_box))
    moving = np.flatnonzero(moved(first, last, priors) & np.isin(tracklets.heading, ("towards", "away")))
    if len(moving) < priors.fewest_moving:
        return np.full(len(tracklets), 0.5)
    towards = np.tile(tracklets.heading[moving] == "towards", 2)
    tree = cKDTree(np.concatenate([foot(first[moving]), foot(last[moving])]), balanced_tree=False)
    count = min(priors.neighbours, 2 * len(moving))
    _, near = tree.query(foot(nearest_box(tracklets).astype(np.float64)), k=count)
    share: Floats = towards[near].mean(axis=1)
    return share


def nearest_box(tracklets: Tracklets) -> NDArray[np.float32]:
    """Return the larger of the first and the last box of each tracklet, ``(T, 4)``."""
    leaving = area(tracklets.last_box) >= area(tracklets.first_box)
    return np.where(leaving[:, None], tracklets.last_box, tracklets.first_box)
