from __future__ import annotations

import io
import os
from datetime import datetime
from pathlib import Path, PurePath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from cctview.sources.cameras import camera_in_path
from cctview.sources.patterns import PATTERNS, Pattern
from cctview.sources.times import exif_time, file_time, name_time

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("name", "time", "error"),
    [
        ("04254_20170309T000208Z.jpg", "2017-03-09T00:02:08", 0.5),
        ("1001-2021_03_20_064254.jpg", "2021-03-20T06:42:54", 0.5),
        ("2019-06-28_13-02-35.503167_00001.03601.mp4", "2019-06-28T13:02:35.503167", 5e-7),
        ("TfL-images_20200501_0520_00001.06592.jpg", "2020-05-01T05:20", 30),
        ("TfL-images-20200501-1330-00001.04542.jpg", "2020-05-01T13:30", 30),
        ("00_1489017728620.jpg", "2017-03-09T00:02:08.620", 5e-4),
        ("1588684072.png", "2020-05-05T13:07:52", 0.5),
        ("IMG_20200505_130752123.jpg", "2020-05-05T13:07:52.123", 5e-4),
        ("20200505130752.jpg", "2020-05-05T13:07:52", 0.5),
        ("cam 2020-05-05T13:07:52+02:00.jpg", "2020-05-05T11:07:52", 0.5),
        ("cam_20200505T130752-04:00_a.jpg", "2020-05-05T17:07:52", 0.5),
        ("a.2020.05.05 13.07.52.jpg", "2020-05-05T13:07:52", 0.5),
        ("2021_03_20_064254_0001.jpg", "2021-03-20T06:42:54", 0.5),
        ("cam/2020/05/05/13/10/24/still.jpg", "2020-05-05T13:10:24", 0.5),
        ("cam7/2020-05-05/131024.jpg", "2020-05-05T13:10:24", 0.5),
        ("733-681-N--2020-05-05--13.34.29--original.jpeg", "2020-05-05T17:34:29", 0.5),
        ("733-681-N--2020-05-05--13.34.29.250.jpeg", "2020-05-05T17:34:29.250", 5e-4),
    ],
)
def test_times_of_strangers_stills(name: str, time: str, error: float) -> None:
    stamp = name_time(PurePath(name), None)
    assert stamp is not None
    assert stamp.time == np.datetime64(time)
    assert stamp.error_s == pytest.approx(error)


@pytest.mark.parametrize("pattern", PATTERNS, ids=[pattern.path for pattern in PATTERNS])
def test_the_patterns_of_the_docs_are_read_as_they_are_shown(pattern: Pattern) -> None:
    path = PurePath(pattern.path)
    stamp = name_time(path, None)
    assert (stamp.time if stamp else None) == (np.datetime64(pattern.time) if pattern.time else None)
    assert (camera_in_path(path, stamp or file_time(Path(__file__))) or "") == pattern.camera


@pytest.mark.parametrize(
    "name",
    [
        "0e3f4b7a9c2d4e5f8a1b20200505133429ab.jpg",
        "5f1c2d3e-aaaa-4bbb-8ccc-158868566912.jpg",
        "5f1c2d3e-2020-0505-1334-158868566900.jpg",
        "a1588685669b.jpg",
        "0491588685669.jpg",
        "15886856690.jpg",
        "123.1588685669.jpg",
        "cam 05-06-2020 13.34.29.jpg",
        "IMG-20200505-WA0001.jpg",
        "2020-05-05/IMG_133429.jpg",
        "2020-05-05/13/still.jpg",
        "frame_000123.jpg",
        "20201340_990000.jpg",
        "2020-05-05.jpg",
        "2020-02-31_120000.jpg",
        "0000001588684072123.jpg",
        "9999999999.jpg",
        "00001.06592.jpg",
        "٢٠٢٠٠٥٠٥_١٣٠٧٥٢.jpg",
        "cam/7.jpg",
    ],
)
def test_names_without_a_time(name: str) -> None:
    assert name_time(PurePath(name), None) is None


