"""Lags that look-alikes of two flows have more often than chance: the evidence that traffic goes from one to the other.

Pairs of vehicles that look alike are counted by lag, each with a weight that grows with how alike it is. What chance
gives at a lag is told by copies of the same two flows that are shifted in time a little more and a little less: the
look-alikes at the lags around, per pair that there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from cctview.discovery.flows import Flow
from cctview.discovery.priors import DiscoveryPriors

__all__ = ["Lags", "Peak", "alike_lags", "best_peak", "mutual_lags", "peaks_of"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Singles = NDArray[np.float32]

_BLOCK = 256  # queries whose products are worked out together, to bound memory
_LOW_Z = 2.0  # what stands out less is nothing, whatever the number of lags
_LEAST = 1e-9  # keeps quotients of empty bins finite


class Lags(NamedTuple):
    """By lag in whole seconds from -reach to reach: weight of alike pairs (L,), and number of pairs (L,).

    Weights are such that their variance is their mean, like that of a count.
    """

    alike: Floats
    pairs: Floats

    @property
    def reach(self) -> int:
        """The longest lag, s."""
        return len(self.alike) // 2

    @property
    def lag_s(self) -> Ints:
        """The lags, (L,)."""
        return np.arange(-self.reach, self.reach + 1)


@dataclass(frozen=True, kw_only=True)
class Peak:
    """A lag that stands out: where (s), how wide (s), how far above chance in standard deviations, and its p-value.

    The p-value is for the best of all lags and widths of its two flows under chance.
    """

    lag_s: float
    width_s: float
    z: float
    p: float


def alike_lags(one: Flow, other: Flow, reach_s: int, priors: DiscoveryPriors) -> Lags:
    """Return how often pairs of two flows look alike, by lag: positive where ``other`` saw the vehicle later.

    A pair weighs the logarithm of how few of all alike pairs are as alike, up to a limit: a single pair is no link.
    """
    mine, theirs = _scorers(one, other, priors)
    q, g, score = _alike(one, other, mine, theirs, (-reach_s, reach_s), _bar(mine, theirs, priors.alike_each, priors))
    lag = np.rint(other.time[g] - one.time[q]).astype(np.int64) + reach_s
    rank = np.empty(len(score))
    rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
    weight = np.minimum(-np.log(rank / (len(score) + 1)), priors.heaviest)
    weight *= weight.sum() / max(float((weight**2).sum()), _LEAST)
    alike = np.bincount(lag, weight, minlength=2 * reach_s + 1).astype(np.float64)
    return Lags(alike, _all_pairs(one, other, reach_s))


def mutual_lags(one: Flow, other: Flow, window: tuple[float, float], priors: DiscoveryPriors) -> tuple[Ints, Ints]:
    """Return the rows (K,) in two flows of pairs whose lag (s) is in a window, and that are each other's best there.

    They look alike at least as much as one pair of strangers for each vehicle does.
    """
    mine, theirs = _scorers(one, other, priors)
    q, g, score = _alike(one, other, mine, theirs, window, _bar(mine, theirs, priors.alike_matched, priors))
    best, best_there = np.full(len(one), -np.inf), np.full(len(other), -np.inf)
    np.maximum.at(best, q, score)
    np.maximum.at(best_there, g, score)
    both = (score >= best[q]) & (score >= best_there[g])
    return q[both], g[both]


def _alike(
    one: Flow, other: Flow, mine: Singles, theirs: Singles, window: tuple[float, float], bar: float
) -> tuple[Ints, Ints, Singles]:
    """Return rows in two flows (K,) and score (K,) of the pairs in a window of lags that score above the bar."""
    found: list[tuple[Ints, Ints, Singles]] = [(np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32))]
    for begin in range(0, len(one), _BLOCK):
        end = min(begin + _BLOCK, len(one))
        low, high = np.searchsorted(other.time, [one.time[begin] + window[0], one.time[end - 1] + window[1] + 1])
        score = (mine[begin:end] @ theirs[low:high].T).ravel()
        hit = np.flatnonzero(score > bar)
        row, column = np.divmod(hit, max(high - low, 1))
        lag = other.time[column + low] - one.time[row + begin]
        near = (np.rint(lag) >= window[0]) & (np.rint(lag) <= window[1])
        found.append((row[near] + begin, column[near] + low, score[hit][near]))
    q, g, score = (np.concatenate(column) for column in zip(*found, strict=True))
    return q, g, score


def _scorers(one: Flow, other: Flow, priors: DiscoveryPriors) -> tuple[Singles, Singles]:
    """Return vectors (N, 2 D + 2) and (M, 2 D + 2) whose products say how alike pairs of two flows look.

    Cosines in units of what strangers show to either side, added up: the symmetric score normalisation of speaker
    verification (Reynolds 1997; Matejka et al. 2017), written as one product.
    """
    mean, spread = _usual(one, other, priors)
    mean_there, spread_there = _usual(other, one, priors)
    alone, there = np.ones((len(one), 1)), -np.ones((len(other), 1))
    mine = [one.vector / spread, one.vector, alone, mean / spread]
    theirs = [other.vector, other.vector / spread_there, -mean_there / spread_there, there]
    return np.concatenate(mine, axis=1).astype(np.float32), np.concatenate(theirs, axis=1).astype(np.float32)


def _usual(one: Flow, other: Flow, priors: DiscoveryPriors) -> tuple[Singles, Singles]:
    """Return mean and spread, (N, 1) each, of the cosines of a flow's vehicles with strangers of the other."""
    cosine = one.vector @ other.vector[_spread_out(len(other), priors.cohort)].T
    return cosine.mean(axis=1, keepdims=True), np.maximum(cosine.std(axis=1, keepdims=True), 1e-3)


