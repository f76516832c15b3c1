"""What each vehicle and person looks like, drawn once from its identity so that every camera sees the same one."""

from __future__ import annotations

import numpy as np

from cctview.sim.drawing.cars import DARK, build_car
from cctview.sim.drawing.lorries import build_bus, build_truck, build_van
from cctview.sim.drawing.mesh import Material, Mesh, MeshBuilder
from cctview.sim.world.fleet import KINDS, PERSON

__all__ = ["appearance"]

_TRUCK_FROM_BEHIND = (0, 2, 1)


def appearance(kind: int, length: float, seed: int, identity: int) -> Mesh:
    """Return the shape, colours and markings of a vehicle, or of a person; ``kind`` is a row of TYPES."""
    rng, make = np.random.default_rng([seed, identity]), MeshBuilder()
    name = "person" if kind == PERSON else str(KINDS[kind])
    match name:
        case "person":
            _person(make, rng)
        case "motorcycle":
            _motorcycle(length, make, rng)
        case "truck":
            build_truck(length, make, rng)
            return make.built(rear_parts=_TRUCK_FROM_BEHIND)
        case "bus":
            build_bus(length, make, rng)
        case "van":
            build_van(length, make, rng)
        case _:
            build_car(name, length, make, rng)
    return make.built()


def _motorcycle(length: float, make: MeshBuilder, rng: np.random.Generator) -> None:
    """Build a motorcycle with its rider."""
    paint = rng.uniform(15, 170) + rng.uniform(-15, 40, 3)
    make.loft(((-length / 2, 0.05, 0.05, 0.0, 0.62), (length / 2, 0.05, 0.05, 0.0, 0.62)), DARK, Material.MATT)
    make.loft(
        ((-0.42 * length, 0.1, 0.1, 0.35, 0.85), (0.1 * length, 0.16, 0.14, 0.3, 0.95),
         (0.38 * length, 0.12, 0.1, 0.4, 1.05)),
        paint,
    )  # fmt: skip
    make.across(0.39 * length, (-0.09, 0.09), (0.72, 0.9), np.full(3, 235.0), Material.HEADLAMP)
    make.across(-0.43 * length, (-0.07, 0.07), (0.62, 0.74), (160.0, 24.0, 20.0), Material.TAILLAMP)
    coat = np.clip(rng.uniform(18, 110) + rng.uniform(-12, 12, 3), 10, 200)
    make.loft(((-0.3, 0.22, 0.26, 0.78, 1.38), (0.12, 0.2, 0.24, 0.8, 1.32)), coat, Material.MATT)
    make.loft(((-0.14, 0.13, 0.1, 1.36, 1.66), (0.14, 0.13, 0.1, 1.36, 1.64)), np.full(3, rng.uniform(20, 220)))


def _person(make: MeshBuilder, rng: np.random.Generator) -> None:
    """Build a walking person."""
    tall, girth = rng.uniform(1.5, 1.9), rng.uniform(0.19, 0.27)
    trousers = np.clip(rng.uniform(22, 110) + np.array([0.0, 2, 14]) * rng.normal(0, 1), 12, 140)
    coat = np.clip(rng.uniform(20, 210) + rng.uniform(-30, 30, 3), 12, 235)
    skin = np.array([196.0, 150.0, 122.0]) * rng.uniform(0.4, 1.1)
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