HALVES = ["AM", "PM", "am", "pm", "a.m.", "P.M.", "a. m.", " PM", " p.m.", "\u202fPM", "\u00a0AM", "-AM", "_PM"]


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("hour", [1, 11, 12])
@pytest.mark.parametrize("clock", ["{:d}.34.29", "{:02d}-34-29", "{:02d}3429", "{:02d}:34:29.250"])
def test_a_clock_of_twelve_hours(half: str, hour: int, clock: str) -> None:
    stamp = name_time(PurePath(f"gate 2020-05-05 at {clock.format(hour)}{half}.jpg"), None)
    later = hour % 12 + 12 * ("p" in half.lower())
    assert stamp is not None
    assert str(stamp.time).startswith(f"2020-05-05T{later:02d}:34:29" + (".25" if "250" in clock else ""))


def test_an_afternoon_of_a_clock_of_24_hours_stays_one() -> None:
    for name, hour in [("2020-05-05 13.34.29 PM", 13), ("20200505_003429AM", 0), ("20200505_113429AMC", 11)]:
        stamp = name_time(PurePath(name + ".jpg"), None)
        assert stamp is not None
        assert str(stamp.time)[11:13] == f"{hour:02d}"


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("20200505T133429Z", 0),
        ("20200505T133429-0400", -4),
        ("20200505T133429.5-0330", -3.5),
        ("20200505T133429+0530", 5.5),
        ("2020-05-05T13:34:29-09:30", -9.5),
        ("2020-05-05T13-34-29-04-00", -4),
        ("2020-05-05T13_34_29+05_45_cam", 5.75),
        ("2020-05-05_13-34-29_GMT-3", -3),
        ("2020-05-05_13-34-29+02", 2),
        ("2020-05-05_13-34-29_UTC", 0),
        ("20200505T133429-0001", None),
        ("20200505T133429-0415", None),
        ("20200505T133429-04", None),
        ("20200505T133429+9900", None),
        ("20200505_133429-0400", None),
        ("2020-05-05_13-34-29-0400", None),
    ],
)
def test_offsets_that_names_tell(name: str, hours: float | None) -> None:
    stamp = name_time(PurePath(name + ".jpg"), "Asia/Tokyo")
    assert stamp is not None
    local = np.datetime64("2020-05-05T13:34:29.500" if ".5" in name else "2020-05-05T13:34:29")
    assert stamp.time == local - np.timedelta64(round((9 if hours is None else hours) * 60), "m")
    assert stamp.zoned == (hours is not None)


@pytest.mark.parametrize(
    ("name", "fraction", "error"),
    [
        ("20200505_133429.1", ".1", 0.05),
        ("20200505_133429,12", ".12", 0.005),
        ("20200505_133429123", ".123", 0.0005),
        ("20200505133429123456", ".123456", 5e-7),
        ("2020-05-05-13-34-29-123", ".123", 0.0005),
        ("2020_05_05_13_34_29_123456", ".123456", 5e-7),
        ("2020-05-05 13.34.29.123456789", ".123456789", 5e-10),
        ("20200505_133429_001", "", 0.5),
        ("20200505-133429-0001", "", 0.5),
        ("2020-05-05_13-34-29_123", "", 0.5),
        ("1588685669.5", ".5", 0.05),
        ("1588685669,25", ".25", 0.005),
        ("1588685669123456", ".123456", 5e-7),
    ],
)
def test_fractions_of_a_second(name: str, fraction: str, error: float) -> None:
    stamp = name_time(PurePath(name + ".jpg"), None)
    assert stamp is not None
    assert stamp.time == np.datetime64(f"2020-05-05T13:34:29{fraction}")
    assert stamp.error_s == pytest.approx(error)


