"""What a distance says: the density ratio of one vehicle against two, learnt without labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import isotonic_regression

from cctview.matching.pairs import Meetings, distances
from cctview.matching.priors import PRIORS
from cctview.matching.sides import Side

__all__ = ["Cohort", "Looks", "against", "cohort_of", "first_looks", "fit_looks"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_GRADES, _BINS = PRIORS.grades, PRIORS.bins
_BLOCK = 2048  # rows whose distances are worked out together, to bound memory


@dataclass(frozen=True, eq=False, kw_only=True)
class Cohort:
    """How far each tracklet is from strangers of the other side: mean and spread of its distances."""

    query: tuple[Floats, Floats]
    gallery: tuple[Floats, Floats]

    def score(self, met: Meetings, distance: Floats) -> Floats:
        """Return distances (P,) in units of what strangers show, so that no tracklet is near to everybody.

        The symmetric score normalisation of speaker verification (Reynolds 1997; Matejka et al. 2017).
        """
        own = (distance - self.query[0][met.q]) / self.query[1][met.q]
        other = (distance - self.gallery[0][met.g]) / self.gallery[1][met.g]
        return (own + other) / 2


@dataclass(frozen=True, eq=False, kw_only=True)
class Looks:
    """Log density ratios by grade of quality and bin of score, and what they are made of.

    ``chance`` (grades, bins) are log densities of strangers and ``same`` (grades, bins) densities of
    one vehicle; ``promise`` (bins,) is what any embedder is trusted to reach before it is known.
    """

    grades: Floats
    low: float
    width: float
    chance: Floats
    same: Floats
    promise: Floats
    ratio: Floats

    def bins(self, queries: Side, gallery: Side, met: Meetings, score: Floats) -> Ints:
        """Return the flat bin of each pair (P,)."""
        quality = np.minimum(queries.quality[met.q], gallery.quality[met.g])
        place = np.clip((score - self.low) / self.width, 0, _BINS - 1).astype(np.intp)
        return np.searchsorted(self.grades, quality) * _BINS + place


def cohort_of(queries: Side, gallery: Side, *, normalise: bool = True) -> Cohort:
    """Return the cohort statistics of both sides from evenly chosen strangers; plain ones unless ``normalise``."""
    if not normalise:
        flat = [(np.ones(len(side)), np.full(len(side), PRIORS.plain_spread)) for side in (queries, gallery)]
        return Cohort(query=flat[0], gallery=flat[1])
    return Cohort(query=_usual(queries.vector, gallery.vector), gallery=_usual(gallery.vector, queries.vector))


def _usual(vectors: Floats, others: Floats) -> tuple[Floats, Floats]:
    sample = others[np.linspace(0, len(others) - 1, min(len(others), PRIORS.cohort)).astype(int)]
    mean, spread = np.empty(len(vectors)), np.empty(len(vectors))
    for start in range(0, len(vectors), _BLOCK):
        distance = 1 - vectors[start : start + _BLOCK] @ sample.T
        mean[start : start + _BLOCK], spread[start : start + _BLOCK] = distance.mean(axis=1), distance.std(axis=1)
    return mean, np.maximum(spread, 1e-3)


def first_looks(queries: Side, gallery: Side, cohort: Cohort, strange: Meetings) -> Looks:
    """Return what any embedder promises before it is known: one vehicle is nearer than most strangers."""
    score = cohort.score(strange, distances(queries.vector, gallery.vector, strange))
    quality = np.minimum(queries.quality[strange.q], gallery.quality[strange.g])
    few = len(score) < _GRADES
    grades = np.zeros(_GRADES - 1) if few else np.quantile(quality, np.arange(1, _GRADES) / _GRADES)
    middle, spread = (0.0, 1.0) if few else (float(score.mean()), max(float(score.std()), 0.1))
    low, high = middle - PRIORS.bins_below * spread, middle + PRIORS.bins_above * spread
    width = (high - low) / _BINS
    promise = _normal(low, width, middle - PRIORS.promised * spread, PRIORS.promised_spread * spread)
    blank = Looks(
        grades=grades,
        low=low,
        width=width,
        chance=np.zeros((_GRADES, _BINS)),
        same=np.tile(promise, (_GRADES, 1)),
        promise=promise,
        ratio=np.zeros(0),
    )
    return against(blank, blank.bins(queries, gallery, strange, score), score)


def against(looks: Looks, bins: Ints, score: Floats) -> Looks:
    """Return the looks with their chance part counted anew from the bins (P,) and scores (P,) of strangers."""
    counts = np.bincount(bins, minlength=_GRADES * _BINS).reshape(_GRADES, _BINS).astype(np.float64)
    counts = gaussian_filter1d(counts, PRIORS.chance_blur_bins, axis=1, mode="constant")
    middle, spread = (float(score.mean()), float(score.std())) if len(score) > 1 else (0.0, 1.0)
    usual = counts.sum(axis=0) + PRIORS.chance_pseudo * _normal(
        looks.low, looks.width, middle, PRIORS.chance_widen * max(spread, 0.1)
    )
    mixed = counts + PRIORS.chance_pseudo * usual / usual.sum()
    return _with_ratio(replace(looks, chance=np.log(mixed / mixed.sum(axis=1, keepdims=True))))


def fit_looks(before: Looks, bins: Ints, belief: Floats) -> Looks:
    """Return the looks that the beliefs (P,) in real pairs support; grades with few beliefs lean on all of them."""
    found = np.bincount(bins, belief, _GRADES * _BINS).reshape(_GRADES, _BINS)
    if found.sum() < 1:
        return before
    found = gaussian_filter1d(found, PRIORS.same_blur / before.width, axis=1, mode="nearest")
    usual = found.sum(axis=0) + PRIORS.trust * before.promise
    same = found + PRIORS.trust * usual / usual.sum()
    return _with_ratio(replace(before, same=same / same.sum(axis=1, keepdims=True)))


def _with_ratio(looks: Looks) -> Looks:
    """Return the looks with their log ratio, never rising with the distance."""
    ratio = np.log(looks.same + 1e-9) - looks.chance
    weight = np.exp(looks.chance)
    falling = [isotonic_regression(r, weights=w, increasing=False).x for r, w in zip(ratio, weight, strict=True)]
    return replace(looks, ratio=np.clip(np.concatenate(falling), -PRIORS.looks_most, PRIORS.looks_most))


def _normal(low: float, width: float, middle: float, spread: float) -> Floats:
    """Return the mass of a normal distribution in the bins."""
    score = low + (np.arange(_BINS) + 0.5) * width
    mass = np.exp(-(((score - middle) / spread) ** 2) / 2) + 1e-9
    return mass / mass.sum()
