"""The readable names of stills and detections: one grammar, read by sources and written by formats.

A still is ``<camera>--<YYYY-MM-DD>--<HH.MM.SS>`` in local time, a detection
``<still>--detections--<rank>--<type>--<percent>--<w>x<h>--<x1>.<y1>v<x2>.<y2>``. Both come from the
original cctview.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cctview.errors import FormatError, SettingsError

__all__ = [
    "ORIGINAL_TIMEZONE",
    "DetectionName",
    "StillName",
    "detection_names",
    "is_output",
    "local_times",
    "parse_detection_name",
    "parse_still_name",
    "pixel_boxes",
    "still_name",
    "still_stem",
    "to_utc",
    "zone",
]

ORIGINAL_TIMEZONE = "America/New_York"
_ORIGINAL = "--original"
_SAFE = r"[^/\\\x00-\x1f\x7f]"
_STILL = re.compile(
    rf"(?P<camera>{_SAFE}+?)--(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})"
    r"--(?P<hour>[0-9]{2})\.(?P<minute>[0-9]{2})\.(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?"
)
_DETECTION = re.compile(
    rf"(?P<still>{_SAFE}+)--detections--(?P<rank>[1-9][0-9]{{0,8}})--(?P<type>[a-z]+(?: [a-z]+)*)"
    r"--(?P<percent>[0-9]{1,3}\.[0-9]+)--(?P<size>[0-9]{1,6}x[0-9]{1,6})"
    r"--(?P<x1>-?[0-9]{1,6})\.(?P<y1>-?[0-9]{1,6})v(?P<x2>-?[0-9]{1,6})\.(?P<y2>-?[0-9]{1,6})"
)
_DETECTION_PARTS = (
    *("still", "--detections--", "n", "--", "type", "--", "percent", "--"),
    *("w", "x", "h", "--", "x1", ".", "y1", "v", "x2", ".", "y2"),
)
_OUTPUT = re.compile(r"--(?:detections|features|matches)(?:--.*)?$|^(?:base|cam-[0-9]+)--.*--detections--", re.DOTALL)


@dataclass(frozen=True)
class StillName:
    """What the name of a still says: ``local`` is a clock time without a zone, good to ``error_s``."""

    camera: str
    local: datetime
    error_s: float


@dataclass(frozen=True)
class DetectionName:
    """What the name of a detection says: ``percent`` in [0, 100], ``box`` xyxy pixels."""

    still: str
    rank: int
    type: str
    percent: float
    box: tuple[int, int, int, int]


def zone(name: str) -> ZoneInfo:
    """Return the time zone of this name, or raise SettingsError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"no time zone {name!r}; use a name like 'America/New_York' or 'UTC'") from error


def to_utc(local: datetime, place: ZoneInfo) -> np.datetime64:
    """Return the UTC time of a clock time, which is local to ``place`` unless it has its own offset."""
    aware = local if local.tzinfo else local.replace(tzinfo=place)
    return np.datetime64(aware.astimezone(UTC).replace(tzinfo=None), "ns")


def local_times(times: NDArray[np.datetime64], place: ZoneInfo) -> tuple[NDArray[np.datetime64], NDArray[np.int64]]:
    """Return clock times and their offsets from UTC in minutes, ``(N,)`` each, for UTC times ``(N,)``.

    Offsets are looked up once per quarter of an hour, between which no zone changes them.
    """
    quarters, place_of = np.unique(times.astype("datetime64[m]").astype(np.int64) // 15, return_inverse=True)
    looked_up = [datetime.fromtimestamp(quarter * 900, place).utcoffset() for quarter in quarters.tolist()]
    minutes = np.array([offset.total_seconds() // 60 if offset else 0 for offset in looked_up], np.int64)[place_of]
    return times + minutes.astype("timedelta64[m]"), minutes


def still_name(camera: str, time: np.datetime64, place: ZoneInfo, *, milliseconds: bool = False) -> str:
    """Return ``<camera>--<date>--<HH.MM.SS>`` for a UTC time, with ``.mmm`` on request."""
    local, _ = local_times(np.array([time], "datetime64[ns]"), place)
    date, clock = str(np.datetime_as_string(local[0], "ms")).split("T")
    return f"{camera}--{date}--{(clock if milliseconds else clock[:8]).replace(':', '.')}"


def parse_still_name(name: str) -> StillName | None:
    """Read the name of a still (no folder, no ending); return None when it is another kind of name."""
    found = _STILL.fullmatch(still_stem(name))
    if not found:
        return None
    fraction = found["fraction"] or ""
    text = f"{found['date']}T{found['hour']}:{found['minute']}:{found['second']}.{fraction:0<6}"
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return None
    return StillName(found["camera"], local, 0.5 / 10 ** len(fraction))


def still_stem(name: str) -> str:
    """Return the stem of a still's readable ids: its file name without ending and ``--original``."""
    return name.removesuffix(_ORIGINAL)


def is_output(stem: str) -> bool:
    """Return whether this file or folder stem names an output beside the stills, not a still."""
    return bool(_OUTPUT.search(stem))


def pixel_boxes(boxes: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the boxes ``(N, 4)`` in whole pixels, each at least one pixel wide and high."""
    whole = np.rint(boxes).astype(np.int64).reshape(-1, 4)
    return np.concatenate([whole[:, :2], np.maximum(whole[:, 2:], whole[:, :2] + 1)], axis=1)


def detection_names(
    stills: NDArray[np.str_],
    rank: NDArray[np.integer[Any]],
    types: NDArray[np.str_],
    scores: NDArray[np.floating[Any]],
    boxes: NDArray[np.floating[Any]],
) -> NDArray[np.str_]:
    """Return the readable ids of detections, ``(N,)``: stills, ranks, types, scores in [0, 1], boxes ``(N, 4)``."""
    if not len(stills):
        return np.zeros(0, np.str_)
    whole = pixel_boxes(boxes)
    sides = whole[:, 2:] - whole[:, :2]
    percent = np.strings.mod(np.array("%.1f"), np.asarray(scores, np.float64) * 100)
    numbers = {
        "n": rank,
        "w": sides[:, 0],
        "h": sides[:, 1],
        **dict(zip(("x1", "y1", "x2", "y2"), whole.T, strict=True)),
    }
    text = {key: pa.array(np.ascontiguousarray(value)).cast(pa.string()) for key, value in numbers.items()}
    for key, value in {"still": stills, "type": types, "percent": percent}.items():
        text[key] = pa.array(value.tolist(), pa.string())
    parts = [text.get(part, part) for part in _DETECTION_PARTS]
    return np.array(pc.binary_join_element_wise(*parts, "").to_pylist(), np.str_)


def parse_detection_name(name: str) -> DetectionName:
    """Read the readable id of a detection; raise FormatError when it is not one."""
    found = _DETECTION.fullmatch(name)
    if not found or found["still"].strip(".") == "":
        raise FormatError(
            f"{name[:200]!r} is not the id of a detection; "
            "expected <still>--detections--<rank>--<type>--<percent>--<w>x<h>--<x1>.<y1>v<x2>.<y2>"
        )
    x1, y1, x2, y2 = (int(found[key]) for key in ("x1", "y1", "x2", "y2"))
    return DetectionName(found["still"], int(found["rank"]), found["type"], float(found["percent"]), (x1, y1, x2, y2))
