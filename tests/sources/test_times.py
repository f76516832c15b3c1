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

from cctview.sources.times import camera_in_path, exif_time, file_time, name_time

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
def test_times_in_names(name: str, time: str, error: float) -> None:
    stamp = name_time(PurePath(name), None)
    assert stamp is not None
    assert stamp.time == np.datetime64(time)
    assert stamp.error_s == pytest.approx(error)


@pytest.mark.parametrize(
    "name",
    [
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
    ],
)
def test_cameras_in_paths(path: str, camera: str | None) -> None:
    stamp = name_time(PurePath(path), None)
    assert camera_in_path(PurePath(path), stamp or file_time(Path(__file__))) == camera


def still_with_exif(**tags: str) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base[name]: text for name, text in tags.items()})
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
