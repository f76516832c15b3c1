from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from cctview.errors import InputError, SettingsError, SourceNotFoundError
from cctview.sources import DecodeLimits, FolderSource, Known, Skipped, open_source
from cctview.sources.source import noticed_by
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


def noticed(folder: Path) -> dict[str, int]:
    source = open_source(folder)
    list(source.frames(never))
    return {told.what: told.count for told in noticed_by(source)}


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
    ):
        put(tmp_path / output, jpeg())
    put(tmp_path / "notes.txt", b"of the day")
    frames, skipped = read(tmp_path)
    assert [frame.name for frame in frames] == [still]
    assert skipped == []
    assert open_source(tmp_path).count() == 1
    assert noticed(tmp_path) == {
        "an output beside stills": 4,
        "a folder of outputs beside stills": 3,
        "a hidden file": 1,
        "a hidden folder": 1,
        "no picture (.txt)": 1,
    }


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
    whole = simplejpeg.decode_jpeg
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda data, strict: decoded.append(1) or whole(data, strict=strict))
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


def test_linked_files_that_lie_elsewhere_are_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path / "secret" / "1.jpg", jpeg(1))
    inside = put(tmp_path / "stills" / "real.jpg", jpeg(2))
    (tmp_path / "stills" / "out.jpg").symlink_to(outside)
    (tmp_path / "stills" / "in.jpg").symlink_to(inside)
    frames, skipped = read(tmp_path / "stills")
    assert {frame.name for frame in frames} == {"real", "in"}
    assert [Path(item.where).name for item in skipped] == ["out.jpg"]
    assert "leads out of the folder" in skipped[0].reason


def test_linked_folders_are_read_once_and_loops_are_harmless(tmp_path: Path) -> None:
    root = tmp_path / "all"
    put(root / "cam1" / "20200505T133429Z.jpg", jpeg(1))
    put(tmp_path / "nas" / "20200505T133429Z.jpg", jpeg(2))
    put(tmp_path / "nas" / "deep" / "20200505T133430Z.jpg", jpeg(3))
    put(tmp_path / "far" / "20200505T133431Z.jpg", jpeg(4))
    for link, target in {
        "all/cam2": "nas",
        "all/cam3": "nas",
        "all/again": "all/cam1",
        "all/loop": "all",
        "all/up": ".",
        "nas/back": "nas",
        "nas/home": "all",
        "nas/on": "far",
        "all/gone": "nowhere",
    }.items():
        (tmp_path / link).symlink_to(tmp_path / target)
    frames, skipped = read(root)
    assert [(frame.camera, str(frame.time)[17:19]) for frame in frames] == [
        ("cam1", "29"),
        ("cam2", "29"),
        ("cam2", "30"),
        ("cam2", "31"),
    ]
    assert not skipped
    assert noticed(root) == {
        "a linked folder, followed": 2,
        "a link to a folder that is read anyway": 3,
        "a link to a folder that holds this one": 3,
        "no picture (no ending)": 1,
    }


def test_what_is_no_still_is_counted_by_what_it_is(tmp_path: Path) -> None:
    put(tmp_path / "20200505T133429Z.jpg", jpeg())
    for name in ("a.mp4", "b.MOV", "network.toml", "c.jpg.part", ".DS_Store", "@eaDir/x.jpg", "README", "d.JPEG.tmp"):
        put(tmp_path / name, b"something")
    assert noticed(tmp_path) == {
        "a video beside stills; give it by itself": 2,
        "no picture (.toml)": 1,
        "no picture (no ending)": 1,
        "an unfinished file (.part)": 1,
        "an unfinished file (.tmp)": 1,
        "a hidden file": 1,
        "a folder of thumbnails or deleted files": 1,
    }
    assert FolderSource(tmp_path).noticed() == (), "nothing was read yet"


def test_a_folder_without_stills_says_what_it_holds(tmp_path: Path) -> None:
    for name in ("13/34.29.mp4", "13/34.39.mp4", "notes.txt"):
        put(tmp_path / name, b"something")
    with pytest.raises(InputError, match=r"only: .*2 x a video beside stills; give it by itself") as error:
        read(tmp_path)
    assert "1 x no picture (.txt)" in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["20200505T133435Z", "20200505T133435Z.jpg.1", "20200505T133435Z.jpg?t=1", "20200505T133435Z.dat", "13.34.35Z.x"],
)
def test_a_picture_is_one_whatever_its_name_ends_in(tmp_path: Path, name: str) -> None:
    put(tmp_path / "cam1" / "2020-05-05" / name, jpeg())
    put(tmp_path / "cam1" / "2020-05-05" / "20200505T133434Z.png", jpeg(1))
    frames, skipped = read(tmp_path)
    assert not skipped
    assert [(frame.camera, str(frame.time)[:19]) for frame in frames][1] == ("cam1", "2020-05-05T13:34:35")


def test_a_guessed_time_is_told_with_its_reason(tmp_path: Path) -> None:
    for number, name in enumerate(["a.jpg", "b.jpg", "gate 05-06-2020 13.34.29.jpg", "gate 05-13-2020 13.34.29.jpg"]):
        put(tmp_path / name, jpeg(number))
    told = noticed(tmp_path)
    assert sorted(told.values()) == [1, 2]
    assert told["a time taken from the file system: day and month in the name could be either"] == 1


def test_an_odd_jpeg_is_read_and_told_with_its_place(tmp_path: Path) -> None:
    data = jpeg()
    path = put(tmp_path / "20200505T133429Z.jpg", data[:-2] + b"\1\2\3" + data[-2:])
    source = open_source(tmp_path)
    assert [type(item) for item in source.frames(never)] == [Frame]
    (told,) = noticed_by(source)
    assert (told.count, told.where) == (1, str(path))
    assert "extraneous bytes" in told.what
    assert noticed_by(source) == ()


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
