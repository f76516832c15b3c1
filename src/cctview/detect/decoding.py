"""Outputs of other people's detector graphs, as boxes and scores.

Every function takes the outputs by name and the ``(height, width)`` of the pictures, and returns
boxes ``(B, K, 4)`` xyxy in picture pixels and scores ``(B, K, classes)``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import ModelError

__all__ = ["DECODERS", "Decoded", "Decoder"]

Floats = NDArray[np.float32]
Outputs = Mapping[str, NDArray[Any]]
Decoded = tuple[Floats, Floats]
Decoder = Callable[[Outputs, tuple[int, int], int], Decoded]
_FINE = (8, 16, 32)
_COARSE = (8, 16, 32, 64)
_MOST = 300
_IN_PIXELS = 8.0  # offsets within a cell are parts of it; centres in pixels are tens and hundreds
_SHARE = 2.0  # boxes as shares of the picture lie hardly outside of it


def yolox(outputs: Outputs, size: tuple[int, int], classes: int) -> Decoded:
    """Decode centres and log sizes per cell, with one "something is here" score (Ge et al. 2021)."""
    rows = _only(outputs)
    strides = _COARSE if rows.shape[1] == len(_grid(size, _COARSE)[0]) else _FINE
    cell, stride = _grid(size, strides)
    _require(rows, len(cell), 5 + classes)
    if np.median(np.abs(rows[..., :2])) > _IN_PIXELS:  # exported with --decode_in_inference
        return _boxes(rows[..., :2], rows[..., 2:4]), rows[..., 5:] * rows[..., 4:5]
    centre = (rows[..., :2] + cell) * stride
    return _boxes(centre, np.exp(rows[..., 2:4]) * stride), rows[..., 5:] * rows[..., 4:5]


def yolov5(outputs: Outputs, _size: tuple[int, int], classes: int) -> Decoded:
    """Read centres and sizes in pixels, with one "something is here" score."""
    rows = _only(outputs)
    _require(rows, None, 5 + classes)
    return _boxes(rows[..., :2], rows[..., 2:4]), rows[..., 5:] * rows[..., 4:5]


def yolov8(outputs: Outputs, _size: tuple[int, int], classes: int) -> Decoded:
    """Read centres and sizes in pixels, and scores; rows and columns are exchanged.

    What follows the scores, the weights of masks or the points of a pose, is left alone.
    """
    rows = _only(outputs).transpose(0, 2, 1)
    _require(rows[..., : 4 + classes], None, 4 + classes)
    return _boxes(rows[..., :2], rows[..., 2:4]), rows[..., 4 : 4 + classes]


def yolo_end2end(outputs: Outputs, size: tuple[int, int], classes: int) -> Decoded:
    """Read rows of box, score, class: corners in pixels, or RT-DETR's boxes as shares of the picture.

    Shares are corners, or centre and size where they cannot be corners.
    """
    rows = _only(outputs)
    _require(rows, None, 6)
    boxes = rows[..., :4]
    if np.abs(boxes).max(initial=0) <= _SHARE:
        likely = boxes[rows[..., 4] > 0]
        if (likely[:, 2:] < likely[:, :2]).any():
            boxes = _boxes(boxes[..., :2], boxes[..., 2:])
        boxes = boxes * np.array([size[1], size[0]] * 2, np.float32)
    return boxes, _one_hot(rows[..., 5], rows[..., 4], classes)


def yolov7_end2end(outputs: Outputs, _size: tuple[int, int], classes: int) -> Decoded:
    """Read rows of still, x1, y1, x2, y2, class, score in pixels (YOLOv7's --end2end --max-wh)."""
    rows = _only(outputs)
    still = rows[:, 0].astype(np.int64)
    order = np.argsort(still, kind="stable")
    count = np.bincount(still) if len(still) else np.zeros(1, np.int64)
    place = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    boxes = np.zeros((len(count), int(count.max(initial=0)), 4), np.float32)
    scores = np.zeros((*boxes.shape[:2], classes), np.float32)
    boxes[still[order], place] = rows[order, 1:5]
    scores[still[order], place] = _one_hot(rows[order, 5], rows[order, 6], classes)
    return boxes, scores


def yolo_nms(outputs: Outputs, _size: tuple[int, int], classes: int) -> Decoded:
    """Read the four outputs of a graph that ends in NMS: how many, corners in pixels, scores and classes."""
    named = {_short(name): np.asarray(value) for name, value in outputs.items()}
    boxes, score = named["det_boxes"].astype(np.float32), named["det_scores"]
    there = np.arange(score.shape[1]) < named["num_dets"].reshape(-1, 1)
    return boxes, _one_hot(named["det_classes"], np.where(there, score, 0), classes)


def detr(outputs: Outputs, size: tuple[int, int], classes: int) -> Decoded:
    """Read the outputs of RT-DETR, D-FINE and RF-DETR, in any of their three ways of writing them."""
    named = {_short(name): value for name, value in outputs.items()}
    if {"labels", "boxes", "scores"} <= named.keys():
        return named["boxes"], _one_hot(named["labels"], named["scores"], classes)
    if len(named) == 1:
        rows = _only(outputs)
        _require(rows, None, 4 + classes)
        boxes, scores = rows[..., :4], rows[..., 4:]
    else:
        boxes = _named(named, "pred_boxes", "dets")
        scores = _sigmoid(_named(named, "logits", "labels"))
    across = np.array([size[1], size[0]], np.float32)
    return _boxes(boxes[..., :2] * across, boxes[..., 2:4] * across), scores


def nanodet(outputs: Outputs, size: tuple[int, int], classes: int) -> Decoded:
    """Decode distances to four sides as means of distributions (Li et al. 2020), in one output or by level."""
    scores, bins = _nanodet_parts(list(outputs.values()), classes)
    levels = {len(_grid(size, strides)[0]): strides for strides in (_FINE, _COARSE)}
    if scores.shape[1] not in levels:
        raise ModelError(f"{scores.shape[1]} cells do not fit a {size[1]}x{size[0]} picture; import it with its size")
    strides = levels[scores.shape[1]]
    cell, stride = _grid(size, strides)
    middle = (cell + (0.0 if strides is _COARSE else 0.5)) * stride
    spread = _softmax(bins.reshape(*bins.shape[:2], 4, -1))
    sides = (spread @ np.arange(spread.shape[-1], dtype=np.float32)) * stride
    boxes = np.concatenate([middle - sides[..., :2], middle + sides[..., 2:]], axis=-1)
    return boxes.astype(np.float32), scores if scores.min() >= 0 and scores.max() <= 1 else _sigmoid(scores)


def ssd(outputs: Outputs, size: tuple[int, int], classes: int) -> Decoded:
    """Read TensorFlow's boxes after suppression: y1, x1, y2, x2 as shares, and class numbers."""
    named = {_short(name): value for name, value in outputs.items()}
    high, wide = size
    boxes = named["detection_boxes"][..., [1, 0, 3, 2]] * np.array([wide, high, wide, high], np.float32)
    return boxes, _one_hot(named["detection_classes"], named["detection_scores"], classes)


def ssd_torchvision(outputs: Outputs, size: tuple[int, int], classes: int) -> Decoded:
    """Read boxes after suppression: x1, y1, x2, y2 as shares or pixels, and class numbers."""
    named = {_short(name): _batched(value) for name, value in outputs.items()}
    boxes = _batched(_named(named, "bboxes", "boxes"), 3)
    if boxes.max(initial=0) <= 2:
        boxes = boxes * np.array([size[1], size[0]] * 2, np.float32)
    return boxes, _one_hot(named["labels"], named["scores"], classes)


def retinanet(outputs: Outputs, _size: tuple[int, int], classes: int) -> Decoded:
    """Read what the imported RetinaNet picked, at most 300 per still as keras-retinanet."""
    still, label = outputs["picked"][:, 0], outputs["picked"][:, 1]
    order = np.lexsort([-outputs["scores"], still])
    count = np.bincount(still) if len(still) else np.zeros(1, np.int64)
    place = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
    order, place = order[place < _MOST], place[place < _MOST]
    width = int(min(count.max(initial=0), _MOST))
    boxes = np.zeros((len(count), width, 4), np.float32)
    scores = np.zeros((len(count), width, classes), np.float32)
    boxes[still[order], place] = outputs["boxes"][order]
    scores[still[order], place, label[order]] = outputs["scores"][order]
    return boxes, scores


DECODERS: Mapping[str, Decoder] = {
    "yolox": yolox,
    "yolov5": yolov5,
    "yolov8": yolov8,
    "yolo-end2end": yolo_end2end,
    "yolo-nms": yolo_nms,
    "yolov7-end2end": yolov7_end2end,
    "rt-detr": detr,
    "rf-detr": detr,
    "nanodet": nanodet,
    "ssd": ssd,
    "ssd-torchvision": ssd_torchvision,
    "retinanet": retinanet,
}


def _only(outputs: Outputs) -> Floats:
    return np.asarray(next(iter(outputs.values())), np.float32)


def _short(name: str) -> str:
    return name.partition(":")[0].rpartition("/")[2].lower()


def _named(outputs: Outputs, *names: str) -> Floats:
    return np.asarray(next(outputs[name] for name in names if name in outputs), np.float32)


def _require(rows: Floats, count: int | None, width: int) -> None:
    if rows.shape[-1] != width or count not in (None, rows.shape[1]):
        raise ModelError(
            f"the graph gives {rows.shape[1]} rows of {rows.shape[2]} values, expected {count or 'any'} of {width}; "
            "import it with its own labels, size and family"
        )


def _grid(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return column and row ``(cells, 2)`` and stride ``(cells, 1)`` of every cell of all levels."""
    shapes = [(-(-size[0] // stride), -(-size[1] // stride)) for stride in strides]
    cell = np.concatenate([np.stack(np.meshgrid(np.arange(w), np.arange(h)), -1).reshape(-1, 2) for h, w in shapes])
    stride = np.repeat(strides, [h * w for h, w in shapes])[:, None]
    return cell.astype(np.float32), stride.astype(np.float32)


def _boxes(centre: Floats, extent: Floats) -> Floats:
    return np.concatenate([centre - extent / 2, centre + extent / 2], axis=-1)


def _one_hot(label: NDArray[Any], score: NDArray[Any], classes: int) -> Floats:
    """Return scores ``(B, K, classes)`` from class numbers and scores ``(B, K)``; unknown classes get none."""
    numbers = np.asarray(label).astype(np.int64)
    return (numbers[..., None] == np.arange(classes)) * np.asarray(score, np.float32)[..., None]


def _sigmoid(values: Floats) -> Floats:
    return (1 / (1 + np.exp(-values.clip(-80, 80)))).astype(np.float32)


def _softmax(values: Floats) -> Floats:
    grown = np.exp(values - values.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def _batched(values: NDArray[Any], rank: int = 2) -> NDArray[Any]:
    return values[None] if values.ndim < rank else values


def _nanodet_parts(parts: list[NDArray[Any]], classes: int) -> Decoded:
    """Return scores ``(B, cells, classes)`` and distances ``(B, cells, 4 * bins)``."""
    if len(parts) == 1:
        rows = np.asarray(parts[0], np.float32)
        return rows[..., :classes], rows[..., classes:]
    by_size = sorted((_batched(part, 3) for part in parts), key=lambda part: -part.shape[1])
    scores = [part for part in by_size if part.shape[-1] == classes]
    bins = [part for part in by_size if part.shape[-1] != classes]
    return np.concatenate(scores, axis=1), np.concatenate(bins, axis=1)
