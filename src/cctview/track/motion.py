"""How vehicles move in one camera, learnt without labels from the detections themselves.

Pairs of neighbouring stills hold the same vehicle now and then; pairs of stills shifted in time
never do. The ratio of the two densities, over binned place, movement, change of the box and
likeness, says how much a pair speaks for one vehicle. Expectation maximisation sharpens it:
one-to-one beliefs weigh the real pairs, and the weighted pairs make the next densities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.assign import soft_assign
from cctview.geometry import aligned_iou
from cctview.track.density import Histogram
from cctview.track.pairs import CHANGE, LIKENESS, MOTION, Pairs, change_bins, likeness, moves, pairs_between
from cctview.track.scene import PLACE, Scene

__all__ = ["Evidence", "Motion", "learn"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_LEVELS = np.concatenate(
    [[0.001, 0.003, 0.006, 0.01, 0.02, 0.03, 0.05, 0.075], np.linspace(0.1, 0.6, 11), [0.7, 0.8, 0.9, 0.95]]
)
_SHIFT_S, _LEAST_SHIFT_S = 25.0, 3.0
_SHIFTS = np.array([1.0, 1.8, 3.1])
_STAYS, _STAYS_LEVEL = 0.6, 15
_MOST = 30.0
_MESSAGES = 6


class Evidence(NamedTuple):
    """What speaks for each of P pairs, in nats.

    ``same`` and ``chance`` are the log densities of the movement on the ground, ``rest`` all else:
    change of the box, likeness, the chance to be seen again, and how many there are to choose from.
    """

    same: Floats
    chance: Floats
    rest: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Motion:
    """Log densities by bin, and how likely a vehicle is seen again.

    ``same`` and ``chance`` are those of the movement of true pairs and of chance pairs, ``change``
    and ``alike`` log ratios of the two for the box and for likeness; ``edges`` are the bins of
    likeness; ``stays`` has one log-odds per place that the next still shows the vehicle too.
    ``gain`` is how well the stills fit: the mean log-likelihood gain of a sighting over chance.
    """

    same: Floats
    chance: Floats
    change: Floats
    alike: Floats
    edges: Floats
    stays: Floats
    gain: float

    def evidence(self, scene: Scene, pairs: Pairs) -> Evidence:
        """Return what speaks for each pair to be one vehicle, against chance and vanishing."""
        moved, ground = moves(scene, pairs)
        change, given = change_bins(scene, pairs)
        alike = _alike(given, likeness(scene, pairs), self.edges)
        rest = self.change[change] + self.alike[alike] + self.stays[scene.bin[pairs.i]]
        rest -= np.log(scene.crowd[scene.still[pairs.j]])
        return Evidence(self.same[moved] - ground, self.chance[moved] - ground, rest)


class _Views(NamedTuple):
    motion: Ints
    change: Ints
    alike: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sample:
    """Real pairs of one camera with their bins, and the log densities of chance pairs."""

    real: Pairs
    views: _Views
    chance: tuple[Floats, ...]
    edges: Floats


def learn(scene: Scene, rounds: int, most: int) -> Motion:
    """Return the motion of a camera; where there is little to learn from, what roads are like anyhow.

    Takes ``rounds`` of expectation maximisation on about ``most`` pairs.
    """
    sample = _sample(scene, most)
    histograms = _histograms()
    chances = [chance[view] for chance, view in zip(sample.chance, sample.views, strict=True)]
    start = scene.bin[sample.real.i]
    asked = _by_place(scene.bin[np.unique(sample.real.i)], None)
    crowd = scene.crowd[scene.still[sample.real.j]]
    row, column = (np.unique(end, return_inverse=True)[1] for end in sample.real[:2])
    shape = (int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1)
    belief: Floats = np.zeros(len(start))
    odds = np.zeros(len(start))
    counts = [histogram.counts(view, belief) for histogram, view in zip(histograms, sample.views, strict=True)]
    stays: Floats = np.full_like(asked, 0.5)
    for _ in range(rounds + 1):
        parts = zip(histograms, counts, sample.views, chances, strict=True)
        evidence = sum((np.log(h.left_out(c, v, belief)) - n for h, c, v, n in parts), np.zeros(len(start)))
        odds = np.exp(np.clip(evidence, -_MOST, _MOST)) * (stays / (1 - stays))[start] / crowd
        belief = soft_assign(row, column, odds, shape, _MESSAGES)
        stays = np.clip((_by_place(start, belief) + 1) / (asked + 3), 0.02, 0.95)
        counts = [histogram.counts(view, belief) for histogram, view in zip(histograms, sample.views, strict=True)]
    same, change, alike = (np.log(h.density(c)).ravel() for h, c in zip(histograms, counts, strict=True))
    return Motion(
        same=same,
        chance=sample.chance[0],
        change=change - sample.chance[1],
        alike=alike - sample.chance[2],
        edges=sample.edges,
        stays=np.log(stays / (1 - stays)),
        gain=float(np.log1p(odds).sum() / max(shape[0], 1)),
    )


def _sample(scene: Scene, most: int) -> _Sample:
    """Return real pairs of every n-th still, so that each still kept is whole, and chance pairs of the same."""
    stride = 1 + int((scene.crowd[:-1] * scene.crowd[1:]).sum() // most)
    start = np.arange(0, len(scene.clock) - 1, stride)
    gap = np.diff(scene.clock)[start]
    real = pairs_between(scene, start, start + 1, gap)
    chance = _chance(scene, start, gap)
    distance = likeness(scene, chance)
    edges = np.quantile(distance, _LEVELS) if len(distance) else np.linspace(0.05, 1.2, len(_LEVELS))
    stayed = aligned_iou(scene.box[chance.i], scene.box[chance.j]) > _STAYS
    apart = ~(stayed & (distance <= edges[_STAYS_LEVEL]))
    views = _views(scene, chance.rows(apart), distance[apart], edges)
    return _Sample(
        real=real,
        views=_views(scene, real, likeness(scene, real), edges),
        chance=tuple(_log_density(h, view) for h, view in zip(_histograms(), views, strict=True)),
        edges=edges,
    )


def _chance(scene: Scene, start: Ints, gap: Floats) -> Pairs:
    """Return pairs of stills so far apart that no moving vehicle is in both; the stills form a ring."""
    stills = len(scene.clock)
    step = float(np.median(np.diff(scene.clock))) if stills > 1 else 1.0
    least = max(int(np.ceil(_SHIFT_S / max(step, 1e-3))), 8)
    shifts = np.unique(np.rint(least * _SHIFTS).astype(int)) % max(stills, 1)
    away = np.minimum(shifts, stills - shifts)
    shifts = shifts[(away >= min(least, stills // 3)) & (away * step >= _LEAST_SHIFT_S)]
    end = (start[:, None] + 1 + shifts).ravel() % max(stills, 1)
    return pairs_between(scene, np.repeat(start, len(shifts)), end, np.repeat(gap, len(shifts)))


def _views(scene: Scene, pairs: Pairs, distance: Floats, edges: Floats) -> _Views:
    change, given = change_bins(scene, pairs)
    return _Views(moves(scene, pairs).bin, change, _alike(given, distance, edges))


def _alike(given: Ints, distance: Floats, edges: Floats) -> Ints:
    """Return flat bins of LIKENESS."""
    return given * LIKENESS[-1] + np.searchsorted(edges, distance)


def _by_place(place: Ints, weight: Floats | None) -> Floats:
    """Return how much weight falls on each place and its neighbours, flat."""
    counts = np.bincount(place, weight, int(np.prod(PLACE))).reshape(PLACE).astype(np.float64)
    return gaussian_filter(counts, 1.0).ravel()


def _log_density(histogram: Histogram, view: Ints) -> Floats:
    """Return the log density of unweighted rows, flat, leaning on no prior knowledge."""
    flat = np.full_like(histogram.prior, 1 / histogram.prior.size)
    plain = Histogram(shape=histogram.shape, sigma=histogram.sigma, prior=flat)
    return np.log(plain.density(plain.counts(view, np.ones(len(view))))).ravel()


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
