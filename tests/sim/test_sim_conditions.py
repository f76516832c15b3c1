"""Weather, lens and turned cameras change the picture, and the truth along with it."""

from __future__ import annotations

import numpy as np
import pytest

from cctview.sim import SimSettings, simulate
from cctview.sim.cameras.lens import lens
from cctview.sim.cameras.timetable import timetable
from cctview.sim.drawing.lighting import lighting

SMALL = {"minutes": 0.06, "cameras": 1, "width": 176, "height": 120}


def test_a_lens_keeps_the_corners_and_moves_the_rest():
    glass = lens(0.2, 352, 240, 1)
    corners = np.array([[0.0, 0, 1, 1], [351.0, 239, 352, 240]])
    np.testing.assert_allclose(glass.boxes(corners)[[0, 1], [0, 2]], [0, 352], atol=0.6)
    middle = glass.boxes(np.array([[250.0, 100, 270, 120]]))
    assert middle[0, 0] > 252
    assert glass.boxes(np.zeros((0, 4))).shape == (0, 4)


def test_boxes_bend_exactly_as_pixels_do():
    glass = lens(0.25, 352, 240, 2)
    picture = np.zeros((480, 704, 3), np.uint8)
    picture[300:340, 500:560] = 255
    rows, columns = np.nonzero(glass.bent(picture)[..., 0] > 127)
    seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 2
    np.testing.assert_allclose(glass.boxes(np.array([[250.0, 150, 280, 170]]))[0], seen, atol=1.0)


def test_a_lens_without_distortion_changes_nothing():
    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    assert lens(0.0, 32, 24, 1).bent(picture) is picture


@pytest.mark.parametrize("weather", ["overcast", "rain", "fog"])
def test_clouds_take_the_sun_and_its_shadows(weather):
    fair, grey = (lighting("day", name, np.random.default_rng(0)) for name in ("clear", weather))
    assert grey.sun.max() < 0.1 < fair.sun.max()
    assert grey.shadow > fair.shadow + 0.2
    assert grey.haze_m <= fair.haze_m


def test_rain_wets_the_road_and_lights_the_lamps():
    rain = lighting("day", "rain", np.random.default_rng(0))
    assert rain.wet
    assert rain.lamps > 0.3


def test_weather_changes_the_picture_but_not_the_traffic():
    stills = {name: next(simulate(SimSettings(weather=name, seed=3, **SMALL)).frames()) for name in ("clear", "fog")}
    np.testing.assert_array_equal(stills["clear"].identities, stills["fog"].identities)
    assert np.abs(stills["clear"].image.astype(int) - stills["fog"].image).mean() > 8


def test_a_turned_camera_looks_elsewhere_for_a_while():
    settings = SimSettings(minutes=20, cameras=2, turns=3)
    table = timetable(settings, 2, np.random.default_rng(1), np.random.default_rng(2))
    turned = table.yaw != 0
    assert 0 < turned.mean() < 0.5
    assert np.all(np.abs(table.yaw[turned]) > np.deg2rad(14))
    plain = timetable(SimSettings(minutes=20, cameras=2), 2, np.random.default_rng(1), np.random.default_rng(2))
    np.testing.assert_array_equal(plain.at, table.at)
    assert not plain.yaw.any()


def test_dropped_stills_leave_gaps_and_nothing_else():
    full, holed = (
        timetable(SimSettings(minutes=20, faults=share), 4, np.random.default_rng(1), np.random.default_rng(2))
        for share in (0.0, 0.5)
    )
    assert len(holed) == pytest.approx(len(full) * 0.8, rel=0.05)
    assert set(holed.at) <= set(full.at)
    assert set(holed.fault) == {0, 1, 2}
