"""A picture painted from far to near, that remembers what stands at each pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2
from cctview.sim.cameras.pose import RoadCamera
from cctview.sim.drawing.lighting import Lighting
from cctview.sim.drawing.mesh import Material

__all__ = ["SHIFT", "Canvas", "Job"]

Floats = NDArray[np.floating[Any]]
Job = tuple[float, Callable[[], None]]  # depth in metres, and what to do when its turn comes
SHIFT = 4  # fractional bits of fixed-point pixels
_NEAREST = 1.5  # metres in front of the camera where drawing stops
_LAST_PROP = 254
_ROD_NORMAL = np.array([0.5, -0.6, 0.2])


@dataclass(kw_only=True)
class Canvas:
    """A picture being painted, ``zoom`` times larger than the still, with a prop number per pixel."""

    image: Floats
    prop: NDArray[np.uint8]
    camera: RoadCamera
    light: Lighting
    zoom: int
    offsets: list[float] = field(default_factory=list)
    depths: list[float] = field(default_factory=list)

    def number(self, *, offset: float = np.nan, depth: float = np.inf) -> int:
        """Return the number of a new prop along the road or at a depth; when numbers run out the last is shared."""
        if len(self.offsets) < _LAST_PROP:
            self.offsets.append(offset)
            self.depths.append(depth)
        return len(self.offsets)

    def depth(self, points: Floats) -> Floats:
        """Return metres in front of the camera: ``(..., 3)`` to ``(...)``."""
        return (points - self.camera.position) @ self.camera.axes[2]

    def pixels(self, points: Floats) -> tuple[Floats, Floats]:
        """Return enlarged pixels and depths of world points: ``(..., 3)`` to ``(..., 2)`` and ``(...)``."""
        pixels, depth = self.camera.project(points)
        return pixels * self.zoom, depth

    def polygons(self, points: Floats, colour: Floats, normal: Floats, number: int, lit: Any = 0.0) -> list[Job]:
        """Return the painting of dull convex polygons: ``(N, K, 3)``, ``(N, 3)`` or one colour, normal and light."""
        pixels, depth = self.pixels(points)
        return self._fills(pixels, depth, (colour, normal, lit), number)

    def rods(self, foot: Floats, tip: Floats, width: float, colour: Floats, number: int) -> list[Job]:
        """Return the painting of thin bars between points ``(N, 3)``, each at least a faint line wide."""
        pixels, depth = self.pixels(np.stack([foot, tip], axis=1))
        along = pixels[:, 1] - pixels[:, 0]
        across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), 1e-6)[:, None]
        half = np.maximum(width * self.camera.focal / np.maximum(depth, 0.1), 0.6)[..., None] * self.zoom / 2
        left, right = pixels + across[:, None] * half, pixels - across[:, None] * half
        outline = np.concatenate([left, right[:, ::-1]], axis=1)
        return self._fills(outline, depth, (colour, _ROD_NORMAL, 0.3 * self.light.street), number)

    def facade(self, corners: Floats, texture: Floats, number: int = 0) -> None:
        """Paint a picture ``(H, W, 3)`` onto world points (4, 3): top left, top right, bottom right, bottom left."""
        pixels, depth = self.pixels(corners)
        edge = np.array([self.image.shape[1], self.image.shape[0]])
        low = np.clip(np.floor(pixels.min(axis=0)), 0, edge).astype(int)
        size = np.clip(np.ceil(pixels.max(axis=0)), 0, edge).astype(int) - low
        if depth.min() < _NEAREST or not size.all():
            return
        high, wide = texture.shape[:2]
        source = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
        warp = cv2.getPerspectiveTransform(source, (pixels - low).astype(np.float32))
        hazed = self.light.hazed(texture, depth.mean()).astype(np.float32)
        drawn = cv2.warpPerspective(hazed, warp, size.tolist(), flags=cv2.INTER_AREA)
        cover = cv2.warpPerspective(np.ones((high, wide), np.float32), warp, size.tolist())[..., None]
        region = (slice(low[1], low[1] + size[1]), slice(low[0], low[0] + size[0]))
        self.image[region] += (drawn - self.image[region]) * cover
        self.prop[region][cover[..., 0] > 0.5] = number

    def discs(self, centres: Floats, radius: float, colours: Floats, number: int) -> None:
        """Paint discs of one size, centres (N, 2) in enlarged pixels, colours (N, 3), in the order given."""
        fixed = _fixed(centres).tolist()
        size = max(int(radius * 2**SHIFT), 2**SHIFT // 2)
        for centre, colour in zip(fixed, colours.tolist(), strict=True):
            cv2.circle(self.image, centre, size, colour, -1, cv2.LINE_AA, SHIFT)
            cv2.circle(self.prop, centre, size, number, -1, cv2.LINE_8, SHIFT)

    def _fills(self, pixels: Floats, depth: Floats, surface: tuple[Floats, Floats, Any], number: int) -> list[Job]:
        colour, normal, lit = surface
        count, middle = len(pixels), depth.mean(axis=1)
        dull = np.full(count, Material.MATT)
        shaded = self.light.shade(
            np.broadcast_to(colour, (count, 3)),
            np.broadcast_to(normal, (count, 3)),
            dull,
            np.broadcast_to(lit, (count,)),
        )
        rows = zip(_fixed(pixels), self.light.hazed(shaded, middle).tolist(), strict=True)
        jobs = [partial(self._fill, outline, tone, number) for outline, tone in rows]
        usable = depth.min(axis=1) > _NEAREST
        return [(far, job) for far, job, good in zip(middle.tolist(), jobs, usable, strict=True) if good]

    def _fill(self, outline: NDArray[np.int32], colour: list[float], number: int) -> None:
        cv2.fillConvexPoly(self.image, outline, colour, cv2.LINE_AA, SHIFT)
        cv2.fillConvexPoly(self.prop, outline, number, cv2.LINE_8, SHIFT)


def _fixed(pixels: Floats) -> NDArray[np.int32]:
    return np.round((pixels - 0.5) * 2**SHIFT).clip(-(2**24), 2**24).astype(np.int32)
