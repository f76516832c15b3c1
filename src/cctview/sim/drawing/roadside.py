"""What the road is built of above the ground: barriers, railings, lamp masts, signs, overpasses."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.drawing.canvas import Canvas, Job
from cctview.sim.drawing.lighting import LAMP_SPACING, street_lamp_light
from cctview.sim.world.road import MEDIAN, PARAPET, RAILING, SHOULDER, Road

__all__ = ["barriers", "crossing", "masts", "railings", "spots"]

Floats = NDArray[np.floating[Any]]
_UP = np.array([0.0, 0.0, 1.0])
_STEEL = np.array([62.0, 66, 70])
_TOWARD_US = np.array([0.0, -1.0, 0.0])
_MASTS = 9


def spots(road: Road, s: Any, d: Any, z: Any = 0.0) -> Floats:
    """Return world points of road coordinates and heights, ``(..., 3)``."""
    s, d, z = np.broadcast_arrays(np.asarray(s, np.float64), d, z)
    return np.concatenate([road.place(s, d), z[..., None]], axis=-1)


def barriers(canvas: Canvas, road: Road, rng: np.random.Generator) -> list[Job]:
    """Return the median barrier and the parapets, in pieces short enough to follow the road."""
    concrete = np.array([150.0, 144, 132]) * rng.uniform(0.6, 1.05)
    jobs: list[Job] = []
    for offset, half, high in ((0.0, MEDIAN, 0.85), (-PARAPET, 0.2, 0.95), (PARAPET, 0.2, 0.95)):
        tone = concrete * (1 if offset == 0 else rng.uniform(0.7, 1.05))
        jobs += _barrier(canvas, road, (offset, half, high), tone, rng)
    return jobs


def _barrier(
    canvas: Canvas, road: Road, shape: tuple[float, float, float], tone: Floats, rng: np.random.Generator
) -> list[Job]:
    """Return a concrete barrier: a sloping foot, the wall above it, and its top."""
    offset, half, high = shape
    steps = np.concatenate([np.arange(2, 60, 1.5), np.arange(60, 200, 5.0), np.arange(200, 700, 20.0)])
    s = canvas.camera.station + steps
    side = 1.0 if canvas.camera.offset > offset else -1.0
    number = canvas.number(offset=offset)
    heading = road.heading((s[:-1] + s[1:]) / 2)
    outward = side * np.stack([np.cos(heading), -np.sin(heading), np.zeros_like(heading)], axis=1)
    lit = street_lamp_light(s[:-1], np.full(len(s) - 1, offset), canvas.light.street)
    dirt = tone * (1 + rng.normal(0, 0.035, (len(s) - 1, 1)))
    edges = [
        (side * half, 0.0),
        (side * 0.6 * half, 0.25 * high),
        (side * 0.5 * half, high),
        (-side * 0.5 * half, high),
    ]
    rails = [spots(road, s, offset + aside, level) for aside, level in edges]
    jobs: list[Job] = []
    for k, (shade, normal) in enumerate(((0.72, outward), (0.9, outward), (1.12, _UP))):
        low, top = rails[k], rails[k + 1]
        jobs += canvas.polygons(np.stack([low[:-1], low[1:], top[1:], top[:-1]], 1), dirt * shade, normal, number, lit)
    return jobs


def railings(canvas: Canvas, road: Road) -> list[Job]:
    """Return the steel railings behind the walkways."""
    s = canvas.camera.station + np.arange(2, 240, 2.0)
    jobs: list[Job] = []
    for offset in (-RAILING, RAILING):
        number = canvas.number(offset=offset)
        foot = spots(road, s, offset)
        jobs += canvas.rods(foot, foot + 1.1 * _UP, 0.07, _STEEL, number)
        for level in (0.35, 0.7, 1.0):
            jobs += canvas.rods(foot[:-1] + level * _UP, foot[1:] + level * _UP, 0.05, _STEEL, number)
    return jobs


def masts(canvas: Canvas, road: Road, rng: np.random.Generator) -> list[Job]:
    """Return street lamps with two arms on the median, where the pools of light are."""
    grey = np.array([126.0, 130, 128]) * rng.choice([0.5, 1.4]) * rng.uniform(0.8, 1.1)
    first = np.ceil((canvas.camera.station + 14) / LAMP_SPACING)
    jobs: list[Job] = []
    for s in (first + np.arange(_MASTS)) * LAMP_SPACING:
        foot = spots(road, s, np.zeros(1))
        tips = spots(road, s, np.array([-2.6, 2.6]), 9.0)
        number = canvas.number(depth=float(canvas.depth(foot)[0]))
        joints, heads = np.repeat(foot + 8.4 * _UP, 2, axis=0), tips + 0.3 * (tips - foot - 9.0 * _UP)
        jobs += canvas.rods(foot, foot + 9.0 * _UP, 0.17, grey, number)
        jobs += canvas.rods(joints, tips, 0.08, grey, number)
        jobs += canvas.rods(tips, heads, 0.18, grey * 1.2, number)
        jobs += [(float(canvas.depth(foot)[0]) - 6.0, partial(_glare, canvas, tips))]
    return jobs


def _glare(canvas: Canvas, bulbs: Floats) -> None:
    """Add the glare of lit street lamps."""
    if canvas.light.street == 0:
        return
    pixels, depth = canvas.pixels(bulbs)
    rows, columns = np.ogrid[: canvas.image.shape[0], : canvas.image.shape[1]]
    for (x, y), far in zip(pixels, depth, strict=True):
        radius = max(0.6 * canvas.camera.focal / max(far, 5.0) * canvas.zoom, 1.5)
        away = np.hypot(rows - y, columns - x) / radius
        glare = 260 * canvas.light.street * np.exp(-away) + 40 * canvas.light.street / (1 + (away / 4) ** 2)
        canvas.image[:] = canvas.image + glare[..., None] * np.array([1.0, 0.82, 0.55])


def crossing(canvas: Canvas, road: Road, rng: np.random.Generator) -> list[Job]:
    """Return a green sign over one carriageway, or an overpass across the road."""
    return _sign(canvas, road, rng) if rng.random() < 0.5 else _overpass(canvas, road, rng)


def _overpass(canvas: Canvas, road: Road, rng: np.random.Generator) -> list[Job]:
    low, high = 5.6, rng.uniform(7.2, 8.6)
    left, right = spots(road, canvas.camera.station + rng.uniform(150, 230), np.array([-150.0, 150.0]))
    tone = np.array([118.0, 112, 104]) * rng.uniform(0.55, 1.1)
    number = canvas.number(depth=float(canvas.depth((left + right) / 2)))
    faces = np.stack(
        [
            np.stack([left + a * _UP, right + a * _UP, right + b * _UP, left + b * _UP])
            for a, b in ((low, high), (high, high + 0.9))
        ]
    )
    piers = left + (right - left) * np.array([[0.41], [0.45], [0.5], [0.55], [0.59]])
    deck = canvas.polygons(faces, np.stack([tone, tone * 1.25]), _TOWARD_US, number)
    return [*canvas.rods(piers, piers + low * _UP, 1.0, tone * 0.9, number), *deck]


def _sign(canvas: Canvas, road: Road, rng: np.random.Generator) -> list[Job]:
    at, sense = canvas.camera.station + rng.uniform(75, 120), float(rng.choice([-1.0, 1.0]))
    near, far = ends = spots(road, at, sense * np.array([0.0, SHOULDER + 1.2]))
    number = canvas.number(depth=float(canvas.depth(near)))
    steel, white = np.array([132.0, 134, 132]), np.array([222.0, 230, 224])
    beams = np.array([[6.4], [7.2]]) * _UP
    jobs = canvas.rods(ends, ends + 7.4 * _UP, 0.4, steel, number)
    jobs += canvas.rods(near + beams, far + beams, 0.25, steel, number)
    middle, along = near + (far - near) * rng.uniform(0.35, 0.65), (far - near) / np.linalg.norm(far - near)
    panels = (
        (2.5, 5.6, 8.0, white),
        (2.4, 5.7, 7.9, np.array([20.0, 104, 72])),
        (1.7, 7.1, 7.5, white),
        (1.2, 6.2, 6.6, white),
    )
    for nearer, (half, low, high, colour) in enumerate(panels, start=1):
        corners = ((-half, low), (half, low), (half, high), (-half, high))
        outline = np.stack([middle + along * x + _UP * z - 0.01 * nearer * canvas.camera.axes[2] for x, z in corners])
        jobs += canvas.polygons(outline[None], colour, _TOWARD_US, number, 1.6 * canvas.light.street)
    return jobs
