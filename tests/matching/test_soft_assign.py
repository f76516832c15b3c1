import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.assign import soft_assign


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


def test_no_pairs():
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
