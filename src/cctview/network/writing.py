"""A camera network as TOML text, which ``parse_network`` reads back to an equal one."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cctview.network.cameras import CameraNetwork, Link

__all__ = ["network_toml"]

_LEARNT = "# Learnt from traffic, and found anew when there is more of it. Delete its last line to keep it as it is.\n"
_UNPLACED = "# Nobody has said where it stands: give lat and lon to see it on the map.\n"

Value = str | float | Mapping[str, float]


def network_toml(network: CameraNetwork) -> str:
    """Return the network as TOML text: every camera and link with all it holds, floats to the last digit."""
    head = [] if network.timezone is None else [f"timezone = {_text(network.timezone)}"]
    if network.shoreline:
        points = "".join(f"    [{lat!r}, {lon!r}],\n" for lat, lon in network.shoreline)
        head.append(f"shoreline = [\n{points}]")
    cameras = [("" if "lat" in said else _UNPLACED) + _entry("camera", said) for said in _cameras(network)]
    entries = [*cameras, *(_link(link) for link in network.links)]
    return "\n".join([*head, *entries])


def _cameras(network: CameraNetwork) -> list[dict[str, Value]]:
    table = network.cameras
    keys = ("id", "name", "lat", "lon", "heading", "interval_s", "clock_s")
    columns = (table.id, table.name, table.lat, table.lon, table.heading_deg, table.interval_s, table.clock_s)
    rows = [dict(zip(keys, row, strict=True)) for row in zip(*(column.tolist() for column in columns), strict=True)]
    for said, placed, aimed in zip(rows, table.placed.tolist(), table.aimed.tolist(), strict=True):
        if not placed:
            del said["lat"], said["lon"]
        if not aimed:
            said["aimed"] = False
    return rows


def _link(link: Link) -> str:
    said: dict[str, Value] = {
        "from": link.origin,
        "to": link.target,
        "direction": float(link.direction_deg),
        "metres": float(link.metres),
        "min_s": float(link.min_s),
        "max_s": float(link.max_s),
    }
    said |= {key: value for key, value in (("leaves", link.leaves), ("arrives", link.arrives)) if value}
    if not link.measured:
        said["measured"] = False
    if link.learnt:
        said["learnt"] = vars(link.learnt)
    return (_LEARNT if link.learnt else "") + _entry("link", said)


def _entry(kind: str, said: Mapping[str, Value]) -> str:
    return "\n".join([f"[[{kind}]]", *(f"{key} = {_said(value)}" for key, value in said.items()), ""])


def _said(value: Value) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_said(part)}" for key, part in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else repr(value)


def _text(value: str) -> str:
    """Return a text as a TOML string: JSON's, but for the one control character that JSON lets stand."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
