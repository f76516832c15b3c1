"""Who stands at an end of a link, on tracklets made by hand."""

import numpy as np
import pytest

from cctview.matching import MatchSettings
from cctview.matching.sides import side_of, with_looks
from cctview.testing.by_hand import tracklets_of

PLAIN = MatchSettings(lanes=False, light=False)


def scene(quality=(1.0, 0.2, 1.0, 1.0, 1.0), heading=("towards", "towards", "away", "still", "across")):
    seen = tracklets_of(["c1"] * 4 + ["c2"], [30, 10, 0, 20, 5])
    return seen.replace(quality=np.array(quality, np.float32), heading=np.array(heading))


def test_one_cameras_tracklets_in_order_of_time():
    side = side_of(scene(), "c1", None, MatchSettings(lanes=False, light=False, min_quality=0.0))
    assert side.row.tolist() == [2, 1, 3, 0]
    assert np.diff(side.time).tolist() == [10, 10, 10]
    assert len(side) == 4
    assert len(side_of(scene(), "nowhere", None, PLAIN)) == 0


@pytest.mark.parametrize(("way", "rows"), [("towards", [3, 0]), ("away", [2, 3]), (None, [2, 3, 0])])
def test_what_goes_against_the_link_is_left_out_and_so_is_what_shows_too_little(way, rows):
    assert side_of(scene(), "c1", way, PLAIN).row.tolist() == rows


def test_the_least_quality_is_a_share_of_the_cameras_best():
    quality = (1.0, 0.31, 0.29, 1.0, 0.01)
    assert side_of(scene(quality), "c1", None, PLAIN).row.tolist() == [1, 3, 0]


def test_kinds_are_thirds_by_quality():
    seen = tracklets_of(["c1"] * 9, range(9)).replace(quality=np.linspace(0.5, 0.9, 9, dtype=np.float32))
    assert side_of(seen, "c1", None, PLAIN).kind.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_what_all_vehicles_of_these_minutes_share_is_taken_away():
    """A light that grows over the hour hides who is who; less the mean of the neighbours it is gone."""
    count = 400
    rng = np.random.default_rng(1)
    own, light = rng.normal(size=(count, 8)), np.zeros((count, 8))
    light[:, 0] = np.linspace(0, 40, count)
    vector = own + light
    vector = (vector / np.linalg.norm(vector, axis=1, keepdims=True)).astype(np.float32)
    seen = tracklets_of(["c1"] * count, range(count)).replace(vector=vector)
    plain, lit = (side_of(seen, "c1", None, MatchSettings(lanes=False, light=light)) for light in (False, True))
    assert np.array_equal(plain.vector, vector)
    assert np.linalg.norm(lit.vector, axis=1) == pytest.approx(1, abs=1e-5)
    alike = [(side.vector @ side.vector.T).mean() for side in (plain, lit)]
    assert alike[0] > 0.5
    assert alike[1] < 0.1
    assert np.array_equal(with_looks(plain, -vector, PLAIN).vector, -vector)


def test_the_light_is_the_mean_of_sixty_before_and_sixty_after():
    """And of as many in all at both ends of the hour."""
    count, plain = 400, MatchSettings(lanes=False)
    vector = np.random.default_rng(2).normal(size=(count, 3)) + np.linspace(0, 5, count)[:, None]
    vector = (vector / np.linalg.norm(vector, axis=1, keepdims=True)).astype(np.float32)
    found = side_of(tracklets_of(["c1"] * count, range(count)).replace(vector=vector), "c1", None, plain).vector
    for place, first in ((0, 0), (60, 0), (61, 1), (200, 140), (339, 279), (399, 279)):
        expected = vector[place] - vector[first : first + 121].mean(axis=0)
        assert found[place] == pytest.approx(expected / np.linalg.norm(expected), abs=1e-4)


def test_of_two_vehicles_the_light_is_not_known():
    pair = tracklets_of(["c1"] * 2, [0, 5]).replace(vector=np.array([[1, 0], [0, 1]], np.float32))
    assert side_of(pair, "c1", None, MatchSettings(lanes=False)).vector.tolist() == [[1, 0], [0, 1]]
