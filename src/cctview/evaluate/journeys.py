"""Score the journeys of a store: against true identities, or on vehicles linked by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.evaluate.links import Links, tracklet_rows
from cctview.evaluate.truth import TrackTruth, found_boxes
from cctview.evaluate.visits import labelled_visits
from cctview.metrics.journeys import RIGHT, UNKNOWN, WRONG, JourneyCounts, count_journeys
from cctview.metrics.overlap import TrackedBoxes, same_place, without_ignored
from cctview.metrics.tracking import count_tracking
from cctview.table import Ragged
from cctview.types import Detections, Frames, Journeys, Tracklets, rows_of

__all__ = ["evaluate_journeys", "evaluate_linked_journeys"]

Ints = NDArray[np.integer[Any]]

_OVERLAP = 0.5


class _Steps(NamedTuple):
    """Tracklet rows each step of the journeys leads from and to, and its journey's row."""

    origin: Ints
    target: Ints
    journey: Ints


def evaluate_journeys(
    truth: TrackTruth, frames: Frames, detections: Detections, tracklets: Tracklets, journeys: Journeys
) -> dict[str, Any]:
    """Return precision, recall and calibration of journeys where all vehicles are labelled.

    A step is right when most boxes of both its tracklets are of one vehicle; true steps lead from each
    camera a vehicle was seen at to the next one. "IDF1" is that of multi-camera tracking: the boxes of all
    cameras under the identity of their journey.
    """
    track = tracklet_rows(tracklets, detections)
    found = found_boxes(frames, detections, track)
    inside = np.unique(found.track[truth.labelled[found.frame]])
    who = _identities(truth, found, len(tracklets))
    steps = _steps(journeys, tracklets)
    same = (who[steps.origin] == who[steps.target]) & (who[steps.origin] >= 0)
    labelled = np.isin(steps.origin, inside) & np.isin(steps.target, inside)
    kind = np.where(same, RIGHT, np.where(labelled, WRONG, UNKNOWN)).astype(np.int8)
    true_steps = _true_steps(truth, frames)
    made = np.stack([who[steps.origin], *_camera_numbers(frames, tracklets, steps)])[:, same]
    both = np.unique(np.concatenate([np.unique(made, axis=1), true_steps], axis=1), axis=1, return_counts=True)[1]
    counts = _count(journeys, steps, kind, found=int((both > 1).sum()), true=true_steps.shape[1])
    return {
        **counts.scores(),
        **_whole(truth, found, journeys, tracklets),
        "reliability": counts.calibration.reliability(),
    }


def evaluate_linked_journeys(
    links: Links, detections: Detections, tracklets: Tracklets, journeys: Journeys
) -> dict[str, Any]:
    """Return precision, recall and calibration of journeys where some vehicles are linked by hand.

    A step is judged when one of its ends shows a linked vehicle that was also labelled at the camera of
    the other end.
    """
    visits = labelled_visits(links, detections, tracklets)
    steps = _steps(journeys, tracklets)
    cameras, camera = np.unique(np.concatenate([visits.camera, tracklets.camera]), return_inverse=True)
    at = np.full((len(links.name), len(cameras)), -1)
    at[visits.vehicle, camera[: len(visits.camera)]] = np.arange(len(visits.camera))
    right, unsure, judged = np.zeros((3, len(steps.origin)), np.bool_)
    pairs = [np.zeros((2, 0), np.intp)]
    for near, far in ((steps.origin, steps.target), (steps.target, steps.origin)):
        visit, step = np.nonzero(visits.shows[:, near])
        other = at[visits.vehicle[visit], camera[len(visits.camera) + far[step]]]
        visit, step, other = visit[other >= 0], step[other >= 0], other[other >= 0]
        shows = visits.shows[other, far[step]]
        judged[step] = True
        right[step[shows]] = True
        unsure[step[visits.unknown[other, far[step]]]] = True
        pairs.append(np.sort(np.stack([visit, other])[:, shows], axis=0))
    kind = np.where(right, RIGHT, np.where(judged & ~unsure, WRONG, UNKNOWN)).astype(np.int8)
    true = np.stack(visits.steps())
    both = np.unique(
        np.concatenate([np.unique(np.concatenate(pairs, axis=1), axis=1), true], axis=1), axis=1, return_counts=True
    )
    counts = _count(journeys, steps, kind, found=int((both[1] > 1).sum()), true=true.shape[1])
    return {**counts.scores(), "reliability": counts.calibration.reliability()}


