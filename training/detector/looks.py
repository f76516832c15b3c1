"""One look at a still, by the teacher or by an earlier detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from training.detector.fuse import by_group
from training.detector.labels import Look, Seen, resized
from training.detector.nanodet import NanoDet, normalise
from training.detector.score import letterbox, session
from training.detector.stills import Image

LEAST = 0.05


def teacher_look(net: NanoDet) -> Look:
    """Look with NanoDet; it was trained on images padded with black."""

    def look(image: Image, scale: float) -> Seen:
        larger = resized(image, scale)
        padded = np.zeros((*(-(-s // 32) * 32 for s in larger.shape[:2]), 3), np.uint8)
        padded[: larger.shape[0], : larger.shape[1]] = larger
        with torch.inference_mode():
            boxes, scores = net(normalise(torch.from_numpy(padded)[None]))
        return by_group(boxes[0].numpy() / np.float32(scale), scores[0].numpy(), LEAST, 0.6)

    return look


def student_look(model: Path) -> Look:
    """Look with an exported detector."""
    run = session(model)

    def look(image: Image, scale: float) -> Seen:
        padded, _ = letterbox(resized(image, scale), longest=4096)
        boxes, scores = (out[0] for out in run.run(None, {"images": padded[None]}))
        return by_group(boxes / np.float32(scale), scores, LEAST, 0.5)

    return look
