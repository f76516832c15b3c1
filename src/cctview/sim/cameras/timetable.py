"""When each camera takes a still, what its clock says, and what goes wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cctview.sim.settings import SimSettings

__all__ = ["LIKE_VIDEO_BELOW_S", "Fault", "Timetable", "timetable"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Fault = Literal["", "repeated", "half sent"]

LIKE_VIDEO_BELOW_S = 1.2  # mean gaps under this are even, and names tell milliseconds
FAULTS: tuple[Fault, ...] = ("", "repeated", "half sent")
_FAULT_SHARES = (0.4, 0.3, 0.3)  # of the faulty stills: dropped, repeated, half sent
_TURN_S = (20.0, 90.0)
_TURN_DEG = (15.0, 40.0)


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """Every still that is sent, in order of time, one row each.

    ``at`` is the true second, ``camera`` its number, ``told`` the second by the camera's own clock,
    ``fault`` a row of FAULTS, ``yaw`` how many radians the camera was turned away.
    """

    at: Floats
    camera: Ints
    told: Floats
    fault: Ints
    yaw: Floats

    def __len__(self) -> int:
        return len(self.at)


def timetable(settings: SimSettings, cameras: int, rng: np.random.Generator, faults: np.random.Generator) -> Timetable:
    """Return the stills of all cameras; gaps vary from 0.6 to 1.75 times the mean."""
    end, mean = settings.minutes * 60, settings.interval_s
    count = int(end / mean * 2) + 4
    gaps = mean * (0.6 + 1.15 * rng.beta(1.4, 2.63, (cameras, count)))
    gaps = mean + (gaps - mean) * 0.15 if mean < LIKE_VIDEO_BELOW_S else np.maximum(gaps, 1.0)
    gaps[:, 0] = rng.uniform(0, mean, cameras)
    times = np.cumsum(gaps, axis=1)
    camera, _ = np.nonzero(times < end)
    at = times[times < end]
    order = np.lexsort((camera, at))
    at, camera = at[order], camera[order]
    offset = faults.normal(0, settings.clock_s, cameras)[camera] if settings.clock_s else 0.0
    fate = faults.choice(4, len(at), p=(1 - settings.faults, *(settings.faults * np.array(_FAULT_SHARES))))
    sent = fate != 1
    table = Timetable(
        at=at,
        camera=camera,
        told=at + offset,
        fault=np.array([0, 0, 1, 2])[fate],
        yaw=_turned(settings, at, camera, cameras, faults),
    )
    return Timetable(**{name: getattr(table, name)[sent] for name in Timetable.__dataclass_fields__})


def _turned(settings: SimSettings, at: Floats, camera: Ints, cameras: int, rng: np.random.Generator) -> Floats:
    """Return how far each still's camera is turned away; each turn lasts a while and then ends."""
    begin = rng.uniform(0, settings.minutes * 60, settings.turns)
    end = begin + rng.uniform(*_TURN_S, settings.turns)
    who = rng.integers(cameras, size=settings.turns)
    yaw = np.deg2rad(rng.uniform(*_TURN_DEG, settings.turns)) * rng.choice([-1.0, 1.0], settings.turns)
    inside = (camera[:, None] == who) & (at[:, None] >= begin) & (at[:, None] < end)
    first = inside.argmax(axis=1) if settings.turns else np.zeros(len(at), np.int64)
    return np.where(inside.any(axis=1), yaw[first], 0.0) if settings.turns else np.zeros(len(at))
