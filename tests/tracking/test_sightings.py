import numpy as np
import pytest
from scenes import PRIORS, tables

from cctview.tracking.sightings import Sightings, sightings_of, vehicles


def kept(*args, limit=0.7, **more):
    detections, embeddings = tables(*args, **more)
    rows, place = sightings_of(detections, embeddings, limit, PRIORS)
    assert np.array_equal(detections.id[place], rows.id)
    return rows.id.tolist()


A, B, C = [0, 0, 10, 10], [100, 0, 110, 10], [200, 0, 210, 10]


def test_rows_are_by_time_still_and_rank():
    detections, embeddings = tables([A, B, C, A], [3, 1, 1, 2])
    rows, place = sightings_of(detections[np.array([2, 0, 3, 1])], embeddings, 0.7, PRIORS)
    assert rows.id.tolist() == [2, 3, 4, 1]
    assert place.tolist() == [3, 0, 2, 1]
    assert rows.starts.tolist() == [0, 2, 3]


def test_only_vehicles_with_an_embedding():
    detections, embeddings = tables([A, B, C, A], [0, 0, 0, 1], kinds=["car", "person", "bus", "truck"])
    row, place = vehicles(detections, embeddings[np.array([True, True, False, True])])
    assert row.tolist() == [0, 3]
    assert place.tolist() == [0, 2]


@pytest.mark.parametrize(("shift", "both"), [(1, False), (3, True)])
def test_a_second_box_of_a_vehicle_is_left_out(shift, both):
    """Boxes 10 wide: a shift of 1 overlaps by 9/11, of 3 by 7/13."""
    moved = [shift, 0, 10 + shift, 10]
    assert kept([A, moved, B], [0, 0, 0], scores=[0.5, 0.8, 0.9]) == ([1, 2, 3] if both else [2, 3])
    assert kept([A, moved, B], [0, 0, 0], scores=[0.8, 0.8, 0.9])[0] == 1
    assert kept([A, moved], [0, 1]) == [1, 2]


def test_a_still_that_shows_exactly_what_was_there_takes_no_part():
    assert kept([A, B, A, B, A, C], [0, 0, 1, 1, 2, 2]) == [1, 2, 5, 6]


def test_one_equal_box_does_not_freeze_a_still():
    assert kept([A, A, A], [0, 1, 2]) == [1, 2, 3]
    assert kept([A, B, A, C], [0, 0, 1, 1]) == [1, 2, 3, 4]
    assert kept([A, B, A, B, C], [0, 0, 1, 1, 1]) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("off", "alike"), [(0.019, True), (0.021, False)])
def test_how_equal_boxes_must_be(off, alike):
    shown = kept([A, B, A, [100, 0, 110, 10 + off]], [0, 0, 1, 1])
    assert shown == ([1, 2] if alike else [1, 2, 3, 4])


@pytest.mark.parametrize(("off", "alike"), [(0.0005, True), (0.002, False)])
def test_how_equal_looks_must_be(off, alike):
    vectors = [[1, 0], [1, 0], [1, 0], [np.sqrt(1 - off**2), off]]
    assert kept([A, B, A, B], [0, 0, 1, 1], vectors=vectors) == ([1, 2] if alike else [1, 2, 3, 4])


def test_rows_join_and_are_chosen():
    rows, _ = sightings_of(*tables([A, B, C], [0, 0, 1]), 0.7, PRIORS)
    assert Sightings.none().followed_by(rows) is rows
    assert rows.followed_by(rows.rows([2])).id.tolist() == [1, 2, 3, 3]
    assert len(Sightings.none()) == 0
