"""Pairs by hand: who meets whom, who cannot be one vehicle, and how far apart two look."""

import numpy as np
import pytest

from cctview.matching.pairs import Meetings, Pairs, distances, meetings, strangers

LEFT, CAME = np.array([0.0, 10.0, 100.0]), np.array([5.0, 15.0, 20.0, 112.0])


def test_all_pairs_whose_lag_lies_in_the_window_both_ends_included():
    met = meetings(LEFT, CAME, 5.0, 15.0, np.arange(3))
    assert met.q.tolist() == [0, 0, 1, 1, 2]
    assert met.g.tolist() == [0, 1, 1, 2, 3]
    assert met.lag.tolist() == [5.0, 15.0, 5.0, 10.0, 12.0]


def test_only_the_chosen_queries_are_asked():
    met = meetings(LEFT, CAME, 5.0, 15.0, np.array([1]))
    assert (met.q.tolist(), met.g.tolist()) == ([1, 1], [1, 2])
    assert len(meetings(LEFT, CAME[:0], 5.0, 15.0, np.arange(3)).q) == 0


def test_strangers_are_outside_the_window_and_within_reach_of_it():
    left, came = np.arange(0.0, 3000.0, 10.0), np.arange(3.0, 3000.0, 5.0)
    drawn = strangers(left, came, 40.0, 80.0, 200.0)
    assert np.array_equal(drawn.lag, came[drawn.g] - left[drawn.q])
    assert not np.any((drawn.lag >= 40) & (drawn.lag <= 80))
    assert -160 <= drawn.lag.min() < -150
    assert 270 < drawn.lag.max() <= 280
    inner = np.bincount(drawn.q)[30:-60]
    assert inner.mean() == pytest.approx(40, rel=0.05)
    assert np.mean(drawn.lag < 40) == pytest.approx(0.5, abs=0.1)


def test_the_draw_of_strangers_is_the_same_every_time():
    left, came = np.arange(0.0, 500.0, 7.0), np.arange(0.0, 500.0, 9.0)
    for one, two in zip(strangers(left, came, 10, 20, 50), strangers(left, came, 10, 20, 50), strict=True):
        assert np.array_equal(one, two)
    assert len(strangers(left, came[:0], 10, 20, 50).q) == 0


def test_distances_are_one_minus_the_cosine_in_any_order_over_many_blocks():
    rng = np.random.default_rng(3)
    queries, gallery = (rng.normal(size=(count, 8)) for count in (700, 90))
    queries, gallery = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (queries, gallery))
    q, g = rng.integers(0, 700, 2000), rng.integers(0, 90, 2000)
    found = distances(queries.astype(np.float32), gallery.astype(np.float32), Meetings(q, g, np.zeros(2000)))
    assert np.allclose(found, 1 - (queries[q] * gallery[g]).sum(axis=1), atol=1e-6)


def test_distances_run_from_the_same_to_the_opposite():
    one = np.array([[1.0, 0.0]], np.float32)
    other = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], np.float32)
    met = Meetings(np.zeros(3, int), np.arange(3), np.zeros(3))
    assert distances(one, other, met).tolist() == [0.0, 1.0, 2.0]


def test_chosen_pairs_keep_all_that_belongs_to_them():
    numbers = np.arange(4)
    both = np.column_stack([numbers, numbers + 10.0])
    pairs = Pairs(Meetings(numbers, numbers + 1, numbers * 2.0), numbers / 10, numbers + 20, numbers + 30, both, -both)
    chosen = pairs.rows(np.array([False, True, False, True]))
    assert [column.tolist() for column in chosen.met] == [[1, 3], [2, 4], [2.0, 6.0]]
    assert (chosen.bin.tolist(), chosen.kind.tolist()) == ([21, 23], [31, 33])
    assert chosen.height.tolist() == [[1, 11], [3, 13]]
    assert chosen.lane.tolist() == [[-1, -11], [-3, -13]]
