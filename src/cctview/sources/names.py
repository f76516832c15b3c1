"""The time that a file's name tells, alone or with its folders, as cameras, recorders and phones write it.

What is read is shown by the examples in ``patterns``. Dates are year first; day-month-year and month-day-year are
read only where the numbers leave no choice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np

from cctview.naming import to_utc

__all__ = ["Stamp", "date_has_two_readings", "numbered_folders", "time_in_folders", "time_in_name"]

_NAME_ERROR_S, _MINUTE_ERROR_S = 0.5, 30.0  # half of the last place that is told
_UNIX_YEARS = (946_684_800, 4_102_444_800)  # 2000 to 2100
_WEST = {(hours, 0) for hours in range(1, 13)} | {(2, 30), (3, 30), (4, 30), (9, 30)}  # offsets that were ever in use
_EAST_HOURS, _QUARTER_MIN = 14, 15
_NOON = 12

_YEAR, _MONTH, _DAY = r"(?:19|20)[0-9]{2}", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12][0-9]|3[01])"
_YEAR_FIRST = rf"(?<![0-9])(?P<year>{_YEAR})(?P<d>[-_./ ]?)(?P<month>{_MONTH})(?:(?P=d)|(?<=_..))(?P<day>{_DAY})"
_YEAR_LAST = rf"(?<![0-9])(?P<one>{_DAY})(?P<e>[-_./ ])(?P<two>{_DAY})(?P=e)(?P<last>{_YEAR})"
_BETWEEN = r"(?P<between>[Tt]|[-_ .,/]{0,3}|[-_ ,]{0,2}(?:at|um|om|kl|à|a las)[-_ .]{1,2})"
_CLOCK = (
    r"(?:(?P<hour>[01][0-9]|2[0-3])(?P<c>[-_.: /]?)|(?<![0-9])(?P<short>[0-9])(?P<s>[-_.: ]))(?P<minute>[0-5][0-9])"
    r"(?:(?:(?P=c)|(?P=s))(?P<second>[0-5][0-9])"
    r"(?:[.,](?P<fraction>[0-9]{1,9})|(?P<attached>[0-9]{1,9})|(?P<before>[-_ ])(?P<apart>[0-9]{3}|[0-9]{6}))?)?"
)
_WORDED = r"(?P<h>[01]?[0-9]|2[0-3])[hH](?P<m>[0-5][0-9])(?:[mM](?:(?P<s2>[0-5][0-9])[sS]?)?)?"
_HALF = r"(?:[-_ .]?(?P<half>[AaPp])\.? ?[Mm]\b\.?)?"
_OFFSET = (
    r"[_ ]?(?:(?P<utc>Z|UTC|GMT)(?![A-Za-z0-9+-])|(?P<zone>UTC|GMT)?(?P<sign>[-+])(?P<oh>[0-9]{1,2})"
    r"(?P<oc>[-_.:]?)(?P<om>[0-9]{2})?(?![0-9]))?"
)
_MOMENT = re.compile(
    rf"(?:{_YEAR_FIRST}|{_YEAR_LAST}){_BETWEEN}(?:{_WORDED}|{_CLOCK})(?![0-9]){_HALF}(?:{_OFFSET})", re.ASCII
)
_UNIX = re.compile(
    r"(?:(?<![0-9A-Za-z])|(?<=[g-zG-Z_]))(?<![0-9][.,])(?P<whole>[0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19})"
    r"(?:[.,](?P<part>[0-9]{1,9}))?(?![0-9A-Za-z])"
)
_IDS = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=[a-fA-F]*[0-9]+[a-fA-F])[0-9a-fA-F]{20,})(?![0-9A-Za-z])"
)
_ODD_SPACES = str.maketrans("\u00a0\u2007\u2009\u202f\u2212", "    -")

_FOLDER_DATE = re.compile(rf"({_YEAR})[-_./]?({_MONTH})[-_./]?({_DAY})(?=$|[/_ T-])")
_DEEP = re.compile(rf"(?:^|/)([0-9]{{2}})/({_MONTH})/({_DAY})/([01][0-9]|2[0-3])/([0-5][0-9])/([0-5][0-9])(?=/)")
_NUMBERS = re.compile(r"[0-9]{2}(?:[-_.:h][0-9]{2}){0,2}")
_FULL_CLOCK = re.compile(
    r"(?:(?P<hour>[01][0-9]|2[0-3])(?P<c>[-_.:]?)(?P<minute>[0-5][0-9])(?P=c)(?P<second>[0-5][0-9]))"
    r"(?:[.,](?P<fraction>[0-9]{1,9})|(?P<attached>[0-9]{3}|[0-9]{6}))?(?![0-9])"
)
_PARTS = re.compile(r"([0-5][0-9])(?:[-_.:]([0-5][0-9]))?(?:[.,](?P<fraction>[0-9]{1,9}))?(?![0-9])")


@dataclass(frozen=True)
class Stamp:
    """A UTC time and how far it may be off.

    ``span`` is its place in the name, empty if it is not read there; ``folders`` are the numbers of those folders,
    from the first, that tell the date or the hour. ``zoned`` says that the name told its offset from UTC itself.
    """

    time: np.datetime64
    error_s: float
    span: tuple[int, int] = (0, 0)
    folders: frozenset[int] = field(default_factory=frozenset)
    zoned: bool = False


def time_in_name(stem: str, place: ZoneInfo) -> Stamp | None:
    """Return the time that a name without ending tells by itself, or None; clock times are local to ``place``.

    UUIDs and hashes are not looked into. A calendar time comes before a Unix time (s, ms, us or ns since 1970).
    """
    text = _IDS.sub(lambda found: "~" * len(found.group()), stem.translate(_ODD_SPACES))
    for found in _MOMENT.finditer(text):
        stamp = _calendar(found, place)
        if stamp:
            return stamp
    return next(filter(None, map(_unix, _UNIX.finditer(text))), None)


def date_has_two_readings(stem: str) -> bool:
    """Return whether a name tells a time whose day and month could be either."""
    return any(_date(found) is None for found in _MOMENT.finditer(stem.translate(_ODD_SPACES)) if found["last"])


def _calendar(found: re.Match[str], place: ZoneInfo) -> Stamp | None:
    date, clock, offset = _date(found), _clock(found), _offset(found)
    if date is None or clock is None:
        return None
    hour, minute, second, fraction = clock
    local = _local((*date, hour, minute, int(second or 0)), offset)
    if local is None:
        return None
    error = 0.5 / 10 ** len(fraction) if second else _MINUTE_ERROR_S
    time = to_utc(local, place) + np.timedelta64(int(f"{fraction:0<9}"), "ns")
    return Stamp(time, error, (found.start(), _end(found, offset)), zoned=offset is not None)


def _end(found: re.Match[str], offset: timezone | None) -> int:
    """Return where the time ends: before what looked like an offset and is none."""
    return found.start("sign") if found["sign"] and offset is None else found.end()


def _local(moment: Sequence[int], zone: timezone | None = None) -> datetime | None:
    """Return the clock time of year, month, day, hour, minute and perhaps second, or None where there is none."""
    year, month, day, hour, minute, second = (*moment, 0)[:6]
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        local.replace(tzinfo=zone or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return local


def _date(found: re.Match[str]) -> tuple[int, int, int] | None:
    """Return year, month, day; None where day and month could be either."""
    if found["year"]:
        return int(found["year"]), int(found["month"]), int(found["day"])
    one, two = int(found["one"]), int(found["two"])
    if one != two and max(one, two) <= 12:
        return None
    return int(found["last"]), min(one, two), max(one, two)


def _clock(found: re.Match[str]) -> tuple[int, int, str, str] | None:
    """Return hour, minute, and second and its fraction as digits, perhaps none."""
    if found["h"]:
        return int(found["h"]), int(found["m"]), found["s2"] or "", ""
    attached = found["attached"] or ""
    if attached and found["between"] and len(attached) + 6 in (10, 13):
        return None  # behind a date of its own this is a Unix time
    separator = found["c"] if found["hour"] else found["s"]
    apart = found["apart"] if found["before"] == separator else None
    hour = int(found["hour"] or found["short"])
    if found["half"] and hour <= _NOON:
        hour = hour % _NOON + _NOON * (found["half"] in "Pp")
    return hour, int(found["minute"]), found["second"] or "", found["fraction"] or attached or apart or ""


def _offset(found: re.Match[str]) -> timezone | None:
    """Return the offset from UTC that a name tells.

    A plain ``-0400`` is one behind an ISO time with its T only: elsewhere it is a counter or part of a name.
    """
    if found["utc"]:
        return UTC
    if not found["sign"]:
        return None
    hours, minutes = int(found["oh"]), int(found["om"] or 0)
    east = found["sign"] == "+"
    in_use = (hours <= _EAST_HOURS and minutes % _QUARTER_MIN == 0) if east else (hours, minutes) in _WEST
    told = found["zone"] or east or (found["om"] and (found["between"] in ("T", "t") or found["oc"] == ":"))
    if not (in_use and told):
        return None
    return timezone(timedelta(minutes=(1 if east else -1) * (60 * hours + minutes)))


def _unix(found: re.Match[str]) -> Stamp | None:
    whole, part = found["whole"], found["part"] or ""
    digits = len(whole) - 10
    if digits and part:
        return None
    second, fraction = int(whole[:10]), whole[10:] or part
    if not _UNIX_YEARS[0] <= second < _UNIX_YEARS[1]:
        return None
    nanoseconds = second * 1_000_000_000 + int(f"{fraction:0<9}")
    return Stamp(np.datetime64(nanoseconds, "ns"), 0.5 / 10 ** len(fraction), found.span(), zoned=True)


def time_in_folders(folders: tuple[str, ...], stem: str, place: ZoneInfo) -> Stamp | None:
    """Return the time that folders and name tell together, or None: the date in folders, the clock below it.

    Folders between them that tell no time, such as the camera's, may stand anywhere.
    """
    deep = _DEEP.search("/".join((*folders, stem)))
    if deep:
        year, *later = (int(number) for number in deep.groups())
        return _stamped([2000 + year, *later], "", _six_folders(deep), place)
    dated = _dated(folders, stem)
    if dated is None:
        return None
    date, used, rest = dated
    below = [n for n in range(max(used) + 1, len(folders)) if _NUMBERS.fullmatch(folders[n])]
    numbers = [int(part) for n in below for part in re.findall(r"[0-9]{2}", folders[n])]
    clock, fraction = _clock_below(numbers, rest)
    return _stamped([*date, *clock], fraction, frozenset((*used, *below)), place) if len(clock) > 1 else None


def _clock_below(numbers: list[int], name: str) -> tuple[list[int], str]:
    """Return hour, minute, second as far as folders' numbers and the begin of a name tell them, and its fraction."""
    full = _FULL_CLOCK.match(name)
    if full:
        return [int(full[key]) for key in ("hour", "minute", "second")], full["fraction"] or full["attached"] or ""
    found = _PARTS.match(name)
    own = [int(part) for part in found.groups()[:2] if part] if found else []
    clock = [*numbers, *own][:3]
    ends_here = found is not None and len(numbers) + len(own) == 3
    return clock, (found["fraction"] or "") if found and ends_here else ""


