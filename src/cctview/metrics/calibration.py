"""Score probabilities: whether answers are right as often as they say, and what may be chance in that.

The calibration error is the expected calibration error of Naeini, Cooper and Hauskrecht (AAAI 2015):
the mean gap between stated probability and observed share, over equal bins of probability. Of few
answers it is never 0, however good the probabilities, so it is told beside the error that chance alone
makes: right and wrong are drawn as often as stated (consistency resampling; Bröcker and Smith 2007).
Intervals of shares are Wilson's (1927), those of the error percentiles of the bootstrap (Efron 1979).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Answers", "Reliability", "wilson"]

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

_BINS = 10
_ROUNDS, _SEED, _AT_ONCE = 1000, 0, 1_000_000
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False, kw_only=True)
class Reliability:
    """Answers by bin of equal width (B,): how many, the mean stated probability, the share right and its 95 % interval.

    Bins without an answer do not stand here; ``begin`` and ``end`` bound those that do.
    """

    begin: Floats
    end: Floats
    answers: NDArray[np.int64]
    stated: Floats
    right: Floats
    low: Floats
    high: Floats

    def rows(self) -> list[dict[str, float]]:
        """Return one row per bin."""
        names = ("from", "to", "answers", "stated", "right", "right, 95 % from", "right, 95 % to")
        columns = (self.begin, self.end, self.answers, self.stated, self.right, self.low, self.high)
        return [
            dict(zip(names, row, strict=True)) for row in zip(*(column.tolist() for column in columns), strict=True)
        ]


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """Answers (N,): the ``probability`` each was given with, in [0, 1], and whether it was ``right``; adds up."""

    probability: Floats
    right: Mask

    def __len__(self) -> int:
        return len(self.probability)

    def __add__(self, other: Answers) -> Answers:
        """Return both sets of answers as one."""
        return Answers(
            probability=np.concatenate([self.probability, other.probability]),
            right=np.concatenate([self.right, other.right]),
        )

    def error(self, bins: int = _BINS) -> float:
        """Return the expected calibration error, 0 without answers."""
        stated, right = (np.bincount(self._bin(bins), side, bins) for side in (self._stated, self.right))
        return float(np.abs(stated - right).sum() / max(len(self), 1))

    def error_interval(self, bins: int = _BINS) -> tuple[float, float]:
        """Return the 95 % interval of the calibration error, were other answers of this kind drawn."""
        low, high = np.percentile(self._errors(self._resampled(), bins), [2.5, 97.5])
        return float(low), float(high)

    def error_by_chance(self, bins: int = _BINS) -> tuple[float, float]:
        """Return mean and 95th percentile of the error that calibrated answers of these probabilities show."""
        errors = self._errors(self._redrawn(), bins)
        return float(errors.mean()), float(np.percentile(errors, 95))

    def scores(self) -> dict[str, float]:
        """Return the calibration error with its interval and what of it may be chance, and the signed gap."""
        stated, right = (float(side.mean()) if len(self) else 0.0 for side in (self._stated, self.right))
        low, high = self.error_interval()
        mean, most = self.error_by_chance()
        return {
            "answers": len(self),
            "mean stated": stated,
            "share right": right,
            "stated minus right": stated - right,
            "error": self.error(),
            "error, 95 % from": low,
            "error, 95 % to": high,
            "error by chance": mean,
            "error by chance, 95 % below": most,
        }

    def reliability(self, bins: int = _BINS) -> Reliability:
        """Return what was stated and what was so, by equal bins of the stated probability."""
        place = self._bin(bins)
        answers = np.bincount(place, minlength=bins)
        kept = np.flatnonzero(answers)
        count = answers[kept]
        stated, right = (np.bincount(place, side, bins)[kept] for side in (self._stated, self.right))
        low, high = wilson(right, count)
        return Reliability(
            begin=kept / bins,
            end=(kept + 1) / bins,
            answers=count,
            stated=stated / count,
            right=right / count,
            low=low,
            high=high,
        )

    def open_set(self, thresholds: Iterable[float]) -> dict[str, dict[str, float]]:
        """Return per threshold how many answers reach it, their share, the wrong ones and their share of those."""
        return {f"{threshold:g}": self._reached(threshold) for threshold in thresholds}

    def _reached(self, threshold: float) -> dict[str, float]:
        given = self._stated >= threshold
        answered, wrong = int(given.sum()), int((given & ~self.right).sum())
        return {
            "answered": answered,
            "share": answered / max(len(self), 1),
            "wrong": wrong,
            "wrong share": wrong / max(answered, 1),
        }

    @property
    def _stated(self) -> Floats:
        return np.asarray(self.probability, np.float64)

    def _bin(self, bins: int) -> NDArray[np.intp]:
        return np.minimum((self._stated * bins).astype(np.intp), bins - 1)

    def _errors(self, gaps: Iterator[Floats], bins: int) -> Floats:
        """Return the calibration error of each set of gaps (R, N) between stated and right."""
        if not len(self):
            return np.zeros(1)
        member = np.equal(self._bin(bins)[:, None], np.arange(bins)).astype(np.float64)
        return np.concatenate([np.abs(gap @ member).sum(axis=1) for gap in gaps]) / len(self)

    def _resampled(self) -> Iterator[Floats]:
        """Yield the gaps of as many answers drawn from these with replacement, some rounds at once."""
        rng, even = np.random.default_rng(_SEED), np.full(len(self), 1 / len(self))
        for rounds in self._rounds():
            yield rng.multinomial(len(self), even, rounds) * (self._stated - self.right)

    def _redrawn(self) -> Iterator[Floats]:
        """Yield the gaps of these answers, were they right just as often as they say, some rounds at once."""
        rng = np.random.default_rng(_SEED)
        for rounds in self._rounds():
            yield self._stated - (rng.random((rounds, len(self))) < self._stated)

    def _rounds(self) -> Iterator[int]:
        """Yield numbers of rounds that fit into memory together."""
        most = max(_AT_ONCE // len(self), 1)
        yield from (min(most, _ROUNDS - done) for done in range(0, _ROUNDS, most))


def wilson(right: NDArray[Any], answers: NDArray[np.integer[Any]]) -> tuple[Floats, Floats]:
    """Return the 95 % interval of each share ``right / answers`` (B,), at least one answer each."""
    share, z2 = right / answers, _NORMAL_95**2 / answers
    middle = (share + z2 / 2) / (1 + z2)
    reach = np.sqrt(share * (1 - share) * z2 + z2**2 / 4) / (1 + z2)
    return np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1)
