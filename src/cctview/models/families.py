"""The kinds of detector graphs others publish: how to tell them, and what pictures they expect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FAMILIES", "Family", "Shape", "cells", "family_of"]

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
_FEW = 1000
_BATCHED_ROW = 7  # still, x1, y1, x2, y2, class, score
_FINE = (8, 16, 32)
_COARSE = (8, 16, 32, 64)
_PLAIN = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
_UNIT = {"mean": [0.0, 0.0, 0.0], "std": [255.0, 255.0, 255.0]}
_IMAGENET = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}
_NANODET_BINS = (32, 44)


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of outputs.

    ``pixels`` are the values of ``[input]`` its pictures need, ``size`` height and width where the
    graph takes any, ``classes`` how many classes the outputs tell apart (0: they do not say).
    """

    name: str
    pixels: Mapping[str, Any]
    size: tuple[int, int] = (640, 640)
    classes: Callable[[Shapes, tuple[int, int]], int]
    nms_iou: float = 0.6
    threshold: float = 0.4


def cells(size: tuple[int, int], strides: tuple[int, ...]) -> int:
    """Return the number of cells of all levels for pictures of this height and width."""
    return sum(-(-size[0] // stride) * -(-size[1] // stride) for stride in strides)


def _last(offset: int) -> Callable[[Shapes, tuple[int, int]], int]:
    return lambda outputs, _: max(next(iter(outputs.values()))[-1] - offset, 0)


def _unknown(_outputs: Shapes, _size: tuple[int, int]) -> int:
    return 0


def _second_axis(outputs: Shapes, _size: tuple[int, int]) -> int:
    return max(next(iter(outputs.values()))[1] - 4, 0)


def _detr_classes(outputs: Shapes, _size: tuple[int, int]) -> int:
    if len(outputs) == 1:
        return _last(4)(outputs, _size)
    wide = [shape[-1] for shape in outputs.values() if len(shape) == 3 and shape[-1] != 4]
    return wide[0] if wide else 0


def _nanodet_classes(outputs: Shapes, _size: tuple[int, int]) -> int:
    widths = [shape[-1] for shape in outputs.values()]
    if len(widths) > 1:
        return next((width for width in widths if width not in _NANODET_BINS), 0)
    return next((widths[0] - bins for bins in _NANODET_BINS if widths[0] - bins in (80, 1)), max(widths[0] - 32, 0))


_PADDED = {"fit": "corner", "pad": 114}
_CENTRED = {"fit": "centre", "pad": 114}
_STRETCHED = {"fit": "stretch", "pad": 0}
_FAMILIES = (
    Family(name="yolox", pixels={"colour": "BGR", **_PADDED, **_PLAIN}, classes=_last(5)),
    Family(name="yolov5", pixels={"colour": "RGB", **_CENTRED, **_UNIT}, classes=_last(5)),
    Family(name="yolov8", pixels={"colour": "RGB", **_CENTRED, **_UNIT}, classes=_second_axis),
    Family(name="yolo-end2end", pixels={"colour": "RGB", **_CENTRED, **_UNIT}, classes=_unknown),
    Family(name="yolov7-end2end", pixels={"colour": "RGB", **_CENTRED, **_UNIT}, classes=_unknown),
    Family(name="yolo-nms", pixels={"colour": "RGB", **_CENTRED, **_UNIT}, classes=_unknown),
    Family(name="rt-detr", pixels={"colour": "RGB", **_STRETCHED, **_UNIT}, classes=_detr_classes),
    Family(name="rf-detr", pixels={"colour": "RGB", **_STRETCHED, **_IMAGENET}, size=(560, 560), classes=_detr_classes),
    Family(
        name="nanodet",
        pixels={"colour": "BGR", **_STRETCHED, "mean": [103.53, 116.28, 123.675], "std": [57.375, 57.12, 58.395]},
        size=(416, 416),
        classes=_nanodet_classes,
    ),
    Family(name="ssd", pixels={"colour": "RGB", **_STRETCHED, **_PLAIN}, size=(300, 300), classes=_unknown),
    Family(name="ssd-torchvision", pixels={"colour": "RGB", **_STRETCHED, **_IMAGENET}, classes=_unknown),
    Family(
        name="retinanet",
        pixels={"colour": "RGB", "fit": "short-side", "pad": 0, "short": 800, "long": 1333, **_PLAIN},
        size=(128, 128),
        classes=_unknown,
        nms_iou=1.0,
    ),
)
FAMILIES: Mapping[str, Family] = {family.name: family for family in _FAMILIES}


def family_of(inputs: Shapes, outputs: Shapes, size: tuple[int, int]) -> Family | None:
    """Return the family whose outputs these are, judging by names and shapes, or None."""
    name = _by_names(inputs, outputs) or (_by_shape(outputs, size) if len(outputs) == 1 else _with_masks(outputs))
    return FAMILIES[name] if name else None


def _with_masks(outputs: Shapes) -> str | None:
    """Tell YOLOv8's segmentation: rows with the weights of masks, and the masks (B, 32, H, W)."""
    shapes = list(outputs.values())
    return "yolov8" if len(shapes) == 2 and [len(shape) for shape in shapes] == [3, 4] else None


def _by_names(inputs: Shapes, outputs: Shapes) -> str | None:
    names = {name.partition(":")[0].rpartition("/")[2].lower() for name in outputs}
    known = {
        "yolo-nms": {"num_dets", "det_boxes", "det_scores", "det_classes"} <= names,
        "retinanet": {"picked", "boxes", "scores"} <= names,
        "ssd": {"detection_boxes", "detection_scores", "detection_classes"} <= names,
        "rf-detr": names == {"dets", "labels"},
        "rt-detr": {"logits", "pred_boxes"} <= names or ({"labels", "boxes", "scores"} <= names and len(inputs) == 2),
        "ssd-torchvision": bool(names & {"bboxes", "boxes"}) and {"labels", "scores"} <= names and len(inputs) == 1,
        "nanodet": len(names) in (6, 8) and all(len(shape) == 3 for shape in outputs.values()),
    }
    return next((family for family, fits in known.items() if fits), None)


def _by_shape(outputs: Shapes, size: tuple[int, int]) -> str | None:
    shape = next(iter(outputs.values()))
    if len(shape) == 2:
        return "yolov7-end2end" if shape[1] == _BATCHED_ROW else None
    if len(shape) != 3:
        return None
    rows, width = shape[1:]
    by_cells = _by_cells(rows, width, size)
    if by_cells:
        return by_cells
    if width == 6 and rows <= _FEW:
        return "yolo-end2end"
    if 4 < rows < width or (4 < rows < _FEW and width == 0):
        return "yolov8"
    return "rt-detr" if 0 < rows <= _FEW and width > 4 else None


def _by_cells(rows: int, width: int, size: tuple[int, int]) -> str | None:
    nanodet = width - 80 in _NANODET_BINS
    if not all(size):
        return "nanodet" if nanodet else "yolox" if width == 85 and not rows else None
    fits = {
        "nanodet": rows == cells(size, _COARSE) or (rows == cells(size, _FINE) and nanodet),
        "yolox": rows == cells(size, _FINE),
        "yolov5": rows == 3 * cells(size, _FINE),
    }
    return next((family for family, fit in fits.items() if fit), None)
