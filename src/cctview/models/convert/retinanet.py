"""RetinaNet ResNet-50 as keras-retinanet saves it (HDF5), written as ONNX without TensorFlow.

The graph does what keras-retinanet 1.0.0 does from the resized picture on (Lin et al. 2017): mean
subtraction, ResNet-50, feature pyramid P3 to P7, both heads, anchors, decoding, clipping, and
suppression per class at IoU 0.5 of scores above 0.05, at most 300 per class. Input ``image``
float32 ``(B, H, W, 3)`` RGB 0..255; outputs ``picked`` (M, 3) still, class and anchor numbers,
``boxes`` (M, 4) xyxy pixels, ``scores`` (M,).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import ModelError
from cctview.models.convert.graph import Graph
from cctview.models.convert.normalisation import Normalisation

__all__ = ["KerasWeights", "classes_of", "retinanet_graph"]

_BLOCKS = (3, 4, 6, 3)
_LEVELS = {"P3": 8, "P4": 16, "P5": 32, "P6": 64, "P7": 128}
_RATIOS = np.array([0.5, 1.0, 2.0], np.float32)
_SCALES = np.array([2.0**0, 2.0 ** (1 / 3), 2.0 ** (2 / 3)], np.float32)
_ANCHORS = len(_RATIOS) * len(_SCALES)
_SIZE_PER_STRIDE = 4
_MEAN_RGB = (123.68, 116.779, 103.939)
_DEVIATION = 0.2
_EPSILON = 1e-5
_MAX_PER_CLASS, _IOU, _MIN_SCORE = 300, 0.5, 0.05


class KerasWeights:
    """Look up the weights of a Keras HDF5 file by layer, wherever the layer is nested; the outermost group counts.

    Raise ModelError when the file is no HDF5 file or a weight is missing or of another shape.
    """

    def __init__(self, path: Path) -> None:
        import h5py  # the extra ``convert``  # noqa: PLC0415

        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise ModelError(f"{path} is not an HDF5 file ({error}); give the .h5 file of the model") from error
        self._path = path
        self._of: dict[str, dict[str, tuple[int, Any]]] = {}
        self._file.visititems(self._note)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _note(self, name: str, item: Any) -> None:
        if not hasattr(item, "shape"):
            return
        *groups, weight = name.split("/")
        for depth, group in enumerate(groups):
            of = self._of.setdefault(group, {})
            key = weight.partition(":")[0]
            if depth < of.get(key, (depth + 1, None))[0]:
                of[key] = depth, item

    def take(self, layer: str, weight: str, rank: int, channels: int | None = None) -> NDArray[np.float32]:
        """Return one weight ``(...)`` with ``rank`` axes; ``channels`` is what the axis before the last must be."""
        _, found = self._of.get(layer, {}).get(weight, (0, None))
        if found is None:
            raise ModelError(f"{self._path} has no {layer}/{weight}: it is not keras-retinanet's ResNet-50 RetinaNet")
        wrong = len(found.shape) != rank or (channels is not None and found.shape[-2] != channels)
        if wrong or found.size > 1e8:
            raise ModelError(f"{self._path}: {layer}/{weight} has the shape {found.shape}, which does not fit")
        return np.asarray(found, np.float32)

    def kernel(self, layer: str, channels: int | None = None) -> NDArray[np.float32]:
        """Return a convolution's kernel as ``(O, I, H, W)``; Keras keeps ``(H, W, I, O)``."""
        return np.ascontiguousarray(self.take(layer, "kernel", 4, channels).transpose(3, 2, 0, 1))

    def normalisation(self, layer: str) -> Normalisation:
        """Return a batch normalisation."""
        gamma, beta, mean, variance = (
            self.take(layer, weight, 1) for weight in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return Normalisation(gamma=gamma, beta=beta, mean=mean, variance=variance, epsilon=_EPSILON)


def classes_of(weights: KerasWeights) -> int:
    """Return how many classes the model tells apart."""
    return int(weights.take("pyramid_classification", "bias", 1).size) // _ANCHORS


def retinanet_graph(weights: KerasWeights) -> bytes:
    """Return the ONNX model of these weights; raise ModelError when they are another network's."""
    graph = Graph("retinanet-resnet50")
    c3, c4, c5 = _backbone(graph, weights)
    levels = _pyramid(graph, weights, c3, c4, c5)
    regression = _head(graph, weights, "pyramid_regression", list(levels.values()), 4)
    classes = classes_of(weights)
    logits = _head(graph, weights, "pyramid_classification", list(levels.values()), classes)
    boxes = _clipped(graph, _decoded(graph, _anchors(graph, levels), regression))
    _picked(graph, boxes, graph.op("Transpose", graph.op("Sigmoid", logits), perm=[0, 2, 1]))
    return graph.serialised(
        {"image": ("float32", ("batch", "height", "width", 3))},
        {"picked": ("int64", ("found", 3)), "boxes": ("float32", ("found", 4)), "scores": ("float32", ("found",))},
    )


def _backbone(graph: Graph, weights: KerasWeights) -> tuple[str, str, str]:
    """Add ResNet-50; return C3, C4 and C5."""
    centred = graph.op("Sub", "image", graph.constant(_MEAN_RGB))
    value = graph.op("Transpose", centred, perm=[0, 3, 1, 2])
    kernel, bias = weights.normalisation("bn_conv1").folded(weights.kernel("conv1", 3)[:, ::-1])  # trained on BGR
    value = graph.op("Relu", graph.conv(value, kernel, bias, strides=[2, 2], auto_pad="SAME_UPPER"))
    value = graph.op("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    channels, stages = len(bias), []
    for stage, blocks in enumerate(_BLOCKS):
        for block in range(blocks):
            value, channels = _bottleneck(graph, weights, value, channels, stage, block)
        stages.append(value)
    return stages[1], stages[2], stages[3]


def _bottleneck(
    graph: Graph, weights: KerasWeights, value: str, channels: int, stage: int, block: int
) -> tuple[str, int]:
    name = f"{stage + 2}{chr(ord('a') + block)}_branch"
    stride = 2 if block == 0 and stage > 0 else 1

    def folded(branch: str, given: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return weights.normalisation(f"bn{name}{branch}").folded(weights.kernel(f"res{name}{branch}", given))

    first, second_bias = folded("2a", channels)
    inner = graph.op("Relu", graph.conv(value, first, second_bias, strides=[stride, stride]))
    middle, bias = folded("2b", len(first))
    inner = graph.op("Relu", graph.conv(inner, middle, bias, pads=[1, 1, 1, 1]))
    last, bias = folded("2c", len(middle))
    inner = graph.conv(inner, last, bias)
    if block == 0:
        shortcut, bias = folded("1", channels)
        value = graph.conv(value, shortcut, bias, strides=[stride, stride])
    return graph.op("Relu", graph.op("Add", inner, value)), len(last)


def _pyramid(graph: Graph, weights: KerasWeights, c3: str, c4: str, c5: str) -> dict[str, str]:
    """Add the feature pyramid; return P3 to P7."""

    def conv(layer: str, value: str, stride: int = 1) -> str:
        bias = weights.take(layer, "bias", 1)
        return graph.conv(value, weights.kernel(layer), bias, strides=[stride, stride], auto_pad="SAME_UPPER")

    p5 = conv("C5_reduced", c5)
    p4 = graph.op("Add", _like(graph, p5, c4), conv("C4_reduced", c4))
    p3 = graph.op("Add", _like(graph, p4, c3), conv("C3_reduced", c3))
    p6 = conv("P6", c5, 2)
    p7 = conv("P7", graph.op("Relu", p6), 2)
    return {"P3": conv("P3", p3), "P4": conv("P4", p4), "P5": conv("P5", p5), "P6": p6, "P7": p7}


def _like(graph: Graph, value: str, target: str) -> str:
    """Add nearest-neighbour enlargement to the size of ``target``, as TensorFlow 1 rounds it."""
    own, wanted = graph.op("Shape", value, end=2), graph.op("Shape", target, start=2)
    sizes = graph.op("Concat", own, wanted, axis=0)
    rule = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    return graph.op("Resize", value, "", "", sizes, **rule)


def _head(graph: Graph, weights: KerasWeights, name: str, levels: list[str], values: int) -> str:
    """Add a head to every level; return ``(B, anchors, values)``."""
    layers = [*(f"{name}_{number}" for number in range(4)), name]
    kernels = [graph.constant(weights.kernel(layer)) for layer in layers]
    biases = [graph.constant(weights.take(layer, "bias", 1)) for layer in layers]
    shape = graph.constant([0, -1, values], np.int64)
    outputs = []
    for level in levels:
        value = level
        for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
            value = graph.op("Relu", graph.op("Conv", value, kernel, bias, pads=[1, 1, 1, 1]))
        value = graph.op("Conv", value, kernels[-1], biases[-1], pads=[1, 1, 1, 1])
        outputs.append(graph.op("Reshape", graph.op("Transpose", value, perm=[0, 2, 3, 1]), shape))
    return graph.op("Concat", *outputs, axis=1)


def _anchors(graph: Graph, levels: dict[str, str]) -> str:
    """Add the anchors of all levels: ``(anchors, 4)``, nine at the middle of every cell."""
    return graph.op("Concat", *_anchors_by_level(graph, levels), axis=0)


def _anchors_by_level(graph: Graph, levels: dict[str, str]) -> Iterator[str]:
    last, first = graph.constant([-1], np.int64), graph.constant([0], np.int64)
    rows = graph.constant([-1, 4], np.int64)
    for name, stride in _LEVELS.items():
        size = graph.op("Shape", levels[name], start=2)
        x = graph.op("Unsqueeze", _middles(graph, levels[name], 3, stride), first)
        y = graph.op("Unsqueeze", _middles(graph, levels[name], 2, stride), last)
        x, y = (graph.op("Unsqueeze", graph.op("Expand", part, size), last) for part in (x, y))
        cells = graph.op("Reshape", graph.op("Concat", x, y, x, y, axis=2), rows)
        spread = graph.op("Add", graph.op("Unsqueeze", cells, graph.constant([1], np.int64)), _shapes(graph, stride))
        yield graph.op("Reshape", spread, rows)


def _middles(graph: Graph, level: str, axis: int, stride: int) -> str:
    extent = graph.op("Squeeze", graph.op("Shape", level, start=axis, end=axis + 1))
    cells = graph.op("Range", graph.constant(0, np.int64), extent, graph.constant(1, np.int64))
    floats = graph.op("Cast", cells, to=1)
    return graph.op("Mul", graph.op("Add", floats, graph.constant(0.5)), graph.constant(stride))


def _shapes(graph: Graph, stride: int) -> str:
    """Add the nine anchors ``(1, 9, 4)`` of a level around the origin."""
    side = np.tile(_SIZE_PER_STRIDE * stride * _SCALES, len(_RATIOS)).astype(np.float64)
    ratio = np.repeat(_RATIOS, len(_SCALES)).astype(np.float64)
    width = np.sqrt(side * side / ratio)
    height = width * ratio
    return graph.constant(np.stack([-width, -height, width, height], axis=1)[None] / 2)


def _decoded(graph: Graph, anchors: str, regression: str) -> str:
    """Add the decoding: each side moves by 0.2 x its value x the anchor's width or height."""
    two = graph.constant([2], np.int64)
    low, high = graph.ops("Split", 2, anchors, graph.constant([2, 2], np.int64), axis=1)
    extent = graph.op(
        "Tile", graph.op("Sub", high, low), graph.op("Concat", graph.constant([1], np.int64), two, axis=0)
    )
    moved = graph.op("Mul", graph.op("Mul", regression, graph.constant(_DEVIATION)), extent)
    return graph.op("Add", moved, anchors)


def _clipped(graph: Graph, boxes: str) -> str:
    size = graph.op("Cast", graph.op("Shape", "image", start=1, end=3), to=1)
    height, width = graph.ops("Split", 2, graph.op("Sub", size, graph.constant(1)), axis=0)
    high = graph.op("Concat", width, height, width, height, axis=0)
    return graph.op("Min", graph.op("Max", boxes, graph.constant(0)), high)


def _picked(graph: Graph, boxes: str, scores: str) -> None:
    """Add the suppression per class over ``boxes`` (B, A, 4) and ``scores`` (B, classes, A)."""
    limits = (graph.constant([_MAX_PER_CLASS], np.int64), graph.constant([_IOU]), graph.constant([_MIN_SCORE]))
    picked = graph.op("NonMaxSuppression", boxes, scores, *limits)
    anchor = graph.op("Gather", picked, graph.constant([0, 2], np.int64), axis=1)
    graph.named(picked, "picked")
    graph.named(graph.op("GatherND", boxes, anchor), "boxes")
    graph.named(graph.op("GatherND", scores, picked), "scores")