def _steps(journeys: Journeys, tracklets: Tracklets) -> _Steps:
    rows, journey = rows_of(tracklets.id, journeys.members.values), journeys.members.row
    on = np.flatnonzero(journey[:-1] == journey[1:]) if len(rows) else np.zeros(0, np.intp)
    return _Steps(rows[on], rows[on + 1], journey[on])


def _count(journeys: Journeys, steps: _Steps, kind: NDArray[np.int8], *, found: int, true: int) -> JourneyCounts:
    grouped = Ragged.grouped(kind, steps.journey, len(journeys))
    return count_journeys(grouped, journeys.probability, found_steps=found, true_steps=true)


def _identities(truth: TrackTruth, found: TrackedBoxes, tracklets: int) -> Ints:
    """Return the true identity most boxes of each tracklet (T,) have, -1 where none has any."""
    pairs = same_place(truth.boxes, found)
    matched = pairs.matched(np.where(pairs.overlap >= _OVERLAP, pairs.overlap, 0.0))
    votes = np.stack([found.track[pairs.right[matched]], truth.boxes.track[pairs.left[matched]]])
    kinds, count = np.unique(votes, axis=1, return_counts=True)
    best = np.lexsort((-count, kinds[0]))
    best = best[np.unique(kinds[0][best], return_index=True)[1]]
    who = np.full(tracklets, -1)
    who[kinds[0][best]] = kinds[1][best]
    return who


def _true_steps(truth: TrackTruth, frames: Frames) -> Ints:
    """Return identity, camera and next camera (3, S) of each step a vehicle made between labelled sightings."""
    order = np.lexsort((frames.id, np.unique(frames.camera, return_inverse=True)[1], frames.time))
    camera = np.unique(frames.camera, return_inverse=True)[1][order]
    asked = truth.boxes.rows(~truth.ignored)
    visits, first = np.unique(np.stack([asked.track, camera[asked.frame]]), axis=1, return_inverse=True)
    begin = np.full(visits.shape[1], np.iinfo(np.int64).max)
    np.minimum.at(begin, first.reshape(-1), asked.frame)
    visits = visits[:, np.lexsort((begin, visits[0]))]
    on = np.flatnonzero(visits[0, :-1] == visits[0, 1:])
    return np.stack([visits[0, on], visits[1, on], visits[1, on + 1]])


def _camera_numbers(frames: Frames, tracklets: Tracklets, steps: _Steps) -> tuple[Ints, Ints]:
    """Return the number of the camera at both ends of each step, as the true steps number them."""
    cameras = np.unique(frames.camera)
    place = np.searchsorted(cameras, tracklets.camera)
    return place[steps.origin], place[steps.target]


def _whole(truth: TrackTruth, found: TrackedBoxes, journeys: Journeys, tracklets: Tracklets) -> dict[str, float]:
    """Return the identity measures of all cameras together, each journey being one track."""
    track = np.arange(len(tracklets)) + len(journeys)
    track[rows_of(tracklets.id, journeys.members.values)] = journeys.members.row
    asked = found.rows(truth.labelled[found.frame])
    kept, wanted = without_ignored(asked, truth.boxes, truth.ignored)
    joined = TrackedBoxes(frame=kept.frame, track=track[kept.track], box=kept.box)
    return count_tracking(wanted, joined).identity.scores()
