"""The steps from moves to lanes on a few numbers, so that each can be followed on paper."""

from dataclasses import replace

import numpy as np
import pytest
from test_lanes import lines, tracked

from cctview.road import lanes as rooms
from cctview.road.lanes import _Crossings, _Crowds, _Steps, learn_lanes
from cctview.road.priors import ROAD


def steps(start, end, seconds=1.0):
    start, end = np.array(start, float), np.array(end, float)
    return _Steps(np.arange(len(start)), start, end, np.full(len(start), seconds))


def met_everywhere(vehicles, across=0.0):
    """So many vehicles that cross all stations at the same place."""
    owner, station = np.divmod(np.arange(vehicles * ROAD.stations), ROAD.stations)
    return _Crossings(owner, station, np.full(len(owner), across))


def test_moves_are_between_later_boxes_of_one_vehicle():
    place = np.array([[0.0, 0], [1, 0], [2, 0], [7, 7], [8, 7]])
    found = rooms._steps(place, np.array([0, 0, 0, 1, 1]), np.array([0.0, 2, 2, 5, 8]))
    assert found.owner.tolist() == [0, 1]
    assert found.start.tolist() == [[0, 0], [7, 7]]
    assert found.end.tolist() == [[1, 0], [8, 7]]
    assert found.seconds.tolist() == [2, 3]


def test_axes_lie_along_the_mean_direction_and_are_their_own_way_back():
    axes = rooms._axes(steps([[0, 0], [0, 0]], [[3, 3], [0.5, 0.5]]))
    assert (np.array([[1.0, 1.0]]) @ axes).tolist()[0] == pytest.approx([2**0.5, 0])
    assert np.allclose(axes @ axes, np.eye(2))


def test_long_moves_do_not_outvote_short_ones():
    axes = rooms._axes(steps([[0, 0], [0, 0]], [[100, 0], [0, 1]]))
    assert np.abs(axes[:, 0]).tolist() == pytest.approx([0.5**0.5] * 2)


def test_pace_is_way_along_by_time():
    assert rooms._pace(steps([[0, 0], [5, 0]], [[6, 9], [9, 9]], seconds=2.0)).tolist() == [3, 2]


def test_a_move_crosses_the_stations_between_its_ends():
    met = rooms._crossings(steps([[0, 0], [2.5, 4]], [[2.5, 5], [2.9, 4]]), np.array([0.5, 1.0, 2.0, 3.0]))
    assert met.owner.tolist() == [0, 0, 0]
    assert met.station.tolist() == [0, 1, 2]
    assert met.across.tolist() == pytest.approx([1, 2, 4])


@pytest.mark.parametrize(("vehicles", "crowds"), [(2, 0), (4, ROAD.stations)])
def test_a_few_vehicles_are_no_crowd(vehicles, crowds):
    found = rooms._crowds(met_everywhere(vehicles), ROAD)
    assert len(found.station) == crowds
    assert np.abs(found.across).max(initial=0) < ROAD.column


def test_two_lanes_are_two_crowds_and_half_a_lane_apart_is_one():
    def crowds(apart):
        left, right = met_everywhere(9), met_everywhere(9, apart)
        both = _Crossings(*(np.concatenate(columns) for columns in zip(left, right, strict=True)))
        return np.unique(np.round(rooms._crowds(both, ROAD).across)).tolist()

    assert crowds(4.0) == [0, 4]
    assert len(crowds(1.5 * ROAD.spread)) == 1


def test_a_crossing_belongs_to_the_nearest_crowd_within_reach():
    crowds = _Crowds(np.array([0, 0, 1]), np.array([0.0, 1.5, 0.0]))
    met = _Crossings(np.arange(6), np.array([0, 0, 0, 1, 1, 0]), np.array([0.2, 1.1, 2.4, 0.5, 1.5, -0.8]))
    assert rooms._nearest(met, crowds, 0.67).tolist() == [0, 1, -1, 2, -1, -1]


def test_crowds_are_joined_by_enough_vehicles_that_agree():
    start = np.array([0] * 5 + [0] * 3 + [1] * 4 + [2] * 2)
    end = np.array([5] * 5 + [6] * 3 + [6] * 4 + [7] * 2)
    one, other = rooms._favourites(start, end, votes=3)
    assert list(zip(one.tolist(), other.tolist(), strict=True)) == [(0, 5), (1, 6)]
    assert len(rooms._favourites(start, end, votes=5)[0]) == 1


def test_what_most_boxes_say_is_what_a_vehicle_is():
    owner, label = np.array([0, 0, 0, 1, 1, 3]), np.array([2, 2, 1, -1, 4, -1])
    assert rooms._mostly(owner, label).tolist() == [2, 4, -1, -1]
    assert [part.tolist() for part in rooms._counted(owner[:3], label[:3])] == [[0, 0], [1, 2], [1, 2]]


def test_points_in_even_steps():
    line = np.array([[0.0, 0], [1, 0], [1, 3]])
    assert rooms._in_even_steps(line, 5).tolist() == [[0, 0], [1, 0], [1, 1], [1, 2], [1, 3]]
    assert rooms._lengths(line).tolist() == [0, 1, 4]


def test_where_crowds_are_better_supported_the_line_follows_them():
    along = np.arange(12.0)
    across = np.where(along == 6, 5.0, 0.0)
    trusted = rooms._centre_line(along, across, np.full(12, 100), ROAD)
    doubted = rooms._centre_line(along, across, np.where(along == 6, 1, 100), ROAD)
    assert np.abs(doubted[:, 1]).max() < 0.1 * np.abs(trusted[:, 1]).max()
    assert trusted[[0, -1], 0].tolist() == [0, 11]


def passing(far, vehicles=60):
    """Vehicles from left to right at y = 150: all to x = 160, so many of them on to x = 280."""
    rng = np.random.default_rng(2)
    boxes, seconds, identity = [], [], []
    for number in range(vehicles):
        x = np.arange(60.0, 281.0 if number < far else 161.0, 20.0) + rng.uniform(-10, 10)
        foot = 150 + rng.normal(0, 1, len(x))
        boxes.append(np.column_stack([x - 24, foot - 24, x + 24, foot]))
        seconds.append(number * 20 + np.arange(len(x)))
        identity.append(np.full(len(x), number))
    return tracked(
        np.concatenate(boxes).astype(np.float32), np.concatenate(seconds), np.concatenate(identity), "across"
    )


def test_a_lane_ends_where_hardly_anybody_goes_on():
    (short,) = lines(learn_lanes(*passing(far=5)))
    (long,) = lines(learn_lanes(*passing(far=30)))
    assert short[-1, 0] < 190
    assert long[-1, 0] > 230


def test_a_lane_needs_so_many_vehicles():
    tables = passing(far=0, vehicles=12)
    assert len(learn_lanes(*tables)) == 1
    assert len(learn_lanes(*tables, priors=replace(ROAD, fewest=13))) == 0
    assert len(learn_lanes(*tables, priors=replace(ROAD, fewest_share=1.1))) == 0
    assert len(learn_lanes(*tables, priors=replace(ROAD, shortest=49))) == 0


def test_speed_is_pixels_a_second():
    found = learn_lanes(*passing(far=0))
    assert found.speed.tolist() == pytest.approx([20.0], rel=0.05)
