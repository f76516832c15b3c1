from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cctview.errors import SettingsError
from cctview.sources import DecodeLimits, Known, Skipped, open_source
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
    with pytest.raises(SettingsError, match="more than 0 seconds"):
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
