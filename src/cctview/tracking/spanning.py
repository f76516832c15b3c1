"""Passages span by span: a vehicle whose pieces lie on both sides of a seam counts once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cctview.tracking.passages import PassagePriors, passages
from cctview.types import Breaks, Detections, Passages, Tracklets

__all__ = ["Passing", "passed"]

_TAIL = np.timedelta64(30, "s")  # longer than a moving vehicle needs from one end of a view to the line
_IN_VIEW = np.timedelta64(5, "m")  # a vehicle whose tracklet ends in the next span has its boxes in as long before


@dataclass(frozen=True, eq=False, kw_only=True)
class Passing:
    """What a span leaves to the next: the tracklets that ended last, their boxes, and which of them have counted."""

    tracklets: Tracklets = field(default_factory=Tracklets.empty)
    detections: Detections = field(default_factory=Detections.empty)
    counted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def passed(
    state: Passing,
    tracklets: Tracklets,
    detections: Detections,
    breaks: Breaks | None = None,
    priors: PassagePriors | None = None,
) -> tuple[Passing, Passages]:
    """Return the next state, and who passed according to the tracklets that ended in a span.

    ``detections`` are the boxes of the span; ``state`` has those of tracklets that began earlier, as far as they
    ended lately. The lines are learnt in each span anew: one with too few moving vehicles has none and counts none.
    """
    held = Tracklets.concat([state.tracklets, tracklets])
    boxes = Detections.concat([state.detections, detections])
    found = passages(held, boxes, breaks, priors or PassagePriors())
    known = np.isin(found.members.values, state.counted)
    again = np.bincount(found.members.row[known], minlength=len(found)) > 0
    fresh = found[~again]
    tail = held[_until_last(held.camera, held.last_time) <= _TAIL]
    counted = np.concatenate([state.counted, fresh.members.values])
    return Passing(
        tracklets=tail,
        detections=boxes[_until_last(boxes.camera, boxes.time) <= _IN_VIEW],
        counted=counted[np.isin(counted, tail.id)],
    ), fresh


def _until_last(camera: NDArray[np.str_], time: NDArray[np.datetime64]) -> NDArray[np.timedelta64]:
    """Return how long before the last time of its own camera each row's is, (N,)."""
    if not len(time):
        return np.zeros(0, "timedelta64[ns]")
    _, code = np.unique(camera, return_inverse=True)
    last = np.zeros(code.max() + 1, np.int64)
    np.maximum.at(last, code, time.astype(np.int64))
    return last[code].astype("datetime64[ns]") - time
