"""Make training samples of labelled stills: geometry, light, weather and compression."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.detector.targets import Boxes

Image = NDArray[np.uint8]
PAD_COLOUR = (114, 114, 114)


def sample(
    rng: Generator, image: Image, labels: Boxes, height: int, width: int, near: float = 0.5
) -> tuple[Image, Boxes]:
    """Cut a randomly scaled, shifted, stretched and mirrored window out of a still.

    The share `near` of the windows keeps about the scale at which the detector will see the camera.
    """
    scale = np.exp(rng.uniform(np.log(0.42), np.log(2.0)) if rng.random() >= near else rng.normal(0, 0.1))
    sx, sy = scale * np.exp(rng.normal(0, 0.07, 2))
    room = np.array([width - sx * image.shape[1], height - sy * image.shape[0]])
    shift = rng.uniform(np.minimum(room, 0) - 0.1 * np.abs(room), np.maximum(room, 0) + 0.1 * np.abs(room))
    matrix = np.array([[sx, 0, shift[0]], [0, sy, shift[1]]])
    if rng.random() < 0.5:
        matrix[0] = [-sx, 0, width - shift[0]]
    return warp(image, labels, matrix, height, width)


def warp(image: Image, labels: Boxes, matrix: NDArray[np.float64], height: int, width: int) -> tuple[Image, Boxes]:
    """Apply an axis-aligned affine map to a still and its boxes; drop what leaves the window."""
    small = abs(matrix[0, 0]) < 0.7
    method = cv2.INTER_AREA if small else cv2.INTER_LINEAR
    if small:
        size = (max(1, round(abs(matrix[0, 0]) * image.shape[1])), max(1, round(matrix[1, 1] * image.shape[0])))
        image_small = cv2.resize(image, size, interpolation=method)
        back = matrix.copy()
        back[0, 0] *= image.shape[1] / size[0]
        back[1, 1] *= image.shape[0] / size[1]
        out = cv2.warpAffine(image_small, back, (width, height), flags=cv2.INTER_LINEAR, borderValue=PAD_COLOUR)
    else:
        out = cv2.warpAffine(image, matrix, (width, height), flags=method, borderValue=PAD_COLOUR)
    x = np.sort(labels.box[:, [0, 2]] * matrix[0, 0] + matrix[0, 2], 1)
    y = labels.box[:, [1, 3]] * matrix[1, 1] + matrix[1, 2]
    moved = np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], 1).astype(np.float32)
    return np.asarray(out, np.uint8), clip(moved, labels, height, width)


def clip(box: NDArray[np.float32], labels: Boxes, height: int, width: int) -> Boxes:
    """Clip boxes to the window; slivers and specks are ignored rather than learnt."""
    limit = np.array([width, height, width, height], np.float32)
    inside = box.clip(0, limit)
    size = inside[:, 2:] - inside[:, :2]
    kept = (size > 1).all(1)
    share = size.prod(1) / np.maximum((box[:, 2:] - box[:, :2]).prod(1), 1e-3)
    poor = (share < 0.35) | (size.min(1) < 4)
    return Boxes(inside[kept], labels.types[kept], (labels.ignored | poor)[kept])


def relight(rng: Generator, image: Image) -> Image:
    """Change exposure, contrast, colour and noise, blur, and compress again."""
    x = image.astype(np.float32)
    if rng.random() < 0.8:
        x = 255 * (x / 255) ** np.exp(rng.normal(0, 0.25))
        x = (x - 128) * np.exp(rng.normal(0, 0.2)) + 128 + rng.normal(0, 18)
    if rng.random() < 0.4:
        x = x * np.exp(rng.normal(0, 0.08, 3)).astype(np.float32)
    if rng.random() < 0.15:
        grey = x @ np.array([0.3, 0.59, 0.11], np.float32)
        x = np.repeat(grey[..., None], 3, 2)
    if rng.random() < 0.12:
        x = x * rng.uniform(0.3, 0.7) + rng.normal(0, 3)
    if rng.random() < 0.3:
        x = x + rng.normal(0, rng.uniform(1, 9), x.shape).astype(np.float32)
    out = x.clip(0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.3)), np.uint8)
    if rng.random() < 0.2:
        h, w = out.shape[:2]
        f = rng.uniform(0.5, 0.9)
        less = cv2.resize(out, (int(w * f), int(h * f)), interpolation=cv2.INTER_AREA)
        out = np.asarray(cv2.resize(less, (w, h), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < 0.3:
        _, code = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 85))])
        out = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return out


def mosaic(rng: Generator, parts: list[tuple[Image, Boxes]], height: int, width: int) -> tuple[Image, Boxes]:
    """Join two windows side by side or one above the other."""
    canvas = np.full((height, width, 3), PAD_COLOUR, np.uint8)
    upright = rng.random() < 0.5
    cut = int(rng.uniform(0.3, 0.7) * (width if upright else height))
    spans = [(0, cut), (cut, width if upright else height)]
    found = []
    for (start, stop), (image, labels) in zip(spans, parts, strict=True):
        h, w = (height, stop - start) if upright else (stop - start, width)
        x, y = (start, 0) if upright else (0, start)
        window, boxes = sample(rng, image, labels, h, w)
        canvas[y : y + h, x : x + w] = window
        found.append(Boxes(boxes.box + np.array([x, y, x, y], np.float32), boxes.types, boxes.ignored))
    return canvas, Boxes(*(np.concatenate([getattr(b, n) for b in found]) for n in ("box", "types", "ignored")))


def caption(rng: Generator, image: Image, labels: Boxes) -> tuple[Image, Boxes]:
    """Draw captions, plates and arrows, as operators do; what they hide is ignored."""
    out, height, width = image.copy(), *image.shape[:2]
    hidden = labels.ignored.copy()
    for _ in range(int(rng.integers(1, 5))):
        text = "".join(rng.choice(list("ABCEKMNOPRSTUXYZ 0123456789:()-/"), int(rng.integers(2, 14))))
        size = float(rng.uniform(0.3, 0.9))
        (w, h), base = cv2.getTextSize(text, int(rng.integers(0, 8)), size, 1)
        x, y = int(rng.integers(0, max(1, width - w // 2))), int(rng.integers(h, height))
        dark = bool(rng.random() < 0.5)
        paper, ink = ((255, 255, 255), (0, 0, 0)) if dark else ((0, 0, 0), (255, 255, 255))
        if rng.random() < 0.7:
            cv2.rectangle(out, (x - 3, y - h - 4), (x + w + 3, y + base), paper, -1)
        cv2.putText(out, text, (x, y), int(rng.integers(0, 8)), size, ink, int(rng.integers(1, 3)), cv2.LINE_AA)
        if rng.random() < 0.5:
            _arrow(rng, out, x + w // 2, y + 20, paper, ink)
        covered = np.array([x - 3, y - h - 4, x + w + 3, y + base], np.float32)
        inner = np.minimum(labels.box[:, 2:], covered[2:]) - np.maximum(labels.box[:, :2], covered[:2])
        hidden |= inner.clip(0).prod(1) > 0.3 * (labels.box[:, 2:] - labels.box[:, :2]).prod(1)
    return out, Boxes(labels.box, labels.types, hidden)


def _arrow(rng: Generator, image: Image, x: int, y: int, paper: tuple[int, ...], ink: tuple[int, ...]) -> None:
    angle, size = rng.uniform(0, 2 * np.pi), rng.uniform(8, 20)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array([[0, -1.2], [0.8, 1], [0, 0.45], [-0.8, 1]]) * size
    points = np.rint(shape @ turn.T + [x, y]).astype(np.int32)
    cv2.fillPoly(image, [points], ink)
    cv2.polylines(image, [points], isClosed=True, color=paper, thickness=2)
