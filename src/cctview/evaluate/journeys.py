"""Score the journeys of a store: against true identities, or on vehicles linked by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.evaluate.diagram import reliability_diagram
from cctview.evaluate.links import Links
from cctview.evaluate.truth import TrackTruth
from cctview.evaluate.visits import labelled_visits
from cctview.metrics.journeys import RIGHT, UNKNOWN, WRONG, JourneyCounts, count_journeys
from cctview.metrics.overlap import TrackedBoxes, majority, shown_tracks, without_ignored
from cctview.metrics.tracking import count_tracking
from cctview.table import Ragged
from cctview.types import Detections, Journeys, Tracklets, rows_of

__all__ = ["JourneyScores", "Steps", "count_steps", "evaluate_journeys", "evaluate_linked_journeys", "steps_of"]

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class JourneyScores:
    """The counts of journeys and, with full truth, the identity measures over all cameras."""

    counts: JourneyCounts
    identity: dict[str, float] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        """Return precision, recall, calibration and reliability."""
        answers = self.counts.answers
        return {
            **self.counts.scores(),
            **self.identity,
            "calibration": answers.scores(),
            "reliability": answers.reliability().rows(),
        }

    def diagram(self) -> str:
        """Return the reliability diagram of the journeys judged as SVG."""
        return reliability_diagram("Journeys, stated and observed", {"as stated": self.counts.answers})


class Steps(NamedTuple):
    """Tracklet rows each step of the journeys leads from and to, and its journey's row."""

    origin: Ints
    target: Ints
    journey: Ints


def evaluate_journeys(
    truth: TrackTruth, detections: Detections, tracklets: Tracklets, journeys: Journeys
) -> JourneyScores:
    """Return the scores of journeys where all vehicles are labelled.

    A step is right when most boxes of both its tracklets are of one vehicle; true steps lead from each
    camera a vehicle was seen at to the next one. "IDF1" is that of multi-camera tracking: the boxes of all
    cameras under the identity of their journey.
    """
    found = truth.found(detections, tracklets)
    inside = np.unique(found.track[truth.labelled[found.frame]])
    who = majority(found.track, shown_tracks(found, truth.boxes), len(tracklets))
    steps = steps_of(journeys, tracklets)
    same = (who[steps.origin] == who[steps.target]) & (who[steps.origin] >= 0)
    labelled = np.isin(steps.origin, inside) & np.isin(steps.target, inside)
    kind = np.where(same, RIGHT, np.where(labelled, WRONG, UNKNOWN)).astype(np.int8)
    true = _true_steps(truth)
    place = np.searchsorted(np.unique(truth.frames.camera), tracklets.camera)
    made = np.stack([who[steps.origin], place[steps.origin], place[steps.target]])[:, same]
    counts = count_steps(journeys, steps, kind, found=_common(made, true), true=true.shape[1])
    return JourneyScores(counts=counts, identity=_whole(truth, found, journeys, tracklets))


def evaluate_linked_journeys(
    links: Links, detections: Detections, tracklets: Tracklets, journeys: Journeys
) -> JourneyScores:
    """Return the scores of journeys where some vehicles are linked by hand.

    A step is judged when one of its ends shows a linked vehicle that was also labelled at the camera of
    the other end.
    """
    visits = labelled_visits(links, detections, tracklets)
    steps = steps_of(journeys, tracklets)
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
    found = _common(np.concatenate(pairs, axis=1), true)
    counts = count_steps(journeys, steps, kind, found=found, true=true.shape[1])
    return JourneyScores(counts=counts)


def steps_of(journeys: Journeys, tracklets: Tracklets) -> Steps:
    """Return all steps of the journeys, journey by journey."""
    rows, journey = rows_of(tracklets.id, journeys.members.values), journeys.members.row
    on = np.flatnonzero(journey[:-1] == journey[1:]) if len(rows) else np.zeros(0, np.intp)
    return Steps(rows[on], rows[on + 1], journey[on])


def count_steps(journeys: Journeys, steps: Steps, kind: NDArray[np.int8], *, found: int, true: int) -> JourneyCounts:
    """Return the counts of journeys whose steps (S,) are RIGHT, WRONG or UNKNOWN; ``found`` of ``true`` were found."""
    grouped = Ragged.grouped(kind, steps.journey, len(journeys))
    return count_journeys(grouped, journeys.probability, found_steps=found, true_steps=true)


def _common(made: Ints, true: Ints) -> int:
    """Return how many of the distinct columns (K, S) of both sides stand on either."""
    both = np.concatenate([np.unique(made, axis=1), true], axis=1)
    return int((np.unique(both, axis=1, return_counts=True)[1] > 1).sum())


def _true_steps(truth: TrackTruth) -> Ints:
    """Return identity, camera and next camera (3, S) of each step a vehicle made between labelled sightings."""
    camera = np.unique(truth.frames.camera, return_inverse=True)[1]
    asked = truth.boxes.rows(~truth.ignored)
    visits, first = np.unique(np.stack([asked.track, camera[asked.frame]]), axis=1, return_inverse=True)
    begin = np.full(visits.shape[1], np.iinfo(np.int64).max)
    np.minimum.at(begin, first.reshape(-1), asked.frame)
    visits = visits[:, np.lexsort((begin, visits[0]))]
    on = np.flatnonzero(visits[0, :-1] == visits[0, 1:])
    return np.stack([visits[0, on], visits[1, on], visits[1, on + 1]])


def _whole(truth: TrackTruth, found: TrackedBoxes, journeys: Journeys, tracklets: Tracklets) -> dict[str, float]:
    """Return the identity measures of all cameras together, each journey being one track."""
    track = np.arange(len(tracklets)) + len(journeys)
    track[rows_of(tracklets.id, journeys.members.values)] = journeys.members.row
    asked = found.rows(truth.labelled[found.frame])
    kept, wanted = without_ignored(asked, truth.boxes, truth.ignored)
    joined = TrackedBoxes(frame=kept.frame, track=track[kept.track], box=kept.box)
    return count_tracking(wanted, joined).identity.scores()
