"""The unmoving part of a view, drawn once per camera: ground, road, barriers, masts, trees, buildings, sky."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2
from cctview.sim.cameras.pose import RoadCamera
from cctview.sim.drawing.backdrop import draw_sky, furnish
from cctview.sim.drawing.canvas import Canvas
from cctview.sim.drawing.lighting import Lighting, street_lamp_light
from cctview.sim.world.road import FIRST_LINE, LANE_WIDTH, LANES, PARAPET, RAILING, SHOULDER, WALKWAY, Road

__all__ = ["Scene", "draw_scene"]

Floats = NDArray[np.floating[Any]]
Image = NDArray[np.uint8]
_WET = 0.66  # of its own colour a wet road keeps; the rest is sky
_REACH = 900.0  # metres of ground drawn with road coordinates; beyond lies the far shore


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a camera sees with nobody in view, drawn ``zoom`` times larger than its stills.

    ``shaded`` is the same in shadow. ``prop`` numbers the standing object at each pixel (0: none);
    ``prop_offset`` and ``prop_depth`` say where it stands: a barrier (finite offset) hides what is on
    its far side, a mast or tree what is deeper.
    """

    camera: RoadCamera
    zoom: int
    lit: Image
    shaded: Image
    prop: Image
    prop_offset: Floats
    prop_depth: Floats

    def hides(self, offset: Floats, depth: Floats) -> NDArray[np.bool_]:
        """Return which props stand in front of objects at road offset and depth: ``(N, P + 1)``."""
        own = self.camera.offset
        beyond = (self.prop_offset - own) * (offset[:, None] - self.prop_offset) > 0
        return np.where(np.isfinite(self.prop_offset), beyond, self.prop_depth < depth[:, None])


def draw_scene(road: Road, camera: RoadCamera, light: Lighting, zoom: int, rng: np.random.Generator) -> Scene:
    """Return the scene of one camera."""
    rays = camera.rays(zoom).astype(np.float32)
    image = np.empty((*rays.shape[:2], 3), np.float32)
    draw_sky(image, rays, light, rng)
    ground = rays[..., 2] < -1e-3
    depth = np.where(ground, camera.position[2] / np.maximum(-rays[..., 2], 1e-3), np.inf)
    near = ground & (depth < _REACH)
    points = camera.position[:2] + rays[near][:, :2] * depth[near][:, None]
    s, d = road.locate(points, camera.station + depth[near])
    footprint = depth[near] / (camera.focal * zoom)
    west, east = rng.choice(["park", "wall", "plaza"]), "river" if rng.random() < 0.75 else "park"
    surface = _surface(s, d, footprint, (str(west), east), rng)
    up = np.zeros((1, 3)) + np.array([0.0, 0.0, 1.0])
    flat = light.shade(surface, up, np.array([1]), street_lamp_light(s, d, light.street))
    if light.wet:
        flat = _WET * flat + (0.85 - _WET) * light.sky_low
    image[near] = light.hazed(flat, depth[near])
    image[ground & ~near] = light.sky_low * 0.8
    on_road = np.zeros(near.shape, np.bool_)
    on_road[near] = np.abs(d) < RAILING
    canvas = Canvas(image=image, prop=np.zeros(near.shape, np.uint8), camera=camera, light=light, zoom=zoom)
    furnish(canvas, road, (str(west), east), rng)
    lit = cv2.GaussianBlur(np.clip(canvas.image, 0, 255), (0, 0), 0.28 * zoom).astype(np.uint8)
    fade = np.where(on_road & (canvas.prop == 0), light.shadow, 1.0).astype(np.float32)[..., None]
    return Scene(
        camera=camera,
        zoom=zoom,
        lit=lit,
        shaded=(lit * fade).astype(np.uint8),
        prop=canvas.prop,
        prop_offset=np.array([np.nan, *canvas.offsets]),
        prop_depth=np.array([np.inf, *canvas.depths]),
    )


