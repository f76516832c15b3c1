from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cctview.detect import DetectSettings, load_detector
from cctview.detect.fit import Fit, normalised
from cctview.errors import ModelError
from cctview.models import import_model
from cctview.models.labels import COCO, COCO_BY_ID
from cctview.types import Detections, Frame

onnx = pytest.importorskip("onnx", reason="small graphs are built with onnx")

from answering import UINT8, answering  # noqa: E402

NOON = np.datetime64("2020-05-05T12:00:00", "ns")
CAR, BUS, PERSON, TRAIN = COCO.index("car"), COCO.index("bus"), COCO.index("person"), COCO.index("train")
# Of a 320x160 still: what every graph here says, in still pixels.
SIDE = 128
TRUTH = {"car": [40, 20, 80, 60], "bus": [160, 80, 240, 120], "person": [300, 10, 310, 40]}
SCORES = {"car": 0.9, "bus": 0.75, "person": 0.625}


def stills(count: int = 3) -> list[Frame]:
    image = np.full((160, 320, 3), 50, np.uint8)
    return [Frame(image=image, camera="a", time=NOON, name=f"a--{number}", digest=number) for number in range(count)]


def in_picture(side: int, way: str) -> np.ndarray:
    """The true boxes in pixels of a square picture, by the way the still is fitted."""
    boxes = np.array(list(TRUTH.values()), np.float32)
    if way == "stretch":
        return boxes * np.array([side / 320, side / 160] * 2, np.float32)
    return boxes * (side / 320) + (np.array([0, side / 4] * 2, np.float32) if way == "centre" else 0)


def centred(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def class_scores(labels: tuple[str, ...] = COCO) -> np.ndarray:
    scores = np.zeros((3, len(labels)), np.float32)
    for row, (kind, score) in enumerate(SCORES.items()):
        scores[row, labels.index(kind)] = score
    return scores


def logits(scores: np.ndarray) -> np.ndarray:
    kept = scores.clip(1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept)).astype(np.float32)


def padded(rows: np.ndarray, count: int, fill: float = 0.0) -> np.ndarray:
    return np.concatenate([rows, np.full((count - len(rows), rows.shape[1]), fill, np.float32)]).astype(np.float32)


def yolox(path: Path) -> Path:
    boxes = centred(in_picture(SIDE, "corner"))
    cells = [(8, x, y) for y in range(16) for x in range(16)]
    cells += [(16, x, y) for y in range(8) for x in range(8)] + [(32, x, y) for y in range(4) for x in range(4)]
    rows = np.zeros((len(cells), 85), np.float32)
    for place, (box, scores) in zip((3, 300, 330), zip(boxes, class_scores(), strict=True), strict=True):
        stride, x, y = cells[place]
        rows[place, :4] = [box[0] / stride - x, box[1] / stride - y, *np.log(box[2:] / stride)]
        rows[place, 4], rows[place, 5:] = 0.8, scores / 0.8
    return answering(path, {"output": rows[None]}, ["batch", 3, SIDE, SIDE])


def yolov5(path: Path) -> Path:
    rows = np.hstack([centred(in_picture(SIDE, "centre")), np.full((3, 1), 0.8, np.float32), class_scores() / 0.8])
    return answering(path, {"output0": padded(rows, 3 * 336)[None]}, [1, 3, SIDE, SIDE])


def yolov8(path: Path) -> Path:
    rows = np.hstack([centred(in_picture(SIDE, "centre")), class_scores()])
    return answering(path, {"output0": padded(rows, 200).T[None].copy()}, ["batch", 3, SIDE, SIDE])


def end_to_end(path: Path) -> Path:
    kinds = np.array([[SCORES[kind], COCO.index(kind)] for kind in TRUTH], np.float32)
    return answering(
        path, {"output0": padded(np.hstack([in_picture(SIDE, "centre"), kinds]), 30)[None]}, [1, 3, SIDE, SIDE]
    )


