from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from cctview.svg import charts


def drawn(markup):
    """The chart as a tree: it must be well formed."""
    return ET.fromstring(f"<div>{markup.replace(' hidden', '')}</div>")


def titles(markup):
    return [title.text for title in drawn(markup).iter("title")]


def test_every_bar_says_what_it_counts():
    chart = charts.stacked("Vehicles", {"car": [3, 0], "bus": [1, 2]}, ["13:00", "13:05"])
    assert sorted(titles(chart)) == ["13:00: 1 bus", "13:00: 3 car", "13:05: 2 bus"]


def test_bars_stand_on_each_other():
    chart = drawn(charts.stacked("Vehicles", {"car": [3], "bus": [1]}, ["13:00"]))
    car, bus = (bar for bar in chart.iter("rect"))
    assert float(bus.get("y")) + float(bus.get("height")) == pytest.approx(float(car.get("y")), abs=0.02)
    assert float(car.get("height")) == pytest.approx(3 * float(bus.get("height")), abs=0.05)


def test_a_histogram_counts_every_value():
    values = np.array([10.0, 11, 12, 40])
    chart = charts.histogram("Times", values, "s", 11.5, bins=3)
    assert [text.rpartition(": ")[2] for text in titles(chart)] == ["3", "1"]
    assert "12 s" in chart
    assert "mark" in chart


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_equal_values_have_a_histogram_too(value):
    assert titles(charts.histogram("Times", np.full(5, value), "s"))[0].endswith(": 5")


def test_the_shares_of_a_donut_close_the_ring():
    chart = charts.donut("Types", {"car": 3, "bus": 1})
    paths = [path.get("d") for path in drawn(chart).iter("path")]
    first, last = (re.fullmatch(r"M(.+)A82,82,0,[01],1,(.+)", path).groups() for path in paths)
    assert first[0] == last[1] == "100.00,18.00"
    assert first[1] == last[0]
    assert "car 3 (75%)" in chart
    assert len(list(drawn(charts.donut("Types", {"car": 3})).iter("path"))) == 1


def test_the_course_follows_the_median():
    x = np.arange(20.0)
    y = np.full(20, 30.0)
    y[10] = 300.0
    line = next(drawn(charts.course("Time", x, y, "s", [(5.0, "13:05"), (99.0, "late")])).iter("polyline"))
    heights = {point.split(",")[1] for point in line.get("points").split()}
    assert len(heights) == 1


def test_a_heat_map_names_rows_and_columns():
    chart = charts.heat("Counts", np.array([[1.0, 4.0]]), ["first"], ["13", "14"])
    assert "--share:55%" in chart
    assert "--share:14%" in chart
    assert "first" in chart


def test_a_vector_has_one_stripe_per_number():
    stripes = list(drawn(charts.strip("Vector", np.array([0.5, -1.0, 0.0]))).iter("rect"))
    assert [stripe.get("class") for stripe in stripes] == ["plus", "minus", "minus"]
    assert [stripe.get("fill-opacity") for stripe in stripes] == ["0.5", "1", "0"]


def test_covered_time_stands_where_it_was():
    chart = charts.spans("Stills", [("first", [(0.25, 0.5)])], ("13:00", "14:00"))
    assert "left:25.00%;width:25.00%" in chart


@pytest.mark.parametrize(
    "chart",
    [
        charts.stacked("Vehicles", {}, []),
        charts.histogram("Times", np.zeros(0), "s"),
        charts.course("Time", np.zeros(0), np.zeros(0), "s", []),
        charts.heat("Counts", np.zeros((0, 0)), [], []),
        charts.donut("Types", {}),
    ],
)
def test_nothing_is_said_to_be_nothing(chart):
    assert 'class="empty"' in chart
