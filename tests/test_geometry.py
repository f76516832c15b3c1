from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cctview import geometry
from cctview.types import Ragged, Tracklets

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


def test_a_box_that_is_out_suppresses_nobody() -> None:
    """A beats B, B would beat C, A and C do not meet: C stays."""
    chain = np.array([[0, 0, 10, 1], [4, 0, 14, 1], [8, 0, 18, 1]], np.float64)
    assert geometry.suppress(chain, np.array([0.9, 0.8, 0.7]), 0.3).tolist() == [True, False, True]
    assert geometry.suppress(chain, np.array([0.8, 0.9, 0.7]), 0.3).tolist() == [False, True, False]
    longer = np.concatenate([chain, [[12, 0, 22, 1], [16, 0, 26, 1]]])
    assert geometry.suppress(longer, np.linspace(0.9, 0.5, 5), 0.3).tolist() == [True, False, True, False, True]


def test_a_bearing_far_from_the_equator_is_known() -> None:
    """From Baghdad to Osaka the great circle begins at 60 degrees, nearly north-east, not due east."""
    assert geometry.bearing_deg(*map(np.float64, (45, 35, 135, 35))) == pytest.approx(60.16, abs=0.01)
    assert geometry.bearing_deg(*map(np.float64, (0, 60, 90, 0))) == pytest.approx(90)
    assert geometry.bearing_deg(*map(np.float64, (0, 0, 90, 45))) == pytest.approx(45)


def test_distance_is_the_same_both_ways_and_shrinks_with_latitude() -> None:
    here, there = (10.0, 60.0), (11.0, 60.0)
    way = geometry.ground_distance_m(*map(np.float64, (*here, *there)))
    assert way == pytest.approx(geometry.ground_distance_m(*map(np.float64, (*there, *here))))
    assert way == pytest.approx(np.pi / 180 * 6_371_008.8 / 2, rel=1e-3)


def test_a_vehicle_passes_when_its_box_is_largest() -> None:
    begin, end = np.datetime64("2020-01-01T00:00:00", "ns"), np.datetime64("2020-01-01T00:00:09", "ns")
    small, large = [0, 0, 10, 10], [0, 0, 30, 20]
    tracklets = Tracklets(
        id=np.array([1, 2, 3]),
        camera=np.full(3, "c1"),
        first_time=np.full(3, begin),
        last_time=np.full(3, end),
        first_box=np.array([small, large, small], np.float32),
        last_box=np.array([large, small, small], np.float32),
        type=np.full(3, "car"),
        heading=np.array(["towards", "away", "still"]),
        vector=np.eye(3, dtype=np.float32),
        spread=np.zeros(3, np.float32),
        quality=np.ones(3, np.float32),
        members=Ragged.from_lengths(np.arange(3) + 7, np.ones(3, int)),
    )
    assert geometry.passing_time(tracklets).tolist() == np.array([end, begin, end]).tolist()


def test_the_foot_is_the_middle_of_the_lower_edge() -> None:
    some = np.array([[2, 3, 6, 9]], np.float64)
    assert geometry.foot(some).tolist() == [[4, 9]]
    assert geometry.size(some).tolist() == [[4, 6]]
