from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cctview import geometry

boxes = hnp.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(4)), elements=st.floats(0, 50, width=32)).map(
    lambda a: np.concatenate([a[:, :2], a[:, :2] + 1 + a[:, 2:]], axis=1)
)


def test_iou_of_known_pairs() -> None:
    left = np.array([[0, 0, 2, 2], [0, 0, 1, 1]], np.float32)
    right = np.array([[1, 0, 3, 2], [5, 5, 6, 6]], np.float32)
    assert np.allclose(geometry.iou(left, right), [[1 / 3, 0], [0, 0]])


@given(boxes)
def test_iou_is_symmetric_and_one_with_itself(some: np.ndarray) -> None:
    table = geometry.iou(some, some)
    assert np.allclose(table, table.T)
    assert np.allclose(np.diag(table), 1)


def greedy(some: np.ndarray, scores: np.ndarray, threshold: float) -> list[bool]:
    keep = [False] * len(some)
    for row in np.argsort(-scores, kind="stable"):
        rivals = [other for other in range(len(some)) if keep[other]]
        keep[row] = not any(geometry.iou(some[[row]], some[[other]])[0, 0] > threshold for other in rivals)
    return keep


@given(boxes, st.floats(0.1, 0.9))
def test_suppression_equals_the_greedy_loop(some: np.ndarray, threshold: float) -> None:
    scores = np.linspace(1, 0, len(some), dtype=np.float32) ** 2
    assert geometry.suppress(some, scores, threshold).tolist() == greedy(some, scores, threshold)


def test_suppression_works_on_batches() -> None:
    some = np.array([[[0, 0, 9, 9], [1, 0, 10, 9]], [[0, 0, 9, 9], [20, 0, 30, 9]]], np.float32)
    keep = geometry.suppress(some, np.array([[0.5, 0.9], [0.5, 0.9]], np.float32), 0.5)
    assert keep.tolist() == [[False, True], [True, True]]


def test_clip_widen_centre_and_area() -> None:
    some = np.array([[-5, 2, 15, 6]], np.float32)
    assert geometry.clip(some, 10, 5).tolist() == [[0, 2, 10, 5]]
    assert geometry.widened(some, 0.5).tolist() == [[-15, 0, 25, 8]]
    assert geometry.centre(some).tolist() == [[5, 4]]
    assert geometry.area(some).tolist() == [80]
    assert geometry.area(some[:, [2, 3, 0, 1]]).tolist() == [0]


def test_ground_distance_and_bearing_of_known_places() -> None:
    paris, london = (2.3522, 48.8566), (-0.1276, 51.5072)
    assert geometry.ground_distance_m(*map(np.float64, (*paris, *london))) == pytest.approx(343_500, rel=2e-3)
    assert geometry.bearing_deg(*map(np.float64, (0, 0, 1, 0))) == pytest.approx(90)
    assert geometry.bearing_deg(*map(np.float64, (0, 0, 0, -1))) == pytest.approx(180)


@pytest.mark.parametrize(
    ("left", "right", "turn"), [(10, 350, 20), (350, 10, 20), (0, 180, 180), (90, 90, 0), (0, 181, 179), (725, 0, 5)]
)
def test_a_turn_is_the_smaller_angle_whichever_way(left: float, right: float, turn: float) -> None:
    assert geometry.turn_deg(float(left), float(right)) == pytest.approx(turn)
    assert geometry.turn_deg(np.array([left, 0.0]), np.array([right, 0.0])).tolist() == pytest.approx([turn, 0])


def test_boxes_that_overlap_by_exactly_the_threshold_both_stay() -> None:
    pair = np.array([[0, 0, 2, 1], [1, 0, 3, 1]], np.float64)
    third = float(geometry.iou(pair, pair)[0, 1])
    scores = np.array([0.9, 0.8])
    assert geometry.suppress(pair, scores, third).tolist() == [True, True]
    assert geometry.suppress(pair, scores, third - 1e-6).tolist() == [True, False]
