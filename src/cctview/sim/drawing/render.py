"""Paint moving objects into a scene, and say exactly where each one is and how much of it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2
from cctview.sim.cameras.pose import RoadCamera
from cctview.sim.drawing.lighting import Lighting, street_lamp_light
from cctview.sim.drawing.mesh import Material, Mesh
from cctview.sim.drawing.scene import Scene

__all__ = ["Extent", "Placed", "compose", "in_view"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Image = NDArray[np.uint8]
_SHIFT = 4
_NEAREST = 2.5  # metres; what comes closer is behind the edge of the picture
_FARTHEST = 240.0
_MOST = 255  # objects in one still, so that one byte numbers them; the nearest are kept
_SHORTEST_SMEAR, _LONGEST_SMEAR = 1.0, 24.0  # still pixels moved while the shutter is open
_SMALLEST_FACE = 0.4  # square pixels of the enlarged picture
_LONG_BEAM, _SHORT_BEAM = (
    np.array([(2.6, 0.8), (0.6 * reach, spread), (reach, 0.6 * spread), (reach, -0.6 * spread), (0.6 * reach, -spread),
              (2.6, -0.8)])
    for reach, spread in ((22.0, 3.2), (13.0, 2.2))
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Objects put on the ground: one mesh, road position ``(N,)``, ground position ``(N, 2)``, heading, speed each."""

    meshes: Sequence[Mesh]
    s: Floats
    d: Floats
    position: Floats
    heading: Floats
    speed: Floats

    def rows(self, chosen: Ints) -> Placed:
        """Return the chosen objects (K,) only, in that order."""
        return Placed(
            meshes=[self.meshes[k] for k in chosen],
            s=self.s[chosen],
            d=self.d[chosen],
            position=self.position[chosen],
            heading=self.heading[chosen],
            speed=self.speed[chosen],
        )


@dataclass(frozen=True, kw_only=True)
class Extent:
    """Where objects are in the still, in its pixels.

    ``box (N, 4)`` bounds what shows of each, as a person would draw it; ``whole (N, 4)`` also what is
    hidden by others, both clipped; ``visibility (N,)`` is the share of the whole silhouette that shows.
    """

    row: Ints
    box: NDArray[np.float32]
    whole: NDArray[np.float32]
    visibility: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class _Faces:
    """All faces in view, object by object from far to near: outlines in fixed-point pixels, RGB, first row of each."""

    outline: NDArray[np.int32]
    colour: list[list[float]]
    start: Ints


@dataclass(frozen=True, kw_only=True)
class _Canvas:
    """The enlarged picture in the making, the object number at each pixel, and which props hide which object."""

    image: Image
    label: Image
    scene: Scene
    hidden_by: Image


@dataclass(frozen=True, kw_only=True)
class _Shells:
    """The outermost points of every part in metres and enlarged pixels, and where each part and object starts."""

    points: Floats
    pixels: Floats
    fixed: NDArray[np.int32]
    part_start: Ints
    object_start: Ints
    object_parts: Ints


def in_view(position: Floats, camera: RoadCamera) -> Ints:
    """Return the rows of objects that may be seen, farthest first, by their places on the ground ``(N, 2)``."""
    ground = np.concatenate([position, np.full((len(position), 1), 0.8)], axis=1)
    pixels, depth = camera.project(ground)
    margin = 9 * camera.focal / np.maximum(depth, 1)
    aside = np.maximum(-pixels[:, 0], pixels[:, 0] - camera.width)
    chosen = np.flatnonzero((depth > _NEAREST) & (depth < _FARTHEST) & (aside < margin))
    return chosen[np.argsort(-depth[chosen], kind="stable")][-_MOST:]


