"""A camera network from TOML text: every entry is checked, and an error names the one to mend."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from cctview.errors import NetworkFileError, nearest
from cctview.geometry import bearing_deg, ground_distance_m
from cctview.network.cameras import CameraNetwork, Learnt, Link
from cctview.types import Cameras

__all__ = ["COMPASS", "load_network", "parse_network"]

COMPASS = {name: 45.0 * step for step, name in enumerate(("N", "NE", "E", "SE", "S", "SW", "W", "NW"))}
_METRES_PER_MILE = 1609.344
_LONGEST_M = 1e6  # longer is no road between two cameras but a slip of the unit
_LONGEST_S = 7 * 86_400.0  # more than the slowest ride of the longest link, 400 060 s
_FASTEST_MPS, _SLOWEST_MPS = 35.0, 2.5  # 126 km/h on a free road, and walking pace in a queue
_LENGTH_ERROR_M = 100.0  # how well the length of a link is known
_QUEUE_S = 60.0  # a minute at lights or in a jam, on top of the slowest ride
_UNKNOWN_M, _UNKNOWN_S = 2000.0, (0.0, 900.0)  # a link of which nothing is said: far enough for most, not for a search
_USUAL_MPS = 16.0  # to tell a length from nothing but a time
_CAMERA_KEYS = {"id", "name", "lat", "lon", "heading", "aimed", "interval_s", "clock_s"}
_LINK_KEYS = {"from", "to", "direction", "miles", "metres", "min_s", "max_s", "leaves", "arrives", "measured", "learnt"}
_WAYS = ("towards", "away", "right", "left")
_TOP_KEYS = {"camera", "link", "timezone", "shoreline"}


def load_network(path: Path) -> CameraNetwork:
    """Read a camera network file; raise NetworkFileError with the file, the entry and the fix."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NetworkFileError(f"{path}: cannot be read ({error}); give the path of a TOML file") from error
    return parse_network(text, str(path))


def parse_network(text: str, where: str = "network") -> CameraNetwork:
    """Read a camera network from TOML text; ``where`` names it in errors, which are NetworkFileError."""
    try:
        data = tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError, OverflowError) as error:
        raise NetworkFileError(f"{where}: not valid TOML: {error}") from error
    _known(data, _TOP_KEYS, where)
    entries = [
        _checked(entry, _CAMERA_KEYS, f"{where}: camera {n}")
        for n, entry in enumerate(_tables(data, "camera", where), 1)
    ]
    ways = _tables(data, "link", where)
    cameras = _cameras(entries or _ends_alone(ways), where)
    links: list[Link] = []
    for n, entry in enumerate(ways, 1):
        links.append(_link(entry, cameras, links, f"{where}: link {n}"))
    return CameraNetwork(
        cameras=cameras,
        links=tuple(links),
        timezone=_timezone(data.get("timezone"), where),
        shoreline=_shoreline(data.get("shoreline", []), where),
    )


def _tables(data: Mapping[str, Any], key: str, where: str) -> list[Any]:
    """Return the tables of this name; one in place of many is the usual slip."""
    found = data.get(key, [])
    if isinstance(found, list):
        return found
    said = f"[{key}]" if isinstance(found, Mapping) else f"{key} = {found!r:.80}"
    raise NetworkFileError(f"{where}: {said} is not a list of tables; write [[{key}]] above each {key}")


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
    return unicodedata.normalize("NFC", value)


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
        lat=np.array([_number({"lat": 0.0, **entry}, "lat", spot, -90, 90) for entry, spot in both]),
        lon=np.array([_number({"lon": 0.0, **entry}, "lon", spot, -180, 180) for entry, spot in both]),
        heading_deg=np.array([_compass(entry.get("heading", 0.0), spot, "heading") for entry, spot in both]),
        interval_s=np.array(
            [_number({"interval_s": 0.0, **entry}, "interval_s", spot, 0, 86_400) for entry, spot in both]
        ),
        clock_s=np.array([_number({"clock_s": 0.0, **entry}, "clock_s", spot, -3600, 3600) for entry, spot in both]),
        placed=np.array([_placed(entry, spot) for entry, spot in both], np.bool_),
        aimed=np.array([_aimed(entry, spot) for entry, spot in both], np.bool_),
    )


