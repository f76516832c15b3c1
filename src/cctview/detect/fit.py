"""Bring stills to the pictures other people's graphs expect, and their boxes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import ModelError, nearest
from cctview.extras import cv2

__all__ = ["Fit", "normalised"]

_WAYS = ("corner", "centre", "stretch", "short-side")


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How a still becomes a picture of ``width`` x ``height``.

    ``corner`` and ``centre`` keep its shape and pad, ``stretch`` does not. ``short-side`` makes the
    shorter side ``short`` unless the longer one exceeds ``long`` (keras-retinanet's rule); pictures
    then differ in size.
    """

    way: str
    width: int
    height: int
    pad: int = 0
    short: int = 0
    long: int = 0

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Fit:
        """Read the rule from the ``input`` part of a record; raise ModelError for an unknown one."""
        way = str(spec["fit"])
        if way not in _WAYS:
            raise ModelError(f"no way {way!r} to fit a still; {nearest(way, _WAYS)}")
        numbers = {name: int(spec.get(name, 0)) for name in ("width", "height", "pad", "short", "long")}
        return cls(way=way, **numbers)

    def scale(self, height: int, width: int) -> tuple[float, float]:
        """Return the factors from still to picture, along x and along y."""
        if self.way == "stretch":
            return self.width / width, self.height / height
        if self.way == "short-side":
            both = self.short / min(height, width)
            both = self.long / max(height, width) if max(height, width) * both > self.long else both
        else:
            both = min(self.width / width, self.height / height)
        return both, both

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the picture of a still of this size."""
        if self.way != "short-side":
            return self.height, self.width
        x, y = self.scale(height, width)
        return max(1, round(height * y)), max(1, round(width * x))

    def offset(self, height: int, width: int) -> tuple[int, int]:
        """Return how far right and down the still lies in the picture."""
        if self.way != "centre":
            return 0, 0
        inner = self._inner(height, width)
        return (self.width - inner[1]) // 2, (self.height - inner[0]) // 2

    def pictures(self, images: Sequence[NDArray[np.uint8]], dtype: Any) -> NDArray[Any]:
        """Return the pictures ``(B, H, W, 3)`` of images of one size."""
        height, width = images[0].shape[:2]
        rows, columns = self._inner(height, width)
        right, down = self.offset(height, width)
        out = np.full((len(images), *self.shape(height, width), 3), self.pad, dtype)
        # With factors OpenCV samples by them, with a size by the rounded one: a third of a pixel apart.
        x, y = self.scale(height, width) if self.way == "short-side" else (0.0, 0.0)
        size = None if x else (columns, rows)
        for row, image in zip(out, images, strict=True):
            resized = cv2.resize(image.astype(dtype), size, fx=x, fy=y, interpolation=cv2.INTER_LINEAR)
            row[down : down + rows, right : right + columns] = resized
        return out

    def back(self, boxes: NDArray[np.floating[Any]], height: int, width: int) -> NDArray[np.float32]:
        """Return boxes ``(..., 4)`` of a picture in pixels of its still, cut at its borders."""
        scale, offset = np.array(self.scale(height, width) * 2), np.array(self.offset(height, width) * 2)
        edges = np.array([width, height] * 2)
        return np.clip((boxes - offset) / scale, 0, edges).astype(np.float32)

    def _inner(self, height: int, width: int) -> tuple[int, int]:
        x, y = self.scale(height, width)
        return max(1, round(height * y)), max(1, round(width * x))


def normalised(pictures: NDArray[Any], spec: Mapping[str, Any]) -> NDArray[Any]:
    """Return RGB pictures ``(B, H, W, 3)`` in the colour order, scale, layout and type of ``spec``."""
    ordered = pictures[..., ::-1] if spec["colour"] == "BGR" else pictures
    if spec["dtype"] != "uint8":
        ordered = (ordered - np.array(spec["mean"], np.float32)) / np.array(spec["std"], np.float32)
    laid = ordered.transpose(0, 3, 1, 2) if spec["layout"] == "NCHW" else ordered
    return np.ascontiguousarray(laid, spec["dtype"])
