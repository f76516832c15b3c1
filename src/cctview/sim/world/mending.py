"""Recorded trajectories made usable: vehicles that are nowhere, that jump, and places told in degrees."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trajectories", "mended"]

Floats = NDArray[np.floating[Any]]

_NOWHERE_M = -1e9  # SUMO writes -1073741824 for a vehicle that is being teleported or has not entered yet
_JUMP_MPS, _JUMP_M = 70.0, 30.0  # faster than 250 km/h, on top of a lane change within one step, is no driving
_DEGREES_PER_METRE = 1e-3  # a step told in degrees is 1e5 times shorter than speed and time make it
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Trajectories:
    """Where vehicles were, one row per vehicle and moment, in order of time.

    ``time`` is seconds; ``vehicle`` a number from 0 in order of appearance; ``x``, ``y`` its front in
    metres east and north, ``angle`` degrees clockwise from north, ``speed`` m/s. ``kinds`` holds the
    type of each vehicle by its number, ``noticed`` what was left out or mended, with how often.
    """

    time: NDArray[np.float64]
    vehicle: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    angle: NDArray[np.float64]
    speed: NDArray[np.float64]
    kinds: NDArray[np.str_]
    noticed: dict[str, int] = field(default_factory=dict)


def mended(given: Trajectories) -> Trajectories:
    """Return the rows of vehicles that are somewhere, in metres, each jump the begin of another vehicle."""
    there = (given.x > _NOWHERE_M) & (given.y > _NOWHERE_M)
    absent = int((~there).sum())
    rows = (
        given if not absent else _rows(_told(given, "rows of a vehicle that is nowhere (teleporting)", absent), there)
    )
    metres = _in_metres(rows)
    return _apart_at_jumps(metres)


def _told(given: Trajectories, what: str, count: int) -> Trajectories:
    return replace(given, noticed={**given.noticed, what: count})


def _rows(given: Trajectories, kept: NDArray[np.bool_]) -> Trajectories:
    names = ("time", "vehicle", "x", "y", "angle", "speed")
    return replace(given, **{name: getattr(given, name)[kept] for name in names})


def _steps(given: Trajectories) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Return the rows by vehicle and time, and for each but the first of a vehicle metres and seconds of its step."""
    order = np.lexsort((given.time, given.vehicle))
    same = np.diff(given.vehicle[order], prepend=-1) == 0
    far = np.hypot(np.diff(given.x[order], prepend=0.0), np.diff(given.y[order], prepend=0.0))
    return order, np.where(same, far, 0.0), np.where(same, np.diff(given.time[order], prepend=0.0), 0.0)


def _in_metres(given: Trajectories) -> Trajectories:
    """Return places in metres around their middle where they are longitude and latitude (--fcd-output.geo)."""
    order, far, seconds = _steps(given)
    driven = given.speed[order] * seconds
    moving = driven > 1.0
    in_degrees = len(given.x) and (np.abs(given.x) <= 180).all() and (np.abs(given.y) <= 90).all() and moving.any()
    if not in_degrees or np.median(far[moving] / driven[moving]) > _DEGREES_PER_METRE:
        return given
    lon, lat = float(np.mean(given.x)), float(np.mean(given.y))
    east = (given.x - lon) * _METRES_PER_DEGREE * np.cos(np.deg2rad(lat))
    north = (given.y - lat) * _METRES_PER_DEGREE
    return _told(replace(given, x=east, y=north), "rows told in degrees, read as metres", len(east))


def _apart_at_jumps(given: Trajectories) -> Trajectories:
    order, far, seconds = _steps(given)
    jumps = far > _JUMP_MPS * seconds + _JUMP_M
    if not jumps.any():
        return given
    owner = given.vehicle[order]
    fresh = np.cumsum(jumps | (np.diff(owner, prepend=-1) != 0)) - 1
    vehicle = np.empty(len(order), np.int64)
    vehicle[order] = fresh
    first = np.searchsorted(fresh, np.arange(fresh[-1] + 1))
    told = _told(given, "jumps of a vehicle, each the begin of another", int(jumps.sum()))
    return replace(told, vehicle=vehicle, kinds=given.kinds[owner[first]])
