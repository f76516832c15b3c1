"""How far the clocks of cameras are apart, where traffic in both directions tells.

Where the clock of the second camera is ahead by d, vehicles seem to take d longer one way and d shorter the other. So
half the sum of both lags, with the sign of the way they are told, is d, as far as both ways take equally long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cctview.discovery.priors import DiscoveryPriors

__all__ = ["Apart", "Clock", "apart_of", "clocks_of"]

_PAIR = 2  # clocks that differ, of which nobody can say which one is wrong


class Apart(NamedTuple):
    """By how many seconds the clock of the second camera is ahead of the first one's, and how well that is known."""

    one: str
    other: str
    ahead_s: float
    error_s: float


@dataclass(frozen=True, kw_only=True)
class Clock:
    """By how many seconds a camera's clock is ahead of most others', give or take ``error_s``.

    ``alone`` says that only two cameras were compared, so that either of them may be the one that is wrong.
    """

    camera: str
    ahead_s: float
    error_s: float
    alone: bool = False


def apart_of(one: str, other: str, there_s: float, back_s: float, priors: DiscoveryPriors) -> Apart:
    """Return how far two clocks are apart: ``there_s`` and ``back_s`` are the lags of both ways as both were told.

    Both are from the first camera to the second: that of the way back is negative where clocks agree.
    """
    error = priors.both_ways * abs(there_s - back_s) / 2 + priors.stamp_s
    return Apart(one, other, (there_s + back_s) / 2, error)


def clocks_of(apart: Iterable[Apart], priors: DiscoveryPriors) -> list[Clock]:
    """Return the clock of each camera that was compared, against the median of those it can be compared with.

    What is told surest is followed first. Differences that are within their error count as none.
    """
    ahead: dict[str, tuple[str, float, float]] = {}

    def root(camera: str) -> tuple[str, float, float]:
        up, offset, error = ahead.setdefault(camera, (camera, 0.0, 0.0))
        if up == camera:
            return camera, 0.0, 0.0
        top, more, further = root(up)
        return top, offset + more, float(np.hypot(error, further))

    for one, other, ahead_s, error_s in sorted(apart, key=lambda pair: pair.error_s):
        told = ahead_s if abs(ahead_s) > priors.clock_sigma * error_s else 0.0
        (top, mine, _), (foot, theirs, _) = root(one), root(other)
        if top != foot:
            ahead[foot] = (top, told + mine - theirs, error_s)
    groups: dict[str, list[tuple[str, float, float]]] = {}
    for camera in list(ahead):
        top, offset, error = root(camera)
        groups.setdefault(top, []).append((camera, offset, error))
    return sorted((clock for group in groups.values() for clock in _against_most(group)), key=lambda one: one.camera)


def _against_most(group: list[tuple[str, float, float]]) -> list[Clock]:
    """Return the clocks of cameras that were compared, less what most of them show."""
    usual = float(np.sort([offset for _, offset, _ in group])[(len(group) - 1) // 2])
    return [
        Clock(camera=camera, ahead_s=offset - usual, error_s=max(error, 1.0), alone=len(group) <= _PAIR)
        for camera, offset, error in group
    ]
