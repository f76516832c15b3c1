"""What each vehicle and person looks like, drawn once from its identity so that every camera sees the same one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.mesh import Material, Mesh, MeshBuilder, Shape
from cctview.sim.world import KINDS

__all__ = ["PERSON", "TYPES", "appearance"]

Floats = NDArray[np.floating[Any]]

PERSON = len(KINDS)
TYPES = np.array(["car", "car", "car", "car", "truck", "bus", "person"])  # by row of KINDS, then PERSON
_PAINT = np.array([
    (214, 216, 216), (226, 226, 224), (24, 25, 28), (34, 35, 39), (74, 78, 84), (104, 108, 112), (158, 163, 167),
    (182, 185, 186), (38, 56, 98), (62, 96, 146), (128, 26, 30), (158, 40, 38), (104, 92, 76), (44, 66, 58),
], np.float64)  # fmt: skip
_PAINT_SHARE = np.array([0.12, 0.12, 0.13, 0.10, 0.09, 0.08, 0.08, 0.07, 0.05, 0.03, 0.04, 0.03, 0.04, 0.02])
_TAXI = np.array([232.0, 178.0, 38.0])
_DARK = np.array([30.0, 30.0, 33.0])
_GLASS = np.array([30.0, 34.0, 38.0])
_LIVERY = np.array([(44, 74, 128), (150, 44, 42), (58, 100, 74), (206, 142, 62), (60, 60, 66), (104, 76, 122)], float)
_PLATES = np.array([(214, 168, 72), (220, 220, 214), (206, 214, 226)], np.float64)

# Along the vehicle from tail 0 to nose 1; heights as shares of the whole height, widths of half the width.
_BODY: dict[str, Shape] = {
    "sedan": (
        (0.0, 0.78, 0.74, 0.16, 0.60), (0.05, 0.96, 0.88, 0.14, 0.67), (0.28, 1.0, 0.93, 0.14, 0.68),
        (0.70, 1.0, 0.93, 0.14, 0.66), (0.93, 0.94, 0.84, 0.14, 0.55), (1.0, 0.76, 0.70, 0.15, 0.47),
    ),
    "suv": (
        (0.0, 0.84, 0.80, 0.18, 0.60), (0.04, 0.97, 0.92, 0.16, 0.64), (0.30, 1.0, 0.94, 0.16, 0.64),
        (0.71, 1.0, 0.94, 0.16, 0.63), (0.94, 0.95, 0.86, 0.16, 0.56), (1.0, 0.80, 0.74, 0.17, 0.50),
    ),
    "hatch": (
        (0.0, 0.80, 0.76, 0.16, 0.62), (0.05, 0.97, 0.90, 0.14, 0.65), (0.30, 1.0, 0.93, 0.14, 0.65),
        (0.72, 1.0, 0.93, 0.14, 0.63), (0.93, 0.94, 0.84, 0.14, 0.53), (1.0, 0.76, 0.70, 0.15, 0.46),
    ),
}  # fmt: skip
_CABIN: dict[str, tuple[float, float, float, float]] = {
    "sedan": (0.09, 0.27, 0.53, 0.73),
    "suv": (0.02, 0.09, 0.58, 0.74),
    "hatch": (0.02, 0.15, 0.54, 0.76),
}


def appearance(kind: int, length: float, seed: int, identity: int) -> Mesh:
    """Return the shape, colours and markings of a vehicle, or of a person; ``kind`` is a row of TYPES."""
    rng = np.random.default_rng([seed, identity])
    if kind == PERSON:
        return _person(rng)
    name = str(KINDS[kind])
    if name == "truck":
        return _truck(length, rng)
    if name == "bus":
        return _bus(length, rng)
    return _car(name, length, rng)


def _person(rng: np.random.Generator) -> Mesh:
    """Return a walking person."""
    tall, girth = rng.uniform(1.5, 1.9), rng.uniform(0.19, 0.27)
    trousers = np.clip(rng.uniform(22, 110) + np.array([0.0, 2, 14]) * rng.normal(0, 1), 12, 140)
    coat = np.clip(rng.uniform(20, 210) + rng.uniform(-30, 30, 3), 12, 235)
    skin = np.array([196.0, 150.0, 122.0]) * rng.uniform(0.4, 1.1)
    make = MeshBuilder()
    stride = rng.uniform(0.05, 0.3)
    leg = 0.48 * tall
    for side in (-1, 1):
        foot, hip = side * stride, 0.0
        sections = ((foot - 0.08, 0.0), (foot + 0.08, 0.0), (hip + 0.1, leg), (hip - 0.1, leg))
        make.loft(((-0.1, 0.08, 0.1, 0.0, 0.01), (0.1, 0.08, 0.1, 0.0, 0.01)), trousers * 0.4, Material.MATT)
        for y in (side * 0.03, side * 0.17):
            make.face([(x, y, z) for x, z in sections], trousers, Material.MATT)
        for rear, front in ((0, 3), (1, 2)):
            ends = [
                (*sections[rear], 0.03),
                (*sections[rear], 0.17),
                (*sections[front], 0.17),
                (*sections[front], 0.03),
            ]
            make.face([(x, side * y, z) for x, z, y in ends], trousers, Material.MATT)
    waist, neck = 0.45 * tall, 0.85 * tall
    make.loft(
        ((-0.13, girth, girth + 0.05, waist, neck), (0.13, girth, girth + 0.05, waist, neck)), coat, Material.MATT
    )
    make.loft(((-0.12, 0.1, 0.09, neck, tall), (0.12, 0.1, 0.09, neck, tall)), skin, Material.MATT)
    make.flat(tall, (-0.1, 0.1), (-0.08, 0.08), rng.uniform(15, 90) * np.ones(3), Material.MATT)
    make.across(-0.1, (-0.09, 0.09), (neck + 0.08, tall), rng.uniform(15, 90) * np.ones(3), Material.MATT)
    return make.built()


def _car(name: str, length: float, rng: np.random.Generator) -> Mesh:
    shape = "sedan" if name == "taxi" and rng.random() < 0.5 else "suv" if name == "taxi" else name
    half = rng.uniform(0.87, 0.95) + 0.06 * (shape == "suv")
    tall = {"sedan": rng.uniform(1.40, 1.50), "suv": rng.uniform(1.62, 1.86), "hatch": rng.uniform(1.44, 1.56)}[shape]
    paint = _TAXI if name == "taxi" else rng.choice(_PAINT, p=_PAINT_SHARE) * rng.uniform(0.88, 1.1)
    paint = np.clip(paint + rng.normal(0, 4, 3), 8, 245)
    make = MeshBuilder()
    make.loft(
        [((t - 0.5) * length, half * a, half * b, tall * c, tall * d) for t, a, b, c, d in _BODY[shape]],
        paint,
        waist=rng.uniform(0.55, 0.7),
    )
    _car_details(make, length, half, tall, rng)
    _cabin(make, shape, (length, half, tall), paint, rng)
    _roof(make, name, (length, half, tall), rng)
    return make.built()


def _car_details(make: MeshBuilder, length: float, half: float, tall: float, rng: np.random.Generator) -> None:
    """Add bumpers, grille, lamps, number plates, sills and wheels to the body."""
    nose, tail = length / 2 + 0.01, -length / 2 - 0.01
    plate = rng.choice(_PLATES)
    make.along(half, (-0.44 * length, 0.43 * length), (0.15 * tall, 0.24 * tall), _DARK, Material.MATT)
    make.across(nose, (-0.66 * half, 0.66 * half), (0.15 * tall, 0.22 * tall), _DARK, Material.MATT)
    make.across(tail, (-0.72 * half, 0.72 * half), (0.16 * tall, 0.24 * tall), _DARK, Material.MATT)
    grille = _DARK if rng.random() < 0.7 else np.full(3, 130.0)
    make.across(nose, (-0.40 * half, 0.40 * half), (0.30 * tall, 0.41 * tall), grille, Material.MATT)
    make.across(nose, (-0.26, 0.26), (0.24 * tall, 0.30 * tall), plate, Material.MATT)
    make.across(tail, (-0.26, 0.26), (0.32 * tall, 0.41 * tall), plate, Material.MATT)
    lamp_low = rng.uniform(0.43, 0.48)
    for side in (-1.0, 1.0):
        inner, outer = side * 0.46 * half, side * 0.74 * half
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
    )  # fmt: skip
    tint = _GLASS * rng.uniform(0.6, 1.3)
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
        make.flat(tall, (-0.14 * length, front), (-0.5 * half, 0.5 * half), _GLASS, Material.GLASS)
    elif mark < 0.3:
        make.flat(tall, (back, 0.06 * length), (-0.72 * half, 0.72 * half), _DARK, Material.PAINT)
    elif mark < 0.5 and name != "sedan":
        for side in (-0.66 * half, 0.58 * half):
            make.flat(tall + 0.04, (back, front), (side, side + 0.08 * half), np.full(3, 150.0), Material.MATT)
    if name == "taxi":
        make.loft(
            ((-0.15, 0.34, 0.30, tall, tall + 0.22), (0.12, 0.34, 0.30, tall, tall + 0.22)),
            np.full(3, 240.0),
            Material.SIGN,
        )


def _truck(length: float, rng: np.random.Generator) -> Mesh:
    """Return a box truck; seen from behind, its box hides its cab."""
    half, tall, cab_tall = rng.uniform(1.1, 1.25), rng.uniform(3.0, 3.6), rng.uniform(2.2, 2.5)
    nose, tail = length / 2, -length / 2
    cab = nose - rng.uniform(1.8, 2.2)
    white = np.full(3, rng.uniform(205, 235))
    colour = rng.choice(_LIVERY)
    body = white if rng.random() < 0.75 else colour * 0.9
    make = MeshBuilder()
    make.loft(
        ((tail, 0.8 * half, 0.8 * half, 0.45, 0.95), (cab, 0.8 * half, 0.8 * half, 0.45, 0.95)), _DARK, Material.MATT
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
        _GLASS,
        Material.GLASS,
    )  # fmt: skip
    make.along(0.91 * half, (cab + 0.2, slope), (hood, cab_tall - 0.2), _GLASS, Material.GLASS)
    make.across(nose + 0.01, (-0.5 * half, 0.5 * half), (0.6, 1.0), _DARK, Material.MATT)
    for side in (-1.0, 1.0):
        make.across(
            nose + 0.01, (side * 0.56 * half, side * 0.82 * half), (0.65, 0.88), np.full(3, 235.0), Material.HEADLAMP
        )
    make.wheels(0.95 * half, (nose - 0.9,), 0.46, np.full(3, 90.0))
    return make.built(rear_parts=(0, 2, 1))


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
    make.across(back - 0.01, (-0.03, 0.03), (low, high), _DARK * 3, Material.MATT)
    make.across(back - 0.01, (-half, half), (low, low + 0.1), _DARK * 2, Material.MATT)
    if stripe > 0.5:
        make.across(back - 0.01, (-0.6 * half, 0.6 * half), (high - 0.9, high - 0.5), colour, Material.PAINT)


def _bus(length: float, rng: np.random.Generator) -> Mesh:
    """Return a city bus with a coloured band, a window row and a lit destination sign."""
    half, tall = 1.27, rng.uniform(2.95, 3.2)
    nose, tail = length / 2, -length / 2
    base = np.full(3, rng.uniform(195, 230)) if rng.random() < 0.7 else np.array([40.0, 84.0, 168.0])
    band = np.array([36.0, 74.0, 152.0]) if base[0] > 100 else np.array([236.0, 196.0, 56.0])
    make = MeshBuilder()
    make.loft(
        ((tail, 0.94 * half, 0.90 * half, 0.32, tall), (tail + 0.25, half, 0.95 * half, 0.3, tall),
         (nose - 0.3, half, 0.95 * half, 0.3, tall), (nose, 0.92 * half, 0.88 * half, 0.32, tall - 0.08)),
        base,
    )  # fmt: skip
    make.along(half, (tail + 0.25, nose - 0.3), (0.32, 0.32 + rng.uniform(0.2, 0.6)), band, Material.PAINT)
    make.along(half, (tail + 0.6, nose - 0.5), (0.46 * tall, 0.80 * tall), _GLASS, Material.GLASS)
    for x in np.arange(tail + 1.9, nose - 1, 1.5):
        make.along(half + 0.01, (x, x + 0.14), (0.46 * tall, 0.80 * tall), _DARK, Material.MATT)
    make.across(nose + 0.01, (-0.82 * half, 0.82 * half), (0.36 * tall, 0.80 * tall), _GLASS, Material.GLASS)
    make.across(nose + 0.01, (-0.6 * half, 0.6 * half), (0.84 * tall, 0.93 * tall), (226.0, 150.0, 40.0), Material.SIGN)
    make.across(tail - 0.01, (-0.6 * half, 0.6 * half), (0.56 * tall, 0.82 * tall), _GLASS, Material.GLASS)
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
    return make.built()
