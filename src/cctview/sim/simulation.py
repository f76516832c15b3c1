"""A simulated corridor as a source of stills: who is where, seen by which camera, when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctview.sim import fleet
from cctview.sim.camera import RoadCamera, beside_road
from cctview.sim.lighting import Lighting, lighting
from cctview.sim.mesh import Mesh
from cctview.sim.optics import Optics, cheap_camera, develop
from cctview.sim.render import Placed, compose
from cctview.sim.road import RAILING, WALKWAY, Road, corridor
from cctview.sim.scene import Scene, draw_scene
from cctview.sim.settings import SimSettings
from cctview.sim.world import STEP_S, Pedestrians, Traffic, flow, stroll

__all__ = ["SimFrame", "Simulation", "simulate"]

Floats = NDArray[np.floating[Any]]

TIMEZONE = "America/New_York"
_LOCAL_BEHIND_UTC = np.timedelta64(4, "h")
_START = {"day": "2020-05-05T17:07:52", "dusk": "2020-05-06T00:02:10", "night": "2020-05-06T02:07:52"}
_ORIGIN = (40.7118, -73.9767)  # latitude and longitude of the road's start
_METRES_PER_DEGREE = 111_195.0
_METRES_PER_MILE = 1609.344
_SMALLEST_BOX = 3.5  # pixels, of either side; what is smaller has no truth


@dataclass(frozen=True, kw_only=True)
class SimFrame:
    """One still with its truth.

    ``image`` is uint8 ``(H, W, 3)`` RGB, decoded from ``jpeg``; ``time`` datetime64[ns] UTC; ``boxes``
    float32 ``(N, 4)`` xyxy pixels, clipped; ``types`` car, truck, bus or person; ``identities`` int64,
    the same vehicle having the same number on every camera; ``visibility`` the share that shows.
    """

    camera: str
    time: np.datetime64
    name: str
    jpeg: bytes
    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    types: NDArray[np.str_]
    identities: NDArray[np.int64]
    visibility: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class _View:
    """One camera ready to take stills."""

    camera: RoadCamera
    scene: Scene
    optics: Optics


@dataclass(frozen=True)
class Simulation:
    """A world fixed by its settings; every call of ``frames`` tells the same story from the start."""

    settings: SimSettings

    @cached_property
    def road(self) -> Road:
        """Return the road all cameras stand along."""
        return corridor(self.settings.cameras, self.settings.spacing_m, self._rng(1))

    @cached_property
    def cameras(self) -> tuple[str, ...]:
        """Return the camera ids in road order."""
        return tuple(f"sim-{k + 1}" for k in range(self.settings.cameras))

    @cached_property
    def poses(self) -> tuple[RoadCamera, ...]:
        """Return where each camera hangs and looks."""
        size = (self.settings.width, self.settings.height)
        return tuple(beside_road(self.road, float(s), *size, self._rng(2, k)) for k, s in enumerate(self.road.cameras))

    @property
    def start(self) -> np.datetime64:
        """Return the moment, in UTC, of second 0."""
        return np.datetime64(_START[self.settings.light], "ns")

    def network_toml(self) -> str:
        """Return the camera network file of this world."""
        north, east = self.road.place(self.road.cameras, np.zeros_like(self.road.cameras)).T[::-1]
        lat = _ORIGIN[0] + north / _METRES_PER_DEGREE
        lon = _ORIGIN[1] + east / (_METRES_PER_DEGREE * np.cos(np.deg2rad(lat)))
        miles = self.settings.spacing_m / _METRES_PER_MILE
        cameras = [
            f'[[camera]]\nid = "{name}"\nname = "Simulated drive, km {self.road.cameras[k] / 1000:.2f}"\n'
            f'lat = {lat[k]:.6f}\nlon = {lon[k]:.6f}\nheading = "N"\n'
            for k, name in enumerate(self.cameras)
        ]
        links = [
            f'[[link]]\nfrom = "{origin}"\nto = "{target}"\ndirection = "{way}"\nmiles = {miles:.4f}\n'
            for a, b in zip(self.cameras[:-1], self.cameras[1:], strict=True)
            for origin, target, way in ((a, b, "N"), (b, a, "S"))
        ]
        return "\n".join(["# A simulated road.", f'timezone = "{TIMEZONE}"\n', *cameras, *links])

    def frames(self) -> Iterator[SimFrame]:
        """Yield every still of every camera in time order."""
        light = lighting(self.settings.light, self._rng(3))
        views: dict[int, _View] = {}
        meshes: dict[int, Mesh] = {}
        rng = self._rng(4)
        people = stroll(self.road, (WALKWAY + 0.6, RAILING - 0.7), self._rng(5))
        people = _both_sides(people, self._rng(6))
        moments = flow(self.road, self.settings.traffic, self._rng(7))
        traffic = next(moments)
        for at, k in self._timetable():
            while traffic.time + STEP_S <= at:
                traffic = next(moments)
            view = views.get(k) or views.setdefault(k, self._view(k, light))
            yield self._still(view, k, at, (traffic, people), meshes, light, rng)

    def _timetable(self) -> list[tuple[float, int]]:
        """Return seconds and camera of every still, in order; gaps vary from 0.6 to 1.75 times the mean."""
        end, mean = self.settings.minutes * 60, self.settings.interval_s
        count = int(end / mean * 2) + 4
        rng = self._rng(8)
        gaps = mean * (0.6 + 1.15 * rng.beta(1.4, 2.63, (self.settings.cameras, count)))
        gaps[:, 0] = rng.uniform(0, mean, self.settings.cameras)
        gaps[:, 1:] = np.maximum(gaps[:, 1:], 1.0)
        times = np.cumsum(gaps, axis=1)
        camera, _ = np.nonzero(times < end)
        at = times[times < end]
        order = np.lexsort((camera, at))
        return list(zip(at[order].tolist(), camera[order].tolist(), strict=True))

    def _view(self, k: int, light: Lighting) -> _View:
        settings, camera = self.settings, self.poses[k]
        scene = draw_scene(self.road, camera, light, 2 if settings.width <= 704 else 1, self._rng(9, k))
        optics = cheap_camera(settings.width, settings.height, light.noise, "Facing North", self._rng(10, k))
        return _View(camera=camera, scene=scene, optics=optics)

    def _still(
        self, view: _View, k: int, at: float, world: tuple[Traffic, Pedestrians], meshes: dict[int, Mesh],
        light: Lighting, rng: np.random.Generator,
    ) -> SimFrame:  # fmt: skip
        placed, identity, types = self._placed(view.camera, at, *world, meshes)
        large, extent = compose(view.scene, placed, light)
        time = self.start + np.timedelta64(round(at * 1e9), "ns")
        local = (time - _LOCAL_BEHIND_UTC).astype("datetime64[s]").item()
        jpeg = develop(large, view.optics, f"{local:%Y-%m-%d %I:%M:%S %p}", rng)
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
        told = np.all(extent.box[:, 2:] - extent.box[:, :2] >= _SMALLEST_BOX, axis=1)
        row = extent.row[told]
        return SimFrame(
            camera=self.cameras[k],
            time=time,
            name=f"{self.cameras[k]}--{local:%Y-%m-%d--%H.%M.%S}--original.jpeg",
            jpeg=jpeg,
            image=np.asarray(pixels, np.uint8),
            boxes=extent.box[told],
            types=types[row],
            identities=identity[row],
            visibility=extent.visibility[told],
        )

    def _placed(
        self, camera: RoadCamera, at: float, traffic: Traffic, people: Pedestrians, meshes: dict[int, Mesh]
    ) -> tuple[Placed, NDArray[np.int64], NDArray[np.str_]]:
        """Return the vehicles and people near a camera, with identities and types."""
        parts = [np.stack(group.at(at, self.road)) for group in (traffic, people)]
        s, d, heading = np.concatenate(parts, axis=1)
        near = np.flatnonzero((s > camera.station - 20) & (s < camera.station + 260))
        identity = np.concatenate([traffic.identity, people.identity]).astype(np.int64)
        types = np.concatenate([fleet.TYPES[traffic.kind], np.full(len(people.identity), "person")])
        for row in near:
            who = int(identity[row])
            if who not in meshes:
                meshes[who] = (
                    fleet.vehicle(int(traffic.kind[row]), float(traffic.length[row]), self.settings.seed, who)
                    if row < len(traffic)
                    else fleet.person(self.settings.seed, who)
                )
        s, d, heading = s[near], d[near], heading[near]
        placed = Placed(
            meshes=[meshes[who] for who in identity[near].tolist()],
            s=s, d=d, position=self.road.place(s, d), heading=heading,
        )  # fmt: skip
        return placed, identity[near], types[near]

    def _rng(self, *purpose: int) -> np.random.Generator:
        """Return the random numbers of one purpose, so that no part disturbs another."""
        return np.random.default_rng([self.settings.seed, *purpose])


def simulate(settings: SimSettings | None = None) -> Simulation:
    """Return the simulation of these settings; nothing is drawn before ``frames`` is read."""
    return Simulation(settings or SimSettings())


def _both_sides(people: Pedestrians, rng: np.random.Generator) -> Pedestrians:
    """Return the people with some of them on the walkway left of the road."""
    side = rng.choice([-1.0, 1.0], len(people.identity))
    return Pedestrians(
        identity=people.identity, start=people.start, offset=people.offset * side, pace=people.pace, span=people.span
    )