def compose(scene: Scene, placed: Placed, light: Lighting) -> tuple[Image, Extent]:
    """Return the still ``(H, W, 3)`` before the optics, ``scene.zoom`` times larger, and the extent of what shows."""
    row = in_view(placed.position, scene.camera)
    seen = placed.rows(row)
    if not len(row):
        none = np.zeros((0, 4), np.float32)
        return scene.lit.copy(), Extent(row=row, box=none, whole=none, visibility=none[:, 0])
    label = np.zeros(scene.lit.shape[:2], np.uint8)
    canvas = _Canvas(image=scene.lit.copy(), label=label, scene=scene, hidden_by=_hidden_by(scene, seen))
    faces, shells = _faces(scene, seen, light), _shells(scene, seen)
    _cast_shadows(canvas, shells, light)
    bounds = _bounds(shells)
    outer = _outer(bounds, scene)
    area = np.array([_paint(canvas, faces, shells, k, outer[k]) for k in range(len(row))])
    showing = np.array([_showing(label, k, region) for k, region in enumerate(outer.tolist(), start=1)])
    _smear(canvas, seen, outer, light.exposure_s)
    _light_lamps(canvas, seen, light)
    return canvas.image, _extent(scene, row, bounds, area, showing)


def _extent(scene: Scene, row: Ints, bounds: Floats, area: Floats, showing: Floats) -> Extent:
    """Return the extent of the objects that show; an edge nobody hides is told to the fraction of a pixel."""
    whole = np.clip(bounds / scene.zoom, 0, np.array([scene.camera.width, scene.camera.height] * 2))
    seen = showing[:, :4] / scene.zoom
    box = np.where(np.abs(seen - whole) < 1.0, whole, seen)
    visibility = np.minimum(showing[:, 4] / np.maximum(area, 1), 1)
    kept = (visibility > 0) & np.all(box[:, 2:] > box[:, :2], axis=1)
    return Extent(
        row=row[kept],
        box=box[kept].astype(np.float32),
        whole=whole[kept].astype(np.float32),
        visibility=visibility[kept].astype(np.float32),
    )


def _showing(label: Image, number: int, region: list[int]) -> tuple[int, int, int, int, int]:
    """Return the bounds and the count of the pixels that bear a number, looked for in a region."""
    x0, y0, x1, y1 = region
    if x1 <= x0 or y1 <= y0:
        return 0, 0, 0, 0, 0
    mask = cv2.inRange(label[y0:y1, x0:x1], number, number)
    x, y, wide, high = cv2.boundingRect(mask)
    return x0 + x, y0 + y, x0 + x + wide, y0 + y + high, cv2.countNonZero(mask)


def _axes(heading: Floats) -> Floats:
    """Return the matrices ``(N, 2, 2)`` that turn forward-left into east-north."""
    sine, cosine = np.sin(heading), np.cos(heading)
    return np.stack([np.stack([sine, -cosine], 1), np.stack([cosine, sine], 1)], axis=1)


def _faces(scene: Scene, seen: Placed, light: Lighting) -> _Faces:
    """Return the faces turned to the camera and large enough to see: placed, projected, lit, in painter's order."""
    counts = np.array([len(mesh.part) for mesh in seen.meshes])
    owner = np.repeat(np.arange(len(counts)), counts)
    camera, turn = scene.camera, _axes(seen.heading)
    from_rear = np.sum((camera.position[:2] - seen.position) * turn[:, :, 0], axis=1) < 0
    ranks = [m.from_rear if rear else np.arange(len(m.part)) for m, rear in zip(seen.meshes, from_rear, strict=True)]
    normal = _turned(np.concatenate([m.normal for m in seen.meshes]), turn[owner])
    middle = _turned(np.concatenate([m.middle for m in seen.meshes]), turn[owner])
    middle[:, :2] += seen.position[owner]
    sight = camera.position - middle
    away = np.sqrt(np.sum(sight**2, axis=1))
    flat = np.concatenate([m.area for m in seen.meshes]) * np.sum(normal * sight, axis=1)
    pixels_squared = flat * (camera.focal * scene.zoom) ** 2 / away**3
    order = np.lexsort((np.concatenate(ranks), owner))
    order = order[pixels_squared[order] > _SMALLEST_FACE]
    owner = owner[order]
    corners = _turned(np.concatenate([m.corners for m in seen.meshes])[order], turn[owner, None])
    corners[..., :2] += seen.position[owner, None]
    material = np.concatenate([m.material for m in seen.meshes])[order]
    street = street_lamp_light(seen.s, seen.d, light.street)[owner]
    colour = light.shade(np.concatenate([m.colour for m in seen.meshes])[order], normal[order], material, street)
    return _Faces(
        outline=_fixed(camera.project(corners)[0] * scene.zoom),
        colour=light.hazed(colour, away[order]).tolist(),
        start=np.searchsorted(owner, np.arange(len(counts) + 1)),
    )


