"""What the matcher is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from cctview.errors import SettingsError

__all__ = ["MatchSettings"]

_RANGES = {
    "k": (1, 1000),
    "rounds": (0, 100),
    "learn_pairs": (100, 100_000_000),
    "chunk_queries": (10, 1_000_000),
}


@dataclass(frozen=True, kw_only=True)
class MatchSettings:
    """How candidates are ranked.

    At most ``k`` candidates are kept per query and camera. Appearance and travel time are learnt in
    ``rounds`` of expectation maximisation on about ``learn_pairs`` pairs per link, and the ranking
    works on ``chunk_queries`` at a time. Raises SettingsError.
    """

    k: int = 10
    rounds: int = 12
    learn_pairs: int = 200_000
    chunk_queries: int = 2000

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value, (low, high) = getattr(self, name), _RANGES[name]
            if not (math.isfinite(value) and low <= value <= high):
                raise SettingsError(f"setting {name!r} is {value}: choose a value from {low:g} to {high:g}")
