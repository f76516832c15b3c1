"""Takes the stills of a simulation: scenes and shapes are drawn once and kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.cameras.lens import lens
from cctview.sim.cameras.pose import RoadCamera
from cctview.sim.cameras.timetable import FAULTS
from cctview.sim.drawing.appearance import appearance
from cctview.sim.drawing.lighting import Lighting
from cctview.sim.drawing.mesh import Mesh
from cctview.sim.drawing.optics import Optics, cheap_camera, decoded, develop
from cctview.sim.drawing.render import Placed, compose, in_view
from cctview.sim.drawing.scene import Scene, draw_scene
from cctview.sim.plan import Plan
from cctview.sim.still import SimFrame
from cctview.sim.world.fleet import PERSON, TYPES
from cctview.sim.world.road import LANES, RAILING, WALKWAY
from cctview.sim.world.traffic import Pedestrians, Traffic, stroll
from cctview.types import content_id

__all__ = ["Studio"]

Floats = NDArray[np.floating[Any]]

_ENLARGED_UP_TO = 704  # pixels of width; wider stills are drawn at their own size
_SMALLEST_AREA = 4.0  # square pixels; what is smaller has no truth
_BEHIND_M, _AHEAD_M = 20.0, 260.0
_LOCAL_BEHIND_UTC = np.timedelta64(4, "h")


@dataclass(frozen=True, kw_only=True)
class _Cast:
    """Who is near a camera: placed objects with identity, row of TYPES, lane, speed and sense."""

    placed: Placed
    identity: NDArray[np.int64]
    kind: NDArray[np.int64]
    lane: NDArray[np.int64]
    speed: Floats
    towards: NDArray[np.bool_]


class Studio:
    """One telling of a simulation's story: the scenes and shapes drawn so far."""

    def __init__(self, plan: Plan, light: Lighting) -> None:
        self._plan = plan
        self._light = light
        self._people = _walkers(plan)
        self._scenes: dict[tuple[int, float], tuple[Scene, Optics]] = {}
        self._meshes: dict[int, Mesh] = {}
        self._sent: dict[int, SimFrame] = {}
        self._noise = plan.rng("noise")

    def still(self, row: int, traffic: Traffic) -> SimFrame:
        """Return the still in one row of the timetable, ``traffic`` being that of the step before it."""
        table = self._plan.timetable
        k, fault = int(table.camera[row]), FAULTS[int(table.fault[row])]
        time = self._plan.times(table.told[row : row + 1])[0]
        if fault == "repeated" and k in self._sent:
            name = self._plan.name(self._sent[k].camera, time) + ".jpeg"
            return replace(self._sent[k], time=time, name=name, fault=fault)
        frame = self._taken(k, float(table.at[row]), time, float(table.yaw[row]), traffic)
        if fault == "half sent":
            half = frame.jpeg[: len(frame.jpeg) // 2]
            return replace(frame, jpeg=half, digest=content_id(half), fault=fault)
        self._sent[k] = frame
        return frame

    def _taken(self, k: int, at: float, time: np.datetime64, yaw: float, traffic: Traffic) -> SimFrame:
        if (k, yaw) not in self._scenes:
            self._scenes[k, yaw] = self._drawn(k, yaw)
        scene, optics = self._scenes[k, yaw]
        cast = self._cast(k, at, traffic, scene.camera)
        large, extent = compose(scene, cast.placed, self._light)
        local = (time - _LOCAL_BEHIND_UTC).astype("datetime64[s]").item()
        jpeg = develop(large, optics, f"{local:%Y-%m-%d %I:%M:%S %p}", self._noise)
        boxes, wholes = optics.lens.boxes(extent.box), optics.lens.boxes(extent.whole)
        told = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) >= _SMALLEST_AREA
        row = extent.row[told]
        camera = self._plan.cameras[k]
        return SimFrame(
            camera=camera,
            time=time,
            name=self._plan.name(camera, time) + ".jpeg",
            jpeg=jpeg,
            image=decoded(jpeg),
            boxes=boxes[told].astype(np.float32),
            whole_boxes=wholes[told].astype(np.float32),
            types=TYPES[cast.kind[row]],
            identities=cast.identity[row],
            visibility=extent.visibility[told],
            lanes=cast.lane[row],
            speeds=cast.speed[row].astype(np.float32),
            towards=cast.towards[row],
            at=at,
            size=(optics.width, optics.height),
            digest=content_id(jpeg),
        )

    def _drawn(self, k: int, yaw: float) -> tuple[Scene, Optics]:
        plan, light, settings = self._plan, self._light, self._plan.settings
        zoom = 2 if settings.width <= _ENLARGED_UP_TO else 1
        pose = replace(plan.poses[k], yaw=plan.poses[k].yaw + yaw)
        glass = lens(settings.distortion, settings.width, settings.height, zoom)
        scene = draw_scene(plan.views[k], pose, light, zoom, plan.rng("scene", k))
        return scene, cheap_camera(pose, light, plan.layout.sites[k].caption, glass, plan.rng("optics", k))

    def _cast(self, k: int, at: float, traffic: Traffic, camera: RoadCamera) -> _Cast:
        """Return the vehicles and people near a camera."""
        site, road = self._plan.layout.sites[k], self._plan.views[k]
        people, vehicles = self._people[site.road], traffic.on(site.road)
        groups = [group.at(at, road, against=site.against) for group in (vehicles, people)]
        s, d, heading = np.concatenate([np.stack(group) for group in groups], axis=1)
        near = np.flatnonzero((s > camera.station - _BEHIND_M) & (s < camera.station + _AHEAD_M))
        near = near[np.sort(in_view(road.place(s[near], d[near]), camera))]
        walkers = len(people.identity)
        identity = np.concatenate([vehicles.identity, people.identity])[near]
        kind = np.concatenate([vehicles.kind, np.full(walkers, PERSON)])[near]
        length = np.concatenate([vehicles.length, np.zeros(walkers)])[near]
        cast = zip(identity.tolist(), kind.tolist(), length.tolist(), strict=True)
        s, d, heading = s[near], d[near], heading[near]
        return _Cast(
            placed=Placed(
                meshes=[self._mesh(*one) for one in cast],
                s=s,
                d=d,
                position=road.place(s, d),
                heading=heading,
                speed=np.concatenate([vehicles.speed, np.zeros(walkers)])[near],
            ),
            identity=identity,
            kind=kind,
            lane=np.concatenate([vehicles.lane, np.full(walkers, LANES)])[near],
            speed=np.concatenate([vehicles.speed, np.abs(people.pace)])[near],
            towards=np.cos(heading - road.heading(s)) < 0,
        )

    def _mesh(self, identity: int, kind: int, length: float) -> Mesh:
        mesh = self._meshes.get(identity)
        if mesh is None:
            mesh = self._meshes[identity] = appearance(kind, length, self._plan.settings.seed, identity)
        return mesh


def _walkers(plan: Plan) -> list[Pedestrians]:
    """Return the people of each road, numbered through."""
    rng, walkers, first = plan.rng("people"), list[Pedestrians](), 0
    for road in plan.layout.roads:
        walkers.append(stroll(road, (WALKWAY + 0.6, RAILING - 0.7), rng, first))
        first += len(walkers[-1].identity)
    return walkers
