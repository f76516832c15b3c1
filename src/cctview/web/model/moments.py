"""Times at the edge: microseconds since 1970 inside, ``datetime`` in UTC outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import SupportsInt

import numpy as np

__all__ = ["as_datetime64", "from_micros", "micros"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FAR = 9_000_000_000_000_000


def from_micros(value: SupportsInt) -> datetime:
    """Return the UTC time that lies this many microseconds after 1970 began."""
    return _EPOCH + int(value) * _MICROSECOND


def micros(time: datetime | None, default: int) -> int:
    """Return the microseconds of a time, UTC where it names no zone; the default when there is none."""
    if time is None:
        return default
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def as_datetime64(time: datetime | None) -> np.datetime64 | None:
    """Return a time as the store takes it, cut to the years that nanoseconds can count."""
    return (
        None if time is None else np.datetime64(min(max(micros(time, 0), -_FAR), _FAR), "us").astype("datetime64[ns]")
    )
