"""Paint moving objects into a scene, and say exactly where each one is and how much of it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctview.sim.camera import RoadCamera
from cctview.sim.lighting import Lighting, street_lamp_light
from cctview.sim.mesh import Material, Mesh
from cctview.sim.scene import Scene

__all__ = ["Extent", "Placed", "compose"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Image = NDArray[np.uint8]
_SHIFT = 4
_NEAREST = 2.5  # metres; what comes closer is behind the edge of the picture
_FARTHEST = 240.0
_MOST = 255  # objects in one still, so that one byte numbers them; the nearest are kept
_SMALLEST_FACE = 0.4  # square pixels of the enlarged picture


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Objects put on the ground: one mesh, road position ``(N,)``, ground position ``(N, 2)`` and heading each."""

    meshes: Sequence[Mesh]
    s: Floats
    d: Floats
    position: Floats
    heading: Floats

    def rows(self, chosen: Ints) -> Placed:
        """Return the chosen objects only, in that order."""
        return Placed(
            meshes=[self.meshes[k] for k in chosen],
            s=self.s[chosen],
            d=self.d[chosen],
            position=self.position[chosen],
            heading=self.heading[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Where objects are in the still: boxes ``(N, 4)`` in its pixels, clipped, and the share of each that shows."""

    row: Ints
    box: Floats
    visibility: Floats


@dataclass(frozen=True, kw_only=True)
class _Faces:
    """All faces in view, object by object from far to near: outlines in fixed-point pixels, RGB, first row of each."""

    outline: NDArray[np.int32]
    colour: list[list[float]]
    start: Ints


@dataclass(frozen=True, kw_only=True)
class _Shells:
    """The outermost points of every part: in world metres, in enlarged pixels, with the bounds of each part and object."""

    points: Floats
    pixels: Floats
    part_start: Ints
    object_start: Ints
    object_parts: Ints


def in_view(placed: Placed, camera: RoadCamera) -> Ints:
    """Return the rows of objects that may be seen, farthest first."""
    ground = np.concatenate([placed.position, np.full((len(placed.s), 1), 0.8)], axis=1)
    pixels, depth = camera.project(ground)
    margin = 9 * camera.focal / np.maximum(depth, 1)
    aside = np.maximum(-pixels[:, 0], pixels[:, 0] - camera.width)
    chosen = np.flatnonzero((depth > _NEAREST) & (depth < _FARTHEST) & (aside < margin))
    return chosen[np.argsort(-depth[chosen], kind="stable")][-_MOST:]


def compose(scene: Scene, placed: Placed, light: Lighting) -> tuple[Image, Extent]:
    """Return the still before the optics, drawn ``scene.zoom`` times larger, and the extent of what it shows."""
    row = in_view(placed, scene.camera)
    seen = placed.rows(row)
    canvas, label = scene.lit.copy(), np.zeros(scene.lit.shape[:2], np.uint8)
    if not len(row):
        return canvas, Extent(row=row, box=np.zeros((0, 4), np.float32), visibility=np.zeros(0, np.float32))
    faces, shells = _faces(scene, seen, light), _shells(scene, seen)
    _cast_shadows(canvas, scene, shells, light)
    hidden_by = _hidden_by(scene, seen)
    box = _bounds(shells)
    outer = _outer(box, scene)
    area = np.array([
        _paint_object(canvas, label, scene, faces, shells, k, outer[k], hidden_by[k]) for k in range(len(row))
    ])
    showing = np.array([
        cv2.countNonZero(cv2.inRange(label[y0:y1, x0:x1], k, k)) if x1 > x0 and y1 > y0 else 0
        for k, (x0, y0, x1, y1) in enumerate(outer.tolist(), start=1)
    ])
    _light_lamps(canvas, scene, seen, light)
    edge = np.array([scene.camera.width, scene.camera.height] * 2)
    clipped = np.clip(box / scene.zoom, 0, edge).astype(np.float32)
    visibility = np.minimum(showing / np.maximum(area, 1), 1).astype(np.float32)
    kept = (visibility > 0) & np.all(clipped[:, 2:] > clipped[:, :2], axis=1)
    return canvas, Extent(row=row[kept], box=clipped[kept], visibility=visibility[kept])


def _axes(heading: Floats) -> Floats:
    """Return the matrices ``(N, 2, 2)`` that turn forward-left into east-north."""
    sine, cosine = np.sin(heading), np.cos(heading)
    return np.stack([np.stack([sine, -cosine], 1), np.stack([cosine, sine], 1)], axis=1)


def _faces(scene: Scene, seen: Placed, light: Lighting) -> _Faces:
    """Return the faces turned to the camera: placed, projected, lit, in painter's order."""
    counts = np.array([len(mesh.part) for mesh in seen.meshes])
    owner = np.repeat(np.arange(len(counts)), counts)
    camera, turn = scene.camera, _axes(seen.heading)
    from_rear = np.sum((camera.position[:2] - seen.position) * turn[:, :, 0], axis=1) < 0
    ranks = [m.from_rear if rear else np.arange(len(m.part)) for m, rear in zip(seen.meshes, from_rear, strict=True)]
    turn = turn[owner]
    corners = _turned(np.concatenate([m.corners for m in seen.meshes]), turn[:, None])
    corners[..., :2] += seen.position[owner][:, None]
    normal = _turned(np.concatenate([m.normal for m in seen.meshes]), turn)
    pixels, depth = camera.project(corners)
    pixels = pixels * scene.zoom
    facing = np.sum(normal * (camera.position - corners[:, 0]), axis=1) > 0
    shown = facing & (_area(pixels) > _SMALLEST_FACE) & (depth.min(axis=1) > 0.3)
    order = np.lexsort((np.concatenate(ranks), owner))
    order = order[shown[order]]
    material = np.concatenate([m.material for m in seen.meshes])[order]
    street = street_lamp_light(seen.s, seen.d, light.street)[owner[order]]
    colour = light.shade(np.concatenate([m.colour for m in seen.meshes])[order], normal[order], material, street)
    return _Faces(
        outline=_fixed(pixels[order]),
        colour=light.hazed(colour, depth[order].mean(axis=1)).tolist(),
        start=np.searchsorted(owner[order], np.arange(len(counts) + 1)),
    )


def _shells(scene: Scene, seen: Placed) -> _Shells:
    counts = np.array([len(mesh.shell) for mesh in seen.meshes])
    owner = np.repeat(np.arange(len(counts)), counts)
    points = _turned(np.concatenate([m.shell for m in seen.meshes]), _axes(seen.heading)[owner])
    points[:, :2] += seen.position[owner]
    parts = np.array([mesh.parts for mesh in seen.meshes])
    object_parts = np.concatenate([[0], np.cumsum(parts)])
    group = object_parts[owner] + np.concatenate([m.shell_part for m in seen.meshes])
    return _Shells(
        points=points,
        pixels=scene.camera.project(points)[0] * scene.zoom,
        part_start=np.searchsorted(group, np.arange(object_parts[-1] + 1)),
        object_start=np.concatenate([[0], np.cumsum(counts)]),
        object_parts=object_parts,
    )


def _turned(vectors: Floats, turn: Floats) -> Floats:
    """Return vectors of an object's own axes in world axes; ``turn (..., 2, 2)`` acts on the level part."""
    x, y = vectors[..., 0], vectors[..., 1]
    level_x = turn[..., 0, 0] * x + turn[..., 0, 1] * y
    level_y = turn[..., 1, 0] * x + turn[..., 1, 1] * y
    return np.stack([level_x, level_y, vectors[..., 2]], axis=-1)


def _area(pixels: Floats) -> Floats:
    after = np.roll(pixels, -1, axis=1)
    return np.abs(np.sum(pixels[..., 0] * after[..., 1] - pixels[..., 1] * after[..., 0], axis=1)) / 2


def _bounds(shells: _Shells) -> Floats:
    """Return the box of each object in enlarged pixels, as far as it reaches outside the picture."""
    first = shells.object_start[:-1]
    low, high = np.minimum.reduceat(shells.pixels, first), np.maximum.reduceat(shells.pixels, first)
    return np.concatenate([low, high], axis=1)


def _outer(box: Floats, scene: Scene) -> Ints:
    """Return whole-pixel bounds around boxes, within the enlarged picture."""
    edge = np.array([scene.lit.shape[1], scene.lit.shape[0]] * 2)
    return np.clip(box + np.array([-1, -1, 2, 2]), 0, edge).astype(np.int64)


def _fixed(pixels: Floats) -> NDArray[np.int32]:
    return np.round((pixels - 0.5) * 2**_SHIFT).clip(-(2**22), 2**22).astype(np.int32)


def _paint_object(
    canvas: Image, label: Image, scene: Scene, faces: _Faces, shells: _Shells, k: int, outer: Ints, hidden_by: Any
) -> int:
    """Paint one object and put back what stands in front of it; return its whole area in enlarged pixels."""
    own = slice(faces.start[k], faces.start[k + 1])
    for outline, colour in zip(faces.outline[own], faces.colour[own], strict=True):
        cv2.fillConvexPoly(canvas, outline, colour, cv2.LINE_8, _SHIFT)
    bounds = shells.part_start[shells.object_parts[k] : shells.object_parts[k + 1] + 1].tolist()
    outlines = [
        _fixed(cv2.convexHull(shells.pixels[a:b].astype(np.float32))) for a, b in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    for outline in outlines:
        cv2.fillConvexPoly(label, outline, k + 1, cv2.LINE_8, _SHIFT)
    x0, y0, x1, y1 = outer.tolist()
    region = (slice(y0, y1), slice(x0, x1))
    in_front = hidden_by[scene.prop[region]]
    if in_front.any():
        np.copyto(canvas[region], scene.lit[region], where=in_front[..., None])
        label[region][in_front] = 0
    return _silhouette(outlines)


def _silhouette(outlines: Sequence[NDArray[np.int32]]) -> int:
    """Return the area of the union of part outlines, whether or not it lies inside the picture."""
    corners = np.concatenate(outlines).reshape(-1, 2)
    origin = (corners.min(axis=0) >> _SHIFT) - 1
    wide, tall = np.minimum((corners.max(axis=0) >> _SHIFT) - origin + 3, 4096).tolist()
    mask = np.zeros((tall, wide), np.uint8)
    for outline in outlines:
        cv2.fillConvexPoly(mask, outline - origin * 2**_SHIFT, 1, cv2.LINE_8, _SHIFT)
    return cv2.countNonZero(mask)


def _hidden_by(scene: Scene, seen: Placed) -> NDArray[np.bool_]:
    """Return which props hide each object: ``(N, props + 1)``; prop 0, nothing, hides none."""
    ground = np.concatenate([seen.position, np.zeros((len(seen.s), 1))], axis=1)
    depth = (ground - scene.camera.position) @ scene.camera.axes[2]
    hides = scene.hides(seen.d, depth)
    hides[:, 0] = False
    return hides


def _cast_shadows(canvas: Image, scene: Scene, shells: _Shells, light: Lighting) -> None:
    """Darken the ground under the objects, and where they keep the sun away."""
    mask = np.zeros(canvas.shape[:2], np.uint8)
    slope = -light.toward_sun[:2] / light.toward_sun[2] * (light.sun.max() > 0.4)
    fallen = shells.points.copy()
    fallen[:, :2] += shells.points[:, 2:] * slope
    fallen[:, 2] = 0
    pixels, depth = scene.camera.project(fallen)
    pixels = (pixels * scene.zoom).astype(np.float32)
    start = shells.object_start
    usable = np.minimum.reduceat(depth, start[:-1]) > 1
    for a, b in zip(start[:-1][usable].tolist(), start[1:][usable].tolist(), strict=True):
        cv2.fillConvexPoly(mask, _fixed(cv2.convexHull(pixels[a:b])), 255, cv2.LINE_8, _SHIFT)
    cv2.copyTo(scene.shaded, mask, canvas)


def _light_lamps(canvas: Image, scene: Scene, seen: Placed, light: Lighting) -> None:
    """Add the glare of vehicles' own lamps and the light they throw on the road ahead."""
    if light.lamps == 0:
        return
    camera = scene.camera
    glow = np.zeros((camera.height, camera.width, 3), np.uint8)
    beam = np.zeros_like(glow)
    for mesh, position, heading in zip(seen.meshes, seen.position, seen.heading, strict=True):
        _lamp_glow(glow, camera, mesh, position, heading)
        if len(mesh.lamps):
            _beam(beam, camera, position, heading)
    wide = cv2.GaussianBlur(glow, (0, 0), 0.016 * camera.width)
    near = cv2.GaussianBlur(glow, (0, 0), 0.004 * camera.width)
    soft = cv2.GaussianBlur(beam, (0, 0), 0.008 * camera.width)
    added = cv2.add(cv2.addWeighted(near, 0.9, wide, 0.9, 0), soft)
    size = (canvas.shape[1], canvas.shape[0])
    added = cv2.resize(cv2.convertScaleAbs(added, alpha=light.lamps), size, interpolation=cv2.INTER_LINEAR)
    cv2.add(canvas, added, dst=canvas)


def _lamp_glow(glow: Image, camera: RoadCamera, mesh: Mesh, position: Floats, heading: float) -> None:
    """Draw the lamps that face the camera as discs, never smaller than a bright pixel."""
    if not len(mesh.lamps):
        return
    sine, cosine = np.sin(heading), np.cos(heading)
    turn = np.array([[sine, -cosine], [cosine, sine]])
    where = _turned(mesh.middle[mesh.lamps], turn)
    where[:, :2] += position
    away = _turned(mesh.normal[mesh.lamps], turn)
    sight = camera.position - where
    facing = np.sum(away * sight, axis=1) / np.linalg.norm(sight, axis=1)
    pixels, depth = camera.project(where)
    front = mesh.material[mesh.lamps] == Material.HEADLAMP
    for (x, y), far, seen, ahead in zip(pixels, depth, facing, front, strict=True):
        if far < _NEAREST or seen <= 0.1:
            continue
        radius = max(0.16 * camera.focal / far, 0.7) * (1.25 if ahead else 0.8)
        colour = (255, 250, 232) if ahead else (150, 16, 10)
        centre = _fixed(np.array([x, y]) + 0.5).tolist()
        cv2.circle(glow, centre, int(radius * 2**_SHIFT), colour, -1, cv2.LINE_AA, _SHIFT)


def _beam(beam: Image, camera: RoadCamera, position: Floats, heading: float) -> None:
    """Draw the patch of road that dipped headlamps light up."""
    ahead = np.array([np.sin(heading), np.cos(heading)])
    right = np.array([ahead[1], -ahead[0]])
    for reach, spread, level in ((22.0, 3.2, 16), (13.0, 2.2, 26)):
        ground = [
            position + ahead * along + right * aside
            for along, aside in ((2.6, -0.8), (reach * 0.6, -spread), (reach, -spread * 0.6), (reach, spread * 0.6),
                                 (reach * 0.6, spread), (2.6, 0.8))
        ]  # fmt: skip
        pixels, depth = camera.project(np.concatenate([np.stack(ground), np.zeros((6, 1))], axis=1))
        if depth.min() > 1:
            patch = np.zeros_like(beam[..., 0])
            cv2.fillConvexPoly(patch, _fixed(pixels), level, cv2.LINE_8, _SHIFT)
            cv2.add(beam, cv2.merge([patch, patch, (patch * 0.85).astype(np.uint8)]), dst=beam)
