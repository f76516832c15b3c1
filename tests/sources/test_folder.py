from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cctview.errors import InputError, SettingsError, SourceNotFoundError
from cctview.sources import DecodeLimits, FolderSource, Known, Skipped, open_source
from cctview.types import Frame


def jpeg(seed: int = 0, width: int = 64, height: int = 48) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def put(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def never(_: int) -> bool:
    return False


def read(folder: Path, **options: object) -> tuple[list[Frame], list[Skipped]]:
    items = list(open_source(folder, **options).frames(never))
    return [item for item in items if isinstance(item, Frame)], [item for item in items if isinstance(item, Skipped)]


@pytest.mark.parametrize("layout", ["{camera}/2020/05/05/13/34/{second}", "{camera}/13.34", "."])
def test_the_originals_layouts(tmp_path: Path, layout: str) -> None:
    for number, (camera, second) in enumerate([("735-683-N", 46), ("733-681-N", 31), ("733-681-N", 29)]):
        folder = tmp_path / layout.format(camera=camera, second=second)
        put(folder / f"{camera}--2020-05-05--13.34.{second}--original.jpeg", jpeg(number))
    frames, skipped = read(tmp_path)
    assert not skipped
    assert [frame.name for frame in frames] == [
        "733-681-N--2020-05-05--13.34.29",
        "733-681-N--2020-05-05--13.34.31",
        "735-683-N--2020-05-05--13.34.46",
    ]
    assert [frame.camera for frame in frames] == ["733-681-N", "733-681-N", "735-683-N"]
    assert frames[0].time == np.datetime64("2020-05-05T17:34:29")
    assert frames[0].encoded == jpeg(2)
    assert read(tmp_path, timezone="UTC")[0][0].time == np.datetime64("2020-05-05T13:34:29")


def test_outputs_beside_the_stills_are_not_stills(tmp_path: Path) -> None:
    still = "733-681-N--2020-05-05--13.34.29"
    crop = f"{still}--detections--1--car--55.9--10x11--88.54v98.65"
    put(tmp_path / f"{still}--original.jpeg", jpeg())
    for output in (
        f"{still}--detections.jpeg",
        f"{still}--detections/{crop}.jpeg",
        f"matches/{crop}/base--{crop}.jpeg",
        f"matches/{crop}/cam-1--37.3--{crop}.jpeg",
        "X--detections.jpeg",
        "X--detections/X--detections--1--car--55.9--10x11--88.54v98.65.jpeg",
        f"elsewhere/{crop}.jpeg",
        f"{still}--detections.json",
        ".hidden.jpeg",
        ".git/a.jpeg",
        "notes.txt",
    ):
        put(tmp_path / output, jpeg())
    frames, skipped = read(tmp_path)
    assert [frame.name for frame in frames] == [still]
    assert skipped == []
    assert open_source(tmp_path).count() == 1


def test_any_folder_of_images(tmp_path: Path) -> None:
    put(tmp_path / "west" / "20200505T130754Z.JPG", jpeg(1))
    put(tmp_path / "west" / "20200505T130752Z.jpg", jpeg(2))
    put(tmp_path / "east" / "deep" / "20200505T130753Z.jpg", jpeg(3))
    frames, _ = read(tmp_path)
    assert [(frame.camera, str(frame.time)[11:19]) for frame in frames] == [
        ("east", "13:07:53"),
        ("west", "13:07:52"),
        ("west", "13:07:54"),
    ]


def test_a_flat_folder_is_one_camera(tmp_path: Path) -> None:
    folder = tmp_path / "bridge"
    for number, name in enumerate(["20200505T130752Z.jpg", "b.png", "c.webp", "d.bmp", "e.tif"]):
        image = Image.open(io.BytesIO(jpeg(number)))
        folder.mkdir(exist_ok=True)
        image.save(folder / name)
    frames, skipped = read(folder)
    assert not skipped
    assert {frame.camera for frame in frames} == {"bridge"}
    assert {frame.name for frame in frames} == {"20200505T130752Z", "b", "c", "d", "e"}
    assert [bool(frame.encoded) for frame in sorted(frames, key=lambda frame: frame.name)] == [True, *[False] * 4]
    assert {frame.time_error_s for frame in frames} == {0.5, 60.0}


def test_equal_names_of_two_cameras_stay_apart(tmp_path: Path) -> None:
    for number, place in enumerate(["a/1.jpg", "b/1.jpg", "b/more/1.jpg", "b/2.jpg"]):
        path = put(tmp_path / place, jpeg(number))
        os.utime(path, (1_588_684_072 + number, 1_588_684_072 + number))
    names = [frame.name for frame in read(tmp_path)[0]]
    assert len(set(names)) == 4
    assert "2" in names
    assert "a--1" in names


def test_the_given_camera_and_the_single_image(tmp_path: Path) -> None:
    path = put(tmp_path / "west" / "20200505T130752Z.jpg", jpeg())
    assert read(tmp_path, camera="mine")[0][0].camera == "mine"
    single = open_source(path)
    assert single.count() == 1
    assert [frame.camera for frame in single.frames(never)] == ["west"]


def test_ids_do_not_depend_on_the_way_in(tmp_path: Path) -> None:
    path = put(tmp_path / "west" / "20200505T130752Z.jpg", jpeg())
    ids = {read(place)[0][0].id for place in (path, path.parent, tmp_path)}
    assert len(ids) == 1


def test_known_stills_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(tmp_path / f"2020050{number + 1}T130752Z.jpg", jpeg(number))
    frames, _ = read(tmp_path)
    stored = {frames[0].id, frames[2].id}
    decoded = []
    whole = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda data, flags: decoded.append(1) or whole(data, flags))
    items = list(open_source(tmp_path).frames(stored.__contains__))
    assert [type(item) for item in items] == [Known, Frame, Known]
    assert {item.id for item in items if isinstance(item, Known)} == stored
    assert len(decoded) == 1


