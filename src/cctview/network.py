"""The camera network: cameras, the links between them, and how long a link may take."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from cctview.errors import NetworkFileError, nearest
from cctview.geometry import bearing_deg, ground_distance_m
from cctview.types import Cameras, Tracklets, rows_among

__all__ = ["COMPASS", "CameraNetwork", "Link", "load_network", "parse_network"]

COMPASS = {name: 45.0 * step for step, name in enumerate(("N", "NE", "E", "SE", "S", "SW", "W", "NW"))}
_METRES_PER_MILE = 1609.344
_CAMERA_KEYS = {"id", "name", "lat", "lon", "heading", "interval_s", "clock_s"}
_LINK_KEYS = {"from", "to", "direction", "miles", "metres", "min_s", "max_s"}
_TOP_KEYS = {"camera", "link", "timezone", "shoreline"}


@dataclass(frozen=True, kw_only=True)
class Link:
    """One stretch of road a vehicle may take from one camera to the next.

    ``direction_deg`` is the compass direction of travel. ``min_s`` and ``max_s`` bound the travel
    time; when the file gives none they follow from the length, known to about 100 m, at 35 m/s and
    at 2.5 m/s, with a minute of slack for a queue.
    """

    origin: str
    target: str
    direction_deg: float
    metres: float
    min_s: float
    max_s: float


@dataclass(frozen=True, kw_only=True)
class CameraNetwork:
    """Cameras and the directed links between them.

    ``timezone`` is that of local file times. ``shoreline`` is drawn on maps: (lat, lon) points with
    the water on the right hand of whoever follows them.
    """

    cameras: Cameras = field(default_factory=Cameras.empty)
    links: tuple[Link, ...] = ()
    timezone: str | None = None
    shoreline: tuple[tuple[float, float], ...] = ()

    def among(self, present: Iterable[str]) -> CameraNetwork:
        """Return the network of these cameras only, joining links across the ones left out."""
        keep = np.unique(np.array(list(present), np.str_))
        links = self.links
        for absent in np.setdiff1d(self.cameras.id, keep).tolist():
            links = _bridged(links, absent)
        kept = self.cameras[np.isin(self.cameras.id, keep)]
        return replace(self, cameras=kept, links=links)

    def skipping(self) -> tuple[Link, ...]:
        """Return the links that pass one camera without being seen there, where the road goes on ahead."""
        direct = {(link.origin, link.target) for link in self.links}
        straight = [link for camera in self.cameras.id.tolist() for link in _over(self.links, camera)]
        return tuple(link for link in straight if (link.origin, link.target) not in direct)

    def heading(self, camera: str) -> float | None:
        """Return the compass direction a camera looks, or None for a camera not in the file."""
        found = np.flatnonzero(self.cameras.id == camera)
        return float(self.cameras.heading_deg[found[0]]) if len(found) else None

    def clock_s(self, cameras: NDArray[np.str_]) -> NDArray[np.float64]:
        """Return the seconds to add to stamps of these cameras (N,), 0 for a camera not in the file."""
        return np.append(self.cameras.clock_s, 0.0)[rows_among(self.cameras.id, cameras)]

    def on_one_clock(self, tracklets: Tracklets) -> Tracklets:
        """Return the tracklets with the times that one true clock would have told."""
        seconds = self.clock_s(tracklets.camera)
        if not seconds.any():
            return tracklets
        late = np.round(seconds * 1e9).astype("timedelta64[ns]")
        return tracklets.replace(first_time=tracklets.first_time + late, last_time=tracklets.last_time + late)


def _bridged(links: tuple[Link, ...], absent: str) -> tuple[Link, ...]:
    joined = _over(links, absent, turned_deg=180.0)
    rest = [link for link in links if absent not in (link.origin, link.target)]
    known = {(link.origin, link.target) for link in rest}
    return (*rest, *(link for link in joined if (link.origin, link.target) not in known))


def _over(links: tuple[Link, ...], camera: str, turned_deg: float = 90.0) -> list[Link]:
    """Return the links across a camera that turn by at most so much there."""
    return [
        Link(
            origin=a.origin,
            target=b.target,
            direction_deg=a.direction_deg,
            metres=a.metres + b.metres,
            min_s=a.min_s + b.min_s,
            max_s=a.max_s + b.max_s,
        )
        for a in links
        for b in links
        if a.target == camera == b.origin
        and a.origin != b.target
        and abs((a.direction_deg - b.direction_deg + 180) % 360 - 180) <= turned_deg
    ]


def load_network(path: Path) -> CameraNetwork:
    """Read a camera network file; raise NetworkFileError with the file, the entry and the fix."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NetworkFileError(f"{path}: cannot be read ({error}); give the path of a TOML file") from error
    return parse_network(text, str(path))