def _ends_alone(links: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Return a camera of which only the id is said for each end of the links, for a file that names no camera."""
    ends = [link.get(key) for link in links if isinstance(link, Mapping) for key in ("from", "to")]
    names = [unicodedata.normalize("NFC", end) for end in ends if isinstance(end, str) and end]
    return [{"id": name} for name in dict.fromkeys(names)]


def _placed(entry: Mapping[str, Any], where: str) -> bool:
    """Return whether a camera says where it stands; raise NetworkFileError for half a position."""
    said = [key for key in ("lat", "lon") if key in entry]
    if len(said) == 1:
        raise NetworkFileError(f"{where}: {said[0]} stands alone; give both lat and lon, or neither")
    return bool(said)


def _aimed(entry: Mapping[str, Any], where: str) -> bool:
    """Return whether a camera says which way it looks: it has a heading, and not a relative one (aimed = false)."""
    aimed = entry.get("aimed", "heading" in entry)
    if not isinstance(aimed, bool):
        raise NetworkFileError(f"{where}: aimed must be true or false, got {aimed!r}")
    return aimed and "heading" in entry


def _link(entry: Any, cameras: Cameras, before: Sequence[Link], where: str) -> Link:
    entry = _checked(entry, _LINK_KEYS, where)
    ends = [_text(entry, key, where) for key in ("from", "to")]
    for end in ends:
        if end not in cameras.id:
            raise NetworkFileError(f"{where}: no camera {end!r}; {nearest(end, cameras.id.tolist())}")
    a, b = (int(np.flatnonzero(cameras.id == end)[0]) for end in ends)
    points = (cameras.lon[a], cameras.lat[a], cameras.lon[b], cameras.lat[b]) if cameras.placed[[a, b]].all() else None
    given = _length(entry, where)
    length = float(ground_distance_m(*points)) if points and given is None else given
    direction = entry.get("direction")
    back = any((link.origin, link.target) == (ends[1], ends[0]) for link in before)
    guess = float(bearing_deg(*points)) if points else 180.0 * back
    low, high = _window(entry, length, where)
    learnt = _learnt(entry["learnt"], f"{where}: learnt") if "learnt" in entry else None
    return Link(
        origin=ends[0],
        target=ends[1],
        direction_deg=guess if direction is None else _compass(direction, where, "direction"),
        metres=_timed_length(entry, low, high) if length is None else length,
        min_s=low,
        max_s=high,
        leaves=_way(entry, "leaves", where),
        arrives=_way(entry, "arrives", where),
        measured=_measured(entry, length, where),
        learnt=learnt,
    )


def _measured(entry: Mapping[str, Any], length: float | None, where: str) -> bool:
    measured = entry.get("measured", True)
    if not isinstance(measured, bool):
        raise NetworkFileError(f"{where}: measured must be true or false, got {measured!r}")
    return measured and length is not None


def _timed_length(entry: Mapping[str, Any], low: float, high: float) -> float:
    """Return about how long a link is of which only times, or nothing at all, are said."""
    return _USUAL_MPS * float(np.sqrt(max(low, 1.0) * high)) if "max_s" in entry else _UNKNOWN_M


def _way(entry: Mapping[str, Any], key: str, where: str) -> str:
    way = entry.get(key, "")
    if key in entry and way not in _WAYS:
        raise NetworkFileError(f"{where}: {key} must be one of {', '.join(_WAYS)}, got {way!r}")
    return str(way)


def _learnt(entry: Any, where: str) -> Learnt:
    """Return what data told about a link, as the program wrote it into the file."""
    limits = {"median_s": _LONGEST_S, "p10_s": _LONGEST_S, "p90_s": _LONGEST_S, "evidence": 1e9}
    limits |= {"share": 1.0, "probability": 1.0}
    entry = _checked(entry, set(limits), where)
    return Learnt(**{key: _number(entry, key, where, 0, most) for key, most in limits.items()})


def _length(entry: Mapping[str, Any], where: str) -> float | None:
    if "metres" in entry:
        return _number(entry, "metres", where, 0, _LONGEST_M)
    most = _LONGEST_M / _METRES_PER_MILE
    return _number(entry, "miles", where, 0, most) * _METRES_PER_MILE if "miles" in entry else None


def _window(entry: Mapping[str, Any], metres: float | None, where: str) -> tuple[float, float]:
    least, most = _UNKNOWN_S
    if metres is not None:
        least = max(metres - _LENGTH_ERROR_M, 0) / _FASTEST_MPS
        most = (metres + _LENGTH_ERROR_M) / _SLOWEST_MPS + _QUEUE_S
    given: dict[str, Any] = {"min_s": least, "max_s": most, **entry}
    low, high = (_number(given, key, where, 0, _LONGEST_S) for key in ("min_s", "max_s"))
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
