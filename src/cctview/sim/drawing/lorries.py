"""Trucks, vans and buses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.drawing.cars import DARK, GLASS, PAINT, PAINT_SHARE
from cctview.sim.drawing.mesh import Material, MeshBuilder

__all__ = ["build_bus", "build_truck", "build_van"]

Floats = NDArray[np.floating[Any]]

_LIVERY = np.array([(44, 74, 128), (150, 44, 42), (58, 100, 74), (206, 142, 62), (60, 60, 66), (104, 76, 122)], float)


def build_truck(length: float, make: MeshBuilder, rng: np.random.Generator) -> None:
    """Build a box truck; seen from behind, its box hides its cab."""
    half, tall, cab_tall = rng.uniform(1.1, 1.25), rng.uniform(3.0, 3.6), rng.uniform(2.2, 2.5)
    nose, tail = length / 2, -length / 2
    cab = nose - rng.uniform(1.8, 2.2)
    white = np.full(3, rng.uniform(205, 235))
    colour = rng.choice(_LIVERY)
    body = white if rng.random() < 0.75 else colour * 0.9
    make.loft(
        ((tail, 0.8 * half, 0.8 * half, 0.45, 0.95), (cab, 0.8 * half, 0.8 * half, 0.45, 0.95)), DARK, Material.MATT
    )
    make.wheels(half - 0.05, (tail + 0.22 * length, nose - 0.9), 0.46, np.full(3, 90.0))
    make.loft(((tail, half, half, 0.9, tall), (cab - 0.1, half, half, 0.9, tall)), body)
    _livery(make, (tail, cab - 0.1, half, tall), colour if body is white else white, rng)
    for side in (-0.86, 0.66):
        make.across(
            tail - 0.01, (side * half, (side + 0.2) * half), (0.92, 1.06), (160.0, 24.0, 20.0), Material.TAILLAMP
        )
    paint = white if rng.random() < 0.7 else colour
    slope, hood = nose - rng.uniform(0.5, 1.0), rng.uniform(1.2, 1.5)
    make.loft(
        ((cab, 0.92 * half, 0.86 * half, 0.4, cab_tall), (slope, 0.92 * half, 0.86 * half, 0.4, cab_tall),
         (nose - 0.1, 0.92 * half, 0.9 * half, 0.4, hood), (nose, 0.86 * half, 0.86 * half, 0.42, hood - 0.15)),
        paint,
    )  # fmt: skip
    drop = cab_tall - hood
    make.face(
        [(nose - 0.14, -0.8 * half, hood + 0.1 * drop), (slope, -0.76 * half, hood + 0.9 * drop),
         (slope, 0.76 * half, hood + 0.9 * drop), (nose - 0.14, 0.8 * half, hood + 0.1 * drop)],
        GLASS,
        Material.GLASS,
    )  # fmt: skip
    make.along(0.91 * half, (cab + 0.2, slope), (hood, cab_tall - 0.2), GLASS, Material.GLASS)
    make.across(nose + 0.01, (-0.5 * half, 0.5 * half), (0.6, 1.0), DARK, Material.MATT)
    for side in (-1.0, 1.0):
        make.across(
            nose + 0.01, (side * 0.56 * half, side * 0.82 * half), (0.65, 0.88), np.full(3, 235.0), Material.HEADLAMP
        )
    make.wheels(0.95 * half, (nose - 0.9,), 0.46, np.full(3, 90.0))


def _livery(
    make: MeshBuilder, size: tuple[float, float, float, float], colour: Floats, rng: np.random.Generator
) -> None:
    """Add lettering blocks, a stripe and door seams to a box; ``size`` is its back, front, half width and top."""
    back, front, half, tall = size
    span, low, high = front - back, 0.9, tall
    stripe = rng.random()
    if stripe < 0.4:
        make.along(half + 0.01, (back, front), (low + 0.1, low + 0.1 + 0.2 * (high - low)), colour, Material.PAINT)
    if stripe > 0.25:
        at, level = back + rng.uniform(0.15, 0.4) * span, low + rng.uniform(0.35, 0.5) * (high - low)
        letters = (at, at + rng.uniform(0.3, 0.5) * span)
        make.along(half + 0.01, letters, (level, level + rng.uniform(0.14, 0.3) * (high - low)), colour, Material.PAINT)
    make.across(back - 0.01, (-0.03, 0.03), (low, high), DARK * 3, Material.MATT)
    make.across(back - 0.01, (-half, half), (low, low + 0.1), DARK * 2, Material.MATT)
    if stripe > 0.5:
        make.across(back - 0.01, (-0.6 * half, 0.6 * half), (high - 0.9, high - 0.5), colour, Material.PAINT)


def build_bus(length: float, make: MeshBuilder, rng: np.random.Generator) -> None:
    """Build a city bus with a coloured band, a window row and a lit destination sign."""
    half, tall = 1.27, rng.uniform(2.95, 3.2)
    nose, tail = length / 2, -length / 2
    base = np.full(3, rng.uniform(195, 230)) if rng.random() < 0.7 else np.array([40.0, 84.0, 168.0])
    band = np.array([36.0, 74.0, 152.0]) if base[0] > 100 else np.array([236.0, 196.0, 56.0])
    make.loft(
        ((tail, 0.94 * half, 0.90 * half, 0.32, tall), (tail + 0.25, half, 0.95 * half, 0.3, tall),
         (nose - 0.3, half, 0.95 * half, 0.3, tall), (nose, 0.92 * half, 0.88 * half, 0.32, tall - 0.08)),
        base,
    )  # fmt: skip
    make.along(half, (tail + 0.25, nose - 0.3), (0.32, 0.32 + rng.uniform(0.2, 0.6)), band, Material.PAINT)
    make.along(half, (tail + 0.6, nose - 0.5), (0.46 * tall, 0.80 * tall), GLASS, Material.GLASS)
    for x in np.arange(tail + 1.9, nose - 1, 1.5):
        make.along(half + 0.01, (x, x + 0.14), (0.46 * tall, 0.80 * tall), DARK, Material.MATT)
    make.across(nose + 0.01, (-0.82 * half, 0.82 * half), (0.36 * tall, 0.80 * tall), GLASS, Material.GLASS)
    make.across(nose + 0.01, (-0.6 * half, 0.6 * half), (0.84 * tall, 0.93 * tall), (226.0, 150.0, 40.0), Material.SIGN)
    make.across(tail - 0.01, (-0.6 * half, 0.6 * half), (0.56 * tall, 0.82 * tall), GLASS, Material.GLASS)
    make.across(tail - 0.01, (-0.7 * half, 0.7 * half), (0.18 * tall, 0.40 * tall), band, Material.PAINT)
    for side in (-1.0, 1.0):
        make.across(
            nose + 0.01, (side * 0.55 * half, side * 0.82 * half), (0.62, 0.88), np.full(3, 235.0), Material.HEADLAMP
        )
        make.across(
            tail - 0.01, (side * 0.7 * half, side * 0.86 * half), (0.7, 1.3), (160.0, 24.0, 20.0), Material.TAILLAMP
        )
    make.wheels(half + 0.01, (tail + 0.27 * length, nose - 0.22 * length), 0.48, np.full(3, 100.0))
    make.loft(
        (
            (tail + 1.5, 0.6 * half, 0.55 * half, tall, tall + 0.25),
            (tail + 4.5, 0.6 * half, 0.55 * half, tall, tall + 0.25),
        ),
        base * 0.85,
    )


def build_van(length: float, make: MeshBuilder, rng: np.random.Generator) -> None:
    """Build a panel van or minibus: one tall body with a short sloping nose."""
    half, tall = rng.uniform(0.95, 1.02), rng.uniform(1.85, 2.3)
    paint = np.full(3, rng.uniform(205, 235)) if rng.random() < 0.5 else rng.choice(PAINT, p=PAINT_SHARE)
    nose, tail = length / 2, -length / 2
    make.loft(
        ((tail, 0.95 * half, 0.92 * half, 0.28, 0.62 * tall), (nose - 0.5, half, 0.97 * half, 0.26, 0.52 * tall),
         (nose, 0.86 * half, 0.8 * half, 0.3, 0.40 * tall)),
        paint,
    )  # fmt: skip
    make.along(half, (tail + 0.1, nose - 0.3), (0.26, 0.42), DARK, Material.MATT)
    _van_ends(make, (nose, tail, half, tall))
    make.wheels(half + 0.01, (tail + 0.2 * length, nose - 0.19 * length), 0.36, np.full(3, 110.0))
    roof = nose - rng.uniform(1.25, 1.6)
    belt = 0.5 * tall
    make.loft(
        ((tail, 0.94 * half, 0.86 * half, belt, tall - 0.05), (roof, 0.96 * half, 0.86 * half, belt, tall),
         (nose - 0.45, 0.94 * half, 0.9 * half, belt, belt + 0.02)),
        paint,
        crown=0.86,
    )  # fmt: skip
    glass = np.array([(nose - 0.55, belt + 0.06), (roof + 0.06, tall - 0.12)])
    make.face(
        [(glass[0, 0], -0.82 * half, glass[0, 1]), (glass[1, 0], -0.76 * half, glass[1, 1]),
         (glass[1, 0], 0.76 * half, glass[1, 1]), (glass[0, 0], 0.82 * half, glass[0, 1])],
        GLASS, Material.GLASS,
    )  # fmt: skip
    back = roof - 0.9 if rng.random() < 0.6 else tail + 0.3
    make.along(0.95 * half, (back, roof + 0.15), (belt + 0.12, tall - 0.25), GLASS, Material.GLASS)
    make.across(tail - 0.01, (-0.7 * half, 0.7 * half), (belt + 0.12, tall - 0.25), GLASS, Material.GLASS)


def _van_ends(make: MeshBuilder, size: tuple[float, float, float, float]) -> None:
    """Add grille, plates and lamps; ``size`` is nose, tail, half width and height."""
    nose, tail, half, tall = size
    make.across(nose + 0.01, (-0.4 * half, 0.4 * half), (0.25 * tall, 0.34 * tall), DARK, Material.MATT)
    make.across(nose + 0.01, (-0.26, 0.26), (0.18 * tall, 0.23 * tall), (220.0, 220.0, 214.0), Material.MATT)
    for side in (-1.0, 1.0):
        inner, outer = side * 0.48 * half, side * 0.76 * half
        make.across(nose + 0.01, (inner, outer), (0.28 * tall, 0.37 * tall), np.full(3, 234.0), Material.HEADLAMP)
        make.across(
            tail - 0.01, (outer, side * 0.92 * half), (0.3 * tall, 0.5 * tall), (150, 22, 20), Material.TAILLAMP
        )
