from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from originals import detections_of, save_still, still

from cctview.errors import InputError
from cctview.formats.original import detection_names, write_detections, write_features
from cctview.formats.tree import OriginalTree, read_tree
from cctview.sources import open_source
from cctview.types import Frame

STILLS = ("733-681-N--2020-05-05--13.34.29", "733-681-N--2020-05-05--13.34.31", "735-683-N--2020-05-05--13.34.46")


def build(
    root: Path, *, nested: bool = True, names: tuple[str, ...] = STILLS, model: str = "Net.h5"
) -> dict[str, np.ndarray]:
    """Write a tree as the original leaves it; return the vectors by detection name."""
    vectors = {}
    for number, name in enumerate(names):
        folder = root / name.split("--", maxsplit=1)[0] / "2020" / str(number) if nested else root
        frame = still(name, number)
        save_still(folder, frame)
        written = write_detections(folder, frame, detections_of(frame), model)
        data = np.random.default_rng(number).normal(size=(len(written), 8)).astype(np.float32)
        write_features(folder / f"{name}--features.json", name, written, data, "Dense.pth")
        vectors |= dict(zip(written.tolist(), data, strict=True))
    return vectors


def file(root: Path, pattern: str) -> Path:
    return min(root.rglob(pattern))


def reasons(tree: OriginalTree) -> str:
    return "; ".join(item.reason for item in tree.skipped)


@pytest.mark.parametrize("nested", [True, False])
def test_a_tree_comes_back_as_tables(tmp_path: Path, nested: bool) -> None:  # noqa: FBT001
    vectors = build(tmp_path, nested=nested)
    tree = read_tree(tmp_path)
    assert tree.skipped == ()
    assert tree.frames.name.tolist() == list(STILLS)
    assert tree.frames.camera.tolist() == ["733-681-N", "733-681-N", "735-683-N"]
    assert tree.frames.time[0] == np.datetime64("2020-05-05T17:34:29")
    assert tree.frames.width.tolist() == [352] * 3
    assert set(tree.names.tolist()) == vectors.keys()
    assert tree.detections.meta == {"detector": "net.h5"}
    assert tree.features.model == "Dense.pth"
    name_of = dict(zip(tree.detections.id.tolist(), tree.names.tolist(), strict=True))
    for detection, vector in zip(tree.features.detection.tolist(), tree.features.vectors, strict=True):
        assert np.array_equal(vector, vectors[name_of[detection]])


def test_names_are_those_of_the_tables(tmp_path: Path) -> None:
    build(tmp_path)
    tree = read_tree(tmp_path)
    order = np.argsort(tree.frames.id)
    frame = order[np.searchsorted(tree.frames.id, tree.detections.frame, sorter=order)]
    rows = tree.detections
    assert np.array_equal(
        detection_names(tree.frames.name[frame], rows.rank, rows.type, rows.score, rows.box), tree.names
    )


def test_frames_have_the_ids_the_source_gives_them(tmp_path: Path) -> None:
    build(tmp_path)
    frames = [item for item in open_source(tmp_path).frames(lambda _: False) if isinstance(item, Frame)]
    assert {frame.id for frame in frames} == set(read_tree(tmp_path).frames.id.tolist())
    assert {frame.name for frame in frames} == set(STILLS)


def test_an_export_of_what_was_imported_is_the_same_tree(tmp_path: Path) -> None:
    build(tmp_path / "in")
    tree = read_tree(tmp_path / "in")
    for frame in open_source(tmp_path / "in").frames(lambda _: False):
        assert isinstance(frame, Frame)
        save_still(tmp_path / "out", frame).write_bytes(frame.encoded)
        mine = tree.detections.frame == frame.id
        names = write_detections(tmp_path / "out", frame, tree.detections[mine], tree.detections.meta["detector"])
        vectors = tree.features.vectors[np.isin(tree.features.detection, tree.detections.id[mine])]
        write_features(
            tmp_path / "out" / f"{frame.name}--features.json", frame.name, names, vectors, tree.features.model
        )
    back = read_tree(tmp_path / "out")
    assert back.frames == tree.frames
    assert back.detections == tree.detections
    assert np.array_equal(back.features.vectors, tree.features.vectors)
    assert np.array_equal(back.features.detection, tree.features.detection)


def test_model_names_in_other_case_are_one_model(tmp_path: Path) -> None:
    build(tmp_path, names=STILLS[:2], model="ResNet50_COCO.h5")
    build(tmp_path, names=STILLS[2:], model="resnet50_coco.h5")
    tree = read_tree(tmp_path)
    assert tree.skipped == ()
    assert tree.detections.meta == {"detector": "resnet50_coco.h5"}
    assert len(tree.detections) == 12


def test_another_model_is_left_out_and_named(tmp_path: Path) -> None:
    build(tmp_path, names=STILLS[:2])
    build(tmp_path, names=STILLS[2:], model="other")
    tree = read_tree(tmp_path)
    assert set(tree.detections.camera.tolist()) == {"733-681-N"}
    assert "made by 'other'" in reasons(tree)