def _surface(s: Floats, d: Floats, footprint: Floats, sides: tuple[str, str], rng: np.random.Generator) -> Floats:
    """Return ground colours at road coordinates before light, ``(N, 3)``; ``footprint`` is metres per pixel."""
    colour = _asphalt(s, d, footprint, rng)
    colour = _markings(colour, s, d, footprint, rng)
    over = np.abs(d)
    colour = np.where((over > PARAPET)[:, None], _pavement(s, d, footprint, rng), colour)
    for sign, side in zip((-1, 1), sides, strict=True):
        outside = sign * d > RAILING + 0.2
        colour[outside] = _beyond(side, s[outside], d[outside], footprint[outside], rng)
    return colour


def _asphalt(s: Floats, d: Floats, footprint: Floats, rng: np.random.Generator) -> Floats:
    """Return a worn road: wheel tracks, oil between them, patches, sealed joints, cracks, grain."""
    base = rng.uniform(92, 138)
    lane = (np.abs(d) - FIRST_LINE) / LANE_WIDTH
    across = lane % 1.0
    on_lanes = (lane > 0) & (lane < LANES)
    tone = base + 5 * _noise(s / 60, d / 3, rng) + 2.5 * _noise(s / 9, d / 1.2, rng)
    tone += 3.5 * rng.standard_normal(s.shape, np.float32)
    tone += (rng.normal(0, 3.5, 2 * LANES + 2))[np.clip(np.floor(lane).astype(int), 0, LANES) + (LANES + 1) * (d > 0)]
    oil = np.exp(-(((across - 0.5) / 0.16) ** 2)) - 0.6 * np.exp(-(((np.abs(across - 0.5) - 0.27) / 0.09) ** 2))
    tone -= np.where(on_lanes, 9 * oil, 0)
    tone -= np.where(~on_lanes & (np.abs(d) > 1), 6 + 8 * _noise(s / 10, d, rng), 0)
    for _ in range(14):
        at, size, where = rng.uniform(-40, 260) + s.min(), rng.uniform(4, 28), rng.uniform(-SHOULDER, SHOULDER)
        patch = (np.abs(s - at) < size) & (np.abs(d - where) < rng.uniform(0.6, 1.9))
        tone = tone + np.where(patch, rng.uniform(-13, 8), 0)
    for seam in range(-LANES, LANES + 1):
        where = np.sign(seam) * (FIRST_LINE + LANE_WIDTH * abs(seam)) + 0.35 + 0.25 * _noise(s / 9, s * 0 + seam, rng)
        tone -= 34 * rng.uniform(0.2, 1.0) * _stroke(d - where, 0.09, footprint)
    joint = (s + 3 * _noise(s / 500, d / 3, rng)) % rng.uniform(14, 30)
    tone -= 16 * _stroke(joint - 5, 0.1, footprint * 6)
    for _ in range(5):
        middle = rng.uniform(-SHOULDER, SHOULDER) + rng.uniform(0.3, 1.0) * _noise(s / rng.uniform(2, 9), s * 0, rng)
        tone -= rng.uniform(10, 34) * _stroke(d - middle, 0.05, footprint)
    return tone[:, None] * (np.array([1.0, 1.0, 1.0]) + rng.normal(0, 0.012, 3))


def _markings(colour: Floats, s: Floats, d: Floats, footprint: Floats, rng: np.random.Generator) -> Floats:
    """Return the road with dashed lane lines, white edges outside and yellow edges along the median."""
    over = np.abs(d)
    worn = np.clip(0.80 + 0.30 * _noise(s / 2, d / 0.2, rng), 0.3, 1.0)
    dash = np.clip((1.6 - np.abs((s + 7.0 * (d > 0)) % 12.0 - 6.0)) / (footprint * 5) + 0.5, 0, 1)
    white, yellow = np.array([226.0, 226, 220]), np.array([206.0, 158, 62])
    for line in range(1, LANES):
        colour = _blend(colour, white, worn * dash * _stroke(over - FIRST_LINE - LANE_WIDTH * line, 0.17, footprint))
    colour = _blend(colour, white, worn * _stroke(over - SHOULDER, 0.18, footprint))
    return _blend(colour, yellow, worn * _stroke(over - FIRST_LINE + 0.15, 0.18, footprint))


