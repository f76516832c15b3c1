"""Which way vehicles go where the flow is not clear: as those whose way led over the same place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cctview.geometry import foot
from cctview.road.flow import moved, ruling_way

__all__ = ["Led", "led_over", "ways_led"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Names = NDArray[np.str_]

_SHARES = (np.arange(5) + 0.5) / 5  # of a move from box to box: places it is taken to have led over
_ROUNDS = 2  # who is clear in the first helps to tell the others; a third adds nothing
_OTHERS = 0.25  # share of the neighbours that must be of others than the asked, or nothing is said


class Led:
    """Places in the image (N, 2) that ways led over: of whom (N,), and whether towards the camera (N,)."""

    def __init__(self, place: Floats, owner: Ints, towards: NDArray[np.bool_]) -> None:
        self.place, self.owner, self.towards = place, owner, towards

    def __len__(self) -> int:
        return len(self.place)

    def joined(self, place: Floats, owner: Ints, towards: NDArray[np.bool_]) -> Led:
        """Return these and vehicles at one place (P, 2) each, of as much weight as a move."""
        more = (np.repeat(column, len(_SHARES), axis=0) for column in (place, owner, towards))
        mine = (self.place, self.owner, self.towards)
        return Led(*(np.concatenate(pair) for pair in zip(mine, more, strict=True)))


def led_over(box: Floats, owner: Ints, heading: Names) -> Led:
    """Return the places that tracklets led over, from their boxes (N, 4) by tracklet and time.

    ``owner`` (N,) is the row of the tracklet and ``heading`` (N,) its heading. From box to box a vehicle drove over
    all places between, so that one that was fast, and seen twice, says as much of the road as one seen often.
    """
    clear = np.isin(heading[1:], ("towards", "away"))
    n = np.flatnonzero((owner[1:] == owner[:-1]) & clear & moved(box[:-1], box[1:]))
    start, end = foot(box[n]), foot(box[n + 1])
    between = start[:, None] + _SHARES[:, None] * (end - start)[:, None]
    many = len(_SHARES)
    return Led(between.reshape(-1, 2), np.repeat(owner[n], many), np.repeat(heading[n] == "towards", many))


def ways_led(led: Led, place: Floats, owner: Ints, neighbours: int, clear: float) -> Names:
    """Return "towards" or "away" for vehicles ``owner`` (P,) that stand at ``place`` (P, 2), "still" if unclear: (P,).

    The nearest ``neighbours`` of the places that others led over decide, where at least the share ``clear`` agrees.
    """
    way = np.full(len(place), "still", np.dtype("<U7"))
    known = led
    for _ in range(_ROUNDS if len(place) and len(led) >= neighbours else 0):
        near = cKDTree(known.place).query(place, k=neighbours)[1].reshape(len(place), -1)
        others = known.owner[near] != owner[:, None]
        count = others.sum(axis=1)
        share = (known.towards[near] & others).sum(axis=1) / np.maximum(count, 1)
        way = np.where(count >= _OTHERS * neighbours, ruling_way(share, clear, "still"), "still")
        told = way != "still"
        known = led.joined(place[told], owner[told], way[told] == "towards")
    return way
