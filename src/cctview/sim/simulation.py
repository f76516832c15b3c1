"""A simulated corridor as a source of stills: who is where, seen by which camera, when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.naming import still_name, zone
from cctview.sim.camera import RoadCamera, beside_road
from cctview.sim.fleet import PERSON, TYPES, appearance
from cctview.sim.lighting import Lighting, lighting
from cctview.sim.mesh import Mesh
from cctview.sim.optics import Optics, cheap_camera, decoded, develop
from cctview.sim.render import Placed, compose
from cctview.sim.road import RAILING, WALKWAY, Road, corridor
from cctview.sim.scene import Scene, draw_scene
from cctview.sim.settings import SimSettings
from cctview.sim.world import STEP_S, Traffic, flow, stroll

__all__ = ["SimFrame", "Simulation", "simulate"]

Floats = NDArray[np.floating[Any]]

TIMEZONE = "America/New_York"
_LOCAL_BEHIND_UTC = np.timedelta64(4, "h")
_START = {"day": "2020-05-05T17:07:52", "dusk": "2020-05-06T00:02:10", "night": "2020-05-06T02:07:52"}
_ORIGIN = (40.7118, -73.9767)  # latitude and longitude of the road's start
_METRES_PER_DEGREE = 111_195.0
_METRES_PER_MILE = 1609.344
_ENLARGED_UP_TO = 704  # pixels of width; wider stills are drawn at their own size
_VIDEO_BELOW_S = 1.2
_SMALLEST_AREA = 16.0  # square pixels; what is smaller has no truth


@dataclass(frozen=True, kw_only=True)
class SimFrame:
    """One still with its truth.

    ``image`` is uint8 ``(H, W, 3)`` RGB, decoded from ``jpeg``; ``time`` datetime64[ns] UTC; ``boxes``
    float32 ``(N, 4)`` xyxy pixels bound what shows of each object, ``whole_boxes`` also what others hide,
    both clipped to the still; ``types`` car, truck, bus or person; ``identities`` int64,
    the same vehicle having the same number on every camera; ``visibility`` the share that shows.
    """

    camera: str
    time: np.datetime64
    name: str
    jpeg: bytes
    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    whole_boxes: NDArray[np.float32]
    types: NDArray[np.str_]
    identities: NDArray[np.int64]
    visibility: NDArray[np.float32]

    def without_pixels(self) -> SimFrame:
        """Return the truth of this still alone, a thousandth of its size."""
        return replace(self, jpeg=b"", image=np.zeros((0, 0, 3), np.uint8))


@dataclass(frozen=True)
class Simulation:
    """A world fixed by its settings; every call of ``frames`` tells the same story from the start."""

    settings: SimSettings

    @cached_property
    def road(self) -> Road:
        """Return the road all cameras stand along."""
        return corridor(self.settings.cameras, self.settings.spacing_m, self.rng("road"))

    @cached_property
    def cameras(self) -> tuple[str, ...]:
        """Return the camera ids in road order."""
        return tuple(f"sim-{k + 1}" for k in range(self.settings.cameras))

    @cached_property
    def poses(self) -> tuple[RoadCamera, ...]:
        """Return where each camera hangs and looks."""
        size = (self.settings.width, self.settings.height)
        stations = enumerate(self.road.cameras.tolist())
        return tuple(beside_road(self.road, s, size, self.rng("camera", k)) for k, s in stations)

    @property
    def start(self) -> np.datetime64:
        """Return the moment, in UTC, of second 0."""
        return np.datetime64(_START[self.settings.light], "ns")

    @property
    def _like_video(self) -> bool:
        return self.settings.interval_s < _VIDEO_BELOW_S

    def name(self, camera: str, time: np.datetime64) -> str:
        """Return the file name of a still, without its ending."""
        return still_name(camera, time, zone(TIMEZONE), milliseconds=self._like_video) + "--original"

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
        session = _Session(self, lighting(self.settings.light, self.rng("light")))
        moments = flow(self.road, self.settings.traffic, self.rng("traffic"))
        traffic = next(moments)
        for at, k in self._timetable():
            while traffic.time + STEP_S <= at:
                traffic = next(moments)
            yield session.still(k, at, traffic)

    def rng(self, purpose: str, number: int = 0) -> np.random.Generator:
        """Return the random numbers of one purpose, so that no part disturbs another."""
        return np.random.default_rng([self.settings.seed, number, *purpose.encode()])

    def _timetable(self) -> list[tuple[float, int]]:
        """Return seconds and camera of every still, in order; gaps vary from 0.6 to 1.75 times the mean."""
        end, mean = self.settings.minutes * 60, self.settings.interval_s
        count = int(end / mean * 2) + 4
        rng = self.rng("timetable")
        gaps = mean * (0.6 + 1.15 * rng.beta(1.4, 2.63, (self.settings.cameras, count)))
        gaps = mean + (gaps - mean) * 0.15 if self._like_video else np.maximum(gaps, 1.0)
        gaps[:, 0] = rng.uniform(0, mean, self.settings.cameras)
        times = np.cumsum(gaps, axis=1)
        camera, _ = np.nonzero(times < end)
        at = times[times < end]
        order = np.lexsort((camera, at))
        return list(zip(at[order].tolist(), camera[order].tolist(), strict=True))


class _Session:
    """One telling of the story: the scenes and shapes drawn so far."""

    def __init__(self, simulation: Simulation, light: Lighting) -> None:
        self._simulation = simulation
        self._light = light
        self._people = stroll(simulation.road, (WALKWAY + 0.6, RAILING - 0.7), simulation.rng("people"))
        self._scenes: dict[int, tuple[Scene, Optics]] = {}
        self._meshes: dict[int, Mesh] = {}
        self._noise = simulation.rng("noise")

    def still(self, k: int, at: float, traffic: Traffic) -> SimFrame:
        """Return what camera ``k`` sends at a second, with the truth about it."""
        simulation = self._simulation
        if k not in self._scenes:
            self._scenes[k] = self._drawn(k)
        scene, optics = self._scenes[k]
        placed, identity, types = self._placed(scene, at, traffic)
        large, extent = compose(scene, placed, self._light)
        time = simulation.start + np.timedelta64(round(at * 1e9), "ns")
        local = (time - _LOCAL_BEHIND_UTC).astype("datetime64[s]").item()
        jpeg = develop(large, optics, f"{local:%Y-%m-%d %I:%M:%S %p}", self._noise)
        told = np.prod(extent.box[:, 2:] - extent.box[:, :2], axis=1) >= _SMALLEST_AREA
        row = extent.row[told]
        return SimFrame(
            camera=simulation.cameras[k],
            time=time,
            name=simulation.name(simulation.cameras[k], time) + ".jpeg",
            jpeg=jpeg,
            image=decoded(jpeg),
            boxes=extent.box[told],
            whole_boxes=extent.whole[told],
            types=types[row],
            identities=identity[row],
            visibility=extent.visibility[told],
        )

    def _drawn(self, k: int) -> tuple[Scene, Optics]:
        simulation, light = self._simulation, self._light
        wide, high = simulation.settings.width, simulation.settings.height
        zoom = 2 if wide <= _ENLARGED_UP_TO else 1
        scene = draw_scene(simulation.road, simulation.poses[k], light, zoom, simulation.rng("scene", k))
        return scene, cheap_camera(wide, high, light.noise, "Facing North", simulation.rng("optics", k))

    def _placed(self, scene: Scene, at: float, traffic: Traffic) -> tuple[Placed, NDArray[np.int64], NDArray[np.str_]]:
        """Return the vehicles and people near a camera, with identities and types."""
        road, people, station = self._simulation.road, self._people, scene.camera.station
        s, d, heading = np.concatenate([np.stack(group.at(at, road)) for group in (traffic, people)], axis=1)
        near = np.flatnonzero((s > station - 20) & (s < station + 260))
        identity = np.concatenate([traffic.identity, people.identity])[near]
        kind = np.concatenate([traffic.kind, np.full(len(people.identity), PERSON)])[near]
        length = np.concatenate([traffic.length, np.zeros(len(people.identity))])[near]
        cast = zip(identity.tolist(), kind.tolist(), length.tolist(), strict=True)
        s, d = s[near], d[near]
        placed = Placed(
            meshes=[self._mesh(*one) for one in cast], s=s, d=d, position=road.place(s, d), heading=heading[near]
        )
        return placed, identity, TYPES[kind]

    def _mesh(self, identity: int, kind: int, length: float) -> Mesh:
        mesh = self._meshes.get(identity)
        if mesh is None:
            mesh = self._meshes[identity] = appearance(kind, length, self._simulation.settings.seed, identity)
        return mesh


def simulate(settings: SimSettings | None = None) -> Simulation:
    """Return the simulation of these settings; nothing is drawn before ``frames`` is read."""
    return Simulation(settings or SimSettings())
