"""Write the network as ONNX, and check that the file says what the network says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from training.embedder.crops import MARGIN, Image, cut_all
from training.embedder.data import Boxes, Floats
from training.embedder.net import Embedder

OPSET = 17
LEAST_AGREEMENT = 0.998


def session(path: Path) -> ort.InferenceSession:
    """Open the file on one thread of the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def write(net: Embedder, path: Path) -> None:
    """Write `net` with a free batch size; replace the file in one step."""
    temporary = path.with_suffix(".tmp")
    size = net.shape.size
    axes = {"crops": {0: "crops"}, "vectors": {0: "crops"}}
    torch.onnx.export(
        net.eval(),
        (torch.zeros(2, size, size, 3, dtype=torch.uint8),),
        str(temporary),
        input_names=["crops"],
        output_names=["vectors"],
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.checker.check_model(str(temporary))
    temporary.replace(path)


class _Crops(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, crops: Image) -> None:
        self.batches: Iterator[Image] = iter(np.array_split(crops, len(crops) // 32))

    def get_next(self) -> dict[str, Image] | None:
        batch = next(self.batches, None)
        return None if batch is None else {"crops": batch}


def sample(stack: Image, boxes: Boxes, size: int, count: int = 512) -> Image:
    """Return clean crops of some boxes, always the same ones."""
    rows = np.random.default_rng(0).choice(len(boxes), count, replace=False)
    return cut_all(stack, boxes.frame[rows], boxes.xyxy[rows], size)


def write_small(net: Embedder, path: Path, crops: Image) -> None:
    """Write `net` with 8-bit convolutions, unless that changes what it says of the crops."""
    full = path.with_suffix(".full")
    write(net, full)
    quantise(full, path, crops)
    agreement = (vectors_of(full, crops) * vectors_of(path, crops)).sum(axis=1)
    if agreement.mean() < LEAST_AGREEMENT:
        full.replace(path)
    full.unlink(missing_ok=True)


def quantise(source: Path, target: Path, crops: Image) -> None:
    """Write `source` with 8-bit convolutions, their ranges learnt from real crops."""
    temporary, ready = target.with_suffix(".tmp"), target.with_suffix(".pre")
    quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
    quantize_static(
        str(ready),
        str(temporary),
        _Crops(crops),
        op_types_to_quantize=["Conv", "Add"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    ready.unlink()
    temporary.replace(target)


def vectors_of(path: Path, crops: Image, batch: int = 64) -> Floats:
    """Return what the file says of the crops."""
    run = session(path)
    parts = [run.run(["vectors"], {"crops": crops[begin : begin + batch]})[0] for begin in range(0, len(crops), batch)]
    return np.concatenate(parts)


def side_of(path: Path) -> int:
    """Return the side of the crops that the file takes."""
    return int(session(path).get_inputs()[0].shape[1])


def speed_ms(path: Path, batch: int = 64, repeats: int = 40) -> float:
    """Return the least time for one crop in milliseconds, one thread, batches of 64."""
    run, size = session(path), side_of(path)
    crops = np.random.default_rng(0).integers(0, 255, (batch, size, size, 3), np.uint8)
    spent = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run.run(["vectors"], {"crops": crops})
        spent.append(time.perf_counter() - begin)
    return min(spent) / batch * 1e3


def digest(path: Path) -> str:
    """Return the sha256 of the file."""
    return sha256(path.read_bytes()).hexdigest()


def save_record(weights: Path, version: str, table: dict[str, Any], speed: float) -> None:
    """Write the TOML record beside the weights; replace it in one step."""
    cells = table["cctview-reid"]["tracklets"].items()
    text = RECORD.format(
        version=version,
        file=weights.name,
        sha256=digest(weights),
        dimension=session(weights).get_outputs()[0].shape[1],
        size=side_of(weights),
        margin=MARGIN,
        speed=speed,
        accuracy="\n".join(_accuracy(name, cell) for name, cell in cells),
    )
    temporary = weights.with_suffix(".toml.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(weights.with_suffix(".toml"))


def _accuracy(name: str, cell: dict[str, float]) -> str:
    rows = (
        f'[[accuracy]]\nwhat = "{key}"\ndata = "fdr links {name}, tracklets"\nvalue = {value}\n'
        for key, value in cell.items()
    )
    return "\n".join(rows)


RECORD = """\
name = "cctview-reid"
version = "{version}"
task = "embedding"
file = "{file}"
sha256 = "{sha256}"
licence = "MIT"
origin = "trained from scratch by training/embedder of this project"
trained_on = [
  "stills of five FDR Drive cameras with the original's boxes, then with those of cctview-det 1.2.0, and the original's DenseNet201 features as a teacher: samdbrice/cctview-data-frames (MIT)",
  "370 crops of vehicles seen by two cameras: Khoa-Nguyen-Truong/Vehicle-Re-ID-Dataset (Apache-2.0)",
]
dimension = {dimension}
min_size_px = 11

[speed]
ms_per_crop = {speed:.3f}
batch = 64
threads = 1

[input]
layout = "NHWC"
dtype = "uint8"
colour = "RGB"
width = {size}
height = {size}
margin = {margin}

{accuracy}"""