def detr_deployed(path: Path) -> Path:
    """D-FINE's and RT-DETR's own export."""
    outputs = {
        "labels": np.array([[CAR, BUS, PERSON]], np.int64),
        "boxes": in_picture(SIDE, "stretch")[None],
        "scores": np.array([list(SCORES.values())], np.float32),
    }
    return answering(path, outputs, ["N", 3, SIDE, SIDE], extra="orig_target_sizes")


def detr_transformers(path: Path) -> Path:
    shares = centred(in_picture(SIDE, "stretch")) / SIDE
    return answering(
        path, {"logits": logits(class_scores())[None], "pred_boxes": shares[None]}, ["batch", 3, SIDE, SIDE]
    )


def detr_ultralytics(path: Path) -> Path:
    rows = np.hstack([centred(in_picture(SIDE, "stretch")) / SIDE, class_scores()])
    return answering(path, {"output0": padded(rows, 300)[None]}, [1, 3, SIDE, SIDE])


def rf_detr(path: Path) -> Path:
    shares = centred(in_picture(56, "stretch")) / 56
    scores = logits(class_scores(COCO_BY_ID))
    return answering(path, {"dets": shares[None], "labels": scores[None]}, [1, 3, 56, 56])


def _distances(box: np.ndarray, x: float, y: float, stride: int, bins: int) -> np.ndarray:
    """Log weights whose means are the four distances in strides."""
    wanted = np.array([x - box[0], y - box[1], box[2] - x, box[3] - y]) / stride
    low = np.floor(wanted).astype(int)
    rows = np.full((4, bins), -40.0)
    for side in range(4):
        share = wanted[side] - low[side]
        rows[side, low[side]] = np.log(max(1 - share, 1e-9))
        rows[side, low[side] + 1] = np.log(max(share, 1e-9))
    return rows.ravel()


