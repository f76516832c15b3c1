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

from cctview.geometry import iou
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

_LIKENESS_LEVELS = np.array(
    [
        0.001,
        0.003,
        0.006,
        0.01,
        0.02,
        0.03,
        0.05,
        0.075,
        0.1,
        0.15,
        0.2,
        0.25,
        0.3,
        0.35,
        0.4,
        0.45,
        0.5,
        0.55,
        0.6,
        0.7,
        0.8,
        0.9,
        0.95,
    ]
)
_SHIFT_S = 25.0
_SHIFTS = np.array([1.0, 1.35, 1.8, 2.4, 3.1])
_STAYS = 0.6
_PSEUDO = 30.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Motion:
    """Log density ratios (true pair against chance) by bin, and how likely a vehicle is seen again.

    ``gain`` is how far the stills support the model: the mean log-likelihood gain of a detection
    over chance. ``stays`` has one log-odds per place that the next still shows the vehicle too.
    """

    motion: Floats
    change: Floats
    likeness: Floats
    edges: Floats
    stays: Floats
    gain: float

    def log_odds(self, scene: Scene, place: Ints, pairs: Pairs) -> Floats:
        """Return for each pair the log-odds that it is one vehicle, against chance and vanishing."""
        crowd = np.diff(scene.first)[scene.still[pairs.j]]
        views = _views(scene, place, pairs, self.edges)
        return self._evidence(views) + self.stays[place[pairs.i]] - np.log(crowd)

    def _evidence(self, views: tuple[Ints, Ints, Ints]) -> Floats:
        return self.motion[views[0]] + self.change[views[1]] + self.likeness[views[2]]


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sample:
    """Real pairs and chance pairs of one camera with their bins."""

    real: Pairs
    views: tuple[Ints, Ints, Ints]
    chance: tuple[Floats, Floats, Floats]
    edges: Floats


def learn(scene: Scene, settings: TrackSettings) -> Motion:
    """Return the motion of a camera; where there is little to learn from, what roads are like anyhow."""
    place = place_bins(scene)
    sample = _sample(scene, place, settings.sample)
    prior = _prior()
    ratios = tuple(np.log(p / n).ravel() for p, n in zip(_densities(None, prior), sample.chance, strict=True))
    stays = np.full(PLACE, 0.5)
    seen = gaussian_filter(np.bincount(place, minlength=stays.size).reshape(PLACE).astype(float), 1.0)
    crowd = np.diff(scene.first)[scene.still[sample.real.j]]
    share = len(np.unique(sample.real.i)) / max(len(scene), 1)
    odds = np.zeros(0)
    for _ in range(settings.rounds + 1):
        evidence = sum(ratio[view] for ratio, view in zip(ratios, sample.views, strict=True))
        chance = stays.ravel()[place[sample.real.i]]
        odds = np.exp(np.clip(evidence, -30, 30)) * chance / (1 - chance) / crowd
        belief = _one_to_one(sample.real, odds, len(scene))
        found = gaussian_filter(np.bincount(place[sample.real.i], belief, stays.size).reshape(PLACE), 1.0)
        stays = np.clip((found + 2) / (seen * share + 4), 0.02, 0.95)
        weighted = tuple((view, belief) for view in sample.views)
        ratios = tuple(np.log(p / n).ravel() for p, n in zip(_densities(weighted, prior), sample.chance, strict=True))
    return Motion(
        motion=ratios[0],
        change=ratios[1],
        likeness=ratios[2],
        edges=sample.edges,
        stays=np.log(stays / (1 - stays)).ravel(),
        gain=float(np.log1p(odds).sum() / max(len(scene) * share, 1)),
    )


