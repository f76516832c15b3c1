"""Cars: sedans, sport utility vehicles, hatchbacks and taxis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.drawing.mesh import Material, MeshBuilder, Shape

__all__ = ["DARK", "GLASS", "PAINT", "PAINT_SHARE", "build_car"]

Floats = NDArray[np.floating[Any]]

PAINT = np.array([
    (214, 216, 216), (226, 226, 224), (24, 25, 28), (34, 35, 39), (74, 78, 84), (104, 108, 112), (158, 163, 167),
    (182, 185, 186), (38, 56, 98), (62, 96, 146), (112, 26, 30), (138, 36, 36), (104, 92, 76), (44, 66, 58),
], np.float64)  # fmt: skip
PAINT_SHARE = np.array([0.13, 0.12, 0.14, 0.11, 0.10, 0.09, 0.08, 0.07, 0.05, 0.02, 0.03, 0.02, 0.03, 0.01])
DARK = np.array([30.0, 30.0, 33.0])
GLASS = np.array([30.0, 34.0, 38.0])
_TAXI = np.array([232.0, 178.0, 38.0])
_GREEN_TAXI = np.array([132.0, 190.0, 52.0])
_PLATES = np.array([(214, 168, 72), (220, 220, 214), (206, 214, 226)], np.float64)

# Along the vehicle from tail 0 to nose 1; heights as shares of the whole height, widths of half the width.
_BODY: dict[str, Shape] = {
    "sedan": (
        (0.0, 0.70, 0.64, 0.20, 0.56), (0.02, 0.86, 0.80, 0.15, 0.64), (0.08, 0.97, 0.88, 0.14, 0.67),
        (0.28, 1.0, 0.93, 0.14, 0.68), (0.70, 1.0, 0.92, 0.14, 0.66), (0.90, 0.97, 0.82, 0.14, 0.57),
        (0.97, 0.84, 0.70, 0.15, 0.50), (1.0, 0.62, 0.56, 0.20, 0.43),
    ),
    "suv": (
        (0.0, 0.78, 0.72, 0.22, 0.58), (0.02, 0.91, 0.86, 0.17, 0.63), (0.07, 0.98, 0.92, 0.16, 0.64),
        (0.30, 1.0, 0.94, 0.16, 0.64), (0.71, 1.0, 0.93, 0.16, 0.63), (0.91, 0.97, 0.85, 0.16, 0.57),
        (0.98, 0.86, 0.76, 0.18, 0.52), (1.0, 0.70, 0.64, 0.22, 0.46),
    ),
    "hatch": (
        (0.0, 0.72, 0.66, 0.20, 0.58), (0.02, 0.88, 0.82, 0.15, 0.64), (0.08, 0.98, 0.90, 0.14, 0.65),
        (0.30, 1.0, 0.93, 0.14, 0.65), (0.72, 1.0, 0.92, 0.14, 0.63), (0.90, 0.96, 0.82, 0.14, 0.55),
        (0.97, 0.84, 0.70, 0.15, 0.49), (1.0, 0.62, 0.56, 0.20, 0.42),
    ),
}  # fmt: skip
_CABIN: dict[str, tuple[float, float, float, float]] = {
    "sedan": (0.09, 0.27, 0.53, 0.73),
    "suv": (0.02, 0.09, 0.58, 0.74),
    "hatch": (0.02, 0.15, 0.54, 0.76),
}


def build_car(name: str, length: float, make: MeshBuilder, rng: np.random.Generator) -> None:
    """Build a sedan, suv, hatch or taxi of this length."""
    shape = "sedan" if name == "taxi" and rng.random() < 0.5 else "suv" if name == "taxi" else name
    half = rng.uniform(0.87, 0.95) + 0.06 * (shape == "suv")
    tall = {"sedan": rng.uniform(1.40, 1.50), "suv": rng.uniform(1.62, 1.86), "hatch": rng.uniform(1.44, 1.56)}[shape]
    hackney = _TAXI if rng.random() < 0.8 else _GREEN_TAXI
    paint = hackney if name == "taxi" else rng.choice(PAINT, p=PAINT_SHARE) * rng.uniform(0.88, 1.1)
    paint = np.clip(paint + rng.normal(0, 4, 3), 8, 245)
    make.loft(
        [((t - 0.5) * length, half * a, half * b, tall * c, tall * d) for t, a, b, c, d in _BODY[shape]],
        paint,
        waist=rng.uniform(0.55, 0.7),
    )
    _car_details(make, length, half, tall, rng)
    _cabin(make, shape, (length, half, tall), paint, rng)
    _roof(make, name, (length, half, tall), rng)


def _car_details(make: MeshBuilder, length: float, half: float, tall: float, rng: np.random.Generator) -> None:
    """Add bumpers, grille, lamps, number plates, sills and wheels to the body."""
    nose, tail = length / 2 + 0.01, -length / 2 - 0.01
    plate = rng.choice(_PLATES)
    make.along(half, (-0.44 * length, 0.43 * length), (0.15 * tall, 0.24 * tall), DARK, Material.MATT)
    make.across(nose, (-0.60 * half, 0.60 * half), (0.15 * tall, 0.22 * tall), DARK, Material.MATT)
    make.across(tail, (-0.66 * half, 0.66 * half), (0.16 * tall, 0.24 * tall), DARK, Material.MATT)
    grille = DARK if rng.random() < 0.7 else np.full(3, 130.0)
    make.across(nose, (-0.40 * half, 0.40 * half), (0.30 * tall, 0.41 * tall), grille, Material.MATT)
    make.across(nose, (-0.26, 0.26), (0.24 * tall, 0.30 * tall), plate, Material.MATT)
    make.across(tail, (-0.26, 0.26), (0.32 * tall, 0.41 * tall), plate, Material.MATT)
    lamp_low = rng.uniform(0.43, 0.48)
    for side in (-1.0, 1.0):
        inner, outer = side * 0.40 * half, side * 0.66 * half
        make.across(nose, (inner, outer), (0.35 * tall, 0.45 * tall), (232.0, 234.0, 236.0), Material.HEADLAMP)
        make.across(tail, (inner, outer), (lamp_low * tall, 0.57 * tall), (150.0, 22.0, 20.0), Material.TAILLAMP)
    hub = np.full(3, rng.choice([70.0, 120.0, 150.0]))
    make.wheels(half + 0.01, (-0.30 * length, 0.31 * length), rng.uniform(0.32, 0.37), hub)


def _cabin(
    make: MeshBuilder, shape: str, size: tuple[float, float, float], paint: Floats, rng: np.random.Generator
) -> None:
    """Add pillars and roof as a part of their own, and the windows on it."""
    length, half, tall = size
    x = (np.array(_CABIN[shape]) + rng.normal(0, 0.008, 4) - 0.5) * length
    belt, roof = 0.64 * tall, tall
    base, top = 0.92 * half, (0.80 if shape == "suv" else 0.74) * half
    make.loft(
        ((x[0], base, base, belt, belt), (x[1], base, top, belt, roof), (x[2], base, top, belt, roof),
         (x[3], base, base, belt, belt)),
        paint,
        crown=0.88,
    )  # fmt: skip
    tint = GLASS * rng.uniform(0.6, 1.3)
    for low, high in ((x[3], x[2]), (x[0], x[1])):
        a, b = low + 0.08 * (high - low), low + 0.93 * (high - low)
        za, zb = belt + 0.08 * (roof - belt), belt + 0.93 * (roof - belt)
        ya, yb = 0.90 * base, 0.90 * top
        make.face([(a, -ya, za), (b, -yb, zb), (b, yb, zb), (a, ya, za)], tint, Material.GLASS)
    low_z, high_z = belt + 0.10 * (roof - belt), belt + 0.88 * (roof - belt)
    low_y, high_y = base - 0.1 * (base - top), top + 0.12 * (base - top)
    back, front = (x[0] + 0.25 * (x[1] - x[0]), x[1]), (x[3] - 0.2 * (x[3] - x[2]), x[2])
    pillar = 0.45 * (x[0] + x[3]) + 0.1 * x[2]
    for side in (-1.0, 1.0):
        for near, far in ((back, (pillar - 0.06, pillar - 0.06)), ((pillar + 0.06, pillar + 0.06), front)):
            make.face(
                [(near[0], side * low_y, low_z), (near[1], side * high_y, high_z), (far[1], side * high_y, high_z),
                 (far[0], side * low_y, low_z)],
                tint * 0.85,
                Material.GLASS,
            )  # fmt: skip


def _roof(make: MeshBuilder, name: str, size: tuple[float, float, float], rng: np.random.Generator) -> None:
    """Add what tells one car from the next: a sunroof, a black roof, rails, or a taxi light."""
    length, half, tall = size
    back, front = -0.30 * length, 0.02 * length
    mark = rng.random()
    if mark < 0.2:
        make.flat(tall, (-0.14 * length, front), (-0.5 * half, 0.5 * half), GLASS, Material.GLASS)
    elif mark < 0.3:
        make.flat(tall, (back, 0.06 * length), (-0.72 * half, 0.72 * half), DARK, Material.PAINT)
    elif mark < 0.5 and name != "sedan":
        for side in (-0.66 * half, 0.58 * half):
            make.flat(tall + 0.04, (back, front), (side, side + 0.08 * half), np.full(3, 150.0), Material.MATT)
    if name == "taxi":
        make.loft(
            ((-0.15, 0.34, 0.30, tall, tall + 0.22), (0.12, 0.34, 0.30, tall, tall + 0.22)),
            np.full(3, 240.0),
            Material.SIGN,
        )
