"""The camera network of a simulated world: where its cameras stand and which leads to which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.network import CameraNetwork, parse_network
from cctview.sim.world.layout import OUT, Layout

__all__ = ["layout_network"]

Floats = NDArray[np.floating[Any]]

_ORIGIN = (40.7118, -73.9767)  # latitude and longitude of the world's origin
_METRES_PER_DEGREE = 111_195.0
_METRES_PER_MILE = 1609.344
_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_SHORE_M, _SHORE_STEP_M = 60.0, 150.0
_SEEN_AHEAD_M = 45.0  # a camera watches the road about this far in front of it


@dataclass(frozen=True)
class _Stretch:
    """The road from one camera to the next: names, metres, compass direction of travel."""

    origin: str
    target: str
    metres: float
    direction: str


def layout_network(layout: Layout, timezone: str) -> CameraNetwork:
    """Return the network of a layout, as precise as somebody who types it from a map: degrees and miles rounded."""
    links = [
        f'[[link]]\nfrom = "{s.origin}"\nto = "{s.target}"\ndirection = "{s.direction}"\n'
        f"miles = {s.metres / _METRES_PER_MILE:.4f}\n"
        for s in _stretches(layout)
    ]
    shore = [] if len(layout.roads) > 1 else [_shoreline(layout)]
    text = "\n".join([f'timezone = "{timezone}"', *shore, *_cameras(layout), *links])
    return parse_network(text, "the simulated network")


def _shoreline(layout: Layout) -> str:
    """Return the river's edge on the right hand of a single road."""
    road = layout.roads[0]
    stations = np.arange(0.0, road.length, _SHORE_STEP_M)
    points = road.place(stations, np.full(len(stations), _SHORE_M))
    return f"shoreline = [{', '.join(f'[{lat:.6f}, {lon:.6f}]' for lat, lon in _geographic(points).tolist())}]"


def _geographic(points: Floats) -> Floats:
    """Return latitude and longitude of points in metres east and north: ``(N, 2)`` to ``(N, 2)``."""
    lat = _ORIGIN[0] + points[:, 1] / _METRES_PER_DEGREE
    return np.stack([lat, _ORIGIN[1] + points[:, 0] / (_METRES_PER_DEGREE * np.cos(np.deg2rad(lat)))], axis=-1)


def _cameras(layout: Layout) -> Iterator[str]:
    for site in layout.sites:
        road = layout.roads[site.road]
        lat, lon = _geographic(road.place(np.array([site.station]), np.zeros(1)))[0].tolist()
        name = "Drive" if len(layout.roads) == 1 else f"Road {site.road + 1}"
        title = f"{name}, km {site.station / 1000:.2f}"
        yield _camera(site.name, title, lat, lon, _compass(_bearing(layout, site.road, site.station, site.against)))


def _camera(name: str, title: str, lat: float, lon: float, heading: str) -> str:
    return f'[[camera]]\nid = "{name}"\nname = "{title}"\nlat = {lat:.6f}\nlon = {lon:.6f}\nheading = "{heading}"\n'


def _bearing(layout: Layout, road: int, station: float, against: bool) -> float:  # noqa: FBT001
    bearing = float(np.rad2deg(layout.roads[road].heading(np.array([station]))[0]))
    return bearing + 180.0 * against


def _compass(degrees: float) -> str:
    return _COMPASS[round(degrees / 45.0) % 8]


def _stretches(layout: Layout) -> list[_Stretch]:
    """Return every stretch of road that leads from one camera to another without passing a third."""
    found: dict[tuple[str, str], _Stretch] = {}
    for site in layout.sites:
        for against in (False, True):
            way = 2 * site.road + against
            for stretch in _onward(layout, site.name, way, _watched(layout, site.name, way), 0.0, turns=1):
                key = (stretch.origin, stretch.target)
                if stretch.target != site.name and (key not in found or stretch.metres < found[key].metres):
                    found[key] = stretch
    return list(found.values())


def _watched(layout: Layout, name: str, way: int) -> float:
    """Return the position on a way that a camera watches."""
    site = next(site for site in layout.sites if site.name == name)
    station = site.station + (-_SEEN_AHEAD_M if site.against else _SEEN_AHEAD_M)
    return station if way % 2 == 0 else layout.roads[site.road].length - station


def _onward(layout: Layout, origin: str, way: int, position: float, driven: float, *, turns: int) -> Iterator[_Stretch]:
    """Yield the cameras met next on a way beyond a position, and those met next after one turn before them."""
    ahead = [(_watched(layout, s.name, way), s) for s in layout.sites if s.road == way // 2]
    ahead = sorted(((at, site) for at, site in ahead if at > position + 1.0), key=lambda pair: pair[0])
    end = ahead[0][0] if ahead else float(layout.length[way])
    if ahead:
        at, site = ahead[0]
        direction = _compass(_bearing(layout, site.road, site.station, bool(way % 2)))
        yield _Stretch(origin, site.name, driven + at - position, direction)
    exits, doors = layout.exits, layout.doors
    leaves = (exits.way == way) & (exits.at > position) & (exits.at < end) & (exits.door != OUT)
    for row in np.flatnonzero(leaves).tolist() if turns else []:
        door, run = int(exits.door[row]), driven + float(exits.at[row]) - position
        yield from _onward(layout, origin, int(doors.way[door]), float(doors.at[door]), run + 20.0, turns=turns - 1)
