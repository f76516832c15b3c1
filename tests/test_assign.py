from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cctview.assign import assign


def test_a_pair_is_made_only_below_the_limit() -> None:
    cost = np.array([[1.0, np.inf], [np.inf, 5.0]])
    assert [part.tolist() for part in assign(cost, 3)] == [[0], [0]]
    assert [part.tolist() for part in assign(cost, 6)] == [[0, 1], [0, 1]]


def test_the_whole_counts_more_than_the_single_best_pair() -> None:
    cost = np.array([[1.0, 2.0], [1.5, 9.0]])
    assert [part.tolist() for part in assign(cost, 5)] == [[0, 1], [1, 0]]


def test_nothing_to_assign() -> None:
    rows, columns = assign(np.zeros((0, 3)), 1)
    assert len(rows) == len(columns) == 0


def cheapest(cost: np.ndarray, limit: float) -> float:
    rows, columns = cost.shape
    best = 0.0
    for count in range(1, min(rows, columns) + 1):
        for chosen in itertools.combinations(range(rows), count):
            for order in itertools.permutations(range(columns), count):
                best = min(best, sum(cost[r, c] - limit for r, c in zip(chosen, order, strict=True)))
    return best


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.floats(0, 10)))
def test_it_finds_the_cheapest_assignment(cost: np.ndarray) -> None:
    rows, columns = assign(cost, 4)
    assert np.isclose((cost[rows, columns] - 4).sum(), cheapest(cost, 4))
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
