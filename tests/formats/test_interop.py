from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cctview.errors import InputError
from cctview.formats.interop import from_supervision, to_pandas, to_polars, to_supervision
from cctview.formats.training import FiftyOneWriter, YoloWriter
from cctview.types import Detections, Frame, Frames, row_ids

NOON = np.datetime64("2020-05-05T12:00:00", "ns")


def frame(number: int = 1) -> Frame:
    return Frame(image=np.zeros((100, 200, 3), np.uint8), camera="a", time=NOON, name=f"a--{number}", digest=number)


def detections(of: Frame | None = None) -> Detections:
    still = of or frame()
    rank = np.array([1, 2, 3])
    owner = np.full(3, still.id)
    return Detections(
        meta={"detector": "x"},
        id=row_ids(owner, rank, "x"),
        frame=owner,
        camera=["a"] * 3,
        time=np.full(3, NOON),
        rank=rank,
        box=np.array([[10, 20, 50, 60], [0, 0, 200, 100], [100, 50, 110, 55]], np.float32),
        score=np.array([0.9, 0.8, 0.7], np.float32),
        type=["car", "bus", "bicycle"],
    )


def frames(*stills: Frame) -> Frames:
    return Frames(
        id=np.array([still.id for still in stills]),
        camera=["a"] * len(stills),
        time=np.full(len(stills), NOON),
        time_error_s=np.zeros(len(stills)),
        name=[still.name for still in stills],
        digest=np.array([still.digest for still in stills]),
        width=np.full(len(stills), 200, np.int32),
        height=np.full(len(stills), 100, np.int32),
    )


def test_supervision_and_back_without_copies() -> None:
    supervision = pytest.importorskip("supervision", reason="supervision is not installed")
    ours = detections()
    theirs = to_supervision(ours)
    assert isinstance(theirs, supervision.Detections)
    assert np.shares_memory(theirs.xyxy, ours.box)
    assert theirs["class_name"].tolist() == ["car", "bus", "bicycle"]
    assert theirs[theirs.confidence > 0.75].xyxy.tolist() == ours.box[:2].tolist()
    assert from_supervision(theirs, frame(), "x") == ours
    theirs.data = {}
    assert from_supervision(theirs, frame(), "x") == ours


def test_what_others_found_is_ordered_cut_and_sorted_out() -> None:
    supervision = pytest.importorskip("supervision", reason="supervision is not installed")
    found = supervision.Detections(
        xyxy=np.array([[-5, -5, 20, 20], [10, 10, 30, 30], [210, 10, 230, 30], [1, 1, 9, 9]], np.float32),
        confidence=np.array([0.5, 0.9, 0.9, 0.9], np.float32),
        data={"class_name": np.array(["car", "truck", "car", "cat"])},
    )
    ours = from_supervision(found, frame(), "y")
    assert ours.type.tolist() == ["truck", "car"]
    assert ours.box[1].tolist() == [0, 0, 20, 20]
    assert ours.rank.tolist() == [1, 2]
    found.data = {}
    with pytest.raises(InputError, match="name no types"):
        from_supervision(found, frame(), "y")


def test_tables_are_pandas_and_polars_frames() -> None:
    ours = detections()
    pytest.importorskip("pandas", reason="pandas is not installed")
    pandas = to_pandas(ours)
    assert pandas["type"].tolist() == ["car", "bus", "bicycle"]
    assert str(pandas["time"].dtype) == "datetime64[ns, UTC]"
    assert pandas["box"][0].tolist() == [10, 20, 50, 60]
    pytest.importorskip("polars", reason="polars is not installed")
    polars = to_polars(ours)
    assert polars["id"].to_list() == ours.id.tolist()
    assert polars.filter(polars["score"] > 0.75).height == 2


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name, convert in {"polars": to_polars, "pandas": to_pandas, "supervision": to_supervision}.items():
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(InputError, match=f"pip install {name}"):
            convert(detections())


def test_yolo_labels_are_shares_of_the_still(tmp_path: Path) -> None:
    first, empty = frame(1), frame(2)
    with YoloWriter(tmp_path) as writer:
        assert writer.write(frames(first, empty), detections(first), {first.id: b"jpeg"}) == 3
    lines = (tmp_path / "labels" / "train" / "a--1.txt").read_text().splitlines()
    assert lines[0] == "0 0.150000 0.400000 0.200000 0.400000"
    assert lines[1] == "2 0.500000 0.500000 1.000000 1.000000"
    assert (tmp_path / "labels" / "train" / "a--2.txt").read_text() == ""
    assert (tmp_path / "images" / "train" / "a--1.jpeg").read_bytes() == b"jpeg"
    assert not (tmp_path / "images" / "train" / "a--2.jpeg").exists()
    assert "0: car, 1: truck, 2: bus" in (tmp_path / "data.yaml").read_text()


def test_fiftyone_reads_labels_by_still(tmp_path: Path) -> None:
    first, empty = frame(1), frame(2)
    with FiftyOneWriter(tmp_path) as writer:
        assert writer.write(frames(first, empty), detections(first), {first.id: b"jpeg"}) == 3
    document = json.loads((tmp_path / "labels.json").read_text())
    assert document["classes"][0] == "car"
    assert document["labels"]["a--2"] == []
    assert document["labels"]["a--1"][0] == {
        "label": "car",
        "bounding_box": [0.05, 0.2, 0.2, 0.4],
        "confidence": 0.9,
        "attributes": {"detection": f"{int(detections(first).id[0]):016x}"},
    }
    assert (tmp_path / "data" / "a--1.jpeg").read_bytes() == b"jpeg"


def test_nothing_is_written_when_something_went_wrong(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), FiftyOneWriter(tmp_path):
        raise RuntimeError
    assert not (tmp_path / "labels.json").exists()
