from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from originals import BOXES, STILL, TYPES, detections_of, still
from PIL import Image

from cctview.errors import FormatError
from cctview.formats.original import (
    OriginalMatches,
    read_detections,
    read_features,
    read_matches,
    write_detections,
    write_features,
    write_matches,
)
from cctview.types import OBJECT_TYPES


def entry(name: str, **changes: object) -> dict[str, object]:
    return {"type": "car", "id": name, "percentage_probability": 64.2, "box_points": [1, 2, 12, 13], **changes}


NAME = f"{STILL}--detections--1--car--64.2--11x11--1.2v12.13"


def write(path: Path, data: object) -> Path:
    path.write_text(json.dumps(data))
    return path


def test_the_three_outputs_of_a_still(tmp_path: Path) -> None:
    frame = still()
    names = write_detections(tmp_path, frame, detections_of(frame), "simulated")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{STILL}--detections",
        f"{STILL}--detections.jpeg",
        f"{STILL}--detections.json",
    ]
    crops = {path.stem: np.asarray(Image.open(path)) for path in (tmp_path / f"{STILL}--detections").iterdir()}
    assert crops.keys() == set(names.tolist())
    assert crops[names[1]].shape == (29, 31, 3)
    drawn = np.asarray(Image.open(tmp_path / f"{STILL}--detections.jpeg")).astype(int)
    changed = np.abs(drawn - frame.image).mean(axis=2)
    assert changed[88, 145:165].mean() > changed[95:110, 145:165].mean()
    text = (tmp_path / f"{STILL}--detections.json").read_text()
    assert text.startswith(
        f'{{\n  "id": "{STILL}--detections",\n  "model": "simulated",\n  "summary": {{\n    "total": 4,\n    "car": 2,\n'
    )
    assert text.endswith("]\n  }\n}\n")
    assert list(json.loads(text)[names[0]]) == ["type", "id", "percentage_probability", "box_points"]


def test_json_only_writes_no_pictures(tmp_path: Path) -> None:
    frame = still()
    write_detections(tmp_path, frame, detections_of(frame), "simulated", json_only=True)
    assert [path.name for path in tmp_path.iterdir()] == [f"{STILL}--detections.json"]


def test_a_second_run_leaves_no_crops_of_the_first(tmp_path: Path) -> None:
    frame = still()
    write_detections(tmp_path, frame, detections_of(frame), "simulated")
    keep = tmp_path / f"{STILL}--detections" / "mine.jpeg"
    keep.write_bytes(b"mine")
    names = write_detections(tmp_path, frame, detections_of(frame)[:1], "simulated")
    assert {path.stem for path in keep.parent.iterdir()} == {*names.tolist(), "mine"}


def test_no_detections_and_boxes_outside(tmp_path: Path) -> None:
    frame = still()
    write_detections(tmp_path, frame, detections_of(frame)[:0], "simulated")
    assert len(read_detections(tmp_path / f"{STILL}--detections.json").names) == 0
    outside = detections_of(frame, np.array([[-5, -5, 4, 4], [400, 300, 420, 320]], np.float32), TYPES[:2])
    write_detections(tmp_path, frame, outside, "simulated")
    assert read_detections(tmp_path / f"{STILL}--detections.json").box.tolist() == [
        [-5, -5, 4, 4],
        [400, 300, 420, 320],
    ]
    assert len(list((tmp_path / f"{STILL}--detections").iterdir())) == 1