def _pavement(s: Floats, d: Floats, footprint: Floats, rng: np.random.Generator) -> Floats:
    """Return walkway slabs, with a strip of grass next to the road."""
    tone = rng.uniform(136, 162) + 8 * _noise(s / 3, d / 3, rng) + _fine(7, 0.4, footprint) * _noise(s, d * 2, rng)
    tone -= 26 * np.maximum(_stroke(s % 2.0 - 1, 0.06, footprint * 4), _stroke(d % 2.0 - 1, 0.06, footprint))
    slabs = tone[:, None] * np.array([1.0, 0.97, 0.92])
    return np.where((np.abs(d) < WALKWAY - 0.1)[:, None], _grass(s, d, footprint, rng), slabs)


def _grass(s: Floats, d: Floats, footprint: Floats, rng: np.random.Generator) -> Floats:
    tone = 1 + 0.14 * _noise(s / 7, d / 7, rng) + _fine(0.18, 0.5, footprint) * _noise(s * 1.5, d * 2.2, rng)
    tone += 0.09 * rng.standard_normal(s.shape, np.float32)
    return tone[:, None] * np.array([95.0, 104, 64])


def _beyond(side: str, s: Floats, d: Floats, footprint: Floats, rng: np.random.Generator) -> Floats:
    """Return what lies outside the walkway: a river with a far shore, a park, or a paved place."""
    if side == "river":
        wave = 6 * _noise(s / 14, d / 30, rng) + 9 * _noise(s / 3, d / 2, rng)
        wave += 9 * rng.standard_normal(s.shape, np.float32)
        water = (1 + wave / 110)[:, None] * np.array([82.0, 100, 118])
        return np.where((np.abs(d) > 330)[:, None], _grass(s, d, footprint, rng) * 0.8, water)
    if side == "park":
        return _grass(s, d, footprint, rng)
    return (126 + 10 * _noise(s / 6, d / 6, rng) + _fine(8, 0.5, footprint) * _noise(s, d, rng))[:, None] * np.array(
        [1.0, 0.98, 0.94]
    )


def _stroke(across: Floats, width: float, footprint: Floats) -> Floats:
    """Return how much of each pixel a painted line covers, ``across`` metres from its middle."""
    return np.clip((width / 2 - np.abs(across)) / footprint + 0.5, 0, np.minimum(1.0, width / footprint))


def _blend(colour: Floats, over: Floats, share: Floats) -> Floats:
    return colour + (over - colour) * share[:, None]


def _fine(strength: float, size: float, footprint: Floats) -> Floats:
    """Return the strength of a texture that fades where it is finer than a pixel."""
    return strength * np.clip(size / (3 * footprint), 0, 1)


def _noise(u: Floats, v: Floats, rng: np.random.Generator) -> Floats:
    """Return smooth noise of unit spread over a plane (bilinear between random grid values)."""
    grid = rng.standard_normal((256, 256)).astype(np.float32)
    wrapped = np.pad(grid, ((0, 1), (0, 1)), mode="wrap")
    field: Any = cv2.remap(wrapped, _folded(u), _folded(v), cv2.INTER_LINEAR)
    return field.ravel()[: u.size].reshape(u.shape)


def _folded(values: Floats) -> Floats:
    """Return values modulo 256 as rows of 4096, padded at the end, since OpenCV maps have limits on each side."""
    rows = max(-(-values.size // 4096), 1)
    folded = np.zeros(rows * 4096, np.float32)
    folded[: values.size] = (values % 256).ravel()
    return folded.reshape(rows, 4096)
