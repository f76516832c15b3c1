"""How vehicles move in one camera, learnt without labels from the detections themselves.

Pairs of neighbouring stills hold the same vehicle now and then; pairs of stills shifted in time
never do. The ratio of the two densities, over binned place, movement, change of the box and
likeness, says how much a pair speaks for one vehicle. Expectation maximisation sharpens it:
one-to-one beliefs weigh the real pairs, and the weighted pairs make the next densities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.assign import soft_assign
from cctview.geometry import iou
from cctview.track.density import Histogram
from cctview.track.pairs import (
    CHANGE,
    LIKENESS,
    MOTION,
    PLACE,
    Pairs,
    change_bins,
    likeness,
    motion_bins,
    pairs_between,
    place_bins,
)
from cctview.track.scene import Scene
from cctview.track.settings import TrackSettings

__all__ = ["Motion", "learn"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Three = tuple[Floats, Floats, Floats]

_LEVELS = np.concatenate(
    [[0.001, 0.003, 0.006, 0.01, 0.02, 0.03, 0.05, 0.075], np.linspace(0.1, 0.6, 11), [0.7, 0.8, 0.9, 0.95]]
)
_SHIFT_S, _LEAST_SHIFT_S = 25.0, 8.0
_SHIFTS = np.array([1.0, 1.35, 1.8, 2.4, 3.1])
_STAYS, _STAYS_LEVEL = 0.6, 15
_MOST = 30.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Motion:
    """Log density ratios (true pair against chance) by bin, and how likely a vehicle is seen again.

    ``ratios`` are those of movement, change of the box, and likeness; ``edges`` the bins of
    likeness; ``stays`` has one log-odds per place that the next still shows the vehicle too.
    ``gain`` is how well the stills fit: the mean log-likelihood gain of a detection over chance.
    """

    ratios: Three
    edges: Floats
    stays: Floats
    gain: float

    def log_odds(self, scene: Scene, place: Ints, pairs: Pairs) -> Floats:
        """Return for each pair the log-odds that it is one vehicle, against chance and vanishing."""
        views = _views(scene, place, pairs, self.edges)
        evidence = sum((ratio[view] for ratio, view in zip(self.ratios, views, strict=True)), np.zeros(len(pairs.i)))
        return evidence + self.stays[place[pairs.i]] - np.log(_crowd(scene, pairs))


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sample:
    """Real pairs of one camera with their bins, and the log densities of chance pairs."""

    real: Pairs
    views: tuple[Ints, Ints, Ints]
    chance: Three
    edges: Floats


def learn(scene: Scene, settings: TrackSettings) -> Motion:
    """Return the motion of a camera; where there is little to learn from, what roads are like anyhow."""
    place = place_bins(scene)
    sample = _sample(scene, place, settings.sample)
    histograms = _histograms()
    chances = [chance[view] for chance, view in zip(sample.chance, sample.views, strict=True)]
    start = place[sample.real.i]
    asked = _by_place(place[np.unique(sample.real.i)], None)
    crowd = _crowd(scene, sample.real)
    belief: Floats = np.zeros(len(start))
    odds = np.zeros(len(start))
    counts = [histogram.counts(view, belief) for histogram, view in zip(histograms, sample.views, strict=True)]
    stays: Floats = np.full_like(asked, 0.5)
    for _ in range(settings.rounds + 1):
        parts = zip(histograms, counts, sample.views, chances, strict=True)
        evidence = sum((np.log(h.left_out(c, v, belief)) - n for h, c, v, n in parts), np.zeros(len(start)))
        odds = np.exp(np.clip(evidence, -_MOST, _MOST)) * (stays / (1 - stays))[start] / crowd
        belief = soft_assign(sample.real.i, sample.real.j, odds, (len(scene), len(scene)))
        stays = np.clip((_by_place(start, belief) + 1) / (asked + 3), 0.02, 0.95)
        counts = [histogram.counts(view, belief) for histogram, view in zip(histograms, sample.views, strict=True)]
    ratios = [np.log(h.density(c)).ravel() - n for h, c, n in zip(histograms, counts, sample.chance, strict=True)]
    return Motion(
        ratios=(ratios[0], ratios[1], ratios[2]),
        edges=sample.edges,
        stays=np.log(stays / (1 - stays)),
        gain=float(np.log1p(odds).sum() / max(len(np.unique(sample.real.i)), 1)),
    )


def _sample(scene: Scene, place: Ints, most: int) -> _Sample:
    """Return real pairs of every n-th still, so that each still kept is whole, and chance pairs of the same."""
    stills = len(scene.first) - 1
    crowd = np.diff(scene.first)
    stride = 1 + int((crowd[:-1] * crowd[1:]).sum() // most)
    start = np.arange(0, stills - 1, stride)
    gap = np.diff(scene.clock)[start]
    real = pairs_between(scene, start, start + 1, gap)
    chance = _chance(scene, start, gap)
    distance = likeness(scene, chance)
    stayed = iou(scene.box[chance.i, None], scene.box[chance.j, None])[:, 0, 0] > _STAYS
    edges = np.quantile(distance, _LEVELS) if len(distance) else np.linspace(0.05, 1.2, len(_LEVELS))
    views = _views(scene, place, chance.rows(~(stayed & (distance <= edges[_STAYS_LEVEL]))), edges)
    counted = [h.counts(view, np.ones(len(view))) for h, view in zip(_histograms(), views, strict=True)]
    flat = [
        Histogram(shape=h.shape, sigma=h.sigma, prior=np.full_like(h.prior, 1 / h.prior.size)) for h in _histograms()
    ]
    chances = [np.log(h.density(counts)).ravel() for h, counts in zip(flat, counted, strict=True)]
    return _Sample(
        real=real,
        views=_views(scene, place, real, edges),
        chance=(chances[0], chances[1], chances[2]),
        edges=edges,
    )


def _chance(scene: Scene, start: Ints, gap: Floats) -> Pairs:
    """Return pairs of stills so far apart that no moving vehicle is in both; the stills form a ring."""
    stills = len(scene.first) - 1
    step = float(np.median(np.diff(scene.clock))) if stills > 1 else 1.0
    least = max(int(np.ceil(_SHIFT_S / max(step, 1e-3))), 8)
    shifts = np.unique(np.rint(least * _SHIFTS).astype(int)) % max(stills, 1)
    away = np.minimum(shifts, stills - shifts)
    shifts = shifts[(away >= min(least, stills // 3)) & (away * step >= _LEAST_SHIFT_S)]
    end = (start[:, None] + 1 + shifts).ravel() % max(stills, 1)
    return pairs_between(scene, np.repeat(start, len(shifts)), end, np.repeat(gap, len(shifts)))


def _views(scene: Scene, place: Ints, pairs: Pairs, edges: Floats) -> tuple[Ints, Ints, Ints]:
    change, given = change_bins(scene, pairs)
    alike = given * LIKENESS[-1] + np.searchsorted(edges, likeness(scene, pairs))
    return motion_bins(scene, place, pairs), change, alike


def _by_place(place: Ints, weight: Floats | None) -> Floats:
    """Return how much weight falls on each place and its neighbours, flat."""
    counts = np.bincount(place, weight, int(np.prod(PLACE))).reshape(PLACE).astype(np.float64)
    return gaussian_filter(counts, 1.0).ravel()


def _crowd(scene: Scene, pairs: Pairs) -> Ints:
    """Return how many detections the later still holds."""
    return np.diff(scene.first)[scene.still[pairs.j]]


def _histograms() -> tuple[Histogram, Histogram, Histogram]:
    """Return movement, change and likeness with what holds on any road: vehicles keep lane, size and look."""
    along, across = np.linspace(-2.5, 2.5, MOTION[2]), np.linspace(-2.3, 2.3, MOTION[3])
    motion = np.where(np.abs(along) < 2.1, 1.0, 0.05)[:, None] * np.exp(-np.abs(across) / 0.5)
    bins = np.linspace(-1, 1, CHANGE[2])
    change = np.exp(-np.abs(bins[:, None]) / 0.2 - np.abs(bins) / 0.25)
    alike = np.diff(np.concatenate([[0.0], _LEVELS, [1.0]]) ** 0.5)
    return (
        Histogram(shape=MOTION, sigma=(1.0, 1.0, 0.8, 0.7), prior=motion / motion.sum()),
        Histogram(shape=CHANGE, sigma=(0.0, 0.7, 0.8, 0.8), prior=change / change.sum()),
        Histogram(shape=LIKENESS, sigma=(0.0, 0.7, 0.8), prior=alike / alike.sum()),
    )
