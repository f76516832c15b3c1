"""Which way tracklets go, and for single detections which way their place of the road flows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.geometry import foot
from cctview.road.flow import moved, ruling_way
from cctview.tracking.priors import TrackPriors
from cctview.tracking.road import Road
from cctview.tracking.scene import place_bins

__all__ = ["headings"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


def headings(road: Road, box: Floats, chain: Ints, first: Ints, last: Ints, priors: TrackPriors) -> NDArray[np.str_]:
    """Return the heading of each chain, ``(T,)``, from its first and last box.

    ``box`` (N, 4) are all boxes, ``chain`` (N,) their chains, ``first`` and ``last`` (T,) rows of boxes. A vehicle
    seen once has the heading of its place, "still" where that is not clear.
    """
    feet = foot(box)
    spot = road.ground.places(feet)
    nearer = spot[first, 1] - spot[last, 1]
    aside = np.abs(spot[last, 0] - spot[first, 0])
    heading = np.where(nearer > 0, "towards", "away")
    heading = np.where(aside > priors.across * np.abs(nearer), "across", heading)
    heading = np.where(moved(box[first], box[last], priors.road), heading, "still")
    place = place_bins(road.scale(feet), road.place(feet)[:, 1], priors)
    flow = _flow(place, heading[chain], priors)
    return np.where(first == last, flow[place[first]], heading).astype(np.str_)


def _flow(place: Ints, heading: NDArray[np.str_], priors: TrackPriors) -> NDArray[np.str_]:
    """Return the heading that rules each place, flat, "still" where none clearly does."""
    towards, away = (
        gaussian_filter(
            np.bincount(place, heading == way, int(np.prod(priors.place_bins))).reshape(priors.place_bins),
            priors.flow_smooth,
        ).ravel()
        for way in ("towards", "away")
    )
    known = towards + away > priors.flow_least
    share = towards / np.maximum(towards + away, 1e-9)
    return np.where(known, ruling_way(share, priors.flow_clear, "still"), "still")
