"""What stands around the road: sky, skyline, buildings and trees."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2
from cctview.sim.drawing.canvas import Canvas, Job
from cctview.sim.drawing.lighting import Lighting
from cctview.sim.drawing.mesh import Material
from cctview.sim.drawing.roadside import barriers, crossing, masts, railings, spots
from cctview.sim.world.road import RAILING, Road

__all__ = ["draw_sky", "furnish"]

Floats = NDArray[np.floating[Any]]
_WALLS = np.array([(150, 132, 116), (128, 92, 76), (168, 164, 158), (96, 104, 116), (178, 160, 132)], np.float64)
_GREENS = np.array([(96, 110, 52), (72, 96, 50), (118, 122, 60)], np.float64)
_TEXELS = 8  # per window and storey
_LEAVES = 700


def draw_sky(image: Floats, rays: Floats, light: Lighting, rng: np.random.Generator) -> None:
    """Fill a picture ``(H, W, 3)`` with sky along its rays: paler towards the horizon, with soft clouds."""
    height = np.clip(rays[..., 2:3] / 0.35, 0, 1)
    sky = light.sky_low + (light.sky_top - light.sky_low) * np.sqrt(height)
    size = image.shape[1::-1]
    clouds = cv2.resize(rng.standard_normal((40, 9)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    wisps = cv2.resize(rng.standard_normal((70, 30)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    cover = np.clip((clouds + 0.6 * wisps) * 0.3 - 0.1, 0, 0.6)[..., None]
    image[:] = sky + (light.sky_low * 1.05 - sky) * cover


def furnish(canvas: Canvas, road: Road, sides: tuple[str, str], rng: np.random.Generator) -> None:
    """Paint everything that stands, from far to near; ``sides`` say what lies left and right of the road."""
    _towers(canvas, rng)
    _far_trees(canvas, rng)
    jobs = [
        *_sides(canvas, road, sides, rng),
        *barriers(canvas, road, rng),
        *railings(canvas, road),
        *masts(canvas, road, rng),
        *crossing(canvas, road, rng),
    ]
    for _, paint in sorted(jobs, key=lambda job: -job[0]):
        paint()


def _towers(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint a hazy row of towers along the horizon."""
    camera, zoom = canvas.camera, canvas.zoom
    column = -20.0 * zoom
    while column < canvas.image.shape[1]:
        wide, high = rng.uniform(6, 26) * zoom, rng.gamma(2.0, 7.0) * zoom * camera.focal / 320
        texture = _windows(int(max(high / zoom / 2, 3)), int(max(wide / zoom / 2, 3)), canvas.light, rng)
        drawn = np.asarray(cv2.resize(texture, (max(int(wide), 1), max(int(high), 1))), np.float32)
        _paste(canvas, drawn, int(column), int((camera.horizon + 2) * zoom - high))
        column += wide * rng.uniform(0.7, 2.2)


def _paste(canvas: Canvas, picture: Floats, x: int, y: int) -> None:
    high, wide = picture.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + wide, canvas.image.shape[1]), min(y + high, canvas.image.shape[0])
    if x1 > x0 and y1 > y0:
        part = picture[y0 - y : y1 - y, x0 - x : x1 - x]
        canvas.image[y0:y1, x0:x1] = canvas.light.hazed(part, np.full(part.shape[:2], 900.0))


