"""Export the trained network to ONNX: normalisation and box decoding inside, then INT8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from training.detector.net import CONTRAST, PAD, STRIDE, Detector
from training.detector.rewrites import by_copies, by_fours

CELLS = 300
"""How many cells answer; neighbours are settled outside, for the box of a half-hidden vehicle is no peak."""
OPSET = 17


class Deployed(nn.Module):
    """The detector as the runtime sees it: uint8 stills in, boxes and scores of the likeliest cells out."""

    def __init__(self, net: Detector) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Turn uint8 RGB (B, H, W, 3) into boxes (B, K, 4) xyxy and scores (B, K, 6).

        A cell speaks for its strongest heat map. The score of an object's likeliest type is that of
        the heat map; the other types of the same map have it in proportion to their likelihood.
        """
        raw = self.net((images.permute(0, 3, 1, 2).float() - PAD) / CONTRAST)
        width = raw.shape[3]
        _, at = torch.topk(raw[:, :3].amax(1).flatten(1), CELLS)
        raw = _gather(raw, at)
        heat = raw[:, :3].sigmoid()
        heat = heat * (heat == heat.amax(1, keepdim=True))
        kinds = [_relative(raw[:, 3:6]), _relative(raw[:, 6:8]), torch.ones_like(heat[:, 2:])]
        scores = torch.cat([heat[:, g : g + 1] * kind for g, kind in enumerate(kinds)], 1)
        person = (heat[:, 2:] > 0).float()
        distances = raw[:, 8:12] * (1 - person) + raw[:, 12:16] * person
        left, top, right, bottom = (distances.clamp(-6, 5).exp() * STRIDE).unbind(1)
        x, y = ((at % width) + 0.5) * STRIDE, ((at // width) + 0.5) * STRIDE
        boxes = torch.stack([x - left, y - top, x + right, y + bottom], -1)
        return boxes, scores.transpose(1, 2)


def _gather(maps: Tensor, at: Tensor) -> Tensor:
    return maps.flatten(2).gather(2, at[:, None].expand(-1, maps.shape[1], -1))


def _relative(logits: Tensor) -> Tensor:
    return (logits - logits.amax(1, keepdim=True)).exp()


def export_float(net: Detector, path: Path) -> None:
    """Write the float32 graph."""
    net.set_slope(0.0)
    still = torch.zeros(1, 256, 352, 3, dtype=torch.uint8)
    torch.onnx.export(
        Deployed(net).eval(),
        (still,),
        str(path),
        input_names=["images"],
        output_names=["boxes", "scores"],
        dynamic_axes={"images": {0: "batch", 1: "height", 2: "width"}, "boxes": {0: "batch"}, "scores": {0: "batch"}},
        opset_version=OPSET,
        dynamo=False,
    )


class _Stills(CalibrationDataReader):
    def __init__(self, stills: list[NDArray[np.uint8]]) -> None:
        self.rest = iter(stills)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        still = next(self.rest, None)
        return None if still is None else {"images": still[None]}


def quantise(source: Path, target: Path, stills: list[NDArray[np.uint8]]) -> None:
    """Write the INT8 graph, calibrated on stills (H, W, 3); the head stays in float."""
    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    convolutions = [n for n in onnx.load(str(prepared)).graph.node if n.op_type == "Conv"]
    quantize_static(
        str(prepared),
        str(target),
        _Stills(stills),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        op_types_to_quantize=["Conv", "Relu", "Add", "Concat", "MaxPool", "Resize"],
        nodes_to_exclude=[convolutions[-1].name, *_after(prepared, convolutions[-1].name)],
    )
    prepared.unlink()
    graph = onnx.load(str(target))
    _feed_bytes(graph.graph)
    by_fours(graph.graph)
    by_copies(graph.graph)
    onnx.checker.check_model(graph)
    onnx.save(graph, str(target))


def _after(path: Path, name: str) -> list[str]:
    """Names of the nodes that follow the named one."""
    names = [n.name for n in onnx.load(str(path)).graph.node]
    return names[names.index(name) + 1 :]


def _feed_bytes(graph: onnx.GraphProto) -> None:
    """Let the first convolution read the still's bytes, which already are a quantised tensor.

    Cast, subtract, divide, quantise and dequantise become one DequantizeLinear with the padding
    colour as zero point, so nothing is lost and some passes over the pixels are saved.
    """
    users = {name: node for node in graph.node for name in node.input}
    turned = next(n for n in graph.node if n.op_type == "Transpose" and n.input[0] == "images")
    chain = [users[turned.output[0]]]
    while chain[-1].op_type != "DequantizeLinear":
        chain.append(users[chain[-1].output[0]])
    graph.initializer.append(numpy_helper.from_array(np.float32(1 / CONTRAST), "images_scale"))
    graph.initializer.append(numpy_helper.from_array(np.uint8(PAD), "images_zero_point"))
    inputs = [turned.output[0], "images_scale", "images_zero_point"]
    at = list(graph.node).index(chain[-1])
    graph.node.insert(at, helper.make_node("DequantizeLinear", inputs, [chain[-1].output[0]], "images_bytes"))
    for node in chain:
        graph.node.remove(node)
    used = {name for node in graph.node for name in node.input}
    kept = [i for i in graph.initializer if i.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
