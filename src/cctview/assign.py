"""One-to-one assignment with a gate, hard and soft; the tracker, the matcher and the evaluator use it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

__all__ = ["assign", "soft_assign"]


def assign(cost: NDArray[np.floating[Any]], limit: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column numbers of the one-to-one pairs of least total cost.

    ``cost`` is ``(R, C)``; infinite entries are never paired. Leaving a row or column alone costs
    ``limit`` per pair given up, so a pair is made only where it costs less than ``limit``. Rows
    come back in rising order. Solved by the shortest augmenting path method of
    ``scipy.optimize.linear_sum_assignment``.
    """
    if not cost.size:
        none = np.zeros(0, np.intp)
        return none, none
    gain = np.minimum(np.where(np.isfinite(cost), cost, limit) - limit, 0)
    rows, columns = linear_sum_assignment(gain)
    worth = gain[rows, columns] < 0
    return rows[worth], columns[worth]


def soft_assign(
    row: NDArray[np.integer[Any]],
    column: NDArray[np.integer[Any]],
    odds: NDArray[np.floating[Any]],
    shape: tuple[int, int],
    rounds: int = 10,
    *,
    rivalry: float = 1.0,
) -> NDArray[np.floating[Any]]:
    """Return the probability of each of P pairs under all one-to-one assignments, weighed by their odds.

    ``row``, ``column`` and ``odds`` are ``(P,)``, the odds being those of the pair against leaving
    both alone; ``shape`` counts rows and columns. Sum-product messages on the assignment graph
    (Williams, Lau: Approximate evaluation of marginal association probabilities with belief
    propagation, IEEE T-AES 50, 2014): exact without cycles, and over a row or a column the
    probabilities never sum to more than 1. With ``rivalry`` below 1 the rows of a column exclude each
    other only so far, and a column may have more than one: rows may be pieces of one thing.
    """
    heard = np.ones(len(odds))
    for _ in range(rounds):
        said = odds * heard
        said = odds / (1 + np.maximum(np.bincount(row, said, shape[0])[row] - said, 0))
        heard = 1 / (1 + rivalry * np.maximum(np.bincount(column, said, shape[1])[column] - said, 0))
    said = odds * heard
    belief = said / (1 + np.bincount(row, said, shape[0])[row])
    return belief / np.maximum(rivalry * np.bincount(column, belief, shape[1])[column], 1)
