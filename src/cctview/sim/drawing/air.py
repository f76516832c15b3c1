"""What is between the road and the picture: rain, drops on the glass, the sun in the lens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2
from cctview.sim.cameras.pose import RoadCamera
from cctview.sim.drawing.lighting import Lighting

__all__ = ["Air", "air_before"]

Floats = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]
_SHEETS = 6


@dataclass(frozen=True, kw_only=True)
class Air:
    """Ready-made layers for one camera: sheets of rain, drops ``(H, W, 1)`` in shares, glare to add."""

    rain: tuple[Image, ...] = ()
    drops: NDArray[np.float32] | None = None
    glare: Image | None = None

    def on(self, still: Image, rng: np.random.Generator) -> Image:
        """Return a still ``(H, W, 3)`` with what the air does to it."""
        if self.drops is not None:
            smeared = cv2.blur(still, (9, 15))
            still = np.asarray(cv2.blendLinear(smeared, still, self.drops, 1 - self.drops), np.uint8)
        if self.rain:
            still = np.asarray(cv2.add(still, self.rain[int(rng.integers(len(self.rain)))]), np.uint8)
        if self.glare is not None:
            still = np.asarray(cv2.add(still, self.glare), np.uint8)
        return still


def air_before(camera: RoadCamera, light: Lighting, rng: np.random.Generator) -> Air:
    """Return the air before one camera."""
    glare = _glare(camera, light)
    if not light.wet:
        return Air(glare=glare)
    return Air(rain=tuple(_rain(camera, light, rng) for _ in range(_SHEETS)), drops=_drops(camera, rng), glare=glare)


def _rain(camera: RoadCamera, light: Lighting, rng: np.random.Generator) -> Image:
    """Return faint slanting streaks, all leaning the same way."""
    size = camera.height / 240
    sheet = np.zeros((camera.height, camera.width), np.uint8)
    count = int(170 * camera.width / 352)
    top = rng.uniform(-20, camera.height, count)
    column, long = rng.uniform(0, camera.width, count), rng.gamma(3.0, 3.0, count) * size
    lean = 0.12 * long
    ends = np.stack([column, top, column + lean, top + long], axis=1).astype(int).tolist()
    for (x0, y0, x1, y1), level in zip(ends, rng.uniform(6, 34, count).tolist(), strict=True):
        cv2.line(sheet, (x0, y0), (x1, y1), level * (0.45 + 0.55 * float(light.ambient.mean())), 1, cv2.LINE_AA)
    return np.asarray(cv2.merge([sheet] * 3), np.uint8)


def _drops(camera: RoadCamera, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return where drops on the glass blur the picture."""
    size = camera.height / 240
    mask = np.zeros((camera.height, camera.width), np.float32)
    for _ in range(int(rng.integers(4, 16))):
        place = (int(rng.integers(camera.width)), int(rng.integers(camera.height)))
        radius = float(rng.gamma(3.0, 2.2)) * size
        cv2.ellipse(mask, place, (int(radius) + 2, int(1.25 * radius) + 2), 0, 0, 360, 0.85, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.5 * size), np.float32)


def _glare(camera: RoadCamera, light: Lighting) -> Image | None:
    """Return the light a low sun in front of the camera scatters in its lens; None when it stands elsewhere."""
    into = float(camera.axes[2] @ light.toward_sun)
    if light.sun.max() < 0.2 or light.toward_sun[2] > 0.4 or into < 0.5:
        return None
    away = np.array([*camera.position]) + 1e5 * light.toward_sun
    (x, y), _ = camera.project(away)
    rows, columns = np.ogrid[: camera.height, : camera.width]
    distance = np.hypot(rows - y, columns - x) / camera.width
    flash = 70 * into + 235 * np.exp(-distance / 0.09) + 110 * np.exp(-distance / 0.35)
    smear = 90 * np.exp(-np.abs(columns - x) / (0.012 * camera.width)) * np.exp(-np.abs(rows - y) / camera.height)
    tint = np.array([1.0, 0.95, 0.84])
    return np.clip((flash + smear)[..., None] * tint, 0, 255).astype(np.uint8)
