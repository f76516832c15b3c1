from dataclasses import replace

import numpy as np
import pytest

from cctview.road.flow import lane_flow, moved, nearest_box, ruling_way, ways
from cctview.road.priors import ROAD
from cctview.table import Ragged
from cctview.types import Tracklets


def tracklets(first, last, heading):
    count = len(first)
    time = np.full(count, np.datetime64("2020-01-01", "ns"))
    return Tracklets(
        id=np.arange(1, count + 1),
        camera=np.full(count, "c1"),
        first_time=time,
        last_time=time,
        first_box=np.array(first, np.float32),
        last_box=np.array(last, np.float32),
        type=np.full(count, "car"),
        heading=np.array(heading),
        vector=np.tile(np.float32([1, 0]), (count, 1)),
        spread=np.zeros(count, np.float32),
        quality=np.ones(count, np.float32),
        members=Ragged.from_lengths(np.arange(count) + 100, np.ones(count, int)),
    )


def box(x, y, size=20):
    return [x, y, x + size, y + size]


def two_lanes(count=24, extra=()):
    """Vehicles that come on the left and go on the right, and some more: (first, last, heading)."""
    rows = [(box(50, 20 + n), box(50, 120 + n, 40), "towards") for n in range(count)]
    rows += [(box(250, 120 + n, 40), box(250, 20 + n), "away") for n in range(count)]
    return tracklets(*zip(*(*rows, *extra), strict=True))


@pytest.mark.parametrize(
    ("share", "way"),
    [(1.0, "towards"), (0.8, "towards"), (0.79, "?"), (0.5, "?"), (0.21, "?"), (0.2, "away"), (0.0, "away")],
)
def test_a_way_rules_where_enough_agree(share, way):
    assert ruling_way(np.array([share]), 0.8, "?").tolist() == [way]
    assert ruling_way(np.array([share]), 0.8, np.array(["?"])).tolist() == [way]


def test_a_lane_corrects_what_drives_against_it_and_tells_of_what_stands():
    still, wrong = (box(50, 70), box(50, 70), "still"), (box(50, 120, 40), box(50, 30), "away")
    found = ways(two_lanes(extra=[still, wrong]))
    assert found[:24].tolist() == ["towards"] * 24
    assert found[24:48].tolist() == ["away"] * 24
    assert found[48:].tolist() == ["towards", "towards"]


def test_too_few_moving_vehicles_tell_nothing():
    few, near = two_lanes(4), replace(ROAD, neighbours=8)
    assert lane_flow(few, near).tolist() == [1.0] * 4 + [0.0] * 4
    assert lane_flow(few[:7], near).tolist() == [0.5] * 7
    assert ways(few[:7]).tolist() == few.heading[:7].tolist()
    assert set(lane_flow(few, replace(near, fewest_moving=9))) == {0.5}


def test_what_goes_across_has_no_say():
    across = [(box(50, 60 + n), box(150, 60 + n), "across") for n in range(12)]
    assert np.array_equal(lane_flow(two_lanes(extra=across))[:48], lane_flow(two_lanes()))


def test_moved_is_what_hardly_overlaps():
    first = np.array([[0, 0, 10, 10]] * 2, float)
    assert moved(first, first + np.array([[5, 0, 5, 0], [6, 0, 6, 0]])).tolist() == [False, True]


def test_the_nearest_box_is_the_larger_one():
    found = nearest_box(tracklets([box(0, 0, 10), box(0, 0, 30)], [box(9, 9, 20), box(9, 9, 20)], ["towards", "away"]))
    assert found.tolist() == [box(9, 9, 20), box(0, 0, 30)]


def test_where_a_vehicle_came_from_tells_the_way_too():
    """Far away only first boxes of who comes lie: what stands there is still known to stand where they come."""
    rows = [(box(50, 20 + n), box(50, 160 + n, 40), "towards") for n in range(16)]
    rows += [(box(250, 160 + n, 40), box(110, 20 + n), "away") for n in range(16)]
    stands = [(box(50, 28), box(50, 28), "still")]
    found = lane_flow(tracklets(*zip(*(*rows, *stands), strict=True)), replace(ROAD, neighbours=9))
    assert found[-1] == 1.0
