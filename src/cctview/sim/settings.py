"""What a simulation is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from cctview.errors import SettingsError, nearest

__all__ = ["Light", "SimSettings"]

Light = Literal["day", "dusk", "night"]

_RANGES = {
    "minutes": (0.05, 1440.0),
    "cameras": (1, 500),
    "interval_s": (0.04, 60.0),
    "traffic": (0.0, 120.0),
    "width": (160, 3840),
    "height": (120, 2160),
    "spacing_m": (300.0, 50_000.0),
    "seed": (0, 2**63 - 1),
}


@dataclass(frozen=True, kw_only=True)
class SimSettings:
    """A corridor of cameras along one road, and how long to watch it.

    ``interval_s`` is the mean time between two stills of one camera; each gap is jittered between
    0.6 and 1.75 times it. File names tell whole seconds and gaps are at least 1 s, unless the mean is
    below 1.2 s: names then tell milliseconds and gaps vary by a tenth only, as those of video do.
    ``traffic`` is vehicles per minute and direction; ``spacing_m`` is road between neighbours.
    Raises SettingsError.
    """

    minutes: float = 3.0
    seed: int = 7
    cameras: int = 4
    interval_s: float = 1.7
    traffic: float = 40.0
    light: Light = "day"
    width: int = 352
    height: int = 240
    spacing_m: float = 500.0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise SettingsError(f"setting {name!r} is {value}: choose a value from {low} to {high}")
        if self.light not in get_args(Light):
            raise SettingsError(f"setting 'light' is {self.light!r}: {nearest(str(self.light), get_args(Light))}")
