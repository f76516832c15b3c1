"""Things that stand in a scene: barriers, railings, masts, sign gantries, trees, buildings, and the sky behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctview.sim.camera import RoadCamera
from cctview.sim.lighting import LAMP_SPACING, Lighting, street_lamp_light
from cctview.sim.road import MEDIAN, PARAPET, RAILING, SHOULDER, Road

__all__ = ["Easel", "draw_sky", "furnish"]

Floats = NDArray[np.floating[Any]]
_NEAREST = 1.5  # metres in front of the camera where drawing stops
_SHIFT = 4
_LAST_PROP = 254
_ROD_NORMAL = np.array([0.5, -0.6, 0.2])


@dataclass(kw_only=True)
class Easel:
    """A picture being painted from far to near, with a number per pixel for what stands there."""

    image: Floats
    prop: NDArray[np.uint8]
    camera: RoadCamera
    light: Lighting
    zoom: int
    offsets: list[float] = field(default_factory=list)
    depths: list[float] = field(default_factory=list)

    def prop_number(self, offset: float, depth: float) -> int:
        """Return the number of a new standing object; when numbers run out the last is shared."""
        if len(self.offsets) < _LAST_PROP:
            self.offsets.append(offset)
            self.depths.append(depth)
        return len(self.offsets)

    def pixels(self, points: Floats) -> tuple[NDArray[np.int32], Floats]:
        """Return fixed-point pixels and depths of world points."""
        pixels, depth = self.camera.project(points)
        return np.round((pixels * self.zoom - 0.5) * 2**_SHIFT).clip(-(2**24), 2**24).astype(np.int32), depth

    def polygon(self, points: Floats, colour: Floats, normal: Floats, number: int = 0, lit: float = 0.0) -> None:
        """Paint one convex polygon of world points ``(K, 3)`` if all of it is in front of the camera."""
        pixels, depth = self.pixels(points)
        if depth.min() < _NEAREST:
            return
        shaded = self.light.hazed(self.light.matt(colour, normal, lit), depth.mean())
        cv2.fillConvexPoly(self.image, pixels, shaded.tolist(), cv2.LINE_AA, _SHIFT)
        cv2.fillConvexPoly(self.prop, pixels, number, cv2.LINE_8, _SHIFT)

    def rod(self, foot: Floats, tip: Floats, width: float, colour: Floats, number: int = 0) -> None:
        """Paint a thin bar between two world points, at least a faint line wide."""
        pixels, depth = self.camera.project(np.stack([foot, tip]))
        if depth.min() < _NEAREST:
            return
        across = np.array([pixels[0, 1] - pixels[1, 1], pixels[1, 0] - pixels[0, 0]])
        across = across / max(float(np.hypot(*across)), 1e-6)
        thick = np.maximum(width * self.camera.focal / depth, 0.6)[:, None] / 2
        outline = np.concatenate([pixels + across * thick, (pixels - across * thick)[::-1]]) * self.zoom - 0.5
        shaded = self.light.hazed(self.light.matt(colour, _ROD_NORMAL, self.light.street * 0.3), depth.mean())
        fixed = np.round(outline * 2**_SHIFT).clip(-(2**24), 2**24).astype(np.int32)
        cv2.fillConvexPoly(self.image, fixed, shaded.tolist(), cv2.LINE_AA, _SHIFT)
        cv2.fillConvexPoly(self.prop, fixed, number, cv2.LINE_8, _SHIFT)

    def facade(self, corners: Floats, texture: Floats, number: int = 0) -> None:
        """Paint a picture onto four world points (top left, top right, bottom right, bottom left)."""
        pixels, depth = self.camera.project(corners)
        if depth.min() < _NEAREST:
            return
        high, wide = texture.shape[:2]
        edge = np.array([self.image.shape[1], self.image.shape[0]])
        low = np.clip(np.floor(pixels.min(axis=0) * self.zoom), 0, edge).astype(int)
        size = np.clip(np.ceil(pixels.max(axis=0) * self.zoom), 0, edge).astype(int) - low
        if not size.all():
            return
        source = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
        warp = cv2.getPerspectiveTransform(source, (pixels * self.zoom - low).astype(np.float32))
        hazed = self.light.hazed(texture, depth.mean()).astype(np.float32)
        drawn = cv2.warpPerspective(hazed, warp, size.tolist(), flags=cv2.INTER_AREA)
        cover = cv2.warpPerspective(np.ones((high, wide), np.float32), warp, size.tolist())[..., None]
        region = (slice(low[1], low[1] + size[1]), slice(low[0], low[0] + size[0]))
        self.image[region] += (drawn - self.image[region]) * cover
        self.prop[region][cover[..., 0] > 0.5] = number


Job = tuple[float, Callable[[], None]]


def draw_sky(image: Floats, rays: Floats, light: Lighting, rng: np.random.Generator) -> None:
    """Fill a picture with sky: paler towards the horizon, with soft clouds."""
    height = np.clip(rays[..., 2:3] / 0.35, 0, 1)
    sky = light.sky_low + (light.sky_top - light.sky_low) * np.sqrt(height)
    clouds = cv2.resize(rng.standard_normal((5, 14)).astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    clouds += 0.5 * cv2.resize(rng.standard_normal((12, 36)).astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    cover = np.clip(clouds * 0.35 - 0.1, 0, 0.8)[..., None]
    image[:] = sky + (light.sky_low * 1.05 - sky) * cover


def furnish(easel: Easel, road: Road, sides: tuple[str, str], rng: np.random.Generator) -> None:
    """Paint everything that stands, from far to near."""
    jobs = [
        *_skyline(easel, road, sides, rng),
        *_sides(easel, road, sides, rng),
        *_barriers(easel, road, rng),
        *_masts(easel, road, rng),
        *_gantry(easel, road, rng),
    ]
    for _, paint in sorted(jobs, key=lambda job: -job[0]):
        paint()


def _spot(road: Road, s: float, d: float, z: float = 0.0) -> Floats:
    return np.array([*road.place(np.array(s), np.array(d)), z])


def _depth(easel: Easel, point: Floats) -> float:
    return float((point - easel.camera.position) @ easel.camera.axes[2])


def _barriers(easel: Easel, road: Road, rng: np.random.Generator) -> list[Job]:
    """Return the median barrier, the parapets and the railings of the walkways, in short pieces."""
    jobs: list[Job] = []
    concrete = np.array([150.0, 144, 132]) * rng.uniform(0.6, 1.05)
    steps = np.concatenate([np.arange(2, 60, 1.5), np.arange(60, 200, 5.0), np.arange(200, 700, 20.0)])
    for offset, half, high in ((0.0, MEDIAN, 0.85), (-PARAPET, 0.2, 0.95), (PARAPET, 0.2, 0.95)):
        number = easel.prop_number(offset, np.inf)
        tone = concrete * (1 if offset == 0 else rng.uniform(0.7, 1.05))
        for a, b in zip(steps[:-1] + easel.camera.station, steps[1:] + easel.camera.station, strict=True):
            dirt = tone * (1 + rng.normal(0, 0.035))
            jobs.append(_barrier_piece(easel, road, (a, b), (offset, half, high), dirt, number))
    for offset in (-RAILING, RAILING):
        number = easel.prop_number(offset, np.inf)
        for a in easel.camera.station + np.arange(2, 240, 2.0):
            jobs.append(_railing_piece(easel, road, float(a), offset, number))
    return jobs


def _barrier_piece(easel: Easel, road: Road, span: tuple[float, float], shape: tuple[float, float, float], tone: Floats, number: int) -> Job:
    (a, b), (offset, half, high) = span, shape
    heading = float(road.heading(np.array((a + b) / 2)))
    right = np.array([np.cos(heading), -np.sin(heading), 0.0])
    lit = float(street_lamp_light(np.array(a), np.array(offset), easel.light.street))
    near, far = _spot(road, a, offset), _spot(road, b, offset)
    side = np.sign(easel.camera.offset - offset) or 1.0
    up, foot, rim = np.array([0.0, 0.0, high]), right * side * half, right * side * half * 0.6

    def paint() -> None:
        shoe = np.array([0.0, 0.0, 0.25 * high])
        easel.polygon(np.stack([near + foot, far + foot, far + rim + shoe, near + rim + shoe]), tone * 0.72, side * right, number, lit)
        easel.polygon(np.stack([near + rim + shoe, far + rim + shoe, far + rim + up, near + rim + up]), tone * 0.9, side * right, number, lit)
        easel.polygon(np.stack([near + rim + up, far + rim + up, far - rim + up, near - rim + up]), tone * 1.12, np.array([0.0, 0, 1]), number, lit)

    return _depth(easel, (near + far) / 2), paint


def _railing_piece(easel: Easel, road: Road, a: float, offset: float, number: int) -> Job:
    steel = np.array([62.0, 66, 70])
    near, far = _spot(road, a, offset), _spot(road, a + 2.0, offset)
    up = np.array([0.0, 0.0, 1.1])

    def paint() -> None:
        easel.rod(near, near + up, 0.07, steel, number)
        for level in (0.35, 0.7, 1.0):
            easel.rod(near + up * level, far + up * level, 0.05, steel, number)

    return _depth(easel, near), paint


def _masts(easel: Easel, road: Road, rng: np.random.Generator) -> list[Job]:
    """Return street lamps with two arms on the median, where the pools of light are."""
    jobs: list[Job] = []
    grey = np.array([126.0, 130, 128]) * rng.uniform(0.7, 1.2)
    first = np.ceil((easel.camera.station + 14) / LAMP_SPACING) * LAMP_SPACING
    for s in first + LAMP_SPACING * np.arange(9):
        foot, left, right = (_spot(road, float(s), d) for d in (0.0, -2.6, 2.6))
        jobs.append(_mast(easel, foot, (left, right), grey))
    return jobs


def _mast(easel: Easel, foot: Floats, arms: tuple[Floats, Floats], grey: Floats) -> Job:
    up = np.array([0.0, 0.0, 9.0])
    depth = _depth(easel, foot)

    def paint() -> None:
        number = easel.prop_number(np.nan, depth)
        easel.rod(foot, foot + up, 0.2, grey, number)
        for arm in arms:
            easel.rod(foot + up * 0.93, arm + up, 0.12, grey, number)
            easel.rod(arm + up, arm + (arm - foot) * 0.3 + up, 0.3, grey * 1.2, number)
            _bulb(easel, arm + up)

    return depth, paint


def _bulb(easel: Easel, where: Floats) -> None:
    """Add the glare of a lit street lamp."""
    if easel.light.street == 0:
        return
    pixels, depth = easel.camera.project(where)
    radius = 0.6 * easel.camera.focal / max(float(depth), 5.0) * easel.zoom
    rows, columns = np.ogrid[: easel.image.shape[0], : easel.image.shape[1]]
    away = np.hypot(rows - pixels[1] * easel.zoom, columns - pixels[0] * easel.zoom) / max(radius, 1.5)
    glare = 260 * easel.light.street * np.exp(-away) + 40 * easel.light.street / (1 + (away / 4) ** 2)
    easel.image += glare[..., None] * np.array([1.0, 0.82, 0.55], np.float32)


def _gantry(easel: Easel, road: Road, rng: np.random.Generator) -> list[Job]:
    """Return a green sign over one carriageway, or an overpass across the road, on some cameras."""
    station = easel.camera.station
    if rng.random() < 0.5:
        at, sense = station + rng.uniform(75, 120), float(rng.choice([-1.0, 1.0]))
        ends = [_spot(road, at, sense * d) for d in (0.0, SHOULDER + 1.2)]
        return [_sign(easel, ends, rng)]
    at = station + rng.uniform(150, 230)
    low, high = 5.6, rng.uniform(7.2, 8.6)
    ends = [_spot(road, at, -70.0), _spot(road, at, 70.0)]
    tone = np.array([118.0, 112, 104]) * rng.uniform(0.55, 1.1)
    depth = _depth(easel, (ends[0] + ends[1]) / 2)

    def paint() -> None:
        number = easel.prop_number(np.nan, depth)
        z = [np.array([0.0, 0.0, level]) for level in (low, high, high + 0.9)]
        easel.polygon(np.stack([ends[0] + z[0], ends[1] + z[0], ends[1] + z[1], ends[0] + z[1]]), tone, np.array([0.0, -1, 0]), number)
        easel.polygon(np.stack([ends[0] + z[1], ends[1] + z[1], ends[1] + z[2], ends[0] + z[2]]), tone * 1.25, np.array([0.0, -1, 0]), number)
        for share in (0.30, 0.40, 0.5, 0.60, 0.70):
            foot = ends[0] + (ends[1] - ends[0]) * share
            easel.rod(foot, foot + z[0], 1.0, tone * 0.9, number)

    return [(depth, paint)]


def _sign(easel: Easel, ends: list[Floats], rng: np.random.Generator) -> Job:
    steel, green = np.array([132.0, 134, 132]), np.array([20.0, 104, 72])
    depth = _depth(easel, ends[0])
    middle = ends[0] + (ends[1] - ends[0]) * rng.uniform(0.35, 0.65)
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    ahead = np.array([0.0, -1, 0])

    def panel(width: float, low: float, high: float, colour: Floats, number: int) -> None:
        corners = [middle + along * x + np.array([0, 0, z]) for x, z in ((-width, low), (width, low), (width, high), (-width, high))]
        easel.polygon(np.stack(corners), colour, ahead, number, 1.6 * easel.light.street)

    def paint() -> None:
        number = easel.prop_number(np.nan, depth)
        for end in ends:
            easel.rod(end, end + np.array([0, 0, 7.4]), 0.4, steel, number)
        for level in (6.4, 7.2):
            easel.rod(ends[0] + np.array([0, 0, level]), ends[1] + np.array([0, 0, level]), 0.25, steel, number)
        panel(2.5, 5.6, 8.0, np.array([225.0, 230, 225]), number)
        panel(2.4, 5.7, 7.9, green, number)
        panel(1.7, 7.1, 7.5, np.array([220.0, 228, 222]), number)
        panel(1.2, 6.2, 6.6, np.array([220.0, 228, 222]), number)

    return depth, paint


def _skyline(easel: Easel, road: Road, sides: tuple[str, str], rng: np.random.Generator) -> list[Job]:
    """Return a hazy row of trees and towers along the horizon."""
    camera, zoom = easel.camera, easel.zoom
    horizon = camera.horizon * zoom
    jobs: list[Job] = []

    def towers() -> None:
        column = -20.0 * zoom
        while column < easel.image.shape[1]:
            wide, high = rng.uniform(6, 26) * zoom, rng.gamma(2.0, 7.0) * zoom * camera.focal / 320
            texture = _windows(int(max(high / zoom / 2, 3)), int(max(wide / zoom / 2, 3)), easel.light, rng)
            drawn = cv2.resize(texture, (max(int(wide), 1), max(int(high), 1)), interpolation=cv2.INTER_LINEAR)
            _paste(easel, drawn, int(column), int(horizon + 2 * zoom - high), 700.0)
            column += wide * rng.uniform(0.7, 2.2)

    def trees() -> None:
        for column in np.arange(0, easel.image.shape[1], 2.5 * zoom):
            size = rng.uniform(2.5, 6) * zoom
            green = np.array([78.0, 96, 66]) * rng.uniform(0.7, 1.2)
            shaded = easel.light.hazed(easel.light.shade(green[None], np.array([[0.0, -1, 0]]), np.array([1])), np.array([420.0]))[0]
            cv2.ellipse(easel.image, (int(column), int(horizon + 1.5 * zoom)), (int(size), int(0.8 * size)), 0, 0, 360, shaded.tolist(), -1, cv2.LINE_AA)

    jobs.append((5000.0, towers))
    jobs.append((4000.0, trees))
    return jobs


def _paste(easel: Easel, picture: Floats, x: int, y: int, depth: float) -> None:
    high, wide = picture.shape[:2]
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + wide, easel.image.shape[1]), min(y + high, easel.image.shape[0])
    if x1 > x0 and y1 > y0:
        part = picture[y0 - y : y1 - y, x0 - x : x1 - x]
        easel.image[y0:y1, x0:x1] = easel.light.hazed(part, np.full(part.shape[:2], depth))


def _windows(rows: int, columns: int, light: Lighting, rng: np.random.Generator) -> Floats:
    """Return a facade of ``rows`` storeys by ``columns`` windows, eight texels each, some windows lit after dark."""
    wall = np.array([(150, 132, 116), (128, 92, 76), (168, 164, 158), (96, 104, 116), (178, 160, 132)], float)[rng.integers(5)]
    wall = wall * rng.uniform(0.7, 1.15)
    texel = np.broadcast_to(wall, (rows * 8, columns * 8, 3)).copy()
    pane = np.array([70.0, 84, 98]) * rng.uniform(0.5, 1.4, (rows, columns, 1))
    low, left = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    inside = np.zeros((8, 8), np.bool_)
    inside[low : 8 - low, left : 8 - left] = True
    panes = np.kron(pane[..., 0], np.ones((8, 8)))[..., None] * np.array([0.92, 1.0, 1.08])
    mask = np.tile(inside, (rows, columns))
    texel[mask] = panes[mask]
    shaded = light.shade(texel.reshape(-1, 3), np.array([[-0.2, -0.7, 0.1]]), np.array([1])).reshape(texel.shape)
    burning = np.kron(rng.random((rows, columns)) < 0.22 * light.lamps, np.ones((8, 8))).astype(bool) & mask
    shaded[burning] = np.array([236.0, 196, 120]) * rng.uniform(0.5, 1.0)
    return np.asarray(shaded, np.float32)


def _sides(easel: Easel, road: Road, sides: tuple[str, str], rng: np.random.Generator) -> list[Job]:
    """Return the trees and buildings on either side of the road."""
    jobs: list[Job] = []
    for sign, side in zip((-1.0, 1.0), sides, strict=True):
        if side == "river":
            jobs += _trees(easel, road, sign * (RAILING - 1), (20, 260), 5, rng)
            continue
        jobs += _trees(easel, road, sign * (RAILING + 5), (10, 300), 26 if side == "park" else 7, rng)
        gap = RAILING + (30 if side == "park" else 12)
        s = easel.camera.station + rng.uniform(25, 45)
        while s < easel.camera.station + 420:
            deep = rng.uniform(18, 45)
            jobs += _building(easel, road, (s, s + deep), sign * (gap + rng.uniform(0, 8)), rng)
            s += deep + rng.uniform(2, 30)
    return jobs


def _building(easel: Easel, road: Road, span: tuple[float, float], offset: float, rng: np.random.Generator) -> list[Job]:
    high, back = rng.uniform(12, 60), offset + np.sign(offset) * 30
    storeys, bays = int(high / 3.4), int((span[1] - span[0]) / 3.2)
    flank, front = _windows(storeys, bays, easel.light, rng), _windows(storeys, 8, easel.light, rng)
    flank = flank if np.sign(offset) > 0 else flank * 0.82
    near, far, deep = _spot(road, span[0], offset), _spot(road, span[1], offset), _spot(road, span[0], back)
    up = np.array([0.0, 0.0, high])
    walls = ((near, far, flank), (deep, near, front)) if offset > 0 else ((far, near, flank), (near, deep, front))

    def painter(a: Floats, b: Floats, texture: Floats) -> Callable[[], None]:
        return lambda: easel.facade(np.stack([a + up, b + up, b, a]), texture)

    depth = _depth(easel, near)
    return [(depth + 5 - k, painter(a, b, texture)) for k, (a, b, texture) in enumerate(walls)]


def _trees(easel: Easel, road: Road, offset: float, span: tuple[float, float], count: int, rng: np.random.Generator) -> list[Job]:
    jobs: list[Job] = []
    for s in np.sort(rng.uniform(*span, count)) + easel.camera.station:
        foot = _spot(road, float(s), offset + np.sign(offset) * rng.uniform(0, 9 if count > 6 else 0.5))
        jobs.append(_tree(easel, foot, rng))
    return jobs


def _tree(easel: Easel, foot: Floats, rng: np.random.Generator) -> Job:
    """Return a trunk under a cloud of leaves, lighter towards the sun."""
    tall, depth = rng.uniform(5, 10), _depth(easel, foot)
    leaves = rng.normal(0, 1, (150, 3)) * np.array([0.16, 0.16, 0.15]) * tall + np.array([0, 0, 0.68 * tall])
    leaves = leaves[np.argsort(leaves @ (easel.light.toward_sun + np.array([0, 0, 0.4])))]
    green = np.array([(96, 110, 52), (72, 96, 50), (118, 122, 60)], float)[rng.integers(3)]
    tone = np.linspace(0.45, 1.15, len(leaves)) * rng.normal(1, 0.1, len(leaves))

    def paint() -> None:
        if depth < 6:
            return
        number = easel.prop_number(np.nan, depth)
        easel.rod(foot, foot + np.array([0, 0, 0.7 * tall]), 0.3, np.array([74.0, 62, 50]), number)
        pixels, _ = easel.pixels(foot + leaves)
        radius = max(int(0.055 * tall * easel.camera.focal / depth * easel.zoom * 2**_SHIFT), 2**_SHIFT // 2)
        lamp = np.full(len(leaves), 0.25 * easel.light.street)
        shaded = easel.light.shade(green * tone[:, None], np.array([[0.0, -0.5, 0.5]]), np.array([1]), lamp)
        shaded = easel.light.hazed(shaded, np.full(len(leaves), depth))
        for (x, y), colour in zip(pixels.tolist(), shaded.tolist(), strict=True):
            cv2.circle(easel.image, (x, y), radius, colour, -1, cv2.LINE_AA, _SHIFT)
            cv2.circle(easel.prop, (x, y), radius, number, -1, cv2.LINE_8, _SHIFT)

    return depth, paint
