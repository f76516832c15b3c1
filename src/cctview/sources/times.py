"""When a still was taken: from its name, else its EXIF data, else the file's own time."""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from PIL import ExifTags
from PIL.Image import DecompressionBombError

from cctview.naming import ORIGINAL_TIMEZONE, parse_still_name, to_utc, zone
from cctview.sources.endings import split_ending
from cctview.sources.names import Stamp, time_in_folders, time_in_name
from cctview.sources.opened import open_image

__all__ = ["Stamp", "exif_time", "file_time", "name_time"]

FILE_TIME_ERROR_S = 60.0
_TAGS = (  # the time a picture was taken, was digitised, and was last changed, each with its fraction and its offset
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.SubsecTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.SubsecTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.SubsecTime, ExifTags.Base.OffsetTime),
)
_EXIF_TIME = re.compile(r"([0-9]{4})[:./-]([0-9]{2})[:./-]([0-9]{2})[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})")
_EXIF_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")


def name_time(path: PurePath, timezone: str | None) -> Stamp | None:
    """Read the time a file's name gives, or its folders together with its name; None when neither does.

    Clock times are local to ``timezone``; without one the original's names mean New York and all
    others UTC. A name's own ``Z`` or offset wins.
    """
    stem, _ = split_ending(path.name)
    original = parse_still_name(stem)
    if original:
        return Stamp(to_utc(original.local, zone(timezone or ORIGINAL_TIMEZONE)), original.error_s)
    place = zone(timezone or "UTC")
    return time_in_name(stem, place) or time_in_folders(path.parts[:-1], stem, place)


def exif_time(data: bytes, timezone: str | None) -> Stamp | None:
    """Read the EXIF time of an image's bytes, with its fraction and its offset; None when there is none.

    The time it was taken comes before the time it was digitised, and this before the time it was last changed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata harms nobody
            with open_image(data) as image:
                exif = image.getexif()
                tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except (OSError, ValueError, KeyError, SyntaxError, struct.error, DecompressionBombError):
        return None
    return next(filter(None, (_exif(tags, *names, timezone) for names in _TAGS)), None)


def _exif(tags: Mapping[int, Any], when: int, part: int, offset: int, place: str | None) -> Stamp | None:
    found = _EXIF_TIME.match(_text(tags, when))
    if not found:
        return None
    try:
        local = datetime(*(int(number) for number in found.groups()), tzinfo=_offset(_text(tags, offset)))  # type: ignore[misc,arg-type]
        time = to_utc(local, zone(place or "UTC"))
    except (ValueError, OverflowError):
        return None
    fraction = (re.match(r"[0-9]{1,9}", _text(tags, part)) or [""])[0]
    return Stamp(
        time + np.timedelta64(int(f"{fraction:0<9}"), "ns"), 0.5 / 10 ** len(fraction), zoned=bool(local.tzinfo)
    )


def _text(tags: Mapping[int, Any], tag: int) -> str:
    value = tags.get(tag, "")
    return (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)).strip("\0 ")


def _offset(text: str) -> timezone | None:
    if text == "Z":
        return UTC
    found = _EXIF_OFFSET.fullmatch(text)
    minutes = int(found[2]) * 60 + int(found[3]) if found else 1440
    return timezone(timedelta(minutes=-minutes if found and found[1] == "-" else minutes)) if minutes < 1440 else None


def file_time(path: Path) -> Stamp:
    """Return when the file was last written, good to a minute at best."""
    return Stamp(np.datetime64(path.stat().st_mtime_ns, "ns"), FILE_TIME_ERROR_S)
