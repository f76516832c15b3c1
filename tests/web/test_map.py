from __future__ import annotations

import numpy as np
import pytest

from cctview.web.model.answers import Link
from cctview.web.pages.map import water_of, ways

PLACES = {"a": (40.70, -73.97), "b": (40.71, -73.97), "c": (40.72, -73.96)}


def link(origin, target):
    return Link(origin=origin, target=target, direction_deg=0.0, metres=1000.0, min_s=30.0, max_s=90.0, now=None)


def test_a_way_runs_from_camera_to_camera():
    (way,) = ways(PLACES, [link("a", "b")])
    assert way["middle"][0] == pytest.approx(PLACES["a"])
    assert way["middle"][-1] == pytest.approx(PLACES["b"])
    assert way["note"] == ""


def test_traffic_keeps_to_the_right():
    north, south = ways(PLACES, [link("a", "b"), link("b", "a")])
    middle = len(north["path"]) // 2
    assert north["path"][middle][1] > PLACES["a"][1] > south["path"][middle][1]


def test_ways_are_smooth_through_a_camera():
    before, after = ways(PLACES, [link("a", "b"), link("b", "c")])
    into = np.subtract(before["middle"][-1], before["middle"][-2])
    out = np.subtract(after["middle"][1], after["middle"][0])
    cosine = into @ out / np.hypot(*into) / np.hypot(*out)
    assert cosine > 0.98


def test_links_to_cameras_without_a_place_are_left_out():
    assert ways(PLACES, [link("a", "nowhere")]) == []


def test_water_lies_on_the_right_hand():
    shore = np.array([[40.70, -73.97], [40.72, -73.97]])
    water = water_of(shore)
    assert (water[: len(water) // 2, 1] == -73.97).all()
    assert (water[len(water) // 2 :, 1] > -73.97).all()
    assert water[:, 0].min() < 40.70
    assert water[:, 0].max() > 40.72
    assert len(water_of(np.zeros((0, 2)))) == 0
