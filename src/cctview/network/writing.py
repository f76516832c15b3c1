"""A camera network as TOML text, which ``parse_network`` reads back to an equal one."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cctview.network.cameras import CameraNetwork, Link

__all__ = ["network_toml"]

Value = str | float


def network_toml(network: CameraNetwork) -> str:
    """Return the network as TOML text: every camera and link with all it holds, floats to the last digit."""
    head = [] if network.timezone is None else [f"timezone = {_text(network.timezone)}"]
    if network.shoreline:
        points = "".join(f"    [{lat!r}, {lon!r}],\n" for lat, lon in network.shoreline)
        head.append(f"shoreline = [\n{points}]")
    entries = [*(_entry("camera", camera) for camera in _cameras(network)), *(_link(link) for link in network.links)]
    return "\n".join([*head, *entries])


def _cameras(network: CameraNetwork) -> list[dict[str, Value]]:
    table = network.cameras
    keys = ("id", "name", "lat", "lon", "heading", "interval_s", "clock_s")
    columns = (table.id, table.name, table.lat, table.lon, table.heading_deg, table.interval_s, table.clock_s)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _link(link: Link) -> str:
    said: dict[str, Value] = {
        "from": link.origin,
        "to": link.target,
        "direction": float(link.direction_deg),
        "metres": float(link.metres),
        "min_s": float(link.min_s),
        "max_s": float(link.max_s),
    }
    return _entry("link", said)


def _entry(kind: str, said: Mapping[str, Value]) -> str:
    lines = [f"{key} = {_text(value) if isinstance(value, str) else repr(value)}" for key, value in said.items()]
    return "\n".join([f"[[{kind}]]", *lines, ""])


def _text(value: str) -> str:
    """Return a text as a TOML string: JSON's, but for the one control character that JSON lets stand."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