@given(st.data())
def test_detections_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 12))
    corner = data.draw(arrays.arrays(np.int64, (count, 2), elements=st.integers(0, 4000)))
    side = data.draw(arrays.arrays(np.int64, (count, 2), elements=st.integers(1, 900)))
    score = data.draw(arrays.arrays(np.float32, count, elements=st.floats(0, 1, width=32)))
    types = np.array(data.draw(st.lists(st.sampled_from(OBJECT_TYPES), min_size=count, max_size=count)), np.str_)
    frame = still()
    rows = detections_of(frame, np.concatenate([corner, corner + side], axis=1).astype(np.float32), types, score)
    folder = tmp_path_factory.mktemp("trip")
    names = write_detections(folder, frame, rows, "m", json_only=True)
    back = read_detections(folder / f"{STILL}--detections.json")
    assert back.names.tolist() == names.tolist()
    assert (back.still, back.model) == (STILL, "m")
    assert np.array_equal(back.box, rows.box)
    assert np.array_equal(back.score, rows.score)
    assert np.array_equal(back.type, rows.type)
    assert np.array_equal(back.rank, rows.rank)


@given(
    arrays.arrays(
        np.float32, st.tuples(st.integers(0, 5), st.integers(1, 9)), elements=st.floats(-(2.0**100), 2.0**100, width=32)
    )
)
def test_features_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, vectors: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("trip") / f"{STILL}--features.json"
    names = np.array(
        [f"{STILL}--detections--{n + 1}--car--64.2--11x11--1.2v12.13" for n in range(len(vectors))], np.str_
    )
    write_features(path, STILL, names, vectors, "m")
    back = read_features(path)
    assert back.names.tolist() == names.tolist()
    assert np.array_equal(back.vectors, vectors if len(vectors) else np.zeros((0, 0)))


def test_old_variants_are_read(tmp_path: Path) -> None:
    path = tmp_path / f"{STILL}--detections.json"
    for head in ({"id": STILL, "model": "a"}, {"id": f"{STILL}--detections"}, {}):
        found = read_detections(write(path, {**head, NAME: entry(NAME)}))
        assert found.still == STILL
        assert found.score.tolist() == [np.float32(0.642)]
    ten = NAME.replace("--1--", "--10--")
    two = NAME.replace("--1--", "--2--")
    found = read_detections(write(path, {NAME: entry(NAME), ten: entry(ten), two: entry(two)}))
    assert found.rank.tolist() == [1, 2, 10]


EVIL = f"../../{NAME}"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({EVIL: entry(EVIL)}, "not the id of a detection"),
        ({"id": "../../etc/passwd"}, "cannot name a file"),
        ({"id": 7}, "id must be the name of a still"),
        ({"model": ["a"]}, "model must be a text"),
        ({"other--2020-05-05--13.34.29--detections--1--car--64.2--11x11--1.2v12.13": {}}, "a detection of 'other"),
        ({NAME: [1]}, "expected an object"),
        ({NAME: entry(EVIL)}, "the same id"),
        ({NAME: entry(NAME, type=None)}, "type must be a text"),
        ({NAME: entry(NAME, percentage_probability=101)}, "from 0 to 100"),
        ({NAME: entry(NAME, percentage_probability=True)}, "from 0 to 100"),
        ({NAME: entry(NAME, percentage_probability="9")}, "from 0 to 100"),
        ({NAME: entry(NAME, box_points=[1, 2, 3])}, "box_points"),
        ({NAME: entry(NAME, box_points=[1, 2, 3, None])}, "box_points"),
        ({NAME: entry(NAME, box_points=[1, 2, 3, 10**12])}, "box_points"),
        ({NAME: entry(NAME, box_points="1234")}, "box_points"),
        ({"hello": 1}, "not the id of a detection"),
    ],
)
def test_hostile_detections_are_refused(tmp_path: Path, data: dict[str, object], words: str) -> None:
    path = write(tmp_path / f"{STILL}--detections.json", {"id": STILL, **data})
    with pytest.raises(FormatError, match=f"detections.json: .*{words}"):
        read_detections(path)


