from __future__ import annotations

import os
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cctview.errors import InputError, SettingsError
from cctview.sources import DecodeLimits, Known, Skipped, open_source
from cctview.sources.source import noticed_by
from cctview.sources.video import VideoSource
from cctview.types import Frame

STEP_MS = (0, 100, 250, 500, 900, 1400, 2000, 2700)


def never(_: int) -> bool:
    return False


def film(path: Path, metadata: dict[str, str] | None = None, codec: str = "mpeg4") -> Path:
    """Write frames of rising brightness at uneven times."""
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=1000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, ms in enumerate(STEP_MS):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 + 25 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def frames_of(path: Path, **options: object) -> list[Frame]:
    return [item for item in open_source(path, **options).frames(never) if isinstance(item, Frame)]


def test_frames_have_their_real_times(tmp_path: Path) -> None:
    frames = frames_of(film(tmp_path / "bridge.mkv", {"creation_time": "2020-05-05T17:34:29.000000Z"}))
    since = [int((frame.time - np.datetime64("2020-05-05T17:34:29")) / np.timedelta64(1, "ms")) for frame in frames]
    assert since == list(STEP_MS)
    assert [frame.image.mean() for frame in frames] == pytest.approx([20 + 25 * n for n in range(8)], abs=6)
    assert {frame.camera for frame in frames} == {"bridge"}
    assert frames[2].name == "bridge--2020-05-05--17.34.29.250"
    assert len({frame.id for frame in frames}) == 8
    assert all(frame.encoded == b"" and frame.image.shape == (48, 64, 3) for frame in frames)


def test_the_start_comes_from_the_name_else_from_the_file(tmp_path: Path) -> None:
    named = frames_of(film(tmp_path / "west_20200505T130752Z.mkv"))
    assert named[0].time == np.datetime64("2020-05-05T13:07:52")
    local = frames_of(tmp_path / "west_20200505T130752Z.mkv", camera="w", timezone="Europe/London")
    assert local[0].camera == "w"
    assert local[0].name == "w--2020-05-05--14.07.52.000"
    path = film(tmp_path / "plain.mkv", {"creation_time": "1970-01-01T00:00:00Z"})
    os.utime(path, (1_588_684_072, 1_588_684_072))
    plain = frames_of(path)
    assert plain[0].time == np.datetime64("2020-05-05T13:07:52")
    assert plain[0].time_error_s >= 60