def test_two_hundred_good_and_fifty_broken(tmp_path: Path) -> None:
    for number in range(200):
        put(tmp_path / f"cam{number % 2}" / f"{1_588_684_072 + number}.jpg", jpeg(number))
    whole, page = jpeg(1), b"<html>503 Service Unavailable</html>"
    broken = [b"", whole[: len(whole) // 2], page, b"plain text", b"\0" * 100, jpeg(1, 1, 1), whole[:20], whole[3:]]
    for number in range(45):
        put(tmp_path / "cam0" / f"{1_588_685_000 + number}.jpeg", broken[number % len(broken)])
    (tmp_path / "cam0" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "cam0" / "loop.jpg").symlink_to(tmp_path / "cam0" / "loop.jpg")
    os.mkfifo(tmp_path / "cam1" / "pipe.jpg")
    put(
        tmp_path / "cam1" / "huge.png",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x7f\xff\xff\xff" * 2 + b"\x08\x02\0\0\0" + b"\0" * 40,
    )
    put(tmp_path / "cam1" / "movie.heic", b"\0\0\0\x18ftypheic" + b"\0" * 60)
    frames, skipped = read(tmp_path)
    assert len(frames) == 200
    assert len(skipped) == 50
    assert open_source(tmp_path).count() == 250
    assert all(Path(item.where).is_relative_to(tmp_path) and item.reason for item in skipped)
    assert not any(str(tmp_path) in item.reason for item in skipped)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path / "secret" / "1.jpg", jpeg(1))
    inside = put(tmp_path / "stills" / "real.jpg", jpeg(2))
    (tmp_path / "stills" / "out.jpg").symlink_to(outside)
    (tmp_path / "stills" / "folder").symlink_to(outside.parent)
    (tmp_path / "stills" / "in.jpg").symlink_to(inside)
    frames, skipped = read(tmp_path / "stills")
    assert {frame.name for frame in frames} == {"real", "in"}
    assert [Path(item.where).name for item in skipped] == ["out.jpg"]
    assert "leads out of the folder" in skipped[0].reason


def test_a_linked_folder_may_be_given(tmp_path: Path) -> None:
    put(tmp_path / "stills" / "1.jpg", jpeg())
    (tmp_path / "link").symlink_to(tmp_path / "stills")
    assert len(read(tmp_path / "link")[0]) == 1


def test_too_many_bytes_are_refused_unread(tmp_path: Path) -> None:
    put(tmp_path / "20200505T130752Z.jpg", jpeg())
    items = list(FolderSource(tmp_path, limits=DecodeLimits(max_bytes=100)).frames(never))
    assert "more than the 100" in items[0].reason


def test_a_file_that_goes_away_is_skipped(tmp_path: Path) -> None:
    path = put(tmp_path / "20200505T130752Z.jpg", jpeg())
    source = open_source(tmp_path)
    assert source.count() == 1
    path.unlink()
    assert [type(item) for item in source.frames(never)] == [Skipped]


def test_a_folder_that_cannot_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "open" / "1.jpg", jpeg())
    put(tmp_path / "locked" / "1.jpg", jpeg())
    whole = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", path)
        return whole(path)

    monkeypatch.setattr(os, "scandir", scandir)
    frames, skipped = read(tmp_path)
    assert [frame.camera for frame in frames] == ["open"]
    assert skipped == [Skipped(str(tmp_path / "locked"), "Permission denied")]


