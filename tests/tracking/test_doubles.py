"""Second boxes of one vehicle, and things that stand where they stood."""

import numpy as np

from cctview.tracking.doubles import second_boxes, standing

BOX = np.array([10.0, 10.0, 30.0, 30.0])
HALF = np.array([10.0, 10.0, 30.0, 20.0])  # overlaps BOX by exactly a half


def test_the_box_of_less_weight_gives_way_in_its_own_still_only():
    box = np.array([BOX, HALF, HALF, BOX + 100])
    still = np.array([0, 0, 1, 0])
    assert second_boxes(still, box, np.array([5.0, 2, 1, 1]), 0.4, 2).tolist() == [False, True, False, False]
    assert second_boxes(still, box, np.array([2.0, 5, 1, 1]), 0.4, 2).tolist() == [True, False, False, False]
    assert second_boxes(still, box, np.array([3.0, 3, 1, 1]), 0.4, 2).tolist() == [False, True, False, False]


def test_an_overlap_of_just_the_limit_is_two_vehicles():
    still, weight = np.array([7, 7]), np.array([1.0, 2.0])
    assert not second_boxes(still, np.array([BOX, HALF]), weight, 0.5, 2).any()
    assert second_boxes(still, np.array([BOX, HALF]), weight, 0.49, 2).tolist() == [True, False]


def test_of_three_the_heaviest_stays():
    box, still = np.array([BOX, BOX + 1, BOX + 2]), np.zeros(3, int)
    assert second_boxes(still, box, np.array([1.0, 9, 4]), 0.5, 2).tolist() == [True, False, True]


def test_what_comes_again_within_so_many_stills_stands():
    box = np.array([BOX, BOX + 100, BOX, BOX + 200, BOX + 1])
    still = np.array([0, 1, 3, 4, 7])
    look = np.tile([1.0, 0.0], (5, 1))
    assert standing(still, box, look, 0.7, 0.8, 3).tolist() == [True, False, True, False, False]
    assert standing(still, box, look, 0.7, 0.8, 4).tolist() == [True, False, True, False, True]
    assert not standing(still, box, look, 0.7, 0.8, 2).any()
    assert not standing(np.zeros(2, int), np.array([BOX, BOX]), look[:2], 0.7, 0.8, 3).any()


def test_a_part_of_a_box_gives_way_however_small_it_is():
    part = np.array([28.0, 10.0, 33.0, 14.0])  # two of its five columns lie in BOX
    still, weight = np.array([0, 0]), np.array([2.0, 1.0])
    assert second_boxes(still, np.array([BOX, part]), weight, 0.9, 0.39).tolist() == [False, True]
    assert second_boxes(still, np.array([BOX, part]), weight[::-1], 0.9, 0.39).tolist() == [True, False]
    assert not second_boxes(still, np.array([BOX, part]), weight, 0.9, 0.4).any()
    assert not second_boxes(still, np.array([BOX, part + 20]), weight, 0.9, 0.0).any()


def test_the_next_vehicle_in_the_same_place_looks_different():
    box, still = np.array([BOX, BOX]), np.array([0, 1])
    look = np.array([[1.0, 0.0], [0.6, 0.8]])
    assert not standing(still, box, look, 0.7, 0.6, 3).any()
    assert standing(still, box, look, 0.7, 0.59, 3).all()


def test_nothing_has_no_doubles():
    none = np.zeros(0, int)
    assert second_boxes(none, np.zeros((0, 4)), np.zeros(0), 0.4, 0.8).shape == (0,)
    assert standing(none, np.zeros((0, 4)), np.zeros((0, 2)), 0.7, 0.8, 3).shape == (0,)
