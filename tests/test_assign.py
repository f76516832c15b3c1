from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cctview.assign import assign, soft_assign


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


def enumerated(odds):
    """Exact pair probabilities by summing over every one-to-one assignment."""
    rows, columns = odds.shape
    total, belief = 0.0, np.zeros_like(odds)
    for choice in itertools.product(range(-1, columns), repeat=rows):
        taken = [c for c in choice if c >= 0]
        if len(set(taken)) < len(taken):
            continue
        pairs = [(r, c) for r, c in enumerate(choice) if c >= 0]
        weight = np.prod([odds[pair] for pair in pairs]) if pairs else 1.0
        total += weight
        for pair in pairs:
            belief[pair] += weight
    return belief / total


def dense(odds, **more):
    row, column = np.indices(odds.shape).reshape(2, -1)
    return soft_assign(row, column, odds.ravel(), odds.shape, **more).reshape(odds.shape)


def test_a_lone_pair_has_the_probability_of_its_odds():
    assert dense(np.array([[3.0]]))[0, 0] == pytest.approx(0.75)


def test_rivals_for_one_column_share_it_exactly():
    odds = np.array([[3.0], [1.0], [0.5]])
    assert np.allclose(dense(odds), enumerated(odds))


def test_no_pairs_no_beliefs():
    none = np.zeros(0, int)
    assert soft_assign(none, none, np.zeros(0), (3, 2)).tolist() == []


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4))
def test_close_to_the_exact_sum_over_assignments(seed, rows, columns):
    odds = np.exp(np.random.default_rng(seed).normal(0, 2, (rows, columns)))
    belief = dense(odds, rounds=50)
    assert np.abs(belief - enumerated(odds)).max() < 0.15
    assert belief.sum(axis=0).max() <= 1 + 1e-9
    assert belief.sum(axis=1).max() <= 1 + 1e-9


def test_less_rivalry_leaves_more_to_each_of_two_that_want_the_same():
    odds = np.array([[9.0], [9.0]])
    whole, half, none = (dense(odds, rounds=50, rivalry=rivalry)[:, 0] for rivalry in (1.0, 0.5, 0.0))
    assert whole.sum() < 1 < half.sum() < none.sum()
    assert np.allclose(none, 0.9)
    assert np.allclose(half, half[0])


def test_a_column_never_holds_more_than_its_rivalry_allows():
    """Where messages run in circles they claim too much; what a column holds is cut to 1 over the rivalry."""
    odds = np.exp(np.random.default_rng(4).normal(3, 2, (5, 4)))
    for rivalry in (1.0, 0.7, 0.5):
        belief = dense(odds, rounds=1, rivalry=rivalry)
        assert belief.sum(axis=0).max() <= 1 / rivalry + 1e-9
        assert belief.sum(axis=1).max() <= 1 + 1e-9
    crowd = dense(np.full((40, 1), 50.0), rounds=1)
    assert crowd.sum() == pytest.approx(1, abs=1e-3)
    uncut = dense(np.full((40, 1), 50.0), rounds=1, rivalry=0.0)
    assert uncut.sum() > 30


def test_two_rows_that_want_the_same_push_one_to_the_other_column():
    odds = np.array([[5.0, 5.0], [5.0, 0.0]])
    belief = dense(odds, rounds=50)
    assert belief[0, 1] > belief[0, 0]
    assert belief[1, 1] == 0


def test_a_pair_at_the_limit_is_not_made():
    assert len(assign(np.array([[3.0]]), 3)[0]) == 0
    assert len(assign(np.array([[2.9]]), 3)[0]) == 1
