"""How times, lengths and shares are written for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp
from zoneinfo import ZoneInfo

__all__ = ["TIMES", "Clock", "duration", "factor", "length", "share", "speed"]

_REASONS = {
    "looks": "looks",
    "size": "size",
    "timing": "travel time",
    "lane": "same lane",
    "order": "order on the road",
    "context": "rivals",
}
_MOST = 99.0
TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True)
class Clock:
    """Write times as they are told where the cameras stand."""

    zone: str

    @property
    def place(self) -> str:
        """The name of the zone for people: ``New York time``."""
        return f"{self.zone.split('/')[-1].replace('_', ' ')} time"

    def local(self, time: datetime) -> datetime:
        """Return the time in the zone of the cameras."""
        return time.astimezone(ZoneInfo(self.zone))

    def read(self, text: str) -> datetime:
        """Return the time that was typed, as told where the cameras stand."""
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def typed(self, time: datetime) -> str:
        """Return the time as a field for times holds it: the inverse of ``read``."""
        return f"{self.local(time):%Y-%m-%dT%H:%M:%S}"

    def time(self, time: datetime) -> str:
        """Return hours, minutes and seconds."""
        return f"{self.local(time):%H:%M:%S}"

    def minute(self, time: datetime) -> str:
        """Return hours and minutes."""
        return f"{self.local(time):%H:%M}"

    def day(self, time: datetime) -> str:
        """Return the day, the month in letters, and the year."""
        here = self.local(time)
        return f"{here.day} {here:%B %Y}"

    def moment(self, time: datetime | None) -> str:
        """Return day and time, or ``none``."""
        return "none" if time is None else f"{self.day(time)}, {self.time(time)}"


def duration(seconds: float) -> str:
    """Return seconds as ``17 s``, ``3 min 22 s`` or ``2 h 05 min``."""
    whole = round(abs(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def length(metres: float) -> str:
    """Return metres as ``480 m`` or ``1.2 km``."""
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.1f} km"


def speed(metres_per_second: float) -> str:
    """Return a speed in kilometres per hour."""
    return f"{metres_per_second * 3.6:.0f} km/h"


def share(value: float) -> str:
    """Return a share of 1 in per cent, never 100 % for what is not certain."""
    return f"{min(value, 0.999):.0%}" if value < 0.995 else "> 99%"


def factor(reason: str, nats: float) -> str:
    """Return one reason in words: how many times likelier it makes the match."""
    times = exp(min(abs(nats), 9.0))
    size = f"{times:.1f}" if times < 10 else f"{min(times, _MOST):.0f}"
    return f"{_REASONS.get(reason, reason)} {TIMES if nats >= 0 else '÷'}{size}{'+' if times > _MOST else ''}"