def _nanodet_rows(strides: tuple[int, ...], bins: int, middle: float) -> tuple[np.ndarray, np.ndarray, list[int]]:
    cells = [(s, x, y) for s in strides for y in range(-(-SIDE // s)) for x in range(-(-SIDE // s))]
    scores = np.zeros((len(cells), 80), np.float32)
    sides = np.zeros((len(cells), 4 * bins), np.float32)
    for box, own in zip(in_picture(SIDE, "stretch"), class_scores(), strict=True):
        centre = (box[:2] + box[2:]) / 2
        place = next(
            n for n, (s, x, y) in enumerate(cells)
            if s == 8 and abs((x + middle) * 8 - centre[0]) <= 8 and abs((y + middle) * 8 - centre[1]) <= 8
            and all(np.array([(x + middle) * 8, (y + middle) * 8]) - box[:2] >= 0)
            and all(box[2:] - np.array([(x + middle) * 8, (y + middle) * 8]) >= 0)
        )  # fmt: skip
        stride, x, y = cells[place]
        scores[place] = own
        sides[place] = _distances(box, (x + middle) * stride, (y + middle) * stride, stride, bins)
    return scores, sides, [sum(c[0] == s for c in cells) for s in strides]


def nanodet_plus(path: Path) -> Path:
    scores, sides, _ = _nanodet_rows((8, 16, 32, 64), 8, 0.0)
    return answering(path, {"output": np.hstack([scores, sides])[None]}, [1, 3, SIDE, SIDE])


def nanodet_by_level(path: Path) -> Path:
    scores, sides, counts = _nanodet_rows((8, 16, 32), 11, 0.5)
    cuts = np.cumsum(counts)[:-1]
    outputs = {}
    for stride, own, far in zip((8, 16, 32), np.split(scores, cuts), np.split(sides, cuts), strict=True):
        outputs[f"cls_pred_stride_{stride}"], outputs[f"dis_pred_stride_{stride}"] = own[None], far[None]
    return answering(path, outputs, [1, 3, SIDE, SIDE])


def ssd_tensorflow(path: Path) -> Path:
    shares = in_picture(SIDE, "stretch")[:, [1, 0, 3, 2]] / SIDE
    outputs = {
        "detection_boxes:0": padded(shares, 10)[None],
        "detection_classes:0": padded(np.array([[COCO_BY_ID.index(kind)] for kind in TRUTH], np.float32), 10).T.copy(),
        "detection_scores:0": padded(np.array([[score] for score in SCORES.values()], np.float32), 10).T.copy(),
        "num_detections:0": np.array([3.0], np.float32),
    }
    return answering(path, outputs, ["batch", "height", "width", 3], dtype=UINT8)


def ssd_torchvision(path: Path) -> Path:
    outputs = {
        "bboxes": in_picture(SIDE, "stretch")[None] / SIDE,
        "labels": np.array([[COCO.index(kind) + 1 for kind in TRUTH]], np.int64),
        "scores": np.array([list(SCORES.values())], np.float32),
    }
    return answering(path, outputs, [1, 3, SIDE, SIDE])


GRAPHS = {
    "yolox": yolox,
    "yolov5": yolov5,
    "yolov8": yolov8,
    "yolo-end2end": end_to_end,
    "rt-detr": detr_deployed,
    "rt-detr of transformers": detr_transformers,
    "rt-detr of ultralytics": detr_ultralytics,
    "rf-detr": rf_detr,
    "nanodet": nanodet_plus,
    "nanodet by level": nanodet_by_level,
    "ssd": ssd_tensorflow,
    "ssd-torchvision": ssd_torchvision,
}
LABELS = {"ssd": COCO_BY_ID, "ssd-torchvision": ("", *COCO)}


def require_truth(found: Detections, frames: list[Frame]) -> None:
    for frame in frames:
        rows = found[found.frame == frame.id]
        assert rows.type.tolist() == ["car", "bus", "person"]
        assert rows.score == pytest.approx(list(SCORES.values()), abs=1e-4)
        assert rows.box == pytest.approx(np.array(list(TRUTH.values())), abs=0.05)


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_known_by_its_outputs_and_its_boxes_come_back(name: str, tmp_path: Path) -> None:
    family = name.split(" ", maxsplit=1)[0]
    graph = GRAPHS[name](tmp_path / "graph.onnx")
    record = import_model(graph, library=tmp_path / "library", name="theirs", labels=LABELS.get(family, ()))
    assert record.settings["family"] == family
    detector = load_detector(str(tmp_path / "library" / "theirs.toml"))
    frames = stills()
    require_truth(detector(frames), frames)


def test_an_onnx_file_is_used_as_it_lies(tmp_path: Path) -> None:
    frames = stills(2)
    require_truth(load_detector(str(yolov8(tmp_path / "graph.onnx")))(frames), frames)


def test_overlapping_boxes_of_one_vehicle_are_one(tmp_path: Path) -> None:
    rows = np.hstack([centred(in_picture(SIDE, "centre"))[[0, 0]] + [[0], [0.5]], class_scores()[[0, 1]]])
    rows[1, 4:] = 0
    rows[1, 4 + BUS] = 0.6
    graph = answering(
        tmp_path / "g.onnx", {"o": padded(rows.astype(np.float32), 200).T[None].copy()}, [1, 3, SIDE, SIDE]
    )
    assert load_detector(str(graph))(stills(1)).type.tolist() == ["car"]


def test_classes_without_a_use_are_left_out(tmp_path: Path) -> None:
    rows = np.hstack([centred(in_picture(SIDE, "centre"))[:1], class_scores()[:1]])
    rows[0, 4:] = 0
    rows[0, 4 + TRAIN] = 0.99
    graph = answering(
        tmp_path / "g.onnx", {"o": padded(rows.astype(np.float32), 200).T[None].copy()}, [1, 3, SIDE, SIDE]
    )
    assert len(load_detector(str(graph))(stills(1))) == 0


def test_a_detector_without_people_is_joined_by_one_that_finds_them(tmp_path: Path) -> None:
    rows = np.hstack([centred(in_picture(SIDE, "centre")), class_scores()[:, [CAR, BUS]]])
    graph = answering(
        tmp_path / "g.onnx", {"o": padded(rows.astype(np.float32), 200).T[None].copy()}, [1, 3, SIDE, SIDE]
    )
    record = import_model(graph, library=tmp_path, name="cars", labels=("van", "coach"))
    detector = load_detector(str(tmp_path / "cars.toml"), DetectSettings(min_score=0.02))
    frames = stills(2)
    found = detector(frames)
    assert detector.producer == record.producer
    assert found.meta == {"detector": record.producer}
    assert {"car", "bus"} <= set(found.type.tolist())
    for frame in frames:
        assert found.rank[found.frame == frame.id].tolist() == list(range(1, int((found.frame == frame.id).sum()) + 1))


def test_what_is_no_detector_is_said_so(tmp_path: Path) -> None:
    vectors = answering(tmp_path / "v.onnx", {"a": np.ones((1, 9, 9, 9), np.float32)}, [1, 3, SIDE, SIDE])
    with pytest.raises(ModelError, match="output of no detector known here; name one with --family: yolox"):
        import_model(vectors, library=tmp_path)
    with pytest.raises(ModelError, match="did you mean 'yolox'"):
        import_model(yolox(tmp_path / "x.onnx"), library=tmp_path, family="yolo-x")
    with pytest.raises(ModelError, match="gives 84 rows of 200 values, expected 336 of 200"):
        load_detector(_named(yolov8(tmp_path / "y.onnx"), tmp_path, "yolox"))(stills(1))
    with pytest.raises(ModelError, match="80 classes apart, and 2 labels were given"):
        import_model(yolov8(tmp_path / "y.onnx"), library=tmp_path, labels=("car", "bus"))
    rows = padded(np.ones((3, 7), np.float32), 200).T[None].copy()
    few = answering(tmp_path / "few.onnx", {"o": rows}, [1, 3, SIDE, SIDE])
    with pytest.raises(ModelError, match="3 classes apart, which are not COCO's; give their names with --labels"):
        import_model(few, library=tmp_path)
    import_model(few, library=tmp_path, name="cats", labels=("cat", "dog", "cow"))
    with pytest.raises(ModelError, match="no label of 'cats' is one of car"):
        load_detector(str(tmp_path / "cats.toml"))


def _named(graph: Path, library: Path, family: str) -> str:
    import_model(graph, library=library, name="misnamed", family=family, labels=("car",) * 195)
    return str(library / "misnamed.toml")


def test_stills_are_fitted_and_boxes_brought_back() -> None:
    boxes = np.array([[10.0, 20.0, 110.0, 100.0]])
    for way in ("corner", "centre", "stretch", "short-side"):
        fit = Fit(way=way, width=200, height=100, pad=114, short=100, long=150)
        for height, width in [(120, 160), (33, 400), (100, 200)]:
            there = boxes * np.array(fit.scale(height, width) * 2) + np.array(fit.offset(height, width) * 2)
            back = np.clip(boxes, 0, [width, height] * 2)
            assert fit.back(there, height, width) == pytest.approx(back, abs=1e-4)
    with pytest.raises(ModelError, match="did you mean 'centre'"):
        Fit.of({"fit": "center", "width": 1, "height": 1})


def test_pictures_are_padded_and_keep_their_content() -> None:
    image = np.zeros((50, 100, 3), np.uint8)
    image[:, 50:] = 200
    picture = Fit(way="centre", width=200, height=200, pad=114).pictures([image], np.uint8)[0]
    assert (picture[:50] == 114).all()
    assert (picture[60:140, :90] == 0).all()
    assert (picture[60:140, 110:] == 200).all()
    assert Fit(way="short-side", width=0, height=0, short=800, long=1333).shape(240, 352) == (800, 1173)
    assert Fit(way="short-side", width=0, height=0, short=800, long=1333).shape(100, 400) == (333, 1333)


def test_pixels_take_the_colour_scale_and_layout_asked_for() -> None:
    picture = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
    spec = {"colour": "BGR", "mean": [1, 2, 3], "std": [2, 2, 2], "layout": "NCHW", "dtype": "float32"}
    out = normalised(picture, spec)
    assert out.shape == (1, 3, 2, 2)
    assert out[0, :, 0, 0].tolist() == [(2 - 1) / 2, (1 - 2) / 2, (0 - 3) / 2]
    plain = normalised(picture.astype(np.uint8), {"colour": "RGB", "layout": "NHWC", "dtype": "uint8"})
    assert plain.tolist() == picture.tolist()
