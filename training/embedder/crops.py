"""Cut crops out of stills, clean for measuring and spoilt for training."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from training.embedder.data import Floats, Ints

Image = NDArray[np.uint8]
MARGIN = 0.08


def cut(image: Image, box: Floats, size: int) -> Image:
    """Return the `box` (x1, y1, x2, y2) widened by MARGIN on each side, as a square."""
    x1, y1, x2, y2 = box
    dx, dy = MARGIN * (x2 - x1), MARGIN * (y2 - y1)
    return resize(window(image, x1 - dx, y1 - dy, x2 + dx, y2 + dy), size)


def window(image: Image, x1: float, y1: float, x2: float, y2: float) -> Image:
    """Return the pixels that the corners touch, at least 2x2 and inside the image."""
    height, width = image.shape[:2]
    left = int(np.clip(np.floor(x1), 0, width - 2))
    top = int(np.clip(np.floor(y1), 0, height - 2))
    right = int(np.clip(np.ceil(x2), left + 2, width))
    bottom = int(np.clip(np.ceil(y2), top + 2, height))
    return image[top:bottom, left:right]


def resize(crop: Image, size: int) -> Image:
    """Return the crop as a square, averaged where it shrinks, exactly as the product does."""
    shrinks = crop.shape[0] > size or crop.shape[1] > size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (size, size), interpolation=how), np.uint8)


@dataclass(frozen=True, kw_only=True)
class Spoil:
    """Say how far a training crop may differ from a clean one."""

    shift: float = 0.06
    scale: float = 0.10
    truncate: float = 0.15
    shrink: float = 0.5
    smallest: int = 11
    light: float = 0.18
    haze: float = 0.4
    tint: float = 0.04
    blur: float = 0.15
    jpeg: float = 0.2
    noise: float = 0.15
    flip: float = 0.5

    def __call__(self, image: Image, box: Floats, size: int, rng: np.random.Generator) -> Image:
        """Return a spoilt square crop of `box`."""
        crop = self._place(image, box, rng)
        crop = self._coarsen(crop, rng)
        crop = self._light(resize(crop, size), rng)
        return np.ascontiguousarray(crop[:, ::-1] if rng.random() < self.flip else crop)

    def _place(self, image: Image, box: Floats, rng: np.random.Generator) -> Image:
        x1, y1, x2, y2 = box.tolist()
        width, height = x2 - x1, y2 - y1
        margins = MARGIN + rng.normal(0, self.scale / 2, 4)
        dx, dy = rng.normal(0, self.shift, 2)
        if rng.random() < self.truncate:
            margins[rng.integers(4)] -= rng.uniform(0.1, 0.3)
        return window(
            image,
            x1 + (dx - margins[0]) * width,
            y1 + (dy - margins[1]) * height,
            x2 + (dx + margins[2]) * width,
            y2 + (dy + margins[3]) * height,
        )

    def _coarsen(self, crop: Image, rng: np.random.Generator) -> Image:
        side = float(np.sqrt(crop.shape[0] * crop.shape[1]))
        if side > self.smallest + 2 and rng.random() < self.shrink:
            ratio = np.exp(rng.uniform(np.log(self.smallest / side), 0))
            shape = (max(4, round(crop.shape[1] * ratio)), max(4, round(crop.shape[0] * ratio)))
            crop = np.asarray(cv2.resize(crop, shape, interpolation=cv2.INTER_AREA), np.uint8)
        if rng.random() < self.jpeg:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))]
            _, stored = cv2.imencode(".jpg", crop, quality)
            crop = np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)
        return crop

    def _light(self, crop: Image, rng: np.random.Generator) -> Image:
        if rng.random() < self.blur:
            crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.6, 1.8)), np.uint8)
        gain = np.exp(rng.normal(0, self.light / 2) + rng.normal(0, self.tint, 3))
        gamma = np.exp(rng.normal(0, self.light))
        ramp = (np.arange(256) / 255.0) ** gamma
        if rng.random() < self.haze:
            clear = rng.uniform(0.5, 1.3)
            ramp = clear * ramp + (1 - clear) * rng.uniform(0.35, 0.75)
        table = np.clip(ramp[:, None] * gain + rng.normal(0, 0.03), 0, 1) * 255
        crop = np.asarray(cv2.LUT(crop, table.astype(np.uint8)[:, None]), np.uint8)
        if rng.random() < self.noise:
            grain = rng.normal(0, rng.uniform(2, 8), crop.shape)
            crop = np.clip(crop + grain, 0, 255).astype(np.uint8)
        return crop


def cut_all(stack: Image, frames: Ints, boxes: Floats, size: int) -> Image:
    """Return the clean crops (N, size, size, 3) of `boxes` in the stills `frames`."""
    crops = np.empty((len(boxes), size, size, 3), np.uint8)
    for row in range(len(boxes)):
        crops[row] = cut(stack[frames[row]], boxes[row], size)
    return crops


def spoil_all(stack: Image, frames: Ints, boxes: Floats, size: int, spoil: Spoil, rng: np.random.Generator) -> Image:
    """Return spoilt crops (N, size, size, 3) of `boxes` in the stills `frames`."""
    crops = np.empty((len(boxes), size, size, 3), np.uint8)
    for row in range(len(boxes)):
        crops[row] = spoil(stack[frames[row]], boxes[row], size, rng)
    return crops