def _far_trees(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint a band of trees where the ground ends."""
    columns = np.arange(0, canvas.image.shape[1], 1.2 * canvas.zoom)
    tones = rng.uniform(0.7, 1.2, (len(columns), 1)) * np.array([78.0, 96, 66])
    shaded = canvas.light.shade(tones, np.array([[0.0, -1, 0]]), np.array([Material.MATT]))
    shaded = canvas.light.hazed(shaded, np.full(len(columns), 420.0))
    rows = (canvas.camera.horizon + rng.uniform(0.5, 2.5, len(columns))) * canvas.zoom
    canvas.discs(np.stack([columns, rows], axis=1), 2.6 * canvas.zoom, shaded, 0)


def _windows(rows: int, columns: int, light: Lighting, rng: np.random.Generator) -> Floats:
    """Return a facade of ``rows`` storeys by ``columns`` windows, some of them lit after dark."""
    cell = np.ones((_TEXELS, _TEXELS))
    wall = _WALLS[rng.integers(len(_WALLS))] * rng.uniform(0.7, 1.15)
    pane = np.kron(60 * rng.uniform(0.4, 1.5, (rows, columns)), cell)[..., None] * np.array([1.07, 1.4, 1.75])
    low, left = rng.integers(1, 3, 2)
    inside = np.zeros((_TEXELS, _TEXELS), np.bool_)
    inside[low : _TEXELS - low, left : _TEXELS - left] = True
    glazed = np.tile(inside, (rows, columns))
    texel = np.where(glazed[..., None], pane, wall)
    shaded = light.shade(texel, np.array([-0.2, -0.7, 0.1]), np.array(Material.MATT))
    burning = np.kron(rng.random((rows, columns)) < 0.22 * light.lamps, cell).astype(np.bool_) & glazed
    shaded[burning] = np.array([236.0, 196, 120]) * rng.uniform(0.5, 1.0)
    return shaded.astype(np.float32)


def _sides(canvas: Canvas, road: Road, sides: tuple[str, str], rng: np.random.Generator) -> list[Job]:
    """Return the trees and buildings on either side of the road."""
    jobs: list[Job] = []
    for sign, side in zip((-1.0, 1.0), sides, strict=True):
        if side == "river":
            jobs += _trees(canvas, road, sign * np.array([RAILING - 1, RAILING - 0.5]), 5, rng)
            continue
        park = side == "park"
        jobs += _trees(canvas, road, sign * np.array([RAILING + 5, RAILING + 14]), 26 if park else 7, rng)
        jobs += _buildings(canvas, road, sign * (RAILING + (30 if park else 12)), rng)
    return jobs


def _buildings(canvas: Canvas, road: Road, line: float, rng: np.random.Generator) -> list[Job]:
    """Return a street front of buildings along a building line."""
    jobs: list[Job] = []
    s, end = canvas.camera.station + rng.uniform(25, 45), canvas.camera.station + 420
    while s < end:
        wide = rng.uniform(18, 45)
        jobs += _building(canvas, road, (s, s + wide), line + np.sign(line) * rng.uniform(0, 8), rng)
        s += wide + rng.uniform(2, 30)
    return jobs


def _building(
    canvas: Canvas, road: Road, span: tuple[float, float], offset: float, rng: np.random.Generator
) -> list[Job]:
    """Return the wall along the road and the one that faces the camera."""
    high, back = rng.uniform(12, 60), offset + np.sign(offset) * 30
    storeys, bays = int(high / 3.4), int((span[1] - span[0]) / 3.2)
    flank = _windows(storeys, bays, canvas.light, rng) * np.float32(1.0 if offset > 0 else 0.82)
    front = _windows(storeys, _TEXELS, canvas.light, rng)
    near, far, deep = spots(road, np.array([span[0], span[1], span[0]]), np.array([offset, offset, back]))
    up = np.array([0.0, 0.0, high])
    walls = ((near, far, flank), (deep, near, front)) if offset > 0 else ((far, near, flank), (near, deep, front))
    depth = float(canvas.depth(near))
    return [
        (depth + 5 - k, partial(canvas.facade, np.stack([a + up, b + up, b, a]), texture))
        for k, (a, b, texture) in enumerate(walls)
    ]


def _trees(canvas: Canvas, road: Road, strip: Floats, count: int, rng: np.random.Generator) -> list[Job]:
    """Return trees scattered over a strip between two offsets."""
    s = canvas.camera.station + rng.uniform(10, 280, count)
    feet = spots(road, s, rng.uniform(strip.min(), strip.max(), count))
    depth = canvas.depth(feet)
    return [job for foot, far in zip(feet, depth, strict=True) if far > 6 for job in _tree(canvas, foot, rng)]


def _tree(canvas: Canvas, foot: Floats, rng: np.random.Generator) -> list[Job]:
    """Return a trunk under a lumpy cloud of leaves, lighter towards the sun."""
    tall, depth = rng.uniform(5, 10), float(canvas.depth(foot))
    number = canvas.number(depth=depth)
    clumps = rng.normal(0, 1, (7, 3))
    clumps *= rng.uniform(0.35, 0.75, (7, 1)) / np.linalg.norm(clumps, axis=1, keepdims=True)
    leaves = clumps[rng.integers(7, size=_LEAVES)] + rng.normal(0, 0.19, (_LEAVES, 3))
    leaves = leaves * np.array([0.30, 0.30, 0.27]) * tall + np.array([0, 0, 0.68 * tall])
    leaves = leaves[np.argsort(leaves @ (canvas.light.toward_sun + np.array([0, 0, 0.4])))]
    tone = np.linspace(0.35, 1.2, len(leaves)) * rng.normal(1, 0.22, len(leaves))
    colour = _GREENS[rng.integers(len(_GREENS))] * tone[:, None]
    lamp = np.full(len(leaves), 0.25 * canvas.light.street)
    shaded = canvas.light.shade(colour, np.array([[0.0, -0.5, 0.5]]), np.array([Material.MATT]), lamp)
    shaded = canvas.light.hazed(shaded, np.full(len(leaves), depth))
    radius = 0.024 * tall * canvas.camera.focal / depth * canvas.zoom
    crown = partial(canvas.discs, canvas.pixels(foot + leaves)[0], radius, shaded, number)
    trunk = canvas.rods(foot[None], foot[None] + np.array([0, 0, 0.7 * tall]), 0.3, np.array([74.0, 62, 50]), number)
    return [*trunk, (depth - 0.2, crown)]