def test_names_that_are_no_text_can_be_stored_and_printed(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9_20200505T130752Z.jpg")
    try:
        put(tmp_path / name, jpeg())
        put(tmp_path / name.replace("0752", "0753"), b"")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    frames, skipped = read(tmp_path)
    assert frames[0].name.encode().decode().startswith("caf\ufffd")
    assert skipped[0].where.encode()


def test_misuse_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "stills").mkdir()
    put(tmp_path / "table.csv", b"a,b")
    with pytest.raises(SourceNotFoundError, match="did you mean 'stills'"):
        open_source(tmp_path / "stils")
    with pytest.raises(SourceNotFoundError, match=r"the folder .* is not there either"):
        open_source(tmp_path / "no" / "where")
    with pytest.raises(InputError, match="no source of this kind"):
        open_source("rtsp://camera/1")
    with pytest.raises(InputError, match="neither a folder, nor an image"):
        open_source(tmp_path / "table.csv")
    with pytest.raises(SettingsError, match="no time zone 'Mars'"):
        open_source(tmp_path, timezone="Mars")
    with pytest.raises(InputError, match="no stills below this folder"):
        open_source(tmp_path / "stills").count()


def test_the_order_is_always_the_same(tmp_path: Path) -> None:
    for number in np.random.default_rng(0).permutation(20).tolist():
        put(tmp_path / f"cam{number % 3}" / f"{1_588_684_072 + number // 2}_{number}.jpg", jpeg(number))
    frames, _ = read(tmp_path)
    keys = [(frame.camera, frame.time, frame.name) for frame in frames]
    assert keys == sorted(keys)
    assert [frame.id for frame in frames] == [frame.id for frame in read(tmp_path)[0]]


@pytest.mark.real
def test_real_stills_of_the_original(real_data: Path) -> None:
    frames, skipped = read(real_data / "original" / "sample")
    assert len(frames) == 6
    assert not skipped
    assert {frame.image.shape for frame in frames} == {(240, 352, 3)}
    nested = {frame.name: frame.camera for frame in frames}
    flat = {frame.name: frame.camera for frame in read(real_data / "original" / "examples")[0]}
    assert nested == flat


@pytest.mark.real
def test_real_stills_of_strangers(real_data: Path) -> None:
    singapore = open_source(real_data / "singapore" / "images", timezone="Asia/Singapore")
    cameras = {item.camera for item in singapore.frames(never) if isinstance(item, Frame)}
    assert singapore.count() == 315
    assert len(cameras) == 7
