"""Labelled visits: which tracklets show a hand-linked vehicle at a camera, and of which nothing can be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.evaluate.links import Links, shown_by, still_numbers, tracklet_rows
from cctview.geometry import foot, size
from cctview.types import Detections, Tracklets

__all__ = ["Visits", "labelled_visits"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]

_LANE = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Visits:
    """One row per vehicle and camera (M,), in the order a vehicle came by.

    ``tracklet`` is the one that shows the vehicle most often, -1 where none does; ``shows`` and
    ``unknown`` (M, T) mark the tracklets that show it, and those that may be it or not.
    """

    vehicle: Ints
    camera: NDArray[np.str_]
    time: NDArray[np.datetime64]
    tracklet: Ints
    shows: Mask
    unknown: Mask

    def steps(self) -> tuple[Ints, Ints]:
        """Return the rows (S,) of each visit that has a next one, and (S,) of the next one."""
        origin = np.flatnonzero(self.vehicle[:-1] == self.vehicle[1:]) if len(self.vehicle) else np.zeros(0, np.intp)
        return origin, origin + 1


def labelled_visits(
    links: Links, detections: Detections, tracklets: Tracklets, *, unknown_within_s: float = 4.0
) -> Visits:
    """Return the visits that the links tell of, and the tracklets that were found to show them.

    A tracklet is unknown when, within ``unknown_within_s`` of a listed sighting, it has a detection in
    the same lane (half a vehicle's width around the line through the listed ones), shows no listed
    vehicle, and was never seen in one still together with this one.
    """
    key = np.unique(
        np.stack([links.vehicle, np.unique(links.camera, return_inverse=True)[1]]), axis=1, return_inverse=True
    )[1]
    key = key.reshape(-1)
    count = int(key.max(initial=-1)) + 1
    first = np.unique(key, return_index=True)[1]
    begin = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(begin, key, links.time.astype(np.int64))
    order = np.lexsort((begin, links.vehicle[first]))
    visit = np.argsort(order)[key]
    owner = tracklet_rows(tracklets, detections)
    shown = shown_by(links, detections)
    seen = np.flatnonzero(shown >= 0)
    seen = seen[owner[shown[seen]] >= 0]
    votes = np.zeros((count, len(tracklets)), np.int64)
    np.add.at(votes, (visit[seen], owner[shown[seen]]), 1)
    listed = (votes > 0).any(axis=0)
    unknown = np.zeros(votes.shape, np.bool_)
    still = still_numbers((links.camera, links.time), (detections.camera, detections.time))
    for row in range(count if unknown_within_s > 0 else 0):
        mine = np.flatnonzero(visit == row)
        near = _same_lane(links, mine, detections, unknown_within_s)
        maybe = owner[near][owner[near] >= 0]
        beside = owner[np.isin(still[1], still[0][mine])]
        unknown[row, maybe] = True
        unknown[row, beside[beside >= 0]] = False
    return Visits(
        vehicle=links.vehicle[first][order],
        camera=links.camera[first][order],
        time=begin[order].astype("datetime64[s]"),
        tracklet=np.where(votes.any(axis=1), votes.argmax(axis=1), -1) if len(tracklets) else np.full(count, -1),
        shows=votes > 0,
        unknown=unknown & ~listed,
    )


def _same_lane(links: Links, mine: Ints, detections: Detections, seconds: float) -> Ints:
    """Return the detections near in time to these sightings and near to the line through their feet."""
    feet = foot(links.box[mine].astype(np.float64))
    if len(mine) < 2 or np.ptp(feet, axis=0).max() == 0:
        return np.zeros(0, np.intp)
    middle = feet.mean(axis=0)
    along = np.linalg.svd(feet - middle, full_matrices=False)[2][0]
    gap = np.timedelta64(round(seconds * 1000), "ms")
    window = (detections.time >= links.time[mine].min() - gap) & (detections.time <= links.time[mine].max() + gap)
    near = np.flatnonzero(window & (detections.camera == links.camera[mine[0]]))
    away = np.abs((foot(detections.box[near].astype(np.float64)) - middle) @ np.array([-along[1], along[0]]))
    return near[away <= _LANE * size(detections.box[near])[:, 0]]
