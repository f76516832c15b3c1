from __future__ import annotations

import re

import numpy as np
import pytest

from cctview.types import Lanes, Ragged
from cctview.web.pages.lanes import lane_layer, lane_legend


def lanes(lines, headings, vehicles, speed=10.0):
    points = np.concatenate([np.zeros((0, 2)), *map(np.array, lines)]).astype(np.float32)
    sizes = [len(line) for line in lines]
    return Lanes(
        camera=np.full(len(lines), "a"),
        heading=np.array(headings, np.str_),
        speed=np.full(len(lines), speed, np.float32),
        x=Ragged.from_lengths(points[:, 0], sizes),
        y=Ragged.from_lengths(points[:, 1], sizes),
        members=Ragged.from_lengths(np.arange(sum(vehicles)), vehicles),
    )


@pytest.fixture
def three():
    lines = [[(10, 10), (10, 50), (10, 110)], [(60, 100), (80, 100)], [(90, 90), (95, 20)]]
    return lanes(lines, ["towards", "across", "towards"], [1200, 1, 30])


def test_each_lane_is_a_line_with_its_way_and_facts(three):
    drawn = lane_layer(three, 352, 240)
    assert re.findall(r'<g class="(\w+)"', drawn) == ["towards", "across", "towards"]
    assert "Lane 1, towards the camera: 1,200 vehicles, 10 s along it" in drawn
    assert "Lane 2, across the view: 1 vehicle, 2 s along it" in drawn
    assert drawn.count("M10.0 10.0L10.0 50.0L10.0 110.0") == 2
    assert 'viewBox="0 0 352 240"' in drawn


def test_an_arrow_points_the_way_of_the_line(three):
    heads = re.findall(r'points="([^"]+)"', lane_layer(three, 360, 240))
    tips = [[tuple(map(float, point.split(","))) for point in head.split()] for head in heads]
    assert tips[0][0] == (10.0, 58.0)
    assert tips[1][0] == (88.0, 100.0)
    assert {point[1] for point in tips[0][1:]} == {46.0}


def test_the_legend_counts_lanes_and_vehicles_by_way(three):
    told = lane_legend(three)
    assert "2 lanes towards the camera, 1,230 vehicles" in told
    assert "1 lane across the view, 1 vehicle<" in told
    assert "away" not in told


def test_without_lanes_it_says_why():
    none = lanes([], [], [])
    assert "No lane is clear yet" in lane_legend(none)
    assert "<g" not in lane_layer(none, 352, 240)
