import numpy as np
import pytest

from cctview.tracking import course

SPREAD, ACCELERATION = np.array([30.0, 4.0]), np.array([2.0, 0.7])
SPOT, NOISE = np.array([[10.0, -3.0]]), np.array([[4.0, 0.25]])


def start():
    return course.fresh(SPOT, NOISE, SPREAD)


def matrices(gap, q):
    """The textbook's filter of one axis: transition and process noise of white noise acceleration."""
    return np.array([[1, gap], [0, 1]]), q**2 * np.array([[gap**3 / 3, gap**2 / 2], [gap**2 / 2, gap]])


def test_a_vehicle_seen_once_stands_and_may_go_anywhere():
    ((place, speed, spread, tie, doubt),) = start()
    assert np.array_equal([place, speed], [SPOT[0], [0, 0]])
    assert np.array_equal([spread, tie, doubt], [NOISE[0], [0, 0], SPREAD**2])


@pytest.mark.parametrize("gap", [0.04, 1.7, 5.0])
def test_prediction_and_update_are_those_of_the_textbook(gap):
    state = course.met(course.later(start(), np.array([1.0]), ACCELERATION, 0.0), np.array([[25.0, -2.5]]), NOISE)
    ahead = course.later(state, np.array([gap]), ACCELERATION, 0.0)
    after = course.met(ahead, np.array([[40.0, -2.0]]), NOISE)
    for axis in range(2):
        place, speed, spread, tie, doubt = state[0, :, axis]
        step, noise = matrices(gap, ACCELERATION[axis])
        mean = step @ [place, speed]
        covariance = step @ [[spread, tie], [tie, doubt]] @ step.T + noise
        told = [ahead[0, 0, axis], ahead[0, 1, axis]]
        assert np.allclose(told, mean)
        assert np.allclose(ahead[0, 2:, axis], [covariance[0, 0], covariance[0, 1], covariance[1, 1]])
        gain = covariance[:, 0] / (covariance[0, 0] + NOISE[0, axis])
        seen = np.array([40.0, -2.0])[axis]
        assert np.allclose(after[0, :2, axis], mean + gain * (seen - mean[0]))
        left = covariance - np.outer(gain, covariance[0])
        assert np.allclose(after[0, 2:, axis], [left[0, 0], left[0, 1], left[1, 1]])


def test_a_bend_widens_by_the_way_driven_only():
    moving = start()
    moving[:, 1] = [[20.0, -1.0]]
    plain, bent = (course.later(moving, np.array([2.0]), ACCELERATION, bend) for bend in (0.0, 0.1))
    assert np.allclose(bent[:, 2] - plain[:, 2], [[(0.1 * 40) ** 2, (0.1 * 2) ** 2]])
    others = [0, 1, 3, 4]
    assert np.array_equal(bent[:, others], plain[:, others])
    assert np.array_equal(course.later(start(), np.array([2.0]), ACCELERATION, 0.1)[:, 2][0], plain[0, 2])


def test_the_density_is_that_of_two_normal_distributions():
    courses = np.repeat(start(), 2, axis=0)
    courses[1, 0] += 5
    spots, noise = np.array([[10.0, -3.0], [14.0, -1.0], [0.0, 0.0]]), np.full((3, 2), 0.5)
    table = course.log_density(courses, spots, noise)
    assert table.shape == (2, 3)
    for e in range(2):
        for n in range(3):
            variance, off = courses[e, 2] + noise[n], spots[n] - courses[e, 0]
            wanted = np.prod(np.exp(-(off**2) / 2 / variance) / np.sqrt(2 * np.pi * variance))
            assert table[e, n] == pytest.approx(np.log(wanted))


def test_any_number_of_axes():
    courses = course.fresh(np.zeros((3, 4)), np.ones((3, 4)), np.ones((3, 4)))
    assert course.later(courses, np.ones(3), np.ones((3, 4)), 0.0).shape == (3, course.SIZE, 4)
