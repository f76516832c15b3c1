"""Small ONNX graphs that answer every picture alike, in other people's layouts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, UINT8, INT64 = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT64
KINDS = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}


def answering(
    path: Path,
    outputs: Mapping[str, np.ndarray],
    picture: list[int | str],
    *,
    dtype: int = FLOAT,
    extra: str = "",
    batched: bool = True,
) -> Path:
    """Write a graph whose outputs are these arrays, repeated for every picture of a batch."""
    nodes = [
        helper.make_node("Shape", ["images"], ["count"], start=0, end=1),
        helper.make_node("Constant", [], ["one"], value=numpy_helper.from_array(np.array([1, 1], np.int64))),
    ]
    values = []
    for name, array in outputs.items():
        constant = numpy_helper.from_array(array, f"{name}-constant")
        ones = numpy_helper.from_array(np.ones(array.ndim - 1, np.int64))
        nodes += [
            helper.make_node("Constant", [], [f"{name}-value"], value=constant),
            helper.make_node("Constant", [], [f"{name}-ones"], value=ones),
            helper.make_node("Concat", ["count", f"{name}-ones"], [f"{name}-repeats"], axis=0),
            helper.make_node("Tile", [f"{name}-value", f"{name}-repeats"], [name]),
        ]
        shape = [picture[0], *array.shape[1:]] if batched else list(array.shape)
        values.append(helper.make_tensor_value_info(name, KINDS[array.dtype], shape))
    inputs = [helper.make_tensor_value_info("images", dtype, picture)]
    if extra:
        inputs.append(helper.make_tensor_value_info(extra, INT64, [picture[0], 2]))
    graph = helper.make_graph(nodes, "answering", inputs, values)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path
