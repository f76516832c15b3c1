"""What a distance says: the density ratio of one vehicle against two, learnt without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.match.candidates import Meetings, Side, distances

__all__ = ["Cohort", "Looks", "cohort_of", "fit_looks"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_LEVELS = np.array([1e-4, 3e-4, 1e-3, 2e-3, 4e-3, 7e-3, 0.012, 0.02, 0.03, 0.045, 0.065, 0.09, 0.125])
_LEVELS = np.concatenate([_LEVELS, [0.17, 0.22, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]])
_GRADES = 3
_COHORT = 400
_PSEUDO = 20.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Cohort:
    """How far each tracklet is from strangers of the other side: mean and spread of its distances."""

    query: tuple[Floats, Floats]
    gallery: tuple[Floats, Floats]

    def score(self, met: Meetings, distance: Floats) -> Floats:
        """Return distances in units of what strangers show, so that no tracklet is near to everybody.

        The symmetric score normalisation of speaker verification (Reynolds 1997; Matejka et al. 2017).
        """
        own = (distance - self.query[0][met.q]) / self.query[1][met.q]
        other = (distance - self.gallery[0][met.g]) / self.gallery[1][met.g]
        return (own + other) / 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Looks:
    """Log density ratios by grade of quality and bin of score."""

    grades: Floats
    edges: Floats
    chance: Floats
    ratio: Floats

    def bins(self, queries: Side, gallery: Side, met: Meetings, score: Floats) -> Ints:
        """Return the flat bin of each pair."""
        quality = np.minimum(queries.quality[met.q], gallery.quality[met.g])
        grade = np.searchsorted(self.grades, quality)
        return grade * (len(_LEVELS) + 1) + np.searchsorted(self.edges, score)


def cohort_of(queries: Side, gallery: Side) -> Cohort:
    """Return the cohort statistics of both sides from evenly chosen strangers."""
    return Cohort(query=_usual(queries.vector, gallery.vector), gallery=_usual(gallery.vector, queries.vector))


def _usual(vectors: Floats, others: Floats) -> tuple[Floats, Floats]:
    sample = others[np.linspace(0, len(others) - 1, min(len(others), _COHORT)).astype(int)]
    mean, square = np.empty(len(vectors)), np.empty(len(vectors))
    for start in range(0, len(vectors), 2048):
        distance = 1 - vectors[start : start + 2048] @ sample.T
        mean[start : start + 2048], square[start : start + 2048] = distance.mean(axis=1), distance.std(axis=1)
    return mean, np.maximum(square, 1e-3)


def first_looks(queries: Side, gallery: Side, cohort: Cohort, strange: Meetings) -> Looks:
    """Return what any embedder promises before it is known: nearer than most strangers speaks for one vehicle."""
    score = cohort.score(strange, distances(queries, gallery, strange))
    quality = np.minimum(queries.quality[strange.q], gallery.quality[strange.g])
    grades = np.quantile(quality, np.arange(1, _GRADES) / _GRADES) if len(quality) else np.zeros(_GRADES - 1)
    edges = np.quantile(score, _LEVELS) if len(score) else np.linspace(-4, 2, len(_LEVELS))
    blank = Looks(grades=grades, edges=edges, chance=np.zeros(0), ratio=np.zeros(0))
    counts = _counts(blank.bins(queries, gallery, strange, score), np.ones(len(score)))
    chance = (counts + _PSEUDO * _flat()) / (counts.sum(axis=1, keepdims=True) + _PSEUDO)
    prior = np.log(_promise() / _flat())
    return Looks(grades=grades, edges=edges, chance=chance, ratio=np.broadcast_to(prior, chance.shape).ravel())


def fit_looks(before: Looks, view: Ints, belief: Floats) -> Looks:
    """Return the ratio that the beliefs in real pairs support, leaning on the promise where they are few."""
    counts = _counts(view, belief)
    overall = counts.sum(axis=0) + _PSEUDO * _promise()
    overall /= overall.sum()
    true = (counts + _PSEUDO * overall) / (counts.sum(axis=1, keepdims=True) + _PSEUDO)
    ratio = np.log(true / before.chance)
    falling = -np.maximum.accumulate(-ratio, axis=1)
    ratio = (ratio + falling) / 2
    return Looks(grades=before.grades, edges=before.edges, chance=before.chance, ratio=ratio.ravel())


def _counts(view: Ints, weight: Floats) -> Floats:
    shape = (_GRADES, len(_LEVELS) + 1)
    counts = np.bincount(view, weight, shape[0] * shape[1]).reshape(shape)
    return gaussian_filter(counts, (0.0, 0.0), mode="nearest")


def _flat() -> Floats:
    return np.diff(np.concatenate([[0.0], _LEVELS, [1.0]]))


def _promise() -> Floats:
    return np.diff(np.concatenate([[0.0], _LEVELS, [1.0]]) ** 0.4)