@pytest.mark.parametrize(
    "lists",
    [
        [[1.0, 2.0], [1.0]],
        [[1.0, None]],
        [["a", "b"]],
        [[[1.0]]],
        [{}],
        [None],
        [7],
        [[1e39]],
        [[10**400]],
    ],
)
def test_hostile_features_are_refused(tmp_path: Path, lists: list[object]) -> None:
    names = [f"{STILL}--detections--{n + 1}--car--64.2--11x11--1.2v12.13" for n in range(len(lists))]
    data = {"id": STILL, **{name: {"id": name, "data": values} for name, values in zip(names, lists, strict=True)}}
    with pytest.raises(FormatError, match=r"features.json: data must be lists of|not valid JSON"):
        read_features(write(tmp_path / f"{STILL}--features.json", data))


def test_nan_features_are_refused(tmp_path: Path) -> None:
    path = tmp_path / f"{STILL}--features.json"
    path.write_text(f'{{"id": "{STILL}", "{NAME}": {{"id": "{NAME}", "data": [NaN, 1]}}}}')
    with pytest.raises(FormatError, match="NaN is no number"):
        read_features(path)


def test_a_still_whose_name_leaves_the_folder_is_not_written(tmp_path: Path) -> None:
    frame = still("../../evil")
    with pytest.raises(FormatError, match="cannot name a file"):
        write_detections(tmp_path / "a" / "b", frame, detections_of(frame), "m")
    assert list(tmp_path.rglob("*")) == []


def pairs(tmp_path: Path) -> OriginalMatches:
    """Write three stills with crops, and the distances from the first to the two others."""
    names = {}
    for camera in ("733-681-N", "735-683-N", "731-679-N"):
        frame = still(f"{camera}--2020-05-05--13.34.29")
        names[camera] = write_detections(tmp_path, frame, detections_of(frame)[:2], "m").tolist()
    rows = [
        (base, camera, target, 10.5 + 3 * b + t)
        for camera in ("735-683-N", "731-679-N")
        for b, base in enumerate(names["733-681-N"])
        for t, target in enumerate(names[camera])
    ]
    base, camera, target, distance = zip(*rows, strict=True)
    return OriginalMatches(
        base=np.array(base), camera=np.array(camera), target=np.array(target), distance=np.array(distance)
    )


def test_matches_and_their_crops(tmp_path: Path) -> None:
    matches = pairs(tmp_path)
    assert write_matches(tmp_path, "733-681-N", matches) == ()
    nested = json.loads((tmp_path / "733-681-N--matches.json").read_text())
    assert list(nested[matches.base[0]]) == ["731-679-N", "735-683-N"]
    folder = tmp_path / "matches" / matches.base[0]
    assert sorted(path.name for path in folder.iterdir())[:3] == [
        f"base--{matches.base[0]}.jpeg",
        f"cam-1--10.5--{matches.target[0]}.jpeg",
        f"cam-1--11.5--{matches.target[1]}.jpeg",
    ]
    assert len(list(folder.iterdir())) == 5
    crop = tmp_path / f"{matches.target[0].partition('--detections')[0]}--detections" / f"{matches.target[0]}.jpeg"
    assert (folder / f"cam-1--10.5--{matches.target[0]}.jpeg").read_bytes() == crop.read_bytes()


def test_matches_come_back_and_old_copies_go(tmp_path: Path) -> None:
    matches = pairs(tmp_path)
    write_matches(tmp_path, "733-681-N", matches)
    fewer = OriginalMatches(
        base=matches.base[:1], camera=matches.camera[:1], target=matches.target[:1], distance=matches.distance[:1]
    )
    write_matches(tmp_path, "733-681-N", fewer)
    assert len(list((tmp_path / "matches" / matches.base[0]).iterdir())) == 2
    write_matches(tmp_path, "733-681-N", matches)
    back = read_matches(tmp_path / "733-681-N--matches.json")
    rows = set(zip(back.base.tolist(), back.camera.tolist(), back.target.tolist(), back.distance.tolist(), strict=True))
    assert rows == set(
        zip(
            matches.base.tolist(),
            matches.camera.tolist(),
            matches.target.tolist(),
            matches.distance.tolist(),
            strict=True,
        )
    )


