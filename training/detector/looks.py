"""Looks at stills, by the teacher or by an earlier detector, at several scales and in the mirror."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from training.detector.fuse import Seen, Trust, by_group, fuse
from training.detector.nanodet import NanoDet, normalise
from training.detector.score import letterbox, session
from training.detector.stills import Image, Still

Look = Callable[[Image, float], Seen]
"""A function of a still and the scale to look at it with."""
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


def mirrored(look: Look) -> Look:
    """Look at a still from behind the mirror."""

    def mirror(image: Image, scale: float) -> Seen:
        box, scores = look(np.ascontiguousarray(image[:, ::-1]), scale)
        left, top, right, bottom = box.T
        width = image.shape[1]
        return np.stack([width - right, top, width - left, bottom], 1), scores

    return mirror


def look_at_all(stills: list[Still], looks: list[tuple[Look, float]], trust: Trust, least: float) -> dict[str, Seen]:
    """Look at every still in several ways and fuse; the scales multiply a width of 352."""
    out = {}
    for still in stills:
        per_pixel = 352 / max(352, still.image.shape[1])
        views = [look(still.image, scale * per_pixel) for look, scale in looks]
        certain = [(b[s.max(1) > least], s[s.max(1) > least]) for b, s in views]
        out[still.name] = fuse(certain, [scale * per_pixel for _, scale in looks], trust)
    return out


def resized(image: Image, scale: float) -> Image:
    """Scale a still with the interpolation that suits the direction."""
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return image if scale == 1 else np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
