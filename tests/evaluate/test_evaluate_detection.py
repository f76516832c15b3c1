from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cctview.errors import FormatError, SourceNotFoundError
from cctview.evaluate.detection import count_types, evaluate_detection, read_coco
from cctview.metrics.detection import ScoredBoxes, average_precision
from cctview.sim import SimSettings, simulate, write_stills
from cctview.types import VEHICLE_TYPES, Detections, Frame


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eval")
    write_stills(simulate(SimSettings(minutes=0.5, cameras=2, seed=1)), folder)
    return folder


class Oracle:
    """A detector that reads the truth; ``shift`` moves its boxes and ``every`` leaves some out."""

    producer = "oracle"

    def __init__(self, truth: Path, shift: float = 0.0, every: int = 1) -> None:
        data = json.loads(truth.read_text())
        stems = {entry["id"]: Path(entry["file_name"]).stem for entry in data["images"]}
        names = {entry["id"]: entry["name"] for entry in data["categories"]}
        rows = [entry for entry in data["annotations"] if not entry["ignore"]][::every]
        self.by_still = {
            stem: [(entry["bbox"], names[entry["category_id"]]) for entry in rows if stems[entry["image_id"]] == stem]
            for stem in stems.values()
        }
        self.shift = shift

    def __call__(self, frames: Sequence[Frame]) -> Detections:
        found = [(frame, *entry) for frame in frames for entry in self.by_still[frame.name]]
        box = np.array([entry[1] for entry in found], np.float32).reshape(-1, 4)
        return Detections(
            id=np.arange(len(found)),
            frame=[entry[0].id for entry in found],
            camera=["truth"] * len(found),
            time=np.array([entry[0].time for entry in found], "datetime64[ns]"),
            rank=np.arange(len(found)) + 1,
            box=np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1) + self.shift,
            score=np.full(len(found), 0.9),
            type=[entry[2] for entry in found],
        )


def test_the_truth_itself_scores_one(stills: Path) -> None:
    truth = read_coco(stills / "truth.json", stills)
    scores = evaluate_detection(truth, Oracle(stills / "truth.json"))
    assert scores["vehicle"]["AP50:95"] == pytest.approx(1)
    assert scores["person"]["AP50"] == pytest.approx(1)
    assert scores["vehicle"]["truths"] == scores["car"]["truths"] + scores["truck"]["truths"] + scores["bus"]["truths"]


def test_missing_and_shifted_boxes_cost_what_they_should(stills: Path) -> None:
    truth = read_coco(stills / "truth.json", stills)
    half = evaluate_detection(truth, Oracle(stills / "truth.json", every=2))["vehicle"]
    assert half["AP50"] == pytest.approx(0.5, abs=0.03)
    assert half["recall at precision 0.97"] == pytest.approx(0.5, abs=0.03)
    shifted = evaluate_detection(truth, Oracle(stills / "truth.json", shift=2.0))["vehicle"]
    assert shifted["AP50:95"] < shifted["AP50"]


def test_where_nothing_is_labelled_nothing_is_scored(stills: Path) -> None:
    data = json.loads((stills / "truth.json").read_text())
    lower = [entry for entry in data["annotations"] if entry["bbox"][1] + entry["bbox"][3] / 2 >= 120]
    half = stills / "half.json"
    half.write_text(json.dumps(data | {"annotations": lower}))
    oracle = Oracle(stills / "truth.json")
    assert evaluate_detection(read_coco(half, stills), oracle)["vehicle"]["AP50"] < 1
    assert evaluate_detection(read_coco(half, stills, ignore_above=0.5), oracle)["vehicle"]["AP50"] == pytest.approx(1)


def test_files_that_are_no_truth_and_images_that_are_not_there(stills: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="no such image"):
        read_coco(stills / "truth.json", tmp_path)
    with pytest.raises(SourceNotFoundError, match="cannot be read"):
        read_coco(tmp_path / "no.json", tmp_path)
    for text in ("[]", "{}", '{"categories": [], "images": [{"id": 1}], "annotations": []}', "no"):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(FormatError, match="not a COCO file"):
            read_coco(tmp_path / "odd.json", tmp_path)


def test_the_images_of_a_truth_may_be_counted_apart(stills: Path) -> None:
    truth = read_coco(stills / "truth.json", stills)
    found = ScoredBoxes(image=truth.image, box=truth.box + 1.0, score=np.linspace(0, 1, len(truth.image)))
    whole = count_types(truth, found, VEHICLE_TYPES)
    odd = np.arange(len(truth.files)) % 2 == 1
    parts = []
    for some in (odd, ~odd):
        mine = some[found.image]
        boxes = ScoredBoxes(image=found.image[mine], box=found.box[mine], score=found.score[mine])
        parts.append(count_types(truth.of(some), boxes, VEHICLE_TYPES))
    assert parts[0].truths + parts[1].truths == whole.truths > 0
    assert average_precision(parts[0] + parts[1]) == pytest.approx(average_precision(whole))
