"""Score rankings of re-identification: counts, which add up, and the ratios made of them.

Average precision is that of Market-1501 (Zheng et al. 2015): the mean, over the right answers of a
query, of the precision at their ranks. The inverse negative penalty (Ye et al. 2021) divides the
number of right answers by the rank of the last one. Queries without a right answer count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.metrics.calibration import Answers

__all__ = ["ReidCounts", "count_reid", "expected_calibration_error"]

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class ReidCounts:
    """What scoring needs to know, additive over sets of queries.

    ``hits`` (K,) counts queries whose first right answer stands at each rank, ``precision`` and
    ``penalty`` sum the average precisions and inverse negative penalties, ``unanswerable`` counts
    queries left out because the gallery holds no right answer.
    """

    hits: NDArray[np.int64]
    precision: float
    penalty: float
    queries: int
    unanswerable: int = 0

    def __add__(self, other: ReidCounts) -> ReidCounts:
        """Return the counts of both sets of queries."""
        width = max(len(self.hits), len(other.hits))
        padded = [np.pad(part.hits, (0, width - len(part.hits))) for part in (self, other)]
        return ReidCounts(
            hits=padded[0] + padded[1],
            precision=self.precision + other.precision,
            penalty=self.penalty + other.penalty,
            queries=self.queries + other.queries,
            unanswerable=self.unanswerable + other.unanswerable,
        )

    def cmc(self) -> Floats:
        """Return the share (R,) of queries with a right answer at rank 1, 2, ... (cumulative matching)."""
        return np.cumsum(self.hits) / max(self.queries, 1)

    def rank(self, k: int) -> float:
        """Return the share of queries with a right answer among the first ``k``."""
        return float(self.hits[:k].sum() / max(self.queries, 1))

    def mean_average_precision(self) -> float:
        """Return the mean over queries of the average precision."""
        return self.precision / max(self.queries, 1)

    def mean_inverse_negative_penalty(self) -> float:
        """Return the mean over queries of the inverse negative penalty."""
        return self.penalty / max(self.queries, 1)

    def scores(self) -> dict[str, float]:
        """Return the ratios people compare."""
        return {
            "rank-1": self.rank(1),
            "rank-5": self.rank(5),
            "mAP": self.mean_average_precision(),
            "mINP": self.mean_inverse_negative_penalty(),
        }


def count_reid(distance: Floats, relevant: Mask, ignored: Mask | None = None) -> ReidCounts:
    """Rank a gallery for each query: ``(Q, G)`` distances, right answers, and pairs that count neither way.

    Equal distances keep the order of the gallery. Raises InputError when the shapes differ or a
    distance is NaN.
    """
    skip = np.zeros(relevant.shape, np.bool_) if ignored is None else ignored
    if distance.ndim != 2 or not distance.shape == relevant.shape == skip.shape:
        shapes = f"{distance.shape}, {relevant.shape} and {skip.shape}"
        raise InputError(f"reid: expected three matrices of one shape (Q, G), got {shapes}; align them")
    if np.isnan(distance).any():
        raise InputError("reid: a distance is NaN; mark pairs that do not count as ignored instead")
    order = np.lexsort((distance, skip), axis=1)
    right = np.take_along_axis(relevant & ~skip, order, axis=1)
    found = np.cumsum(right, axis=1)
    total = found[:, -1] if distance.shape[1] else np.zeros(len(distance), np.int64)
    answerable = total > 0
    right, found, total = right[answerable], found[answerable], total[answerable]
    ranks = np.arange(1, distance.shape[1] + 1)
    precision = (np.where(right, found / ranks, 0.0).sum(axis=1) / total).sum() if len(total) else 0.0
    last = distance.shape[1] - np.argmax(right[:, ::-1], axis=1) if len(total) else total
    return ReidCounts(
        hits=np.bincount(np.argmax(right, axis=1), minlength=distance.shape[1])
        if len(total)
        else np.zeros(0, np.int64),
        precision=float(precision),
        penalty=float((total / np.maximum(last, 1)).sum()),
        queries=len(total),
        unanswerable=int((~answerable).sum()),
    )


def expected_calibration_error(probability: Floats, right: Mask, bins: int = 10) -> float:
    """Return the mean gap between stated probability (N,) and observed share, over equal bins of probability."""
    return Answers(probability=probability, right=right).error(bins)
