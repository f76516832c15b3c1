from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cctview.detect import load_detector
from cctview.detect.onnx import DetectSettings, OnnxDetector, OwnLook
from cctview.models import ModelRecord, RuntimeSettings
from cctview.types import OBJECT_TYPES, Frame

NOON = np.datetime64("2020-05-05T12:00:00", "ns")
CAR, TRUCK, BUS, MOTORCYCLE, BICYCLE, PERSON = np.eye(6, dtype=np.float32)


def frame(height: int = 240, width: int = 352, second: int = 0) -> Frame:
    image = np.full((height, width, 3), 50, np.uint8)
    return Frame(image=image, camera="a", time=NOON + np.timedelta64(second, "s"), name=f"a--{second}", digest=second)


def detector(peaks: list[tuple[list[float], np.ndarray]], **settings: object) -> tuple[OnnxDetector, list[np.ndarray]]:
    """A detector whose graph answers every still with these peaks, and the batches it was given."""
    record = ModelRecord(
        name="fake",
        version="1",
        task="detection",
        weights=Path("nowhere.onnx"),
        sha256="0" * 64,
        licence="MIT",
        origin="here",
        input={"stride": 32, "max_side": 640, "least_pixels": 384 * 256},
        labels=OBJECT_TYPES,
        thresholds=dict.fromkeys(OBJECT_TYPES, 0.4),
        settings={"redaction_threshold": 0.1, "nms_iou": 0.5},
    )
    look = OwnLook(record, RuntimeSettings())
    made = OnnxDetector(record, DetectSettings(**settings), look)
    seen: list[np.ndarray] = []

    def run(batch: np.ndarray) -> list[np.ndarray]:
        seen.append(batch)
        boxes = np.array([box for box, _ in peaks], np.float32).reshape(-1, 4)
        scores = np.array([score for _, score in peaks], np.float32).reshape(-1, 6)
        return [np.repeat(part[None], len(batch), axis=0) for part in (boxes, scores)]

    look.__dict__["_run"] = run
    return made, seen


def test_one_vehicle_listed_as_car_and_as_bus_is_one_detection() -> None:
    made, _ = detector(
        [([10, 10, 50, 40], 0.6 * BUS), ([11, 10, 50, 41], 0.9 * CAR), ([100, 10, 150, 40], 0.5 * TRUCK)]
    )
    found = made([frame()])
    assert found.type.tolist() == ["car", "truck"]
    assert found.rank.tolist() == [1, 2]
    assert found.score.tolist() == pytest.approx([0.9, 0.5])


def test_a_rider_and_the_motorcycle_stay_two() -> None:
    made, _ = detector([([10, 10, 30, 50], 0.6 * PERSON), ([10, 15, 30, 50], 0.7 * MOTORCYCLE)])
    assert sorted(made([frame()]).type.tolist()) == ["motorcycle", "person"]


def test_people_are_reported_from_the_redaction_threshold_and_others_from_their_own() -> None:
    made, _ = detector([([10, 10, 20, 30], 0.15 * PERSON), ([50, 10, 80, 30], 0.39 * CAR)])
    assert made([frame()]).type.tolist() == ["person"]
    lower, _ = detector([([10, 10, 20, 30], 0.15 * PERSON), ([50, 10, 80, 30], 0.39 * CAR)], min_score=0.2)
    assert lower([frame()]).type.tolist() == ["car", "person"]


def test_small_stills_are_stretched_without_padding_and_boxes_back() -> None:
    made, seen = detector([([340, 200, 370, 250], 0.9 * CAR), ([360, 20, 400, 64], 0.8 * CAR)])
    found = made([frame(), frame(second=1)])
    assert seen[0].shape == (2, 256, 384, 3)
    assert (seen[0] == 50).all()
    assert found.box[0] == pytest.approx(np.array([340, 200, 370, 250]) / np.array([384 / 352, 256 / 240] * 2))
    assert found.box[1] == pytest.approx(np.array([330, 18.75, 352, 60]))


def test_large_stills_are_scaled_down_and_boxes_scaled_back() -> None:
    made, seen = detector([([10, 20, 30, 40], 0.9 * CAR)])
    found = made([frame(2160, 3840)])
    assert seen[0].shape == (1, 352, 640, 3)
    assert found.box[0] == pytest.approx(np.array([10, 20, 30, 40]) * np.array([6, 2160 / 352] * 2))


def test_mixed_sizes_keep_frame_order_and_stay_within_the_batch_bound() -> None:
    made, seen = detector([([10, 20, 30, 40], 0.9 * CAR)], batch_pixels=256 * 384 * 2)
    frames = [frame(second=0), frame(480, 640, 1), frame(second=2), frame(second=3)]
    found = made(frames)
    assert found.frame.tolist() == [part.id for part in frames]
    assert max(len(batch) for batch in seen) == 2


def test_boxes_without_area_and_stills_without_vehicles() -> None:
    made, _ = detector([([400, 20, 430, 40], 0.9 * CAR), ([5, 5, 5.4, 30], 0.9 * CAR)])
    assert len(made([frame()])) == 0
    assert len(made([])) == 0


def test_ids_are_the_same_in_any_batch() -> None:
    made, _ = detector([([10, 20, 30, 40], 0.9 * CAR), ([50, 20, 70, 40], 0.8 * CAR)])
    frames = [frame(second=second) for second in range(3)]
    together = made(frames)
    alone = [made([part]).id for part in frames]
    assert together.id.tolist() == np.concatenate(alone).tolist()


def test_the_bundled_detector_runs_on_any_size() -> None:
    rng = np.random.default_rng(0)
    for height, width in [(240, 352), (16, 16), (1080, 1920), (97, 201)]:
        image = rng.integers(0, 255, (height, width, 3), np.uint8)
        found = load_detector()([Frame(image=image, camera="a", time=NOON, name="a", digest=1)])
        assert (found.box[:, 2] <= width).all()
        assert (found.box[:, 3] <= height).all()
