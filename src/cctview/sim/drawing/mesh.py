"""Low-polygon vehicles and people: convex parts lofted through cross-sections, with flat details on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CORNERS", "Material", "Mesh", "MeshBuilder", "Shape"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Shape = Sequence[tuple[float, float, float, float, float]]

CORNERS = 8  # every face is stored with this many corners; smaller ones repeat their last


class Material(IntEnum):
    """How a face takes light."""

    PAINT = 0
    MATT = 1
    GLASS = 2
    HEADLAMP = 3
    TAILLAMP = 4
    SIGN = 5


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Faces in painter's order, in metres about the middle of the footprint: x forward, y left, z up.

    ``corners (F, 8, 3)``, ``middle (F, 3)``, ``normal (F, 3)`` outward, ``area (F,)`` square metres of the first
    four corners, ``colour (F, 3)`` RGB 0-255,
    ``material (F,)``, ``part (F,)`` the convex part a face lies on. ``from_rear (F,)`` ranks the faces
    for a camera behind the vehicle; stored order is that for a camera in front. ``lamps`` are the
    faces that shine; ``shell (V, 3)`` the outermost points of each part, enough for its outline.
    """

    corners: Floats
    middle: Floats
    normal: Floats
    area: Floats
    colour: Floats
    material: Ints
    part: Ints
    from_rear: Ints
    lamps: Ints
    shell: Floats
    shell_part: Ints

    @property
    def parts(self) -> int:
        """Return how many convex parts the mesh has."""
        return int(self.part.max()) + 1


class MeshBuilder:
    """Collects faces part by part, the farthest part first as seen from in front."""

    def __init__(self) -> None:
        self._corners: list[Floats] = []
        self._colour: list[Any] = []
        self._material: list[int] = []
        self._part: list[int] = []
        self._parts = 0

    def loft(
        self,
        shape: Shape,
        colour: Any,
        material: Material = Material.PAINT,
        waist: float | None = None,
        crown: float | None = None,
    ) -> None:
        """Start a new part: a skin over cross-sections (x, half width below, half width above, z below, z above).

        With ``waist``, the flanks are widest at that share of their height and fall in above and below.
        With ``crown``, they turn in towards the top from that share of their height on.
        """
        self._parts += 1
        x, low, high, bottom, top = np.array(shape, np.float64).T
        flank = [np.stack([x, low, bottom], 1), np.stack([x, high, top], 1)]
        if waist is not None:
            flank[0][:, 1] *= 0.95
            flank.insert(1, np.stack([x, low, bottom + waist * (top - bottom)], 1))
        if crown is not None:
            shoulder = low + crown * (high - low)
            flank.insert(1, np.stack([x, shoulder, bottom + crown * (top - bottom)], 1))
            flank[-1][:, 1] -= 1.4 * (1 - crown) * high
        mirror = np.array([1.0, -1.0, 1.0])
        rim = np.stack([*(side * mirror for side in flank), *flank[::-1]])
        skin = np.stack([rim[:-1, :-1], rim[:-1, 1:], rim[1:, 1:], rim[1:, :-1]], axis=2)
        self._faces(skin.reshape(-1, 4, 3), colour, material)
        self._faces(rim[:, [0, -1]].transpose(1, 0, 2), colour, material)

    def face(self, corners: Any, colour: Any, material: Material = Material.PAINT) -> None:
        """Add one flat face to the current part."""
        self._faces(np.array(corners, np.float64)[None], colour, material)

    def _faces(self, corners: Floats, colour: Any, material: Material) -> None:
        """Add flat faces ``(F, K, 3)`` of one look to the current part."""
        count, used, _ = corners.shape
        points = np.empty((count, CORNERS, 3))
        points[:, :used], points[:, used:] = corners, corners[:, -1:]
        self._corners.append(points)
        self._colour += [colour] * count
        self._material += [int(material)] * count
        self._part += [self._parts - 1] * count

    def across(self, x: float, y: tuple[float, float], z: tuple[float, float], colour: Any, material: Material) -> None:
        """Add an upright rectangle facing forward or back."""
        (left, right), (low, high) = y, z
        self.face([(x, left, low), (x, left, high), (x, right, high), (x, right, low)], colour, material)

    def along(self, y: float, x: tuple[float, float], z: tuple[float, float], colour: Any, material: Material) -> None:
        """Add an upright rectangle on both flanks."""
        (back, front), (low, high) = x, z
        for side in (-y, y):
            outline = [(back, side, low), (back, side, high), (front, side, high), (front, side, low)]
            self.face(outline, colour, material)

    def flat(self, z: float, x: tuple[float, float], y: tuple[float, float], colour: Any, material: Material) -> None:
        """Add a level rectangle."""
        (back, front), (left, right) = x, y
        self.face([(back, left, z), (front, left, z), (front, right, z), (back, right, z)], colour, material)

    def wheels(self, y: float, at: Sequence[float], radius: float, hub: Any) -> None:
        """Add dark tyres with lighter hubs on both flanks."""
        turn = np.arange(CORNERS) * 2 * np.pi / CORNERS + np.pi / CORNERS
        discs = ((1.12 * radius, (12.0, 12.0, 13.0)), (radius, (28.0, 28.0, 30.0)), (0.62 * radius, hub))
        for x, side, (size, colour) in product(at, (-y, y), discs):
            height = np.maximum(radius + size * np.sin(turn), 0)
            self.face(np.stack([x + size * np.cos(turn), np.full(CORNERS, side), height], 1), colour, Material.MATT)

    def built(self, rear_parts: Sequence[int] | None = None) -> Mesh:
        """Return the mesh; ``rear_parts`` is the order of parts for a camera behind, where it differs."""
        corners, part = np.concatenate(self._corners), np.array(self._part)
        middle, material = corners.mean(axis=1), np.array(self._material)
        heart = np.stack([corners[part == p].reshape(-1, 3).mean(axis=0) for p in range(self._parts)])
        normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 1] - corners[:, 3])
        spread = np.sqrt(np.sum(normal**2, axis=1))
        normal /= np.maximum(spread, 1e-9)[:, None]
        outward = np.sign(np.sum(normal * (middle - heart[part]), axis=1, keepdims=True))
        place = np.argsort(rear_parts if rear_parts is not None else np.arange(self._parts))
        rank = np.empty(len(part), np.int64)
        rank[np.argsort(place[part], kind="stable")] = np.arange(len(part))
        shells = [_outermost(corners[part == p].reshape(-1, 3)) for p in range(self._parts)]
        return Mesh(
            corners=corners,
            middle=middle,
            normal=normal * np.where(outward == 0, 1, outward),
            area=spread / 2,
            colour=np.array(self._colour, np.float64),
            material=material,
            part=part,
            from_rear=rank,
            lamps=np.flatnonzero((material == Material.HEADLAMP) | (material == Material.TAILLAMP)),
            shell=np.concatenate(shells),
            shell_part=np.repeat(np.arange(self._parts), [len(shell) for shell in shells]),
        )


def _sphere(count: int) -> Floats:
    """Return directions spread evenly, ``(count, 3)``, along a spiral of golden angles."""
    turn = np.arange(count) + 0.5
    height, around = 1 - 2 * turn / count, turn * np.pi * (1 + 5**0.5)
    level = np.sqrt(1 - height**2)
    return np.stack([level * np.cos(around), level * np.sin(around), height], axis=1)


_DIRECTIONS = _sphere(160)


def _outermost(points: Floats) -> Floats:
    """Return the points that are extreme in one of many directions."""
    return points[np.unique(np.argmax(_DIRECTIONS @ points.T, axis=1))]
