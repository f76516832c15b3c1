"""The worlds that are built in: a corridor, a motorway with exits, a grid of streets, or the user's own network."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError
from cctview.network import CameraNetwork
from cctview.sim.settings import JAM_FROM, SimSettings
from cctview.sim.world.layout import Layout, LayoutBuilder, Site
from cctview.sim.world.road import Road, winding

__all__ = ["build_layout", "recorded_layout"]

Floats = NDArray[np.floating[Any]]

_BEFORE_M, _AFTER_M = 150.0, 450.0  # road before the first camera and after the last
_SEEN_M = 100.0  # road that the last camera needs in front of it
_GRID_PACE, _MOTORWAY_PACE = 0.62, 1.35
_FACING = np.array(["North", "East", "South", "West"])
_BRANCH_SHARE = 0.3


def build_layout(settings: SimSettings, network: CameraNetwork | None, rng: np.random.Generator) -> Layout:
    """Return the world of these settings; a camera network replaces the generated one."""
    builder = LayoutBuilder()
    if network is not None:
        _from_network(builder, network, rng)
    else:
        _BUILDERS[settings.world](builder, settings, rng)
    if settings.traffic >= JAM_FROM:
        for way, length in enumerate(builder.built().length.tolist()):
            builder.bottleneck(way, max(length - 150.0, 0.75 * length), length, 4.0)
    return builder.built()


def recorded_layout(road: Road, settings: SimSettings) -> Layout:
    """Return one road with a camera every ``spacing_m`` metres; raise SettingsError when it is too short for them."""
    watched = _BEFORE_M + settings.spacing_m * np.arange(settings.cameras)
    if watched[-1] + _SEEN_M > road.length:
        raise SettingsError(
            f"trajectories: their road is {road.length:.0f} m long, and {settings.cameras} cameras every "
            f"{settings.spacing_m:g} m need {watched[-1] + _SEEN_M:.0f} m; ask for fewer cameras or another spacing_m"
        )
    builder = LayoutBuilder()
    _row_of_cameras(builder, builder.road(road), watched)
    return builder.built()


def _corridor(builder: LayoutBuilder, settings: SimSettings, rng: np.random.Generator) -> None:
    """Lay one urban drive with a camera every ``spacing_m`` metres and a ramp behind each but the first."""
    watched = _BEFORE_M + settings.spacing_m * np.arange(settings.cameras)
    road = builder.road(winding(float(watched[-1] + _AFTER_M), rng))
    _row_of_cameras(builder, road, watched)
    for station in (watched[1:] - 0.15 * settings.spacing_m).tolist():
        builder.ramp(road, station)


def _motorway(builder: LayoutBuilder, settings: SimSettings, rng: np.random.Generator) -> None:
    """Lay a fast, nearly straight road with an exit half-way between two cameras, which one in five takes."""
    watched = _BEFORE_M + settings.spacing_m * np.arange(settings.cameras)
    road = builder.road(winding(float(watched[-1] + _AFTER_M), rng, bends=0.45), pace=_MOTORWAY_PACE)
    _row_of_cameras(builder, road, watched)
    for station in (watched[1:] - 0.5 * settings.spacing_m).tolist():
        builder.ramp(road, station, 0.2)


def _row_of_cameras(builder: LayoutBuilder, road: int, watched: Floats) -> None:
    for station in watched.tolist():
        builder.camera(Site(name=f"sim-{builder.cameras + 1}", road=road, station=station))


def _grid(builder: LayoutBuilder, settings: SimSettings, rng: np.random.Generator) -> None:
    """Lay straight streets north and east with signals where they cross, cameras between crossings."""
    across = max(int(np.ceil(np.sqrt(settings.cameras / 2))), 1)
    down = max(int(np.ceil(settings.cameras / (2 * across))), 1)
    block = settings.spacing_m
    north = [_street(builder, rng, (k * block, -0.5 * block), 0.0, down * block) for k in range(across)]
    east = [_street(builder, rng, (-0.5 * block, k * block), 90.0, across * block) for k in range(down)]
    for a, one in enumerate(north):
        for b, other in enumerate(east):
            builder.crossing((one, (b + 0.5) * block), (other, (a + 0.5) * block))
    places = [(road, (k + 0.5) * block + 60.0) for k in range(down) for road in north]
    places += [(road, (k + 0.5) * block + 60.0) for k in range(across) for road in east]
    for number, (road, station) in enumerate(places[: settings.cameras], start=1):
        caption = "Facing North" if road in north else "Facing East"
        builder.camera(Site(name=f"sim-{number}", road=road, station=station, caption=caption))


def _street(
    builder: LayoutBuilder, rng: np.random.Generator, start: tuple[float, float], bearing_deg: float, length: float
) -> int:
    return builder.road(
        winding(length + 200.0, rng, start=start, bearing_deg=bearing_deg, bends=0.0), pace=_GRID_PACE, inflow=0.5
    )


_BUILDERS: dict[str, Callable[[LayoutBuilder, SimSettings, np.random.Generator], None]] = {
    "corridor": _corridor,
    "motorway": _motorway,
    "grid": _grid,
}


def _from_network(builder: LayoutBuilder, network: CameraNetwork, rng: np.random.Generator) -> None:
    """Lay roads along the chains of links of a camera network, with junctions where chains meet.

    Lengths are those of the links; where the roads lie on the map is not told by the file, so
    each begins at a place of its own and follows its links' directions.
    """
    names = network.cameras.id.tolist()
    if not names:
        raise SettingsError("the camera network has no cameras; name at least one in the file")
    metres = _neighbours(network)
    placed: dict[str, tuple[int, float]] = {}
    for number, chain in enumerate(_chains(names, metres)):
        _lay_chain(builder, network, chain, metres, placed, rng, 5000.0 * number)


def _neighbours(network: CameraNetwork) -> dict[tuple[str, str], float]:
    """Return metres between linked cameras, for either order."""
    pairs = {(link.origin, link.target): link.metres for link in network.links}
    return {**{(b, a): metres for (a, b), metres in pairs.items()}, **pairs}


def _chains(names: list[str], metres: dict[tuple[str, str], float]) -> list[list[str]]:
    """Return paths that use each link once and name each camera at least once; ends of roads come first."""
    left = {name: sorted(b for a, b in metres if a == name) for name in names}
    degree = {name: len(left[name]) for name in names}
    chains: list[list[str]] = []
    for start in sorted(names, key=lambda name: (degree[name] == 2, degree[name])):
        while left[start] or not any(start in chain for chain in chains):
            chain = [start]
            while left[chain[-1]] and (len(chain) == 1 or degree[chain[-1]] == 2):
                onward = left[chain[-1]].pop(0)
                left[onward].remove(chain[-1])
                chain.append(onward)
            chains.append(chain)
    return chains


def _lay_chain(
    builder: LayoutBuilder,
    network: CameraNetwork,
    chain: list[str],
    metres: dict[tuple[str, str], float],
    placed: dict[str, tuple[int, float]],
    rng: np.random.Generator,
    east: float,
) -> None:
    """Lay one chain of cameras as a road; a camera that stands already makes a junction there."""
    steps = [max(metres[pair], 60.0) for pair in pairwise(chain)]
    station = _BEFORE_M + np.concatenate([[0.0], np.cumsum(steps)])
    bearing = _bearing(network, chain)
    road = builder.road(
        winding(float(station[-1]) + _AFTER_M, rng, start=(east, 0.0), bearing_deg=bearing),
        inflow=0.3 if any(name in placed for name in chain) else 1.0,
    )
    for name, at in zip(chain, station.tolist(), strict=True):
        if name in placed:
            _junction(builder, (road, at), placed[name])
            continue
        placed[name] = (road, at)
        heading = network.heading(name) or 0.0
        against = bool(np.cos(np.deg2rad(heading - bearing)) < 0)
        facing = f"Facing {_FACING[round(heading / 90) % 4]}"
        builder.camera(Site(name=name, road=road, station=at, against=against, caption=facing))


def _bearing(network: CameraNetwork, chain: list[str]) -> float:
    """Return the compass direction of a chain from its first camera on."""
    for link in network.links:
        if chain[:2] == [link.origin, link.target]:
            return link.direction_deg
        if chain[:2] == [link.target, link.origin]:
            return (link.direction_deg + 180.0) % 360.0
    return network.heading(chain[0]) or 0.0


def _junction(builder: LayoutBuilder, branch: tuple[int, float], main: tuple[int, float]) -> None:
    """Lead a share of the vehicles from each way of one road onto each way of the other and back."""
    for (one, at), (other, there) in ((branch, main), (main, branch)):
        for way in (2 * one, 2 * one + 1):
            for onto in (2 * other, 2 * other + 1):
                builder.turn(way, builder.on_way(way, at), _BRANCH_SHARE / 2, onto, builder.on_way(onto, there) + 25.0)
