"""What of a vehicle can be compared between two cameras besides its looks: how tall it is, and its lane.

Both as quantiles of the normal distribution among the vehicles of one camera and way, so that two
cameras need no common measure and a correlation says how far one tells the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import ndtri

from cctview.geometry import area, foot, size
from cctview.matching.priors import PRIORS
from cctview.road.border import cut_by_border, extent_of
from cctview.road.flow import moved, nearest_box
from cctview.road.ground import road_scale
from cctview.types import Tracklets

__all__ = ["Trait", "agreement", "fit_agreement", "height_of", "lane_of"]

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

_BLOCK = 1024  # tracklets whose fellows are looked at together, to bound memory


class Trait(NamedTuple):
    """A score (T,) per tracklet, and for which ones it is known."""

    score: Floats
    known: Mask


def height_of(tracklets: Tracklets) -> Trait:
    """Return how tall the vehicles of one camera are for their place; known where they are seen uncut."""
    both = np.stack([tracklets.first_box, tracklets.last_box]).astype(np.float64)
    if not len(tracklets):
        return Trait(np.zeros(0), np.zeros(0, np.bool_))
    cut = cut_by_border(both, extent_of(both), PRIORS.road.edge_px)
    best = np.argmax(np.where(cut, 0, area(both)), axis=0)
    box = np.take_along_axis(both, best[None, :, None], axis=0)[0]
    tall = np.log(size(box)[:, 1] / road_scale(box, PRIORS.road))
    whole = ~np.take_along_axis(cut, best[None], axis=0)[0]
    below = np.sort(tall[whole])
    rank = (np.searchsorted(below, tall) + np.searchsorted(below, tall, side="right")) / 2
    return Trait(_normal_score(rank, np.full(len(tall), len(below))), whole)


def lane_of(tracklets: Tracklets) -> Trait:
    """Return how far to the right of its fellows each vehicle of one camera and way drives.

    Fellows are those that were nearest to the camera about where it was, up to a vehicle's length along
    the road; known where there are enough of them. Right is as the drivers have it, so that cameras
    which look up and down the road agree.
    """
    moving = moved(tracklets.first_box, tracklets.last_box, PRIORS.road)
    if not moving.any():
        return Trait(np.zeros(len(tracklets)), np.zeros(len(tracklets), np.bool_))
    box = nearest_box(tracklets).astype(np.float64)
    place, length = foot(box), np.sqrt(area(box))
    along = _course(tracklets[moving], place)
    across = np.column_stack([-along[:, 1], along[:, 0]])
    _, near = cKDTree(place).query(place, k=min(PRIORS.lane_neighbours // 2, len(place)))
    unit = np.median(length[np.reshape(near, (len(place), -1))], axis=1)
    fellow = place[np.linspace(0, len(place) - 1, min(len(place), PRIORS.lane_references)).astype(int)]
    left, count = np.empty(len(place)), np.empty(len(place))
    for rows in np.array_split(np.arange(len(place)), 1 + len(place) // _BLOCK):
        apart = fellow - place[rows, None]
        ahead = np.einsum("ijk,ik->ij", apart, along[rows])
        aside = np.einsum("ijk,ik->ij", apart, across[rows])
        beside = np.abs(ahead) < PRIORS.lane_beside * unit[rows, None]
        left[rows] = (beside * (np.sign(-aside) + 1) / 2).sum(axis=1)
        count[rows] = beside.sum(axis=1)
    return Trait(_normal_score(left, count), count >= PRIORS.lane_fewest)


def _course(moved: Tracklets, place: Floats) -> Floats:
    """Return the unit direction (T, 2) in which vehicles drive at each place."""
    first, last = foot(moved.first_box.astype(np.float64)), foot(moved.last_box.astype(np.float64))
    step = last - first
    way = np.tile(step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9), (2, 1))
    _, near = cKDTree(np.concatenate([first, last]), balanced_tree=False).query(
        place, k=min(PRIORS.lane_neighbours, len(way))
    )
    mean = way[np.reshape(near, (len(place), -1))].mean(axis=1)
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)


def _normal_score(rank: Floats, count: Floats) -> Floats:
    """Return the quantile of the normal distribution for each rank (0 to ``count``)."""
    score: Floats = ndtri((rank + 0.5) / (count + 1))
    return score


def agreement(pairs: Floats, together: float) -> Floats:
    """Return the log density ratio of two scores (P, 2) with this correlation against none; 0 where one is NaN."""
    x, y = pairs.T
    free = 1 - together**2
    return np.nan_to_num((2 * together * x * y - together**2 * (x**2 + y**2)) / (2 * free) - np.log(free) / 2)


def fit_agreement(pairs: Floats, belief: Floats) -> float:
    """Return the correlation of scores among pairs (P, 2) believed to be one vehicle, leaning towards 0.3."""
    x, y = np.where(np.isnan(pairs).any(axis=1, keepdims=True), 0.0, pairs).T
    both = float((belief * x * y).sum()) + PRIORS.agreement_pseudo * PRIORS.usual_agreement
    alone = float((belief * (x**2 + y**2)).sum()) / 2 + PRIORS.agreement_pseudo
    return float(np.clip(both / alone, 0.0, PRIORS.agreement_most))