def _spread_out(count: int, most: int) -> Ints:
    return np.linspace(0, count - 1, min(count, most)).astype(np.intp)


def _bar(mine: Singles, theirs: Singles, each: float, priors: DiscoveryPriors) -> float:
    """Return the score that ``each`` pair of strangers for every vehicle of the larger flow reaches."""
    score = mine[_spread_out(len(mine), priors.cohort)] @ theirs[_spread_out(len(theirs), priors.cohort)].T
    return float(np.quantile(score, max(1 - each / max(len(mine), len(theirs)), 0.0)))


def _all_pairs(one: Flow, other: Flow, reach_s: int) -> Floats:
    """Return how many pairs of two flows have each lag of whole seconds from -reach to reach, (L,)."""
    start = min(one.time[0], other.time[0])
    length = int(max(one.time[-1], other.time[-1]) - start) + 2
    size = 1 << (length + reach_s).bit_length()
    counts = [np.bincount((flow.time - start).astype(np.int64), minlength=length) for flow in (one, other)]
    behind, ahead = (np.fft.rfft(count, size) for count in counts)
    whole = np.rint(np.fft.irfft(np.conj(behind) * ahead, size))
    return np.concatenate([whole[size - reach_s :], whole[: reach_s + 1]])


def peaks_of(lags: Lags, free: Mask, priors: DiscoveryPriors) -> list[Peak]:
    """Return the peaks of two flows among free lags (L,), the most significant first and each apart."""
    found: list[Peak] = []
    while len(found) < priors.peaks and (peak := best_peak(lags, free, priors)) is not None:
        found.append(peak)
        apart = np.abs(lags.lag_s - peak.lag_s) > priors.apart * peak.width_s + 1
        lags, free = Lags(lags.alike * apart, lags.pairs * apart), free & apart
    return found


def best_peak(lags: Lags, free: Mask, priors: DiscoveryPriors) -> Peak | None:
    """Return the most significant peak among free lags (L,), None where none is more than chance.

    Weights count as Poisson numbers, widened where lags that hold no link vary more than such do. The p-value is
    multiplied by the number of lags and widths that tell their own (Bonferroni).
    """
    tests = priors.tests * sum(free.sum() / width for width in priors.widths_s)
    found, totals = [], _totals(lags)
    for width in priors.widths_s:
        here, chance = _boxed(totals.alike, width), _chance(totals, width, priors)
        z = (here - chance) / np.sqrt(chance)
        spread = max(1.0, float(np.subtract(*np.quantile(z, [0.75, 0.25])) / 1.349) ** 2)
        high = np.flatnonzero(free & (z > _LOW_Z * np.sqrt(spread)))
        if len(high):
            p = gammainc(here[high] / spread, chance[high] / spread)
            best = int(np.lexsort((-z[high], p))[0])
            lag, least = float(high[best] - lags.reach), min(1.0, float(p[best]) * tests)
            found.append(Peak(lag_s=lag, width_s=float(width), z=float(z[high[best]] / np.sqrt(spread)), p=least))
    return min(found, key=lambda peak: (peak.p, -peak.z), default=None)


def _totals(lags: Lags) -> Lags:
    """Return the sums of weights and of pairs below each lag, (2R + 2,)."""
    return Lags(*(np.concatenate([[0.0], np.cumsum(values)]) for values in lags))


def _boxed(total: Floats, width: int) -> Floats:
    """Return sums (B,) over windows of so many bins around each, from the sums below (B + 1,)."""
    low = np.arange(len(total) - 1) - width // 2
    return total[np.minimum(low + width, len(total) - 1)] - total[np.maximum(low, 0)]


def _chance(totals: Lags, width: int, priors: DiscoveryPriors) -> Floats:
    """Return how much weight chance gives in a window around each lag, (B,), from the sums below (B + 1,).

    At the rate of the ring around the window, which the slow change of light and of traffic touches alike.
    """
    inner, outer = (round(width * (1 + 2 * part)) for part in (priors.hole, priors.ring))
    seen, there = (_boxed(total, outer) - _boxed(total, inner) for total in totals)
    usual = (totals.alike[-1] + priors.floor) / max(float(totals.pairs[-1]), 1.0)
    rate = (seen + priors.floor) / np.maximum(there + priors.floor / usual, 1.0)
    chance: Floats = rate * _boxed(totals.pairs, width) + priors.floor
    return chance
