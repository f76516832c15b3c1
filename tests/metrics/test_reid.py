import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import InputError
from cctview.metrics.reid import count_reid, expected_calibration_error

GOLDEN = json.loads((Path(__file__).parents[1] / "goldens" / "ranking.json").read_text(encoding="utf-8"))


def reference(distance, relevant, ignored):
    """Market-1501 scoring, query by query, as the published loops do it."""
    first, precisions, penalties = [], [], []
    for d, r, skip in zip(distance, relevant, ignored, strict=True):
        order = [g for g in np.argsort(d, kind="stable") if not skip[g]]
        hits = [bool(r[g]) for g in order]
        if not any(hits):
            continue
        places = [rank for rank, hit in enumerate(hits, 1) if hit]
        first.append(places[0])
        precisions.append(np.mean([(n + 1) / rank for n, rank in enumerate(places)]))
        penalties.append(len(places) / places[-1])
    return first, precisions, penalties


def test_three_queries_worked_by_hand():
    distance = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]])
    relevant = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    counts = count_reid(distance, relevant)
    assert counts.queries == 2
    assert counts.unanswerable == 1
    assert counts.cmc().tolist() == [0.5, 0.5, 1.0, 1.0]
    assert counts.rank(1) == 0.5
    assert counts.mean_average_precision() == pytest.approx(((1 + 2 / 3) / 2 + 1 / 3) / 2)
    assert counts.mean_inverse_negative_penalty() == pytest.approx((2 / 3 + 1 / 3) / 2)


def test_ignored_pairs_leave_the_ranking():
    distance = np.array([[0.1, 0.2, 0.3]])
    relevant = np.array([[True, False, True]])
    ignored = np.array([[True, True, False]])
    assert count_reid(distance, relevant, ignored).rank(1) == 1.0
    assert count_reid(distance, relevant & ignored, ignored).queries == 0


def test_ties_keep_gallery_order():
    relevant = np.array([[False, True]])
    assert count_reid(np.zeros((1, 2)), relevant).cmc().tolist() == [0.0, 1.0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 12))
def test_agrees_with_the_loops(seed, queries, gallery):
    rng = np.random.default_rng(seed)
    distance = rng.integers(0, 5, (queries, gallery)) / 4
    relevant, ignored = rng.random((2, queries, gallery)) < np.array([0.3, 0.2])[:, None, None]
    first, precisions, penalties = reference(distance, relevant, ignored)
    counts = count_reid(distance, relevant, ignored)
    assert counts.queries == len(first)
    assert counts.precision == pytest.approx(sum(precisions), abs=1e-9)
    assert counts.penalty == pytest.approx(sum(penalties), abs=1e-9)
    for k in range(1, gallery + 1):
        assert counts.hits[:k].sum() == sum(place <= k for place in first)


@given(st.integers(0, 2**32 - 1))
def test_counts_add_up_over_queries(seed):
    rng = np.random.default_rng(seed)
    distance, relevant = rng.random((6, 9)), rng.random((6, 9)) < 0.3
    whole = count_reid(distance, relevant)
    parts = count_reid(distance[:2], relevant[:2]) + count_reid(distance[2:], relevant[2:])
    assert np.array_equal(whole.cmc(), parts.cmc())
    assert parts.mean_average_precision() == pytest.approx(whole.mean_average_precision())
    assert parts.unanswerable == whole.unanswerable


def test_galleries_of_different_size_add_up():
    small, large = count_reid(np.zeros((1, 1)), np.ones((1, 1), bool)), count_reid(np.zeros((1, 3)), np.eye(3)[2:] > 0)
    assert (small + large).cmc().tolist() == [0.5, 0.5, 1.0]


def test_no_gallery_and_no_queries():
    assert count_reid(np.zeros((2, 0)), np.zeros((2, 0), bool)).unanswerable == 2
    empty = count_reid(np.zeros((0, 3)), np.zeros((0, 3), bool))
    assert (empty.queries, empty.rank(1), empty.mean_average_precision()) == (0, 0.0, 0.0)


def test_shapes_and_numbers_are_checked():
    with pytest.raises(InputError, match="one shape"):
        count_reid(np.zeros((2, 3)), np.zeros((3, 2), bool))
    with pytest.raises(InputError, match="NaN"):
        count_reid(np.full((1, 1), np.nan), np.ones((1, 1), bool))


def test_calibration_error_by_hand():
    assert expected_calibration_error(np.array([0.95, 0.95, 0.05]), np.array([True, False, False])) == pytest.approx(
        (0.9 + 0.05) / 3
    )
    assert expected_calibration_error(np.array([1.0]), np.array([True])) == 0.0
    assert expected_calibration_error(np.zeros(0), np.zeros(0, bool)) == 0.0


def test_ranks_and_precision_are_those_of_torchreid():
    split = GOLDEN["queries"]
    vectors, identity, camera = (np.array(GOLDEN[name]) for name in ("vectors", "identity", "camera"))
    distance = np.linalg.norm(vectors[:split, None] - vectors[None, split:], axis=2)
    relevant = identity[:split, None] == identity[split:]
    counts = count_reid(distance, relevant, relevant & (camera[:split, None] == camera[split:]))
    np.testing.assert_allclose(counts.cmc()[: len(GOLDEN["cmc"])], GOLDEN["cmc"], atol=1e-6)
    assert counts.mean_average_precision() == pytest.approx(GOLDEN["mAP"], abs=1e-6)


@pytest.mark.parametrize("number", range(len(GOLDEN["odd"])))
def test_equal_distances_and_queries_without_an_answer_score_as_torchreid_scores_them(number):
    case = GOLDEN["odd"][number]
    distance, identity, camera = (np.array(case[name]) for name in ("distance", "identity", "camera"))
    split = len(distance)
    relevant = identity[:split, None] == identity[split:]
    counts = count_reid(distance, relevant, relevant & (camera[:split, None] == camera[split:]))
    np.testing.assert_allclose(counts.cmc()[: len(case["cmc"])], case["cmc"], atol=1e-6)
    assert counts.mean_average_precision() == pytest.approx(case["mAP"], abs=1e-6)
    assert counts.queries + counts.unanswerable == split
