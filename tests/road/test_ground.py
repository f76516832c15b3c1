import numpy as np
import pytest

from cctview.road.ground import Ground, road_plane, road_scale, usual_height

PLANE = np.array([0.2, 0.05, -10.0])
GROUND = Ground(plane=PLANE, width=352.0)


def cars(rng, count=200, tall=1.0):
    """Boxes that have exactly the height of the plane where they stand."""
    x, y = rng.uniform(50, 300, count), rng.uniform(100, 235, count)
    h = tall * (PLANE[0] * y + PLANE[1] * x + PLANE[2])
    return np.column_stack([x - h / 2, y - h, x + h / 2, y])


def test_heights_follow_the_plane_and_never_vanish():
    points = np.array([[100.0, 200.0], [0.0, 0.0]])
    assert usual_height(points, PLANE, 4.0).tolist() == [35.0, 4.0]
    assert GROUND.heights(points).tolist() == [35.0, 4.0]


def test_places_are_to_the_side_and_away():
    (middle, right), unit = GROUND.places(np.array([[176.0, 200.0], [276.0, 200.0]])), PLANE @ [200.0, 276.0, 1.0]
    assert middle == pytest.approx([0, 352 / (PLANE @ [200.0, 176.0, 1.0])])
    assert right == pytest.approx([100 / unit, 352 / unit])


@pytest.mark.parametrize("unit", [1.0, 1.5])
def test_pixels_are_the_way_back(unit):
    ground = Ground(plane=PLANE, width=352.0, unit=unit)
    points = np.array([[100.0, 200.0], [300.0, 120.0], [176.0, 150.0]])
    assert np.allclose(ground.pixels(ground.places(points)), points)
    assert np.allclose(ground.places(points), unit * GROUND.places(points))


def test_the_plane_of_exact_boxes_is_found():
    plane = road_plane(cars(np.random.default_rng(1)))
    assert np.allclose(plane, PLANE, atol=[0.005, 0.005, 0.5])


def test_a_few_tall_ones_do_not_tilt_it():
    """One in ten is a bus three times as tall: robust weights leave the cars' plane nearly as it was."""
    rng = np.random.default_rng(2)
    boxes = cars(rng)
    buses = cars(rng, 20, tall=3.0)
    buses[:, 3] = np.clip(buses[:, 3], 180, 235)
    mixed = np.concatenate([boxes, buses])
    scale = road_scale(mixed)[: len(boxes)]
    usual = usual_height(np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]]), PLANE, 4.0)
    assert np.abs(np.log(scale / usual)).max() < 0.08


def test_little_to_learn_from_still_shrinks_with_distance():
    plane = road_plane(np.array([[100.0, 180.0, 140.0, 220.0]]))
    near, far = usual_height(np.array([[120.0, 220.0], [120.0, 100.0]]), plane, 4.0)
    assert near == pytest.approx(40, rel=0.2)
    assert far < near / 2