@pytest.mark.parametrize(
    ("path", "time"),
    [
        ("2020-05-05/12/front/13.29.jpg", "12:13:29"),
        ("2020-05-05/12/131024.jpg", "13:10:24"),
        ("2020/05/05/front/13/34.29.jpg", "13:34:29"),
        ("front/2020-05/05/13.34/29.5.jpg", "13:34:29.5"),
        ("front/2020/0505/13/34/29.jpg", "13:34:29"),
        ("2020/05/05_133429.jpg", "13:34:29"),
        ("2020-05-05/13.34.jpg", "13:34:00"),
    ],
)
def test_a_date_in_folders_and_the_clock_below(path: str, time: str) -> None:
    stamp = name_time(PurePath(path), None)
    assert stamp is not None
    assert stamp.time == np.datetime64(f"2020-05-05T{time}")
    assert stamp.error_s == (30 if time.endswith(":00") else 0.05 if ".5" in time else 0.5)


@pytest.mark.parametrize(
    "software", ["", "front-", "5f1c2d3e-aaaa-4bbb-8ccc-1588012345ab_", "192.168.1.64_01_", "img_"]
)
@given(st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)), st.integers(0, 9))  # noqa: DTZ001
def test_unix_times_read_back(software: str, moment: datetime, digits: int) -> None:
    whole = int((moment - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001
    part = f"{moment.microsecond:06d}123"[:digits]
    stamp = name_time(PurePath(f"{software}{whole:010d}{'.' * bool(digits)}{part}-k3x9qz.jpg"), None)
    assert stamp is not None
    assert stamp.time == np.datetime64(whole, "s") + np.timedelta64(int(f"{part:0<9}"), "ns")


def test_the_zone_moves_clock_times_but_not_absolute_ones() -> None:
    for name, utc in [
        ("a_20200505_130752.jpg", "2020-05-05T17:07:52"),
        ("a_20200505T130752Z.jpg", "2020-05-05T13:07:52"),
        ("1588684072.jpg", "2020-05-05T13:07:52"),
    ]:
        stamp = name_time(PurePath(name), NEW_YORK)
        assert stamp is not None
        assert stamp.time == np.datetime64(utc)
    original = name_time(PurePath("733-681-N--2020-05-05--13.34.29.jpeg"), "UTC")
    assert original is not None
    assert original.time == np.datetime64("2020-05-05T13:34:29")


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30)),  # noqa: DTZ001
    st.sampled_from(["%Y%m%dT%H%M%SZ", "%Y-%m-%d_%H-%M-%S", "%Y_%m_%d_%H%M%S", "%Y%m%d%H%M%S", "%Y-%m-%d %H.%M.%S"]),
    st.sampled_from(["", "cam_", "00001.06592-", "Strasse ", "7-"]),
    st.sampled_from(["", "_x", "_0001", " (2)"]),
)
def test_common_patterns_read_back(moment, pattern, before, after) -> None:
    stamp = name_time(PurePath(f"{before}{moment.strftime(pattern)}{after}.jpg"), None)
    assert stamp is not None
    assert stamp.time == np.datetime64(moment.replace(microsecond=0))


@given(st.text(max_size=60))
def test_no_name_does_harm(text: str) -> None:
    stamp = name_time(PurePath(text + ".jpg"), None)
    assert stamp is None or not np.isnat(stamp.time)


