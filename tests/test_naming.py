from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import FormatError, SettingsError
from cctview.naming import (
    detection_names,
    is_output,
    local_times,
    parse_detection_name,
    parse_still_name,
    still_name,
    to_utc,
    zone,
)

NEW_YORK = "America/New_York"


def one_name(still: str, rank: int, kind: str, score: float, box: list[float]) -> str:
    return str(
        detection_names(np.array([still]), np.array([rank]), np.array([kind]), np.array([score]), np.array([box]))[0]
    )


def test_the_ids_of_the_design() -> None:
    name = one_name("733-681-N--2020-05-05--13.34.29", 3, "car", 0.642, [101, 57, 112, 70])
    assert name == "733-681-N--2020-05-05--13.34.29--detections--3--car--64.2--11x13--101.57v112.70"


def test_a_tiny_box_keeps_a_pixel() -> None:
    assert one_name("a", 1, "bus", 1.0, [5.1, 5.2, 5.3, 9.0]).endswith("--100.0--1x4--5.5v6.9")


def test_no_detections_have_no_names() -> None:
    none = np.zeros(0)
    assert (
        detection_names(none.astype(str), none.astype(int), none.astype(str), none, none.reshape(0, 4)).tolist() == []
    )


STILLS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\\"), min_size=1, max_size=30)
SIDES = st.integers(0, 4000)


@given(
    still=STILLS.filter(lambda text: text.strip(".") != ""),
    rank=st.integers(1, 99_999),
    kind=st.sampled_from(["car", "truck", "bus", "motorcycle", "bicycle", "person"]),
    percent=st.integers(0, 1000),
    corner=st.tuples(SIDES, SIDES),
    size=st.tuples(st.integers(1, 500), st.integers(1, 500)),
)
def test_names_read_back_what_was_written(still, rank, kind, percent, corner, size) -> None:
    box = [*corner, corner[0] + size[0], corner[1] + size[1]]
    read = parse_detection_name(one_name(still, rank, kind, percent / 1000, box))
    assert (read.still, read.rank, read.type, list(read.box)) == (still, rank, kind, box)
    assert read.percent == pytest.approx(percent / 10, abs=0.051)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x--detections--1--car--64.2--11x13--101.57v112.70.jpeg",
        "x--detections--0--car--64.2--11x13--101.57v112.70",
        "../x--detections--1--car--64.2--11x13--101.57v112.70",
        "..--detections--1--car--64.2--11x13--101.57v112.70",
        "a\\b--detections--1--car--64.2--11x13--101.57v112.70",
        "a\nb--detections--1--car--64.2--11x13--101.57v112.70",
        "x--detections--1--../car--64.2--11x13--101.57v112.70",
        "x--detections--\u0661--car--64.2--11x13--101.57v112.70",
        "x--detections--1--car--nan--11x13--101.57v112.70",
        "x" * 100_000,
    ],
)
def test_other_texts_are_no_detections(name: str) -> None:
    with pytest.raises(FormatError, match="not the id of a detection"):
        parse_detection_name(name)


def test_still_names() -> None:
    read = parse_still_name("733-681-N--2020-05-05--13.34.29--original")
    assert read is not None
    assert (read.camera, read.error_s) == ("733-681-N", 0.5)
    assert to_utc(read.local, zone(NEW_YORK)) == np.datetime64("2020-05-05T17:34:29")
    assert parse_still_name("733-681-N--2020-02-31--13.34.29") is None
    assert parse_still_name("733-681-N--2020-05-05") is None


@given(
    moment=st.integers(946_684_800_000, 4_000_000_000_000),
    place=st.sampled_from(
        [NEW_YORK, "UTC", "Asia/Singapore", "Asia/Kathmandu", "Europe/London", "Australia/Lord_Howe"]
    ),
)
def test_local_times_go_back_to_utc(moment: int, place: str) -> None:
    time = np.array([moment], "datetime64[ms]").astype("datetime64[ns]")
    local, minutes = local_times(time, zone(place))
    assert (local - minutes.astype("timedelta64[m]") == time).all()
    read = parse_still_name(still_name("cam", time[0], zone(place), milliseconds=True))
    assert read is not None
    back = to_utc(read.local, zone(place))
    assert back == time[0] or abs(back - time[0]) <= np.timedelta64(1, "h")  # the hour that comes twice


def test_offsets_follow_the_clock_change() -> None:
    times = np.array(["2020-11-01T05:59:59", "2020-11-01T06:00:00"], "datetime64[ns]")
    local, minutes = local_times(times, zone(NEW_YORK))
    assert minutes.tolist() == [-240, -300]
    assert local.astype("datetime64[s]").astype(str).tolist() == ["2020-11-01T01:59:59", "2020-11-01T01:00:00"]


def test_an_unknown_zone_is_a_setting_that_cannot_be() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(SettingsError, match="no time zone"):
            zone(name)


@pytest.mark.parametrize(
    ("stem", "output"),
    [
        ("a--2020-05-05--13.10.24--original", False),
        ("a--2020-05-05--13.10.24", False),
        ("a--2020-05-05--13.10.24--detections", True),
        ("a--2020-05-05--13.10.24--features", True),
        ("a--2020-05-05--13.10.24--detections--1--car--47.9--10x9--64.42v74.51", True),
        ("cam-1--37.29--a--2020-05-05--13.10.24--detections--1--car--47.9--10x9--64.42v74.51", True),
        ("base--a--2020-05-05--13.10.24--detections--1--car--47.9--10x9--64.42v74.51", True),
        ("cam-1--2020-05-05--13.10.24--original", False),
        ("detections", False),
        ("base--camp", False),
    ],
)
def test_outputs_are_told_from_stills(stem: str, output: object) -> None:
    assert is_output(stem) is output
