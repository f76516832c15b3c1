"""What the trackers are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from cctview.errors import SettingsError

__all__ = ["SortSettings", "TrackSettings"]

Range = tuple[float, float]
_TRACK_RANGES: dict[str, Range] = {
    "max_gap_s": (0.0, 60.0),
    "max_length_s": (1.0, 1e6),
    "threshold": (-20.0, 20.0),
    "gap_penalty": (0.0, 20.0),
    "duplicate_iou": (0.1, 1.0),
    "rounds": (0, 100),
    "sample": (100, 10_000_000),
    "memory": (100, 10_000_000),
}
_SORT_RANGES: dict[str, Range] = {
    "min_iou": (0.0, 0.99),
    "max_gap_s": (0.0, 60.0),
    "max_gap_stills": (1, 1000),
    "duplicate_iou": (0.1, 1.0),
}


@dataclass(frozen=True, kw_only=True)
class TrackSettings:
    """How boldly detections are linked.

    ``max_gap_s`` is the longest time a vehicle may stay undetected (the next still is always tried
    up to twice as long); a tracklet that lasts ``max_length_s`` is ended, for what stands so long is
    parked. A link needs log-odds above ``threshold``, and ``gap_penalty`` more for each doubling of
    the gap in stills, or in seconds where stills come faster. Boxes of one still that overlap by more
    than ``duplicate_iou`` are one vehicle. The motion is learnt in ``rounds`` of expectation
    maximisation on about ``sample`` pairs out of the last ``memory`` detections. Raises SettingsError.
    """

    max_gap_s: float = 5.5
    max_length_s: float = 1800.0
    threshold: float = 2.5
    gap_penalty: float = 1.0
    duplicate_iou: float = 0.7
    rounds: int = 8
    sample: int = 40_000
    memory: int = 20_000

    def __post_init__(self) -> None:
        _check(self, _TRACK_RANGES)


@dataclass(frozen=True, kw_only=True)
class SortSettings:
    """How boldly SortTracker links.

    A detection continues a vehicle whose predicted box it overlaps by more than ``min_iou``. A vehicle is given up
    when it was not found for ``max_gap_s`` and for ``max_gap_stills`` stills. Boxes of one still that overlap by
    more than ``duplicate_iou`` are one vehicle. Raises SettingsError.
    """

    min_iou: float = 0.05  # chosen on simulated roads, 0.5 to 10 stills a second; 0.2 links less at each rate
    max_gap_s: float = 2.0
    max_gap_stills: int = 2
    duplicate_iou: float = 0.7

    def __post_init__(self) -> None:
        _check(self, _SORT_RANGES)


def _check(settings: TrackSettings | SortSettings, ranges: dict[str, Range]) -> None:
    for name in (field.name for field in fields(settings)):
        value, (low, high) = getattr(settings, name), ranges[name]
        if not (math.isfinite(value) and low <= value <= high):
            raise SettingsError(f"setting {name!r} is {value}: choose a value from {low:g} to {high:g}")
