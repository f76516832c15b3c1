from __future__ import annotations

from datetime import UTC, datetime
from math import log

import pytest

from cctview.web.model.wording import Clock, duration, factor, length, share, speed

CLOCK = Clock("America/New_York")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (17, "17 s"), (-17, "17 s"), (202, "3 min 22 s"), (7500, "2 h 05 min")]
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_times_are_those_of_the_place():
    time = datetime(2020, 5, 5, 17, 8, 1, tzinfo=UTC)
    assert CLOCK.moment(time) == "5 May 2020, 13:08:01"
    assert CLOCK.moment(None) == "none"
    assert CLOCK.place == "New York time"
    assert CLOCK.read(CLOCK.typed(time)) == time


@pytest.mark.parametrize(("value", "words"), [(0.5, "50%"), (0.994, "99%"), (1.0, "> 99%")])
def test_nothing_is_certain(value, words):
    assert share(value) == words


def test_reasons_are_factors():
    assert factor("looks", log(8.25)) == "looks \N{MULTIPLICATION SIGN}8.2"
    assert factor("timing", -log(20)) == "travel time ÷20"
    assert factor("size", 40.0).endswith("99+")


def test_lengths_and_speeds():
    assert (length(480), length(4023), speed(20)) == ("480 m", "4.0 km", "72 km/h")