@pytest.mark.parametrize(
    ("path", "camera"),
    [
        ("733-681-N/13.10/733-681-N--2020-05-05--13.10.24--original.jpeg", "733-681-N"),
        ("733-681-N--2020-05-05--13.10.24--original.jpeg", "733-681-N"),
        ("west/a.jpg", "west"),
        ("west/2020/a.jpg", "west"),
        ("1001/2021_03_20_064254.jpg", "1001"),
        ("2020-05-05/west/131024.jpg", "west"),
        ("2020/05/05/131024.jpg", None),
        ("2020-05-05/20200505_131024.jpg", None),
        ("images/04254_20170309T000208Z.jpg", "04254"),
        ("1001-2021_03_20_064254.jpg", "1001"),
        ("cam1_20200505T130752Z.jpg", "cam1"),
        ("frame_0001_20200505T130752Z.jpg", None),
        ("IMG_20200505_130752.jpg", None),
        ("20200505T130752Z.jpg", None),
        ("a.jpg", None),
        ("front-1606742740.272411-k3x9qz.jpg", "front"),
        ("back_20200505T130752Z.jpg", "back"),
        ("gate (20200505_130752).jpg", "gate"),
        ("02-20200505130752-07.jpg", None),
        ("Screenshot 2020-05-05 at 13.07.52.png", None),
        ("2020-05-05/13/front/2020-05-05_13-07-52.jpg", "front"),
        ("2020/2020-05-05/IMG_20200505_130752.jpg", None),
        ("2023/20200505_130752.jpg", "2023"),
    ],
)
def test_cameras_in_paths(path: str, camera: str | None) -> None:
    stamp = name_time(PurePath(path), None)
    assert camera_in_path(PurePath(path), stamp or file_time(Path(__file__))) == camera


def still_with_exif(**tags: str) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {ExifTags.Base[name]: text for name, text in tags.items() if name != "DateTime"}
    )
    if "DateTime" in tags:
        exif[ExifTags.Base.DateTime] = tags["DateTime"]
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_exif_time_with_and_without_an_offset() -> None:
    local = {"DateTimeOriginal": "2020:05:05 13:07:52"}
    for data, zone, utc in [
        (still_with_exif(**local), None, "2020-05-05T13:07:52"),
        (still_with_exif(**local), NEW_YORK, "2020-05-05T17:07:52"),
        (still_with_exif(**local, OffsetTimeOriginal="+02:00"), NEW_YORK, "2020-05-05T11:07:52"),
        (still_with_exif(**local, OffsetTimeOriginal="late"), None, "2020-05-05T13:07:52"),
        (still_with_exif(**local, OffsetTimeOriginal="-0400"), None, "2020-05-05T17:07:52"),
        (still_with_exif(**local, SubsecTimeOriginal="25"), None, "2020-05-05T13:07:52.250"),
        (still_with_exif(**local, SubsecTimeOriginal=" 25\0"), None, "2020-05-05T13:07:52.250"),
        (still_with_exif(**local, SubsecTimeDigitized="25"), None, "2020-05-05T13:07:52"),
        (
            still_with_exif(DateTimeDigitized="2020:05:05 13:07:52", SubsecTimeDigitized="5"),
            None,
            "2020-05-05T13:07:52.5",
        ),
        (still_with_exif(**local, DateTimeDigitized="2021:05:05 13:07:52"), None, "2020-05-05T13:07:52"),
        (
            still_with_exif(DateTimeOriginal="0000:00:00 00:00:00", DateTime="2020:05:05 13:07:52"),
            None,
            "2020-05-05T13:07:52",
        ),
        (
            still_with_exif(DateTime="2020:05:05 13:07:52", SubsecTime="125", OffsetTime="+01:00"),
            None,
            "2020-05-05T12:07:52.125",
        ),
    ]:
        stamp = exif_time(data, zone)
        assert stamp is not None
        assert stamp.time == np.datetime64(utc)


@pytest.mark.parametrize(
    "data", [b"", b"text", still_with_exif(), still_with_exif(DateTimeOriginal="0000:00:00 00:00:00")]
)
def test_no_exif_time(data: bytes) -> None:
    assert exif_time(data, None) is None


def test_the_file_time_is_the_last_resort(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    os.utime(path, ns=(0, 1_588_684_072_000_000_000))
    stamp = file_time(path)
    assert stamp.time == np.datetime64("2020-05-05T13:07:52")
    assert stamp.error_s >= 60
