"""Score matches on vehicles linked by hand over cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.evaluate.diagram import reliability_diagram
from cctview.evaluate.links import Links
from cctview.evaluate.visits import Visits, labelled_visits
from cctview.geometry import passing_time
from cctview.matching import match
from cctview.metrics.calibration import Answers
from cctview.metrics.counts import Additive
from cctview.metrics.reid import ReidCounts, count_reid
from cctview.network import CameraNetwork
from cctview.types import Detections, Matches, Tracklets, rows_among

__all__ = ["THRESHOLDS", "PairScores", "ReidScores", "evaluate_reid", "false_matches"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
_SLACK_S = 3.0
_NOT_LISTED, _NEVER = 2.0, 3.0
_LEAST = 1e-6
_STATED, _THERE = "as stated", "given that it is there"
_HELD_OUT = "all: matching learns from unlabelled traffic and reads no link"


@dataclass(frozen=True, eq=False, kw_only=True)
class PairScores(Additive):
    """What is counted for one camera pair or one kind of vehicle; adds up.

    ``answers`` are the best candidates with their probabilities; ``given_there`` the same with the
    probability given that the vehicle is in the gallery at all, as each labelled one is.
    """

    vehicles: int
    found: int
    matched: ReidCounts
    answers: Answers
    given_there: Answers
    by_looks: ReidCounts
    in_window: ReidCounts

    def ratios(self, threshold: float) -> dict[str, Any]:
        """Return what is reported of them; answers are given from probability ``threshold`` on."""
        (given,) = self.answers.open_set((threshold,)).values()
        calibration = self.answers.scores()
        return {
            "vehicles": self.vehicles,
            "queries": self.matched.queries,
            **self.matched.scores(),
            "rank-1 of all vehicles": self.found / max(self.vehicles, 1),
            f"answered at {threshold:g}": given["share"],
            f"wrong of those at {threshold:g}": given["wrong share"],
            "mean stated": calibration["mean stated"],
            "share right": calibration["share right"],
            "calibration error": calibration["error"],
            "calibration error by chance": calibration["error by chance"],
            "calibration error, given that it is there": self.given_there.error(),
            "rank-1 by looks alone, whole store": self.by_looks.rank(1),
            "rank-1 by looks alone, true window": self.in_window.rank(1),
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class ReidScores:
    """The scores of each camera pair, by its name, and of each kind of vehicle."""

    pairs: dict[str, PairScores]
    kinds: dict[str, PairScores]

    @property
    def whole(self) -> PairScores:
        """The scores of all pairs together; there is at least one."""
        return reduce(add, self.pairs.values())

    def report(self, threshold: float = 0.9) -> dict[str, Any]:
        """Return ratios per camera pair, by difficulty and of all, open-set rates, calibration and reliability."""
        if not self.pairs:
            return {"pairs": {}, "queries": 0}
        whole = self.whole
        return {
            "pairs": {name: scores.ratios(threshold) for name, scores in self.pairs.items()},
            "by difficulty": {kind: scores.ratios(threshold) for kind, scores in self.kinds.items()},
            "all": whole.ratios(threshold),
            "open set": whole.answers.open_set(sorted({*THRESHOLDS, threshold})),
            "calibration": {_STATED: whole.answers.scores(), _THERE: whole.given_there.scores()},
            "held out": _HELD_OUT,
            "reliability": whole.answers.reliability().rows(),
        }

    def diagram(self) -> str:
        """Return the reliability diagram of all answers and of each camera pair as SVG."""
        sides = {_STATED: self.whole.answers, _THERE: self.whole.given_there} if self.pairs else {}
        parts = {
            f"{_STATED}, by camera pair": {name: scores.answers for name, scores in self.pairs.items()},
            f"{_THERE}, by camera pair": {name: scores.given_there for name, scores in self.pairs.items()},
        }
        return reliability_diagram("Matches, stated and observed", sides, parts)


def evaluate_reid(
    links: Links, detections: Detections, tracklets: Tracklets, matches: Matches, *, unknown_within_s: float = 4.0
) -> ReidScores:
    """Return scores per camera pair and by difficulty.

    A query is the tracklet that shows a linked vehicle most often (one that mixes two asks for both);
    its gallery are all tracklets of the next camera that saw it, and the program's own ranking orders
    them: what it did not list was never found. "Vehicles" are all labelled ones, also those without a
    tracklet on either side.
    """
    visits = labelled_visits(links, detections, tracklets, unknown_within_s=unknown_within_s)
    pairs: dict[str, PairScores] = {}
    kinds: dict[str, list[PairScores]] = {}
    for (origin, target), rows in _pairs(visits).items():
        pairs[f"{origin} -> {target}"] = _score(visits, rows, tracklets, matches)
        difficulty = links.difficulty[visits.vehicle[rows]]
        for kind in np.unique(difficulty).tolist():
            kinds.setdefault(kind, []).append(_score(visits, rows[difficulty == kind], tracklets, matches))
    return ReidScores(pairs=pairs, kinds={kind: reduce(add, some) for kind, some in kinds.items()})


def false_matches(
    links: Links,
    detections: Detections,
    tracklets: Tracklets,
    network: CameraNetwork,
    *,
    thresholds: tuple[float, ...] = THRESHOLDS,
) -> dict[str, float]:
    """Return the share of linked vehicles for which a match is claimed although none is there, per threshold.

    Matching runs again without the tracklets that show, or may show, the vehicles where they went.
    """
    visits = labelled_visits(links, detections, tracklets)
    claimed = [np.zeros(0)]
    for (origin, camera), rows in _pairs(visits).items():
        gone = (visits.shows[rows + 1] | visits.unknown[rows + 1]).any(axis=0)
        left = np.flatnonzero(~gone & np.isin(tracklets.camera, (origin, camera)))
        queries = visits.tracklet[rows][visits.tracklet[rows] >= 0]
        gallery = left[tracklets.camera[left] == camera]
        ways = tuple(link for link in network.links if (link.origin, link.target) == (origin, camera))
        fresh = match(tracklets[left], replace(network, links=ways))
        ranking, _ = _ranking(fresh, tracklets, queries, gallery, np.zeros((len(queries), len(gallery)), np.bool_))
        claimed.append(1 - ranking.min(axis=1, initial=1.0))
    best = np.concatenate(claimed)
    return {f"{level:g}": float(np.mean(best >= level)) if len(best) else 0.0 for level in thresholds}


def _pairs(visits: Visits) -> dict[tuple[str, str], Ints]:
    """Return the rows of the first visit of each step, by the cameras it leads from and to."""
    origin, target = visits.steps()
    ends, pair = np.unique(np.stack([visits.camera[origin], visits.camera[target]]), axis=1, return_inverse=True)
    return {(near, far): origin[pair.reshape(-1) == number] for number, (near, far) in enumerate(ends.T.tolist())}


def _score(visits: Visits, rows: Ints, tracklets: Tracklets, matches: Matches) -> PairScores:
    """Count the questions of one camera pair: from these visits to the next ones."""
    gallery = np.flatnonzero(tracklets.camera == visits.camera[rows[0] + 1])
    asked = rows[(visits.tracklet[rows] >= 0) & (visits.tracklet[rows + 1] >= 0)]
    queries, query = np.unique(visits.tracklet[asked], return_inverse=True)
    relevant, unknown = np.zeros((2, len(queries), len(gallery)), np.bool_)
    np.logical_or.at(relevant, query, visits.shows[asked + 1][:, gallery])
    np.logical_or.at(unknown, query, visits.unknown[asked + 1][:, gallery])
    ranking, there = _ranking(matches, tracklets, queries, gallery, relevant)
    best = np.where(unknown, np.inf, ranking).argmin(axis=1) if len(queries) else np.zeros(0, np.intp)
    given = ranking[np.arange(len(queries)), best]
    probability = np.clip(1 - given, 0, 1)
    right = relevant[np.arange(len(queries)), best] & (given < _NOT_LISTED)
    own = visits.shows[asked + 1, gallery[best[query]]] & right[query]
    apart, lag = _looks(tracklets, queries, gallery), _lag(tracklets, queries, gallery)
    low, high = lag[relevant].min(initial=np.inf) - _SLACK_S, lag[relevant].max(initial=-np.inf) + _SLACK_S
    outside = ((lag < low) | (lag > high)) & ~relevant
    return PairScores(
        vehicles=len(rows),
        found=int(own.sum()),
        matched=count_reid(ranking, relevant, unknown),
        answers=Answers(probability=probability, right=right),
        given_there=Answers(probability=np.minimum(probability / there, 1), right=right),
        by_looks=count_reid(apart, relevant, unknown),
        in_window=count_reid(apart, relevant, unknown | outside),
    )


def _ranking(
    matches: Matches, tracklets: Tracklets, queries: Ints, gallery: Ints, relevant: Mask
) -> tuple[Floats, Floats]:
    """Return one minus the stated probabilities as distances (Q, G), and how sure it is that any is right (Q,).

    Right answers that are not listed come last.
    """
    ranking, there = np.where(relevant, _NEVER, _NOT_LISTED), np.ones(len(queries))
    if not len(gallery) or not len(queries):
        return ranking, there
    here = matches[matches.camera == tracklets.camera[gallery[0]]]
    row = rows_among(here.query, tracklets.id[queries])
    asked = np.flatnonzero(row >= 0)
    here = here[row[asked]]
    there[asked] = np.maximum(1 - here.p_none.astype(np.float64), _LEAST)
    place = rows_among(tracklets.id[gallery], here.candidates.values)
    listed = place >= 0
    ranking[asked[here.candidates.row[listed]], place[listed]] = 1 - here.probability.values[listed]
    return ranking, there


def _looks(tracklets: Tracklets, queries: Ints, gallery: Ints) -> Floats:
    """Return the cosine distance (Q, G) after what all vehicles of a camera share is taken away."""
    if not len(queries) or not len(gallery):
        return np.zeros((len(queries), len(gallery)))
    sides = []
    for rows in (queries, gallery):
        here = np.isin(tracklets.camera, tracklets.camera[rows[:1]])
        vector = tracklets.vector[rows].astype(np.float64) - tracklets.vector[here].mean(axis=0, dtype=np.float64)
        sides.append(vector / np.maximum(np.linalg.norm(vector, axis=1, keepdims=True), 1e-9))
    return 1 - sides[0] @ sides[1].T


def _lag(tracklets: Tracklets, queries: Ints, gallery: Ints) -> Floats:
    """Return the seconds (Q, G) from when each query to when each gallery tracklet was nearest to its camera."""
    second = passing_time(tracklets).astype(np.int64) / 1e9
    return second[gallery] - second[queries][:, None]
