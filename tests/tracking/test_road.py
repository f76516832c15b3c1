"""Metres along and across a road that only boxes tell of: a flat one before a pinhole camera, whose truth is known."""

import numpy as np
import pytest
from scenes import PRIORS, on_road, some_road

from cctview.geometry import foot
from cctview.tracking.road import Road, _parabola, road_of

BOXES = some_road()
ROAD = road_of(BOXES, PRIORS)


def at(away, aside=0.0):
    """Along and across of a car that stands so many metres away and aside."""
    return ROAD.place(foot(on_road(away, aside)))


def bent(curve):
    """A road straight ahead with a bend, on the ground of the other one."""
    return Road(
        ground=ROAD.ground,
        extent=ROAD.extent,
        middle=np.array([0.0, 30.0]),
        ahead=np.array([0.0, 1.0]),
        reach=np.array([-20.0, 20.0]),
        curve=np.array(curve),
    )


def test_scale_is_the_height_of_a_car_there():
    for away in (15.0, 30.0, 60.0):
        assert ROAD.scale(foot(on_road(away, 0.0))).tolist() == pytest.approx([350 * 1.5 / away], rel=0.03)


def test_the_extent_is_where_boxes_end():
    assert ROAD.extent.tolist() == pytest.approx([BOXES[:, 2].max(), BOXES[:, 3].max()])


def test_farther_away_is_farther_along_in_true_proportion():
    """Lengths are true to a factor: twenty metres more are as many times ten metres more, wherever."""
    along = at(np.array([20.0, 30.0, 40.0, 60.0]))[:, 0]
    assert (np.diff(along) > 0).all()
    assert (along[2] - along[1]) / (along[1] - along[0]) == pytest.approx(1, abs=0.05)
    assert (along[3] - along[2]) / (along[1] - along[0]) == pytest.approx(2, abs=0.1)


def test_vehicles_of_a_lane_stay_as_far_across_wherever_they_are():
    left, right = at(np.linspace(15, 60, 10), -2.0)[:, 1], at(np.linspace(15, 60, 10), 2.0)[:, 1]
    apart = right - left
    assert np.abs(np.abs(apart) - np.abs(apart).mean()).max() < 0.1 * np.abs(apart).mean()


def test_across_is_to_the_right_of_who_drives_away():
    assert at(30.0, 2.0)[0, 1] > at(30.0, 0.0)[0, 1] > at(30.0, -2.0)[0, 1]


def test_the_middle_of_all_vehicles_is_the_middle_of_the_road():
    places = ROAD.place(foot(BOXES))
    assert abs(np.median(places[:, 1])) < 1
    assert abs(np.median(places[:, 0])) < 5


@pytest.mark.parametrize("shift", [0.5, 1.0])
def test_the_grain_is_how_far_a_pixel_reaches(shift):
    feet = foot(on_road(np.array([20.0, 40.0, 80.0]), 0.0))
    here = ROAD.place(feet)
    moves = [np.abs(ROAD.place(feet + np.array(step)) - here) for step in ((shift, 0.0), (0.0, shift))]
    assert np.allclose(ROAD.grain(feet, here) * shift, np.hypot(*moves), rtol=0.05)


def test_a_pixel_is_more_metres_far_away():
    feet = foot(on_road(np.array([20.0, 40.0, 80.0]), 0.0))
    grain = ROAD.grain(feet, ROAD.place(feet))
    assert (np.diff(grain, axis=0) > 0).all()
    assert grain[1, 0] / grain[0, 0] == pytest.approx(4, rel=0.15)


def test_a_bend_is_taken_out_within_its_reach_only():
    straight, curved = bent([0.0, 0.0, 0.0]), bent([1.0, 0.1, 0.01])
    feet = straight.ground.pixels(np.array([[0.0, 30.0], [0.0, 40.0], [0.0, 20.0], [0.0, 50.0], [0.0, 90.0]]))
    aside = straight.place(feet)[:, 1] - curved.place(feet)[:, 1]
    assert aside.tolist() == pytest.approx([1.0, 1 + 1 + 1, 1 - 1 + 1, 1 + 2 + 4, 1 + 2 + 4], abs=1e-6)
    assert np.array_equal(straight.place(feet)[:, 0], curved.place(feet)[:, 0])


@pytest.mark.parametrize("way", [-1, 1])
def test_a_road_that_bends_is_found_to_bend_that_way(way):
    away = np.random.default_rng(3).uniform(12, 60, 500)
    road = road_of(on_road(away, way * 0.008 * (away - 35) ** 2), PRIORS)
    assert road.curve[2] * way > 0.001


def test_a_few_that_stand_beside_do_not_turn_the_road():
    """One in ten stands twelve metres aside, far ahead: robust weights leave the road nearly as it was."""
    rng = np.random.default_rng(5)
    boxes = np.concatenate([BOXES, on_road(rng.uniform(50, 60, 40), 14.0)])
    ahead = road_of(boxes, PRIORS).ahead
    assert abs(float(np.arctan2(*ahead) - np.arctan2(*ROAD.ahead))) < np.radians(2)


def test_the_parabola_of_exact_points_and_of_some_far_off():
    along = np.linspace(-20, 20, 401)
    across = 1.5 + 0.05 * along + 0.01 * along**2
    trust = np.ones_like(along)
    assert _parabola(along, across, trust, PRIORS).tolist() == pytest.approx([1.5, 0.05, 0.01], abs=0.15)
    wild = across + np.where(np.arange(401) % 10 == 0, 30.0, 0.0)
    curve = _parabola(along, wild, trust, PRIORS)
    assert np.abs(np.polyval(curve[::-1], along) - across).max() < 0.7
    assert _parabola(along, np.where(along > 0, 9.0, 0.0), along <= 0, PRIORS)[0] == pytest.approx(0, abs=1e-6)


def test_little_to_learn_from_is_a_straight_road():
    one = road_of(on_road(30.0, 0.0), PRIORS)
    assert np.allclose(one.place(foot(on_road(30.0, 0.0))), 0)
    assert one.curve.tolist() == pytest.approx([0, 0, 0])
    assert one.ahead[1] >= 0
