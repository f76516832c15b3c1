"""The road map without tiles: roads, shoreline and cameras from the camera network alone."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nicegui import ui
from nicegui.element import Element
from numpy.typing import NDArray

from cctview.network import CameraNetwork
from cctview.web.model import answers

__all__ = ["RoadMap", "water_of", "ways"]

Floats = NDArray[np.floating]
_DIST = Path(inspect.getfile(ui.leaflet)).parent / "dist"
_POINTS = 16
_LANE_OFFSET = 0.012
_WATER_WIDTHS, _WATER_BEYOND = 3.0, 2.0


class RoadMap(Element, component="../static/road_map.js"):
    """Leaflet with roads and cameras as vectors; emits ``camera`` with an id when one is chosen."""

    def __init__(
        self,
        cameras: Sequence[answers.Camera],
        links: Sequence[answers.Link],
        network: CameraNetwork,
        tiles: str | None,
    ) -> None:
        super().__init__()
        self.add_resource(_DIST)
        placed = [camera for camera in cameras if camera.lat is not None and camera.lon is not None]
        self._props["cameras"] = [
            {"id": item.id, "name": item.name, "at": [item.lat, item.lon], "heading": item.heading_deg}
            for item in placed
        ]
        places = {item.id: (item.lat or 0.0, item.lon or 0.0) for item in placed}
        self._props["ways"] = ways(places, links)
        self._props["water"] = water_of(np.array(network.shoreline, float).reshape(-1, 2)).tolist()
        self._props["tiles"] = tiles

    def show(self, *, camera: str | None, trail: Sequence[str]) -> None:
        """Mark the camera being looked at and the cameras of the chain so far, in travel order."""
        self._props["current"] = camera
        self._props["trail"] = list(trail)


def ways(places: dict[str, tuple[float, float]], links: Sequence[answers.Link]) -> list[dict[str, Any]]:
    """Return each link as a smooth line beside the middle of the road, and what is known of its traffic.

    The line is a cubic Hermite curve whose slope at a camera is that of the stretches before and after it.
    """
    known = [link for link in links if link.origin in places and link.target in places]
    if not known:
        return []
    at = np.array([[places[link.origin], places[link.target]] for link in known])
    shrink = np.cos(np.radians(at[..., 0].mean()))
    flat = at * (1, shrink)
    offset = _LANE_OFFSET * max(float(np.ptp(flat.reshape(-1, 2), axis=0).max()), 1e-4)
    middle = [_curve(flat[n], *_slopes(n, known, flat)) for n in range(len(known))]
    return [
        {
            "from": link.origin,
            "to": link.target,
            "middle": (line / (1, shrink)).tolist(),
            "path": (_beside(line, offset) / (1, shrink)).tolist(),
            "note": _note(link),
            "count": link.now.vehicles if link.now else 0,
        }
        for link, line in zip(known, middle, strict=True)
    ]


def water_of(shore: Floats) -> Floats:
    """Return the polygon of water on the right hand of the shoreline and beyond its ends: (N, 2) lat, lon to (M, 2)."""
    if not len(shore):
        return shore
    shrink = np.cos(np.radians(shore[:, 0].mean()))
    along = (shore[-1] - shore[0]) * (1, shrink)
    beyond = (shore[-1] - shore[0]) * _WATER_BEYOND
    shore = np.concatenate([shore[:1] - beyond, shore, shore[-1:] + beyond])
    right = np.array([-along[1], along[0]]) * _WATER_WIDTHS / (1, shrink)
    return np.concatenate([shore, shore[::-1] + right])


def _slopes(n: int, links: Sequence[answers.Link], flat: Floats) -> tuple[Floats, Floats]:
    link, chord = links[n], flat[n, 1] - flat[n, 0]
    before = [
        flat[m, 1] - flat[m, 0] for m, x in enumerate(links) if x.target == link.origin != x.origin != link.target
    ]
    after = [
        flat[m, 1] - flat[m, 0] for m, x in enumerate(links) if x.origin == link.target and x.target != link.origin
    ]
    length = float(np.hypot(*chord))
    return _slope([chord, *before], length), _slope([chord, *after], length)


def _slope(chords: list[Floats], length: float) -> Floats:
    units = np.array([chord / max(np.hypot(*chord), 1e-12) for chord in chords])
    mean = units.mean(axis=0)
    return mean / max(float(np.hypot(*mean)), 1e-12) * length


def _curve(ends: Floats, start: Floats, finish: Floats) -> Floats:
    t = np.linspace(0, 1, _POINTS)[:, None]
    return (
        (2 * t**3 - 3 * t**2 + 1) * ends[0]
        + (t**3 - 2 * t**2 + t) * start
        + (3 * t**2 - 2 * t**3) * ends[1]
        + (t**3 - t**2) * finish
    )


def _beside(line: Floats, offset: float) -> Floats:
    """Shift a line (N, 2) of (north, east) to its right hand, where traffic drives."""
    steps = np.gradient(line, axis=0)
    right = np.stack([-steps[:, 1], steps[:, 0]], axis=1)
    return line + offset * right / np.maximum(np.hypot(*right.T), 1e-12)[:, None]


def _note(link: answers.Link) -> str:
    if link.now is None or not link.now.vehicles:
        return ""
    seconds = link.now.median_s
    return f"{link.now.vehicles} veh" + (f" · {seconds:.0f} s" if seconds is not None else "")
