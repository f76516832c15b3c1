"""Score probabilities: counts by bin of what was said and what was so, and the ratios made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError

__all__ = ["CalibrationCounts", "OpenSetCounts", "count_calibration", "count_open_set"]

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class CalibrationCounts:
    """Answers per equal bin of probability (B,): how many, the sum of their probabilities, how many were right."""

    answers: Floats
    stated: Floats
    right: Floats

    def __add__(self, other: CalibrationCounts) -> CalibrationCounts:
        """Return the counts of both sets of answers."""
        return CalibrationCounts(
            answers=self.answers + other.answers, stated=self.stated + other.stated, right=self.right + other.right
        )

    def error(self) -> float:
        """Return the expected calibration error: the mean gap between stated probability and observed share.

        Naeini, Cooper, Hauskrecht: Obtaining well calibrated probabilities (AAAI 2015).
        """
        return float(np.abs(self.stated - self.right).sum() / max(self.answers.sum(), 1))

    def reliability(self) -> list[dict[str, float]]:
        """Return one row per bin with answers: its bounds, how many, the mean stated, the observed share."""
        bins = len(self.answers)
        return [
            {
                "from": n / bins,
                "to": (n + 1) / bins,
                "answers": int(self.answers[n]),
                "stated": float(self.stated[n] / self.answers[n]),
                "right": float(self.right[n] / self.answers[n]),
            }
            for n in np.flatnonzero(self.answers).tolist()
        ]


@dataclass(frozen=True, eq=False, kw_only=True)
class OpenSetCounts:
    """Questions, and answers given and wrong ones at or above each threshold (K,)."""

    threshold: Floats
    questions: int
    answered: NDArray[np.int64]
    wrong: NDArray[np.int64]

    def __add__(self, other: OpenSetCounts) -> OpenSetCounts:
        """Return the counts of both sets of questions, which must share their thresholds."""
        if not np.array_equal(self.threshold, other.threshold):
            raise InputError("open set: counts at different thresholds do not add up; count both at the same ones")
        return OpenSetCounts(
            threshold=self.threshold,
            questions=self.questions + other.questions,
            answered=self.answered + other.answered,
            wrong=self.wrong + other.wrong,
        )

    def rates(self) -> dict[str, dict[str, float]]:
        """Return per threshold how many were answered, their share, the wrong ones and their share of the answers."""
        return {
            f"{threshold:g}": {
                "answered": answered,
                "share": answered / max(self.questions, 1),
                "wrong": wrong,
                "wrong share": wrong / max(answered, 1),
            }
            for threshold, answered, wrong in zip(
                self.threshold.tolist(), self.answered.tolist(), self.wrong.tolist(), strict=True
            )
        }


def count_calibration(probability: Floats, right: Mask, *, bins: int = 10) -> CalibrationCounts:
    """Return the counts of answers with these probabilities (N,) in [0, 1], right or wrong (N,)."""
    stated = np.asarray(probability, np.float64)
    place = np.minimum((stated * bins).astype(np.intp), bins - 1)
    answers, said, found = (np.bincount(place, weight, bins).astype(np.float64) for weight in (None, stated, right))
    return CalibrationCounts(answers=answers, stated=said, right=found)


def count_open_set(probability: Floats, right: Mask, thresholds: tuple[float, ...]) -> OpenSetCounts:
    """Return the counts of questions whose best answers have these probabilities (N,), right or wrong (N,)."""
    given = probability >= np.array(thresholds)[:, None]
    return OpenSetCounts(
        threshold=np.array(thresholds),
        questions=len(probability),
        answered=given.sum(axis=1),
        wrong=(given & ~right).sum(axis=1),
    )