def test_every_s_thins(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", {"creation_time": "2020-05-05T17:34:29Z"})
    kept = [
        int((frame.time - np.datetime64("2020-05-05T17:34:29")) / np.timedelta64(1, "ms"))
        for frame in frames_of(path, every_s=0.5)
    ]
    assert kept == [0, 500, 1400, 2000, 2700]
    assert open_source(path, every_s=0.5).count() is None
    with pytest.raises(SettingsError, match="every_s must be a number above 0"):
        VideoSource(path, every_s=0)


def test_known_frames_are_named_only(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", {"creation_time": "2020-05-05T17:34:29Z"})
    stored = {frame.id for frame in frames_of(path)[:5]}
    items = list(open_source(path).frames(stored.__contains__))
    assert [type(item) for item in items] == [Known] * 5 + [Frame] * 3


def test_damage_in_the_middle_costs_little(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = film(tmp_path / "a_20200505T130752Z.avi", codec="mjpeg")
    data = bytearray(path.read_bytes())
    starts = [place for place in range(len(data) - 2) if data[place : place + 3] == b"\xff\xd8\xff"]
    for place in (starts[3], starts[4]):
        data[place : place + 600] = b"\0" * 600
    path.write_bytes(data)
    items = list(open_source(path).frames(never))
    good = [item for item in items if isinstance(item, Frame)]
    assert len(good) == 6
    assert any(isinstance(item, Skipped) and "damaged" in item.reason for item in items)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.7, 0.95])
def test_a_cut_video_gives_what_is_there(tmp_path: Path, share: float) -> None:
    path = film(tmp_path / "a.mkv")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    items = list(open_source(path).frames(never))
    assert all(isinstance(item, Frame | Skipped) for item in items)
    assert len([item for item in items if isinstance(item, Frame)]) <= 8
    assert share > 0.1 or isinstance(items[0], Skipped)


def test_no_video_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("<html>not found</html>")
    source = open_source(path)
    assert source.count() is None
    (item,) = source.frames(never)
    assert isinstance(item, Skipped)
    assert "cannot be read" in item.reason


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    (item,) = open_source(path).frames(never)
    assert isinstance(item, Skipped)
    assert item.reason == "no video stream in this file"


def test_frames_of_too_many_pixels_are_refused(tmp_path: Path) -> None:
    source = VideoSource(film(tmp_path / "a.mkv"), limits=DecodeLimits(max_pixels=1000))
    (item,) = source.frames(never)
    assert isinstance(item, Skipped)
    assert "refused" in item.reason


@pytest.mark.real
def test_a_real_clip(real_data: Path) -> None:
    path = next((real_data / "london" / "videos").glob("*35.503167*.mp4"))
    source = open_source(path)
    frames = [item for item in source.frames(never) if isinstance(item, Frame)]
    assert len(frames) == source.count()
    gaps = np.diff([frame.time for frame in frames]) / np.timedelta64(1, "ms")
    assert np.allclose(gaps, 40, atol=1.1)


def shots(path: Path, start: float = 0.0, count: int = 10, rate: int = 10, kind: str = "") -> Path:
    """Write H.264 frames, with B-frames, whose presentation times begin anywhere."""
    with av.open(str(path), "w", format=kind or None) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate if path.suffix == ".avi" else 90_000)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 + 10 * number, np.uint8), format="rgb24")
            frame.time_base = stream.codec_context.time_base
            frame.pts = round((start + number / rate) / frame.time_base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def since(frames: list[Frame], start: str = "2020-05-05T13:34:29") -> list[float]:
    return [round(float((frame.time - np.datetime64(start)) / np.timedelta64(1, "ms"))) / 1000 for frame in frames]


def told(path: Path, **options: object) -> dict[str, int]:
    source = open_source(path, **options)
    list(source.frames(never))
    return {notice.what.split(",")[0].split(":")[0]: notice.count for notice in noticed_by(source)}


TENTHS = [n / 10 for n in range(10)]


@pytest.mark.parametrize("name", ["2020-05-05T13-34-29Z.ts", "gate_2020-05-05T13-34-29Z.mkv", "20200505T133429Z.mp4"])
def test_a_segment_begins_at_its_name_wherever_its_clock_stands(tmp_path: Path, name: str) -> None:
    frames = frames_of(shots(tmp_path / name, start=32_400))
    assert since(frames) == TENTHS
    assert told(tmp_path / name) == {}


def test_segments_put_together_go_on_without_a_pause(tmp_path: Path) -> None:
    parts = [shots(tmp_path / f"{n}.ts", start=start) for n, start in enumerate((32_400, 2, 0))]
    path = tmp_path / "2020-05-05T13-34-29Z.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = frames_of(path)
    assert len(frames) == 30
    assert since(frames)[-1] < 4
    assert told(path)["a video time that begins anew"] >= 1


def test_frames_of_an_avi_come_in_the_order_shown(tmp_path: Path) -> None:
    frames = frames_of(shots(tmp_path / "2020-05-05T13-34-29Z.avi", count=20))
    assert len(frames) >= 19
    assert np.allclose(np.diff(since(frames)), 0.1)
    assert [frame.image.mean() for frame in frames] == sorted(frame.image.mean() for frame in frames)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_phone_shows_the_road_upright(tmp_path: Path, quarters: int) -> None:
    upright = np.zeros((64, 48, 3), np.uint8) if quarters % 2 else np.zeros((48, 64, 3), np.uint8)
    upright[:16] = 250
    path = tmp_path / "2020-05-05T13-34-29Z.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "1"})
        stored = np.ascontiguousarray(np.rot90(upright, -quarters))
        stream.height, stream.width, stream.pix_fmt = *stored.shape[:2], "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="rgb24")))
        container.mux(stream.encode())
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 4
    at += 4 + (32 if data[at] else 20) + 16
    cos, sin = ((1, 0), (0, -1), (-1, 0), (0, 1))[quarters]
    matrix = (cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30)
    data[at : at + 36] = b"".join(struct.pack(">i", value) for value in matrix)
    path.write_bytes(data)
    (frame,) = frames_of(path)
    assert frame.image.shape == upright.shape
    assert np.abs(frame.image.astype(int) - upright).mean() < 12


def test_a_stream_without_times_is_read_at_its_rate_or_at_the_given_one(tmp_path: Path) -> None:
    path = shots(tmp_path / "2020-05-05T13-34-29Z.h264", kind="h264", count=12)
    plain = since(frames_of(path))
    assert len(plain) == 12
    assert np.allclose(np.diff(plain), plain[1])
    assert told(path) == {"a video frame without a time": 12}
    assert since(frames_of(path, fps=4)) == [n / 4 for n in range(12)]
    assert told(path, fps=4) == {}
    given = frames_of(path, fps=4, start="2021-01-01T00:00:00-04:00")
    assert since(given, "2021-01-01T04:00:00") == [n / 4 for n in range(12)]


@pytest.mark.parametrize(
    ("name", "made", "timezone", "start", "reason"),
    [
        ("2020-05-05T13-34-29Z", "2023-01-01T00:00:00Z", None, "2020-05-05T13:34:29", "name and its container"),
        ("2020-05-05_13-34-29", "2020-05-05T17:34:31Z", None, "2020-05-05T17:34:31", "another time zone"),
        ("2020-05-05_13-34-29", "2020-05-05T17:34:31Z", "America/New_York", "2020-05-05T17:34:29", ""),
        ("2020-05-05_13-34-29", "2020-05-05T13:35:20Z", None, "2020-05-05T13:34:29", ""),
        ("2020-05-05_13-34-29", "2020-05-05T13:44:29Z", None, "2020-05-05T13:34:29", "name and its container"),
        ("2020-05-05_13-34-29", "1904-01-01T00:00:00Z", None, "2020-05-05T13:34:29", ""),
        ("gate", "2020-05-05T13:34:29", None, "2020-05-05T13:34:29", ""),
        ("gate", "2020-05-05T13:34:29+02:00", None, "2020-05-05T11:34:29", ""),
    ],
)
def test_the_name_against_the_container(
    tmp_path: Path, name: str, made: str, timezone: str | None, start: str, reason: str
) -> None:
    path = film(tmp_path / f"{name}.mkv", {"creation_time": made})
    assert frames_of(path, timezone=timezone)[0].time == np.datetime64(start)
    assert bool(reason) == bool(told(path, timezone=timezone))
    source = open_source(path, timezone=timezone)
    list(source.frames(never))
    assert all(reason in notice.what for notice in noticed_by(source))


@pytest.mark.parametrize(
    ("name", "camera"),
    [("Cam1_20200505_133429.mkv", "Cam1"), ("2020-05-05T13-34-29Z.mkv", "west"), ("bridge.mkv", "bridge")],
)
def test_segments_of_one_camera_are_one_camera(tmp_path: Path, name: str, camera: str) -> None:
    (tmp_path / "west").mkdir()
    assert {frame.camera for frame in frames_of(film(tmp_path / "west" / name))} == {camera}


def test_frames_thinned_out_are_counted(tmp_path: Path) -> None:
    path = film(tmp_path / "2020-05-05T13-34-29Z.mkv")
    kept = len(frames_of(path, every_s=0.5))
    assert told(path, every_s=0.5) == {"a video frame left out": len(STEP_MS) - kept}


def test_a_start_that_is_no_time_and_a_rate_that_is_none_are_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv")
    with pytest.raises(SettingsError, match=r"start: no time 'noon'; write it as"):
        open_source(path, start="noon")
    for fps in (0, -1, float("nan"), float("inf")):
        with pytest.raises(SettingsError, match="fps must be a number above 0"):
            open_source(path, fps=fps)
    with pytest.raises(InputError, match=r"takes no (fps|start)"):
        open_source(tmp_path, fps=5)
