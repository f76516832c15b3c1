"""What the matcher is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cctview.errors import SettingsError

__all__ = ["MatchSettings"]

_RANGES = {
    "k": (1, 1000),
    "rounds": (0, 100),
    "learn_pairs": (100, 100_000_000),
    "chunk_queries": (10, 1_000_000),
    "min_quality": (0.0, 1.0),
    "order_rounds": (0, 20),
    "views": (0.0, 1.0),
    "rivalry": (0.0, 1.0),
}


@dataclass(frozen=True, kw_only=True)
class MatchSettings:
    """How candidates are ranked.

    At most ``k`` candidates are kept per query and camera. Appearance and travel time are learnt in
    ``rounds`` of expectation maximisation on about ``learn_pairs`` pairs per link, and the ranking
    works on ``chunk_queries`` at a time. Raises SettingsError.

    Each of these can be switched off: ``min_quality`` (0) leaves out what is too small or blurred to
    tell, below that share of the best quality the camera shows; ``lanes`` asks the lane which way a
    vehicle goes, not only its own motion; ``light`` takes away what all vehicles of a camera share in
    those minutes; ``hubs`` measures a distance against those to strangers; ``heights`` compares how
    tall vehicles are for their place, ``lane_keeping`` which lanes they drive in; ``order_rounds`` (0)
    lets the pairs around speak for a pair's lag; ``views`` (0) is how much a vehicle's look at the
    camera before counts at the next one; ``rivalry`` (1) is how far two queries exclude each other from
    one candidate, less than wholly because they may be pieces of one vehicle; ``gaps`` looks beyond a
    camera that may have missed it.
    """

    k: int = 10
    rounds: int = 12
    learn_pairs: int = 100_000
    chunk_queries: int = 2000
    min_quality: float = 0.3
    lanes: bool = True
    light: bool = True
    hubs: bool = True
    heights: bool = True
    lane_keeping: bool = True
    order_rounds: int = 1
    views: float = 0.5
    rivalry: float = 0.7
    gaps: bool = True

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise SettingsError(f"setting {name!r} is {value}: choose a value from {low:g} to {high:g}")
