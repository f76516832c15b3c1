"""The line over the road at which the vehicles of one direction are counted, learnt from how they move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Gate", "GatePriors", "learn_gate"]

Floats = NDArray[np.floating[Any]]

_ROUNDS = 3  # the direction at the line and the line itself are found in turns; they settle at the second


@dataclass(frozen=True, kw_only=True)
class GatePriors:
    """Where a counting line lies; lengths on the ground are in heights of a vehicle, about 1.5 m."""

    # Moves from still to still without which nothing is said about a direction; inherited from the lanes.
    fewest_moves: int = 8
    # Share of the boxes that lie nearer than the near end of the view; flat from 0.005 to 0.1.
    beyond: float = 0.02
    # The line lies so far from the near end at least, for boxes there are cut; flat from 3 to 10.
    clearance: float = 6.0
    # How far from the line, in steps between stills, moves tell the speed at the line; not tuned.
    around: float = 1.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Gate:
    """A line square to the road: ``ahead`` (2,) is the direction of travel, ``line`` how far along it lies.

    ``speed`` is the usual one there, heights of a vehicle per second, and ``step`` the way between two stills.
    """

    ahead: Floats
    line: float
    speed: float
    step: float

    def along(self, places: Floats) -> Floats:
        """Return how far beyond the line places (N, 2) are, below 0 before it: (N,)."""
        beyond: Floats = places @ self.ahead - self.line
        return beyond

    def across(self, places: Floats) -> Floats:
        """Return how far to the side places (N, 2) are: (N,)."""
        aside: Floats = places @ np.array([self.ahead[1], -self.ahead[0]])
        return aside


def learn_gate(
    heading: str, places: Floats, start: Floats, end: Floats, seconds: Floats, still_s: float, priors: GatePriors
) -> Gate | None:
    """Return the line at which vehicles of one heading are counted, None where too few were seen to move.

    ``places`` (N, 2) are all of theirs on the ground, to the side and away; they moved from ``start`` (M, 2) to
    ``end`` (M, 2) in ``seconds`` (M,), and ``still_s`` is the time between stills. The line lies one step from the
    near end of the view, where vehicles are found best: they are seen about once before and once after it. Of
    vehicles that cross the view it lies in the middle.
    """
    if len(start) < priors.fewest_moves:
        return None
    middle = (start + end) / 2
    near = middle[:, 1] <= np.median(middle[:, 1])
    for _ in range(_ROUNDS):
        gate = _gate(heading, places, (end - start)[near], seconds[near], still_s, priors)
        close = np.abs(gate.along(middle)) < priors.around * gate.step
        near = close if close.sum() >= priors.fewest_moves else near
    return gate


def _gate(heading: str, places: Floats, move: Floats, seconds: Floats, still_s: float, priors: GatePriors) -> Gate:
    mean = np.mean(move / np.maximum(np.hypot(*move.T), 1e-9)[:, None], axis=0)
    ahead = mean / max(float(np.hypot(*mean)), 1e-9)
    speed = max(float(np.sum(move @ ahead) / np.sum(seconds)), 1e-6)
    step = max(speed * still_s, priors.clearance)
    share = {"towards": 1 - priors.beyond, "away": priors.beyond}.get(heading, 0.5)
    back = {"towards": -step, "away": step}.get(heading, 0.0)
    line = float(np.quantile(places @ ahead, share)) + back
    return Gate(ahead=ahead, line=line, speed=speed, step=step)
