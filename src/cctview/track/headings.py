"""Which way tracklets go, and for single detections which way their place of the road flows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.geometry import iou
from cctview.track.pairs import PLACE, place_bins
from cctview.track.scene import Scene

__all__ = ["headings"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_LEAST_FLOW = 2.0
_CLEAR_SHARE = 0.85


def headings(scene: Scene, chain: Ints, first: Ints, last: Ints) -> NDArray[np.str_]:
    """Return the heading of each chain from its first and last detection, ``(T,)``."""
    nearer = scene.depth[first] - scene.depth[last]
    aside = np.abs(scene.side[last] - scene.side[first])
    moved = iou(scene.box[first, None], scene.box[last, None])[:, 0, 0] < 0.3
    heading = np.where(nearer > 0, "towards", "away")
    heading = np.where(aside > 3 * np.abs(nearer), "across", heading)
    heading = np.where(moved, heading, "still")
    single = first == last
    flow = _flow(scene, chain, heading)
    return np.where(single, flow[place_bins(scene)[first]], heading).astype(np.str_)


def _flow(scene: Scene, chain: Ints, heading: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the heading that rules each place, "still" where none clearly does."""
    place = place_bins(scene)
    towards, away = (
        gaussian_filter(np.bincount(place, heading[chain] == way, int(np.prod(PLACE))).reshape(PLACE), 0.7).ravel()
        for way in ("towards", "away")
    )
    both = np.maximum(towards + away, 1e-9)
    clear = (towards + away > _LEAST_FLOW) & (np.maximum(towards, away) / both > _CLEAR_SHARE)
    return np.where(clear, np.where(towards > away, "towards", "away"), "still")
