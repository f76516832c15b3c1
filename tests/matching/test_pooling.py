"""Joined looks by hand: a candidate takes on what its queries show beyond the mean of their camera."""

import numpy as np
import pytest

from cctview.matching.pooling import joined_looks
from cctview.testing.by_hand import matches_of, tracklets_of

TRACKLETS = tracklets_of(["c1", "c1", "c2", "c2"], [0, 5, 20, 25])
VECTORS = np.array([[0.8, 0.6], [0.8, -0.6], [0.6, 0.8], [0.6, -0.8]], np.float32)


def joined(rows, share=0.5):
    return joined_looks(TRACKLETS, VECTORS, matches_of(rows), share)


def test_a_candidate_takes_on_the_looks_of_its_query():
    """The queries' mean is (0.8, 0), the candidates' (0.6, 0): what is added is 0.5 * 0.9 * (0, 0.6)."""
    found = joined([(1, "c1", "c2", [3], [0.9], [20.0])])
    expected = np.array([0.6, 0.8 + 0.5 * 0.9 * 0.6])
    assert found[2] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)
    assert found[2, 1] > VECTORS[2, 1]
    assert np.array_equal(found[[0, 1, 3]], VECTORS[[0, 1, 3]])


def test_two_queries_add_up_each_by_its_probability():
    found = joined([(1, "c1", "c2", [4], [0.5], [25.0]), (2, "c1", "c2", [4], [0.25], [20.0])])
    expected = np.array([0.6, -0.8 + 0.5 * (0.5 * 0.6 - 0.25 * 0.6)])
    assert found[3] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_nothing_is_joined_without_a_share_or_a_candidate():
    assert joined([(1, "c1", "c2", [3], [0.9], [20.0])], share=0.0) is VECTORS
    assert joined([(1, "c1", "c2", [], [], [])]) is VECTORS


def test_what_was_given_is_left_as_it_was():
    before = VECTORS.copy()
    joined([(1, "c1", "c2", [3], [1.0], [20.0])], share=1.0)
    assert np.array_equal(VECTORS, before)
