"""Score the tracklets of a store: against true tracks, or on vehicles linked by hand."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.evaluate.links import Links, shown_by, still_numbers, tracklet_rows
from cctview.evaluate.truth import TrackTruth
from cctview.metrics.overlap import TrackedBoxes, without_ignored
from cctview.metrics.tracking import TrackingCounts, count_tracking
from cctview.types import Detections, Tracklets

__all__ = ["evaluate_linked_tracking", "evaluate_tracking"]

Ints = NDArray[np.integer[Any]]


def evaluate_tracking(truth: TrackTruth, detections: Detections, tracklets: Tracklets) -> dict[str, Any]:
    """Return HOTA, IDF1 and CLEAR scores per camera and of all, in the stills that are labelled."""
    found = truth.found(detections, tracklets)
    found, wanted = without_ignored(found.rows(truth.labelled[found.frame]), truth.boxes, truth.ignored)
    camera = truth.frames.camera
    counts = {
        name: count_tracking(wanted.rows(camera[wanted.frame] == name), found.rows(camera[found.frame] == name))
        for name in np.unique(camera[truth.labelled]).tolist()
    }
    return _scores(counts)


def evaluate_linked_tracking(links: Links, detections: Detections, tracklets: Tracklets) -> dict[str, Any]:
    """Return scores on labelled sightings alone, as nothing is known about the other vehicles.

    Found are the detections that show a sighting and have a tracklet. Besides the scores per camera:
    the share of neighbouring sightings of a vehicle that one tracklet joins, and of the tracklets that
    show labelled vehicles those that mix two.
    """
    shown, track = shown_by(links, detections), tracklet_rows(tracklets, detections)
    frame = still_numbers((links.camera, links.time))[0]
    owner = np.append(track, -1)[shown]
    kept = _one_each(frame, owner)
    counts = {}
    for name in np.unique(links.camera).tolist():
        here = links.camera == name
        mine = np.flatnonzero(here & kept)
        truth = TrackedBoxes(frame=frame[here], track=links.vehicle[here], box=links.box[here])
        found = TrackedBoxes(frame=frame[mine], track=owner[mine], box=detections.box[shown[mine]])
        counts[name] = count_tracking(truth, found)
    return {**_scores(counts), "joined": _joined(links, owner), "mixed": _mixed(links, owner)}


def _scores(counts: dict[str, TrackingCounts]) -> dict[str, Any]:
    if not counts:
        return {"cameras": {}}
    return {
        "cameras": {name: part.scores() for name, part in counts.items()},
        "all": reduce(add, counts.values()).scores(),
    }


def _one_each(frame: Ints, owner: Ints) -> NDArray[np.bool_]:
    """Return which rows (S,) have an owner that no row before has in the same frame."""
    first = np.unique(np.stack([frame, owner]), axis=1, return_index=True)[1] if len(frame) else np.zeros(0, np.intp)
    return np.isin(np.arange(len(frame)), first) & (owner >= 0)


def _joined(links: Links, owner: Ints) -> dict[str, dict[str, float]]:
    """Return per camera how many neighbouring sightings of one vehicle are joined by one tracklet."""
    seen = np.flatnonzero(owner >= 0)
    camera = np.unique(links.camera[seen], return_inverse=True)[1]
    seen = seen[np.lexsort((links.time[seen], camera, links.vehicle[seen]))]
    a, b = seen[:-1], seen[1:]
    next_to = (
        (links.vehicle[a] == links.vehicle[b]) & (links.camera[a] == links.camera[b]) & (links.time[a] < links.time[b])
    )
    a, b = a[next_to], b[next_to]
    together = owner[a] == owner[b]
    return {
        name: {
            "neighbours": int((links.camera[a] == name).sum()),
            "share": float(together[links.camera[a] == name].mean()),
        }
        for name in np.unique(links.camera[a]).tolist()
    }


def _mixed(links: Links, owner: Ints) -> dict[str, float]:
    """Return how many tracklets show labelled vehicles, and the share of them that show more than one."""
    pairs = np.unique(np.stack([owner, links.vehicle])[:, owner >= 0], axis=1)
    vehicles = np.unique(pairs[0], return_counts=True)[1]
    return {"tracklets": len(vehicles), "share": float((vehicles > 1).mean()) if len(vehicles) else 0.0}