def _sample(scene: Scene, place: Ints, most: int) -> _Sample:
    """Return real pairs of every n-th still, so that each still kept is whole, and chance pairs of the same."""
    stills = len(scene.first) - 1
    crowd = np.diff(scene.first)
    stride = 1 + int((crowd[:-1] * crowd[1:]).sum() // most)
    start = np.arange(0, stills - 1, stride)
    gap = np.diff(scene.clock)[start] if len(start) else np.zeros(0)
    real = pairs_between(scene, start, start + 1, gap)
    chance = _chance(scene, start, gap)
    distance = likeness(scene, chance)
    stayed = iou(scene.box[chance.i, None], scene.box[chance.j, None])[:, 0, 0] > _STAYS
    edges = np.quantile(distance, _LIKENESS_LEVELS) if len(distance) else np.linspace(0.05, 1.2, 23)
    moved = ~(stayed & (distance < edges[15]))
    views = _views(scene, place, chance.rows(moved), edges)
    flat = tuple(
        np.full(shape, 1.0 / np.prod(shape[-axes:])) for shape, axes in ((MOTION, 2), (CHANGE, 2), (LIKENESS, 1))
    )
    counted = _densities(tuple((view, np.ones(len(view))) for view in views), flat)
    return _Sample(real=real, views=_views(scene, place, real, edges), chance=counted, edges=edges)


def _chance(scene: Scene, start: Ints, gap: Floats) -> Pairs:
    """Return pairs of stills so far apart that no moving vehicle is in both; the stills form a ring."""
    stills = len(scene.first) - 1
    step = float(np.median(np.diff(scene.clock))) if stills > 1 else 1.0
    least = max(int(np.ceil(_SHIFT_S / max(step, 1e-3))), 8)
    shifts = np.unique(np.rint(least * _SHIFTS).astype(int)) % max(stills, 1)
    away = np.minimum(shifts, stills - shifts)
    shifts = shifts[away >= min(least, stills // 3)] if stills > 3 else shifts[:0]
    end = (start[:, None] + 1 + shifts).ravel() % max(stills, 1)
    return pairs_between(scene, np.repeat(start, len(shifts)), end, np.repeat(gap, len(shifts)))


def _views(scene: Scene, place: Ints, pairs: Pairs, edges: Floats) -> tuple[Ints, Ints, Ints]:
    change, given = change_bins(scene, pairs)
    alike = given * LIKENESS[-1] + np.searchsorted(edges, likeness(scene, pairs))
    return motion_bins(scene, place, pairs), change, alike


def _one_to_one(pairs: Pairs, odds: Floats, count: int) -> Floats:
    """Return beliefs whose sums over either end stay below 1: a few rounds of row and column scaling."""
    start, end = np.ones(count), np.ones(count)
    for _ in range(4):
        start = 1 / (1 + np.bincount(pairs.i, odds * end[pairs.j], count))
        end = 1 / (1 + np.bincount(pairs.j, odds * start[pairs.i], count))
    return odds * start[pairs.i] * end[pairs.j]


def _densities(
    views: tuple[tuple[Ints, Floats], ...] | None, prior: tuple[Floats, ...]
) -> tuple[Floats, Floats, Floats]:
    """Return smoothed densities of movement given place, change given state, likeness given state."""
    if views is None:
        return prior[0], prior[1], prior[2]
    (motion, w1), (change, w2), (alike, w3) = views
    return (
        _density(motion, w1, MOTION, (1.0, 1.0, 0.8, 0.7), prior[0]),
        _density(change, w2, CHANGE, (0.0, 0.7, 0.8, 0.8), prior[1]),
        _density(alike, w3, LIKENESS, (0.0, 0.7, 0.8), prior[2]),
    )


def _density(view: Ints, weight: Floats, shape: tuple[int, ...], sigma: tuple[float, ...], prior: Floats) -> Floats:
    """Return the density over the last axes given the first two, leaning on the one over all places."""
    counts = gaussian_filter(np.bincount(view, weight, int(np.prod(shape))).reshape(shape), sigma, mode="nearest")
    inner = tuple(range(2, len(shape)))
    overall = counts.sum(axis=(0, 1)) + _PSEUDO * prior
    overall /= overall.sum(axis=inner, keepdims=True)
    return (counts + _PSEUDO * overall) / (counts.sum(axis=inner, keepdims=True) + _PSEUDO)


def _prior() -> tuple[Floats, Floats, Floats]:
    """Return what true pairs look like on any road: they keep their lane, their size and their look."""
    along, across = np.linspace(-2.5, 2.5, MOTION[2]), np.linspace(-2.3, 2.3, MOTION[3])
    speed = np.where(np.abs(along) < 2.1, 1.0, 0.05)
    motion = speed[:, None] * np.exp(-np.abs(across) / 0.5)
    bins = np.linspace(-1, 1, CHANGE[2])
    change = np.exp(-np.abs(bins[:, None]) / 0.2 - np.abs(bins) / 0.25)
    level = np.concatenate([[0.0], _LIKENESS_LEVELS, [1.0]])
    alike = np.diff(level**0.5)
    shapes = ((motion, MOTION), (change, CHANGE), (alike, LIKENESS))
    return tuple(np.broadcast_to(p / p.sum(), shape) for p, shape in shapes)  # type: ignore[return-value]