def test_missing_crops_are_told(tmp_path: Path) -> None:
    matches = pairs(tmp_path)
    gone = str(matches.target[0])
    (tmp_path / f"{gone.partition('--detections')[0]}--detections" / f"{gone}.jpeg").unlink()
    assert write_matches(tmp_path, "733-681-N", matches) == (gone,)


def test_hostile_matches_are_neither_written_nor_read(tmp_path: Path) -> None:
    one = {"base": np.array([EVIL]), "camera": np.array(["a"]), "target": np.array([NAME]), "distance": np.array([1.0])}
    with pytest.raises(FormatError, match="not the id of a detection"):
        write_matches(tmp_path, "a", OriginalMatches(**one))
    with pytest.raises(FormatError, match="cannot name a file"):
        write_matches(tmp_path, "../a", OriginalMatches(**{**one, "base": np.array([NAME])}))
    assert list(tmp_path.rglob("*")) == []
    for data in (
        {EVIL: {"a": {NAME: 1}}},
        {NAME: [1]},
        {NAME: {"a": {NAME: -1}}},
        {NAME: {"a": {NAME: [1]}}},
        {NAME: {"a": {EVIL: 1}}},
    ):
        with pytest.raises(FormatError, match=r"matches\.json"):
            read_matches(write(tmp_path / "a--matches.json", data))
    assert len(read_matches(write(tmp_path / "a--matches.json", {})).base) == 0


def samples(real_data: Path) -> list[Path]:
    return sorted((real_data / "original" / "sample").rglob("*--detections.json"))


@pytest.mark.real
def test_the_originals_json_is_written_byte_for_byte(real_data: Path, tmp_path: Path) -> None:
    for path in samples(real_data):
        found = read_detections(path)
        frame = still(found.still)
        rows = detections_of(frame, found.box.astype(np.float32), found.type, found.score)
        names = write_detections(tmp_path, frame, rows, found.model)
        assert names.tolist() == found.names.tolist()
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
        crops = path.with_suffix("")
        assert {crop.name for crop in (tmp_path / crops.name).iterdir()} == {crop.name for crop in crops.iterdir()}
        features = path.with_name(f"{found.still}--features.json")
        read = read_features(features)
        write_features(tmp_path / features.name, read.still, read.names, read.vectors, read.model)
        assert (tmp_path / features.name).read_bytes() == features.read_bytes()


@pytest.mark.real
def test_the_originals_pictures_are_drawn_alike(real_data: Path, tmp_path: Path) -> None:
    for path in samples(real_data):
        found = read_detections(path)
        picture = np.asarray(Image.open(path.with_name(f"{found.still}--original.jpeg")))
        frame = still(found.still)
        frame.image.setflags(write=True)
        frame.image[:] = picture
        write_detections(
            tmp_path, frame, detections_of(frame, found.box.astype(np.float32), found.type, found.score), found.model
        )
        for ours, theirs in [(tmp_path / f"{path.stem}.jpeg", path.with_suffix(".jpeg"))] + [
            (crop, path.with_suffix("") / crop.name) for crop in (tmp_path / path.stem).iterdir()
        ]:
            left, right = (np.asarray(Image.open(file)).astype(int) for file in (ours, theirs))
            assert left.shape == right.shape
            assert np.abs(left - right).mean() < 3
        header = path.with_suffix(".jpeg").read_bytes()[:600]
        assert (tmp_path / f"{path.stem}.jpeg").read_bytes()[:600] == header


def test_every_type_has_a_colour(tmp_path: Path) -> None:
    frame = still()
    boxes = np.repeat(BOXES[:1], len(OBJECT_TYPES), axis=0)
    names = write_detections(tmp_path, frame, detections_of(frame, boxes, np.array(OBJECT_TYPES)), "m")
    assert len(names) == len(OBJECT_TYPES)