def parse_network(text: str, where: str = "network") -> CameraNetwork:
    """Read a camera network from TOML text; ``where`` names it in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NetworkFileError(f"{where}: not valid TOML: {error}") from error
    _known(data, _TOP_KEYS, where)
    entries = [
        _checked(entry, _CAMERA_KEYS, f"{where}: camera {n}") for n, entry in enumerate(data.get("camera", []), 1)
    ]
    cameras = _cameras(entries, where)
    links = tuple(_link(entry, cameras, f"{where}: link {n}") for n, entry in enumerate(data.get("link", []), 1))
    return CameraNetwork(
        cameras=cameras,
        links=links,
        timezone=_timezone(data.get("timezone"), where),
        shoreline=_shoreline(data.get("shoreline", []), where),
    )


def _known(entry: Mapping[str, Any], keys: set[str], where: str) -> None:
    for key in entry.keys() - keys:
        raise NetworkFileError(f"{where}: unknown key {key!r}; {nearest(key, keys)}")


def _checked(entry: Any, keys: set[str], where: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise NetworkFileError(f"{where}: expected a table of keys, got {entry!r}")
    _known(entry, keys, where)
    return entry


def _number(entry: Mapping[str, Any], key: str, where: str, low: float, high: float) -> float:
    value = entry.get(key)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
        raise NetworkFileError(f"{where}: {key} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise NetworkFileError(f"{where}: {key} must be a text, got {value!r}")
    return value


def _compass(value: Any, where: str, key: str) -> float:
    if isinstance(value, str) and value.upper() in COMPASS:
        return COMPASS[value.upper()]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 360:
        return float(value)
    raise NetworkFileError(
        f"{where}: {key} must be one of {', '.join(COMPASS)} or degrees from 0 to 360, got {value!r}"
    )


def _cameras(entries: list[Mapping[str, Any]], where: str) -> Cameras:
    names = [_text(entry, "id", f"{where}: camera {n}") for n, entry in enumerate(entries, 1)]
    for name in {name for name in names if names.count(name) > 1}:
        raise NetworkFileError(f"{where}: camera {name!r} is listed twice; keep one entry")
    spots = [f"{where}: camera {name!r}" for name in names]
    both = list(zip(entries, spots, strict=True))
    return Cameras(
        id=np.array(names, np.str_),
        name=np.array([str(entry.get("name") or entry["id"]) for entry in entries], np.str_),
        lat=np.array([_number(entry, "lat", spot, -90, 90) for entry, spot in both]),
        lon=np.array([_number(entry, "lon", spot, -180, 180) for entry, spot in both]),
        heading_deg=np.array([_compass(entry.get("heading"), spot, "heading") for entry, spot in both]),
        interval_s=np.array([float(entry.get("interval_s", 0.0)) for entry in entries]),
        clock_s=np.array([_number({"clock_s": 0.0, **entry}, "clock_s", spot, -3600, 3600) for entry, spot in both]),
    )


def _link(entry: Any, cameras: Cameras, where: str) -> Link:
    entry = _checked(entry, _LINK_KEYS, where)
    ends = [_text(entry, key, where) for key in ("from", "to")]
    for end in ends:
        if end not in cameras.id:
            raise NetworkFileError(f"{where}: no camera {end!r}; {nearest(end, cameras.id.tolist())}")
    a, b = (int(np.flatnonzero(cameras.id == end)[0]) for end in ends)
    points = (cameras.lon[a], cameras.lat[a], cameras.lon[b], cameras.lat[b])
    metres = _length(entry, where) or float(ground_distance_m(*points))
    direction = entry.get("direction")
    degrees = float(bearing_deg(*points)) if direction is None else _compass(direction, where, "direction")
    low, high = _window(entry, metres, where)
    return Link(origin=ends[0], target=ends[1], direction_deg=degrees, metres=metres, min_s=low, max_s=high)


def _length(entry: Mapping[str, Any], where: str) -> float | None:
    if "metres" in entry:
        return _number(entry, "metres", where, 1, 1e6)
    return _number(entry, "miles", where, 1e-3, 600) * _METRES_PER_MILE if "miles" in entry else None


def _window(entry: Mapping[str, Any], metres: float, where: str) -> tuple[float, float]:
    low = _number(entry, "min_s", where, 0, 86_400) if "min_s" in entry else max(metres - 100, 0) / 35
    high = _number(entry, "max_s", where, 0, 86_400) if "max_s" in entry else (metres + 100) / 2.5 + 60
    if low >= high:
        raise NetworkFileError(f"{where}: min_s {low:g} must be below max_s {high:g}")
    return low, high


def _shoreline(points: Any, where: str) -> tuple[tuple[float, float], ...]:
    if not (isinstance(points, list) and len(points) != 1 and all(_is_point(point) for point in points)):
        raise NetworkFileError(f"{where}: shoreline must be two or more [lat, lon] points, got {points!r}")
    return tuple((float(lat), float(lon)) for lat, lon in points)


def _is_point(value: Any) -> bool:
    numbers = isinstance(value, list) and len(value) == 2 and all(isinstance(part, int | float) for part in value)
    return numbers and abs(value[0]) <= 90 and abs(value[1]) <= 180


def _timezone(name: Any, where: str) -> str | None:
    if name is None:
        return None
    try:
        return ZoneInfo(str(name)).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NetworkFileError(f"{where}: no time zone {name!r}; use a name like 'America/New_York'") from error
