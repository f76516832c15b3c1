"""One-to-one assignment with a gate; the tracker, the matcher and the evaluator use it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

__all__ = ["assign"]


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
