"""Paste vehicles of other cities into training windows."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.detector.fuse import iou
from training.detector.net import LABELS
from training.detector.stills import Image, read_rgb
from training.detector.targets import Boxes


@dataclass(frozen=True)
class Cutout:
    """A vehicle cut out tightly: RGB pixels, a mask in [0, 1], and its type's column."""

    image: Image
    mask: NDArray[np.float32]
    type: int


def cutouts(folder: Path) -> list[Cutout]:
    """Read the crops of `reid-two-cameras` and cut the vehicles out of the road."""
    with (folder / "labels.csv").open() as lines:
        return [_cut(read_rgb(folder / row["path"]), LABELS.index(row["type"])) for row in csv.DictReader(lines)]


def _cut(image: Image, type_: int) -> Cutout:
    """GrabCut (Rother et al. 2004) from a frame of one pixel; too small a result keeps the crop whole."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image, mask, (2, 2, width - 4, height - 4), *models, 3, cv2.GC_INIT_WITH_RECT)
    front = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    if front.mean() < 0.45:
        front[:] = 1.0
    return Cutout(image, np.asarray(cv2.GaussianBlur(front, (3, 3), 0), np.float32), type_)


def paste(rng: Generator, image: Image, labels: Boxes, stock: list[Cutout], most: int = 7) -> tuple[Image, Boxes]:
    """Put some vehicles on the lower part of a window, nearer ones larger and in front."""
    height, width = image.shape[:2]
    out, boxes = image.copy(), labels
    horizon, size = rng.uniform(0.0, 0.5) * height, np.exp(rng.uniform(np.log(22), np.log(120)))
    feet = np.sort(rng.uniform(horizon + 4, height * 1.05, int(rng.integers(1, most + 1))))
    for foot in feet:
        side = size * (0.12 + 0.88 * (foot - horizon) / (height - horizon)) * np.exp(rng.normal(0, 0.1))
        if side >= 9:
            out, boxes = _paste_one(rng, out, boxes, stock[int(rng.integers(len(stock)))], side, foot, width)
    return out, boxes


def _paste_one(
    rng: Generator, image: Image, labels: Boxes, cutout: Cutout, side: float, foot: float, width: int
) -> tuple[Image, Boxes]:
    big = cutout.type in (LABELS.index("truck"), LABELS.index("bus"))
    scale = side * (1.5 if big else 1.0) / np.sqrt(cutout.mask.size)
    w, h = (max(4, round(s * scale)) for s in cutout.image.shape[1::-1])
    x, y = int(rng.uniform(-0.2 * w, width - 0.8 * w)), round(foot - h)
    box = np.array([[x, y, x + w, y + h]], np.float32)
    if len(labels.box) and iou(box, labels.box[~labels.ignored]).max(initial=0) > 0.12:
        return image, labels
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels, mask = (cv2.resize(a, (w, h), interpolation=method) for a in (cutout.image, cutout.mask))
    if rng.random() < 0.5:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    tone = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.05, 3))
    clipped = np.array([max(x, 0), max(y, 0), min(x + w, image.shape[1]), min(y + h, image.shape[0])])
    x1, y1, x2, y2 = clipped
    if x2 - x1 < 5 or y2 - y1 < 5:
        return image, labels
    alpha = mask[y1 - y : y2 - y, x1 - x : x2 - x, None]
    front = (pixels[y1 - y : y2 - y, x1 - x : x2 - x] * tone).clip(0, 255)
    image[y1:y2, x1:x2] = (image[y1:y2, x1:x2] * (1 - alpha) + front * alpha).astype(np.uint8)
    return image, _add(labels, clipped.astype(np.float32), cutout.type, ignored=(x2 - x1) * (y2 - y1) < 0.4 * w * h)


def _add(labels: Boxes, box: NDArray[np.float32], type_: int, *, ignored: bool) -> Boxes:
    """Add a box in front of the others; those it hides mostly are ignored from now on."""
    inner = np.minimum(labels.box[:, 2:], box[2:]) - np.maximum(labels.box[:, :2], box[:2])
    size = np.maximum((labels.box[:, 2:] - labels.box[:, :2]).prod(1), 1.0)
    hidden = inner.clip(0).prod(1) / size > 0.5
    types = np.eye(len(LABELS), dtype=np.float32)[type_]
    return Boxes(
        np.concatenate([labels.box, box[None]]),
        np.concatenate([labels.types, types[None]]),
        np.append(labels.ignored | hidden, ignored),
    )
