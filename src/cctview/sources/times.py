"""When a still was taken: from its name, else its EXIF data, else the file's own time."""

from __future__ import annotations

import io
import re
import struct
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PurePath
from zoneinfo import ZoneInfo

import numpy as np
from PIL import ExifTags, Image

from cctview.naming import ORIGINAL_TIMEZONE, parse_still_name, to_utc, zone

__all__ = ["Stamp", "camera_in_path", "exif_time", "file_time", "name_time"]

FILE_TIME_ERROR_S = 60.0
_DATE = (
    r"(?<![0-9])(?P<year>(?:19|20)[0-9]{2})(?P<d>[-_./]?)(?P<month>0[1-9]|1[0-2])(?P=d)(?P<day>0[1-9]|[12][0-9]|3[01])"
)
_FRACTION = r"(?:[.,](?P<fraction>[0-9]{1,9})|(?P<ms>[0-9]{3}))?(?![0-9])"
_CLOCK = (
    r"(?P<hour>[01][0-9]|2[0-3])(?P<c>[-_.:/]?)(?P<minute>[0-5][0-9])(?:(?P=c)(?P<second>[0-5][0-9])"
    + _FRACTION
    + r")?"
)
_OFFSET = r"(?P<offset>Z(?![A-Za-z])|[+-][0-9]{2}:[0-9]{2}|\+[0-9]{4})?"
_CALENDAR = re.compile(_DATE + r"(?:T|[-_ ./]{0,3})" + _CLOCK + _OFFSET + r"(?![0-9])", re.ASCII)
_DAY = re.compile(r"(?:19|20)[0-9]{2}([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])")
_UNIX = re.compile(r"(?<![0-9])(?:(?P<ms>[0-9]{13})|(?P<s>[0-9]{10}))(?![0-9])")
_UNIX_YEARS = (946_684_800, 4_102_444_800)  # 2000 to 2100
_PLAIN_FOLDERS = frozenset(
    ("data", "frames", "images", "image", "img", "imgs", "jpeg", "jpg", "photos", "png", "stills")
)
_COUNTER = re.compile(r"(?:frame|img|image|still|snap|snapshot|photo|pic|picture|dsc)[-_. ]*[0-9]*", re.IGNORECASE)


@dataclass(frozen=True)
class Stamp:
    """A UTC time and how far it may be off; ``span`` is its place in the path, empty if not read there."""

    time: np.datetime64
    error_s: float
    span: tuple[int, int] = (0, 0)


def name_time(path: PurePath, timezone: str | None) -> Stamp | None:
    """Read the time a file's name gives, or its folders together with its name; None when neither does.

    Clock times are local to ``timezone``; without one the original's names mean New York and all
    others UTC. A name's own ``Z`` or offset wins.
    """
    original = parse_still_name(path.stem)
    if original:
        return Stamp(to_utc(original.local, zone(timezone or ORIGINAL_TIMEZONE)), original.error_s)
    place = zone(timezone or "UTC")
    text = path.with_suffix("").as_posix()
    name = len(text) - len(path.stem)
    return _calendar(text, name, place) or _unix(text, name) or _calendar(text, 0, place)


def camera_in_path(path: PurePath, stamp: Stamp) -> str | None:
    """Return the camera that a path below the given folder names, or None.

    It is the one in the original's names, else the first folder that is neither a date nor a plain
    word like "images", else what stands before the time in the name where that has a digit and is
    no counter.
    """
    original = parse_still_name(path.stem)
    if original:
        return original.camera
    named = _camera_folder(path.parts[:-1], stamp)
    if named:
        return named
    name = path.with_suffix("").as_posix()[: stamp.span[0]].rpartition("/")[2].rstrip("-_. ")
    has_digit = any(letter.isdigit() for letter in name)
    return name if has_digit and not _COUNTER.fullmatch(name) else None


def _camera_folder(folders: tuple[str, ...], stamp: Stamp) -> str | None:
    begin = 0
    for folder in folders:
        end = begin + len(folder)
        timed = stamp.span[0] < end and begin < stamp.span[1]
        if not (timed or _DAY.fullmatch(folder) or folder.lower() in _PLAIN_FOLDERS):
            return folder
        begin = end + 1
    return None


def exif_time(data: bytes, timezone: str | None) -> Stamp | None:
    """Read EXIF DateTimeOriginal and its offset from the bytes of an image; None when there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata harms nobody
            with Image.open(io.BytesIO(data)) as image:
                tags = image.getexif().get_ifd(ExifTags.IFD.Exif)
        text = str(tags[ExifTags.Base.DateTimeOriginal]).strip("\0 ")
        local = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  its offset is a tag of its own
    except (OSError, ValueError, KeyError, SyntaxError, struct.error, Image.DecompressionBombError):
        return None
    offset = _offset(str(tags.get(ExifTags.Base.OffsetTimeOriginal, "")))
    return Stamp(to_utc(local.replace(tzinfo=offset), zone(timezone or "UTC")), 0.5)


def file_time(path: Path) -> Stamp:
    """Return when the file was last written, good to a minute at best."""
    return Stamp(np.datetime64(path.stat().st_mtime_ns, "ns"), FILE_TIME_ERROR_S)


def _calendar(text: str, begin: int, place: ZoneInfo) -> Stamp | None:
    found = _CALENDAR.search(text, begin)
    if not found:
        return None
    fraction = found["fraction"] or found["ms"] or ""
    year, month, day, hour, minute, second = (
        int(found[key] or 0) for key in ("year", "month", "day", "hour", "minute", "second")
    )
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=_offset(found["offset"] or ""))
        utc = to_utc(local, place)
    except (ValueError, OverflowError):
        return None
    error = 0.5 / 10 ** len(fraction) if found["second"] else 30.0
    return Stamp(utc + np.timedelta64(int(f"{fraction:0<9}"), "ns"), error, found.span())


def _unix(text: str, begin: int) -> Stamp | None:
    for found in _UNIX.finditer(text, begin):
        ms = int(found["ms"]) if found["ms"] else int(found["s"]) * 1000
        if _UNIX_YEARS[0] <= ms // 1000 < _UNIX_YEARS[1]:
            time = np.datetime64(ms, "ms").astype("datetime64[ns]")
            return Stamp(time, 0.0005 if found["ms"] else 0.5, found.span())
    return None


def _offset(text: str) -> timezone | None:
    digits = text.replace(":", "")
    if text == "Z":
        return UTC
    if not re.fullmatch(r"[+-][0-9]{4}", digits):
        return None
    minutes = int(digits[1:3]) * 60 + int(digits[3:])
    return timezone(timedelta(minutes=-minutes if digits[0] == "-" else minutes)) if minutes < 1440 else None
