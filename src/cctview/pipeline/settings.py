"""How a run spends the machine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from cctview.errors import SettingsError
from cctview.journeys import JourneySettings

__all__ = ["RunSettings"]

_LEAST = {"batch": 1, "batch_bytes": 1, "append": 1, "link_every_s": 0, "whole_below": 0}


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a run spends the machine, and what becomes a journey; raises SettingsError.

    ``batch`` bounds the stills that are worked on together and ``batch_bytes`` their pixels, so that memory does not
    grow with the number or the size of the stills; ``append`` is how many stills are stored at a time, which is also
    what a killed run may have to repeat. What comes from a source that never ends is linked every ``link_every_s``
    seconds; where such a source does end, a store with fewer than ``whole_below`` detections is linked as a whole,
    so that no vehicle waits for stills that do not come. Where everything is linked, ``discover`` looks for links in
    the data: it takes them where nobody has said any, and holds them against those that somebody has.
    """

    batch: int = 32
    batch_bytes: int = 32_000_000
    append: int = 512
    link_every_s: float = 60.0
    whole_below: int = 400_000
    discover: bool = True
    journeys: JourneySettings = field(default_factory=JourneySettings)

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                raise SettingsError(f"setting {name!r} is {value}: choose {least} or more")