def _stamped(moment: list[int], fraction: str, folders: frozenset[int], place: ZoneInfo) -> Stamp | None:
    """Return the stamp of a local moment told by 5 or 6 numbers."""
    has_second = len(moment) == 6
    local = _local(moment)
    if local is None:
        return None
    error = 0.5 / 10 ** len(fraction) if has_second else _MINUTE_ERROR_S
    return Stamp(to_utc(local, place) + np.timedelta64(int(f"{fraction:0<9}"), "ns"), error, folders=folders)


def _six_folders(found: re.Match[str]) -> frozenset[int]:
    first = found.string[: found.start(1)].count("/")
    return frozenset(range(first, first + 6))


def _dated(folders: tuple[str, ...], stem: str) -> tuple[tuple[int, int, int], set[int], str] | None:
    """Return the date, the numbers of the folders that tell it, and the name behind it."""
    text = "/".join((*folders, stem))
    begin = 0
    for number, folder in enumerate(folders):
        found = _FOLDER_DATE.match(text, begin)
        if found:
            last = number + found.group().count("/")
            used = {n for n in range(number, last + 1) if n < len(folders)}
            rest = stem if last < len(folders) else text[found.end() :].lstrip("-_ T")
            return (int(found[1]), int(found[2]), int(found[3])), used, rest
        begin += len(folder) + 1
    return None


def numbered_folders(folders: tuple[str, ...]) -> frozenset[int]:
    """Return the numbers of the folders that tell a date, and of those below that are bare hours or minutes."""
    deep = _DEEP.search("/".join((*folders, "")))
    if deep:
        return _six_folders(deep)
    dated = _dated(folders, "")
    if dated is None:
        return frozenset()
    used = dated[1]
    below = (n for n in range(max(used) + 1, len(folders)) if _NUMBERS.fullmatch(folders[n]))
    return frozenset((*used, *below))