def _shells(scene: Scene, seen: Placed) -> _Shells:
    counts = np.array([len(mesh.shell) for mesh in seen.meshes])
    owner = np.repeat(np.arange(len(counts)), counts)
    points = _turned(np.concatenate([m.shell for m in seen.meshes]), _axes(seen.heading)[owner])
    points[:, :2] += seen.position[owner]
    parts = np.array([mesh.parts for mesh in seen.meshes])
    object_parts = np.concatenate([[0], np.cumsum(parts)])
    group = object_parts[owner] + np.concatenate([m.shell_part for m in seen.meshes])
    pixels = scene.camera.project(points)[0] * scene.zoom
    return _Shells(
        points=points,
        pixels=pixels,
        fixed=_fixed(pixels),
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


def _paint(canvas: _Canvas, faces: _Faces, shells: _Shells, k: int, outer: Ints) -> int:
    """Paint one object and put back what stands in front of it; return its whole area in enlarged pixels."""
    image, label, scene = canvas.image, canvas.label, canvas.scene
    own = slice(faces.start[k], faces.start[k + 1])
    for outline, colour in zip(faces.outline[own], faces.colour[own], strict=True):
        cv2.fillConvexPoly(image, outline, colour, cv2.LINE_8, _SHIFT)
    bounds = shells.part_start[shells.object_parts[k] : shells.object_parts[k + 1] + 1].tolist()
    outlines = [np.asarray(cv2.convexHull(shells.fixed[a:b]), np.int32) for a, b in pairwise(bounds)]
    for outline in outlines:
        cv2.fillConvexPoly(label, outline, k + 1, cv2.LINE_8, _SHIFT)
    x0, y0, x1, y1 = outer.tolist()
    if x1 <= x0 or y1 <= y0:
        return 1
    region = (slice(y0, y1), slice(x0, x1))
    cut = x0 == 0 or y0 == 0 or x1 == image.shape[1] or y1 == image.shape[0]
    area = _silhouette(outlines) if cut else _count(label[region], k + 1)
    in_front = cv2.LUT(scene.prop[region], canvas.hidden_by[k])
    if cv2.countNonZero(in_front):
        cv2.copyTo(scene.lit[region], in_front, image[region])
        label[region][in_front > 0] = 0
    return area


def _count(label: Image, number: int) -> int:
    return cv2.countNonZero(cv2.inRange(label, number, number))


def _silhouette(outlines: Sequence[NDArray[np.int32]]) -> int:
    """Return the area of the union of part outlines, whether or not it lies inside the picture."""
    corners = np.concatenate(outlines).reshape(-1, 2)
    origin = (corners.min(axis=0) >> _SHIFT) - 1
    wide, tall = np.minimum((corners.max(axis=0) >> _SHIFT) - origin + 3, 4096).tolist()
    mask = np.zeros((tall, wide), np.uint8)
    for outline in outlines:
        cv2.fillConvexPoly(mask, outline - origin * 2**_SHIFT, 1, cv2.LINE_8, _SHIFT)
    return cv2.countNonZero(mask)


def _hidden_by(scene: Scene, seen: Placed) -> Image:
    """Return 255 where a prop hides an object: ``(N, 256)``; prop 0, nothing, hides none."""
    ground = np.concatenate([seen.position, np.zeros((len(seen.s), 1))], axis=1)
    depth = (ground - scene.camera.position) @ scene.camera.axes[2]
    hides = scene.hides(seen.d, depth)
    table = np.zeros((len(seen.s), 256), np.uint8)
    table[:, 1 : hides.shape[1]] = 255 * hides[:, 1:]
    return table


def _cast_shadows(canvas: _Canvas, shells: _Shells, light: Lighting) -> None:
    """Darken the ground under the objects, and where they keep the sun away."""
    scene = canvas.scene
    mask = np.zeros_like(canvas.label)
    slope = -light.toward_sun[:2] / light.toward_sun[2] * (light.sun.max() > 0.4)
    fallen = shells.points.copy()
    fallen[:, :2] += shells.points[:, 2:] * slope
    fallen[:, 2] = 0
    pixels, depth = scene.camera.project(fallen)
    fixed = _fixed(pixels * scene.zoom)
    start = shells.object_start
    usable = np.minimum.reduceat(depth, start[:-1]) > 1
    for a, b in zip(start[:-1][usable].tolist(), start[1:][usable].tolist(), strict=True):
        cv2.fillConvexPoly(mask, cv2.convexHull(fixed[a:b]), 255, cv2.LINE_8, _SHIFT)
    cv2.copyTo(scene.shaded, mask, canvas.image)


def _smear(canvas: _Canvas, seen: Placed, outer: Ints, exposure_s: float) -> None:
    """Blur what moves by more than a pixel or two while the shutter is open, along its way."""
    camera, zoom = canvas.scene.camera, canvas.scene.zoom
    step = seen.speed[:, None] * exposure_s * np.stack([np.sin(seen.heading), np.cos(seen.heading)], axis=1)
    ends = np.stack([seen.position - step / 2, seen.position + step / 2], axis=1)
    pixels, _ = camera.project(np.concatenate([ends, np.full((len(step), 2, 1), 0.6)], axis=2))
    way = (pixels[:, 1] - pixels[:, 0]) * zoom
    far = np.clip(np.hypot(way[:, 0], way[:, 1]), 0, _LONGEST_SMEAR * zoom)
    edge = np.array([canvas.image.shape[1], canvas.image.shape[0]] * 2)
    for k in np.flatnonzero(far > _SHORTEST_SMEAR * zoom).tolist():
        reach = int(far[k]) + 1
        x0, y0, x1, y1 = np.clip(outer[k] + np.array([-reach, -reach, reach, reach]), 0, edge).tolist()
        if x1 > x0 and y1 > y0:
            region = (slice(y0, y1), slice(x0, x1))
            kernel = _line(way[k] / np.hypot(*way[k]), reach)
            own = cv2.inRange(canvas.label[region], k + 1, k + 1).astype(np.float32) / 255
            share = cv2.filter2D(own, -1, kernel)
            blurred = cv2.filter2D(canvas.image[region], -1, kernel)
            canvas.image[region] = cv2.blendLinear(blurred, canvas.image[region], share, 1 - share)


def _line(direction: Floats, length: int) -> Floats:
    """Return a filter that spreads a pixel evenly along a direction."""
    size = 2 * (length // 2) + 1
    kernel = np.zeros((size, size), np.float32)
    middle, half = size // 2, direction * (length / 2)
    ends = (np.array([middle, middle]) + np.outer([-1, 1], half)).round().astype(int).tolist()
    cv2.line(kernel, ends[0], ends[1], 1.0, 1)
    return kernel / kernel.sum()


def _light_lamps(canvas: _Canvas, seen: Placed, light: Lighting) -> None:
    """Add the glare of vehicles' own lamps and the light they throw on the road ahead."""
    if light.lamps == 0:
        return
    camera = canvas.scene.camera
    glow = np.zeros((camera.height, camera.width, 3), np.uint8)
    for colour, places, radii in _lamp_discs(canvas, seen):
        for place, radius in zip(_fixed(places + 0.5).tolist(), radii.tolist(), strict=True):
            cv2.circle(glow, place, int(radius * 2**_SHIFT), colour, -1, cv2.LINE_AA, _SHIFT)
    near = cv2.GaussianBlur(glow, (0, 0), 0.004 * camera.width)
    beams = _beams(camera, seen)
    small = cv2.resize(glow, (beams.shape[1], beams.shape[0]), interpolation=cv2.INTER_AREA)
    wide = cv2.add(cv2.GaussianBlur(small, (0, 0), 0.008 * camera.width), beams)
    if light.wet:
        mirrored = cv2.blur(small, (3, camera.height // 12), anchor=(1, camera.height // 12 - 1))
        wide = cv2.add(wide, cv2.convertScaleAbs(mirrored, alpha=2.2))
    added = cv2.addWeighted(near, 0.9, cv2.resize(wide, (camera.width, camera.height)), 1.0, 0)
    size = (canvas.image.shape[1], canvas.image.shape[0])
    cv2.add(canvas.image, cv2.resize(cv2.convertScaleAbs(added, alpha=light.lamps), size), dst=canvas.image)


def _lamp_discs(canvas: _Canvas, seen: Placed) -> Iterator[tuple[tuple[int, int, int], Floats, Floats]]:
    """Yield colour, places and radii, in still pixels, of headlamps and then tail lamps that the camera sees."""
    scene, label, camera = canvas.scene, canvas.label, canvas.scene.camera
    counts = np.array([len(mesh.lamps) for mesh in seen.meshes])
    owner, turn = np.repeat(np.arange(len(counts)), counts), _axes(seen.heading)
    where = _turned(np.concatenate([m.middle[m.lamps] for m in seen.meshes]), turn[owner])
    where[:, :2] += seen.position[owner]
    normal = _turned(np.concatenate([m.normal[m.lamps] for m in seen.meshes]), turn[owner])
    front = np.concatenate([m.material[m.lamps] for m in seen.meshes]) == Material.HEADLAMP
    sight = camera.position - where
    facing = np.sum(normal * sight, axis=1) > 0.1 * np.linalg.norm(sight, axis=1)
    pixels, depth = camera.project(where)
    column, row = np.floor(pixels * scene.zoom).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < label.shape[1]) & (row < label.shape[0])
    own = inside & (label[np.where(inside, row, 0), np.where(inside, column, 0)] == owner + 1)
    for chosen, size, colour in ((front, 1.25, (255, 250, 232)), (~front, 0.75, (120, 12, 8))):
        lit = chosen & facing & own & (depth > _NEAREST)
        yield colour, pixels[lit], np.maximum(0.16 * camera.focal / depth[lit], 0.7) * size


def _beams(camera: RoadCamera, seen: Placed) -> Image:
    """Return the patches of road that dipped headlamps light up, at half the size of the still."""
    beam = np.zeros((camera.height // 2, camera.width // 2), np.uint8)
    turn = _axes(seen.heading)
    for pattern, level in ((_LONG_BEAM, 16), (_SHORT_BEAM, 26)):
        ground = pattern @ turn.transpose(0, 2, 1) + seen.position[:, None]
        pixels, depth = camera.project(np.concatenate([ground, np.zeros((*ground.shape[:2], 1))], axis=2))
        lit = np.array([len(mesh.lamps) > 0 for mesh in seen.meshes]) & (depth.min(axis=1) > 1)
        patch = np.zeros_like(beam)
        for outline in _fixed(pixels[lit] / 2):
            cv2.fillConvexPoly(patch, outline, level, cv2.LINE_8, _SHIFT)
        cv2.add(beam, patch, dst=beam)
    soft = cv2.GaussianBlur(beam, (0, 0), 0.004 * camera.width)
    return np.asarray(cv2.merge([soft, soft, cv2.convertScaleAbs(soft, alpha=0.85)]), np.uint8)
