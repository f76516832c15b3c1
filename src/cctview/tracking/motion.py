"""How vehicles move in one camera, learnt without labels from the detections themselves.

Pairs of neighbouring stills hold the same vehicle now and then; two vehicles of one still, and stills
shifted far in time, never do. The ratio of densities, over binned place, movement, change of the box
and likeness, says how much a pair speaks for one vehicle: a vehicle is found where it was heading, or
a newcomer stands there, as usual as vehicles are at its place. Expectation maximisation sharpens it:
one-to-one beliefs weigh the real pairs, and the weighted pairs make the next densities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.assign import soft_assign
from cctview.geometry import aligned_iou
from cctview.tracking.density import Histogram
from cctview.tracking.occupancy import Occupancy, places_of
from cctview.tracking.pairs import OVERLAPS, Grid, Pairs, change_bins, grid_of, likeness, moves, pairs_between
from cctview.tracking.priors import TrackPriors
from cctview.tracking.scene import Scene

__all__ = ["Evidence", "Motion", "learn"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


class Evidence(NamedTuple):
    """What speaks for each of P pairs to be one vehicle, in nats.

    ``same`` is the log density per square metre of the movement, ``rest`` that of likeness and of the
    change of the box, against chance.
    """

    same: Floats
    rest: Floats


class Outlook(NamedTuple):
    """What is to be expected of each of N sightings by where it is, in nats.

    ``stays`` are the log-odds that the next still shows the vehicle too, ``later`` that one after that
    does; ``other`` is the log density per square metre of newcomers in its still.
    """

    stays: Floats
    later: Floats
    other: Floats


@dataclass(frozen=True, eq=False, kw_only=True)
class Motion:
    """Log densities by bin, and how likely a vehicle is seen again.

    ``same`` is that of the movement of true pairs, ``occupancy`` where vehicles are met at all; ``change``
    and ``alike`` are log ratios of true pairs and chance pairs for the box and for likeness; ``edges``
    are the bins of likeness. By place: ``stays`` is the log-odds that the next still shows the
    vehicle too, ``fresh`` the logarithm of the share of newcomers. ``gain`` is how well the stills
    fit: the mean log-likelihood gain of a sighting over chance.
    """

    same: Floats
    occupancy: Occupancy
    change: Floats
    alike: Floats
    edges: Floats
    stays: Floats
    fresh: Floats
    gain: float

    def evidence(self, scene: Scene, pairs: Pairs, grid: Grid) -> Evidence:
        """Return what speaks for each pair to be one vehicle."""
        moved, ground = moves(scene, pairs, grid)
        change, given = change_bins(scene, pairs, grid)
        alike = _alike(given, likeness(scene, pairs), self.edges)
        return Evidence(self.same[moved] - ground, self.change[change] + self.alike[alike])

    def outlook(self, scene: Scene) -> Outlook:
        """Return what is to be expected of each sighting."""
        stays = self.stays[scene.bin]
        other = self.fresh[scene.bin] + self.occupancy.at(scene.spot) + np.log(scene.crowd[scene.still])
        return Outlook(stays, -np.log1p(np.exp(-stays)), other)


class _Bins(NamedTuple):
    motion: Ints
    change: Ints
    alike: Ints


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sample:
    """Real pairs of one camera with their bins, and the log densities of chance pairs.

    ``ground`` is the logarithm of what each movement's bin covers, ``chance`` has change and likeness.
    """

    real: Pairs
    bins: _Bins
    ground: Floats
    chance: tuple[Floats, Floats]
    edges: Floats


class _Turnover:
    """How many vehicles stay and how many are new, place by place."""

    def __init__(self, scene: Scene, pairs: Pairs, priors: TrackPriors) -> None:
        self.priors = priors
        self.start, self.end = scene.bin[pairs.i], scene.bin[pairs.j]
        self.asked, self.came = (_by_place(scene.bin[np.unique(side)], None, priors) for side in pairs[:2])

    def stays(self, belief: Floats) -> Floats:
        """Return the log-odds to be seen again, given what is believed of the pairs."""
        seen, asked = self.priors.stays_pseudo
        again = (_by_place(self.start, belief, self.priors) + seen) / (self.asked + asked)
        share = np.clip(again, *self.priors.stays_range)
        return np.log(share / (1 - share))

    def fresh(self, belief: Floats) -> Floats:
        """Return the logarithm of the share of newcomers, given what is believed of the pairs."""
        new, came = self.priors.fresh_pseudo
        unknown = self.came - _by_place(self.end, belief, self.priors) + new
        return np.log(np.clip(unknown / (self.came + came), self.priors.fresh_least, 1))


def learn(scene: Scene, rounds: int, most: int, priors: TrackPriors) -> Motion:
    """Return the motion of a camera; where there is little to learn from, what roads are like anyhow.

    Takes ``rounds`` of expectation maximisation on about ``most`` pairs.
    """
    sample, histograms, places = _sample(scene, most, priors), _histograms(priors), places_of(scene.spot, priors)
    real, turnover = sample.real, _Turnover(scene, sample.real, priors)
    row, column = (np.unique(side, return_inverse=True)[1] for side in real[:2])
    shape = (int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1)
    known = np.log(scene.crowd[scene.still[real.j]]) + sample.ground
    known += sum((density[bins] for density, bins in zip(sample.chance, sample.bins[1:], strict=True)), 0.0)
    odds: Floats = np.zeros(len(known))
    belief: Floats = odds
    stays: Floats = np.zeros_like(turnover.asked)
    fresh: Floats = np.full_like(turnover.came, np.log(priors.fresh_start))
    counts = [histogram.counts(bins, belief) for histogram, bins in zip(histograms, sample.bins, strict=True)]
    occupancy = places.occupancy(len(scene), priors)
    for _ in range(rounds + 1):
        parts = zip(histograms, counts, sample.bins, strict=True)
        evidence = sum(
            (np.log(h.left_out(c, v, belief)) for h, c, v in parts), -known - occupancy.at(scene.spot[real.j])
        )
        odds = np.exp(
            np.clip(evidence, -priors.odds_cap, priors.odds_cap) + stays[turnover.start] - fresh[turnover.end]
        )
        belief = soft_assign(row, column, odds, shape, priors.messages)
        stays, fresh = turnover.stays(belief), turnover.fresh(belief)
        counts = [histogram.counts(bins, belief) for histogram, bins in zip(histograms, sample.bins, strict=True)]
        occupancy = places.occupancy(len(scene) * (1 - float(belief.sum()) / max(shape[0], 1)), priors)
    same, change, alike = (np.log(h.density(c)).ravel() for h, c in zip(histograms, counts, strict=True))
    return Motion(
        same=same,
        occupancy=occupancy,
        change=_cautious(change - sample.chance[0], priors.odd),
        alike=_cautious(alike - sample.chance[1], priors.odd),
        edges=sample.edges,
        stays=stays,
        fresh=fresh,
        gain=float(np.log1p(odds).sum() / max(shape[0], 1)),
    )


def _cautious(ratio: Floats, odd: float) -> Floats:
    """Return log ratios of true pairs to chance pairs, given that the share ``odd`` of true pairs looks like chance."""
    return np.log((1 - odd) * np.exp(ratio) + odd)


def _sample(scene: Scene, most: int, priors: TrackPriors) -> _Sample:
    """Return real pairs of every n-th still, so that each still kept is whole, and chance pairs of the same."""
    stride = 1 + int((scene.crowd[:-1] * scene.crowd[1:]).sum() // most)
    start = np.arange(0, len(scene.clock) - 1, stride)
    gap = np.diff(scene.clock)[start]
    real = pairs_between(scene, start, start + 1, gap)
    chance = _chance(scene, start, gap, priors)
    distance = likeness(scene, chance)
    levels, (overlap, level) = priors.like_bins, priors.parked
    edges = np.quantile(distance, levels) if len(distance) else np.linspace(*priors.like_reach, len(levels))
    stayed = aligned_iou(scene.box[chance.i], scene.box[chance.j]) > overlap
    apart = ~(stayed & (distance <= edges[level]))
    grid = grid_of(priors)
    change, given = change_bins(scene, chance.rows(apart), grid)
    bins = (change, _alike(given, distance[apart], edges))
    moved, ground = moves(scene, real, grid)
    changed, given = change_bins(scene, real, grid)
    _, *histograms = _histograms(priors)
    return _Sample(
        real=real,
        bins=_Bins(moved, changed, _alike(given, likeness(scene, real), edges)),
        ground=ground,
        chance=(_log_density(histograms[0], bins[0]), _log_density(histograms[1], bins[1])),
        edges=edges,
    )


def _chance(scene: Scene, start: Ints, gap: Floats, priors: TrackPriors) -> Pairs:
    """Return pairs of different vehicles: of stills so far apart that none is in both, else of one still.

    The stills form a ring. Two vehicles of one still are two for certain, however short the recording.
    """
    stills = len(scene.clock)
    step = float(np.median(np.diff(scene.clock))) if stills > 1 else 1.0
    least = max(int(np.ceil(priors.shift_s / max(step, 1e-3))), priors.shift_stills)
    shifts = np.unique(np.rint(least * np.array(priors.shifts)).astype(int)) % max(stills, 1)
    shifts = shifts[np.minimum(shifts, stills - shifts) >= least]
    end = (start[:, None] + 1 + shifts).ravel() % max(stills, 1)
    far = pairs_between(scene, np.repeat(start, len(shifts)), end, np.repeat(gap, len(shifts)))
    near = pairs_between(scene, start, start, gap)
    near = near.rows(near.i != near.j)
    if len(far.i) > priors.chance_enough * len(near.i):
        return far
    return Pairs(*(np.concatenate(columns) for columns in zip(far, near, strict=True)))


def _alike(given: Ints, distance: Floats, edges: Floats) -> Ints:
    """Return flat bins of what likeness depends on, and of the distance between ``edges`` (K,): K + 1 bins each."""
    return given * (len(edges) + 1) + np.searchsorted(edges, distance)


def _by_place(place: Ints, weight: Floats | None, priors: TrackPriors) -> Floats:
    """Return how much weight falls on each place and its neighbours, flat."""
    shape = priors.place_bins
    counts = np.bincount(place, weight, int(np.prod(shape))).reshape(shape).astype(np.float64)
    return gaussian_filter(counts, priors.place_smooth).ravel()


def _log_density(histogram: Histogram, bins: Ints) -> Floats:
    """Return the log density of unweighted rows, flat, leaning on no prior knowledge."""
    flat = np.full_like(histogram.prior, 1 / histogram.prior.size)
    plain = replace(histogram, prior=flat)
    return np.log(plain.density(plain.counts(bins, np.ones(len(bins))))).ravel()


def _histograms(priors: TrackPriors) -> tuple[Histogram, Histogram, Histogram]:
    """Return movement, change and likeness with what holds on any road: vehicles keep lane, size and look."""
    given = (OVERLAPS, priors.small_bins)
    shapes = (
        (*priors.place_bins, *priors.motion_bins),
        (*given, *priors.change_bins[::-1]),
        (*given, len(priors.like_bins) + 1),
    )
    smooth = (priors.motion_smooth, priors.change_smooth, priors.like_smooth)
    usual = (_usual_motion(priors), _usual_change(priors), _usual_likeness(priors))
    motion, change, alike = (
        Histogram(shape=shape, sigma=sigma, prior=prior / prior.sum(), pseudo=priors.pseudo)
        for shape, sigma, prior in zip(shapes, smooth, usual, strict=True)
    )
    return motion, change, alike


def _usual_motion(priors: TrackPriors) -> Floats:
    """Return how usual each bin of movement is, along by across: any speed, and hardly any change of lane."""
    along, across = (
        np.linspace(-reach, reach, count) for reach, count in zip(priors.motion_reach, priors.motion_bins, strict=True)
    )
    fast, rare = priors.usual_along
    return np.where(np.abs(along) < fast, 1.0, rare)[:, None] * np.exp(-np.abs(across) / priors.usual_aside)


def _usual_change(priors: TrackPriors) -> Floats:
    """Return how usual each bin of change is, height by width."""
    (wide, tall), (widths, heights) = priors.usual_change, priors.change_bins
    width, height = (np.linspace(-priors.change_reach, priors.change_reach, count) for count in (widths, heights))
    return np.exp(-np.abs(height[:, None]) / tall - np.abs(width) / wide)


def _usual_likeness(priors: TrackPriors) -> Floats:
    """Return how usual each bin of likeness is: true pairs crowd where few chance pairs are."""
    return np.diff(np.concatenate([[0.0], priors.like_bins, [1.0]]) ** priors.usual_like)