def test_broken_files_are_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    build(tmp_path)
    whole = file(tmp_path, f"{STILLS[0]}--detections.json").read_bytes()
    for eighth in range(8):
        path = tmp_path / f"cam--2020-05-05--13.00.0{eighth}--detections.json"
        path.write_bytes(whole[: len(whole) * eighth // 8])
    (tmp_path / "page--2020-05-05--13.00.09--detections.json").write_text("<html>")
    (tmp_path / "link--2020-05-05--13.00.09--detections.json").symlink_to("/etc/passwd")
    file(tmp_path, f"{STILLS[1]}--features.json").write_text('{"a": NaN}')
    tree = read_tree(tmp_path)
    assert len(tree.frames) == 3
    assert len(tree.detections) == 12
    assert len(tree.features.detection) == 8
    assert len(tree.skipped) == 10
    assert all(Path(item.where).exists() and item.reason for item in tree.skipped)


def test_rows_no_table_takes_are_left_out(tmp_path: Path) -> None:
    build(tmp_path, names=STILLS[:1])
    path = file(tmp_path, "*--detections.json")
    data = json.loads(path.read_text())
    names = [key for key in data if key not in ("id", "model", "summary")]
    data[names[0]]["type"] = "train"
    data[names[1]]["box_points"] = [5, 5, 5, 9]
    data[names[3]]["type"] = "car"
    again = names[3].replace("--person--", "--car--")
    data[again] = {**data[names[3]], "id": again}
    path.write_text(json.dumps(data))
    tree = read_tree(tmp_path)
    assert tree.detections.rank.tolist() == [3, 4]
    for words in ("not known", "empty box", "rank used twice"):
        assert words in reasons(tree)
    assert tree.features.detection.tolist() == tree.detections.id.tolist()


def test_stills_without_a_picture_or_with_a_broken_one(tmp_path: Path) -> None:
    build(tmp_path)
    file(tmp_path, f"{STILLS[0]}--original.jpeg").unlink()
    file(tmp_path, f"{STILLS[1]}--original.jpeg").write_text("offline")
    tree = read_tree(tmp_path)
    assert tree.frames.width.tolist() == [0, 0, 352]
    assert len(tree.detections) == 12
    assert [Path(item.where).name for item in tree.skipped] == [f"{STILLS[1]}--original.jpeg"]


def test_stills_alone_are_a_tree(tmp_path: Path) -> None:
    save_still(tmp_path, still())
    tree = read_tree(tmp_path)
    assert (len(tree.frames), len(tree.detections), tree.features.vectors.shape) == (1, 0, (0, 0))


def test_vectors_of_another_length_or_model_or_tree(tmp_path: Path) -> None:
    build(tmp_path)
    names = read_tree(tmp_path).names
    second, third = (np.array([name for name in names.tolist() if name.startswith(stem)]) for stem in STILLS[1:])
    write_features(file(tmp_path, f"{STILLS[1]}--features.json"), STILLS[1], second, np.ones((4, 9)), "Dense.pth")
    write_features(file(tmp_path, f"{STILLS[2]}--features.json"), STILLS[2], third, np.ones((4, 8)), "Other.pth")
    stranger = names[:1].astype(object) + "9"
    write_features(
        tmp_path / f"{STILLS[0]}--features.json", STILLS[0], stranger.astype(str), np.ones((1, 8)), "Dense.pth"
    )
    tree = read_tree(tmp_path)
    assert len(tree.features.detection) == 4
    for words in ("vectors of 9 values", "made by 'Other.pth'", "not in the tree"):
        assert words in reasons(tree)


def test_a_second_file_for_one_still_is_reported(tmp_path: Path) -> None:
    build(tmp_path / "a", names=STILLS[:1])
    build(tmp_path / "b", names=STILLS[:1])
    tree = read_tree(tmp_path)
    assert len(tree.detections) == 4
    assert "the same still as" in reasons(tree)


def test_names_that_tell_no_camera_are_reported(tmp_path: Path) -> None:
    build(tmp_path, names=STILLS[:1])
    frame = still("holiday")
    write_detections(tmp_path, frame, detections_of(frame), "Net.h5", json_only=True)
    tree = read_tree(tmp_path)
    assert len(tree.frames) == 1
    assert "no camera and time" in reasons(tree)


def test_a_folder_without_any_of_it_is_misuse(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(InputError, match="no stills or detections of the original cctview"):
        read_tree(tmp_path)


@pytest.mark.real
def test_the_originals_own_tree(real_data: Path) -> None:
    tree = read_tree(real_data / "original" / "sample")
    assert (len(tree.frames), len(tree.detections), tree.features.vectors.shape) == (6, 57, (57, 1920))
    assert tree.skipped == ()
    listed = (real_data / "original" / "sample--detections.csv").read_text().split()
    assert set(tree.names.tolist()) & set(listed)


def test_lists_of_a_minute_and_of_a_camera_are_passed_over_knowingly(tmp_path: Path) -> None:
    build(tmp_path)
    whole = read_tree(tmp_path)
    for name in (
        "733-681-N/2020/733-681-N--2020-05-05--13.34--detections.json",
        "733-681-N/2020/733-681-N--2020-05-05--13--detections.json",
        "733-681-N/733-681-N--2020-05-05--detections.json",
        "733-681-N/2020/733-681-N--2020-05-05--13.34--features.json",
        "733-681-N/733-681-N--info.json",
        "733-681-N/733-681-N--tree.txt",
    ):
        (tmp_path / name).write_text("[]")
    tree = read_tree(tmp_path)
    assert tree.skipped == ()
    assert tree.summaries == 6
    assert tree.detections == whole.detections
    (tmp_path / "733-681-N" / "733-681-N--2020-05-05--13.34.50--detections.json").write_text("[]")
    assert len(read_tree(tmp_path).skipped) == 1, "that of a still is still one"
