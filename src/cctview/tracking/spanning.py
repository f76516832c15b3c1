"""Passages span by span: a vehicle whose pieces lie on both sides of a seam counts once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cctview.road.flow import moved
from cctview.tracking.passages import PassagePriors, counted
from cctview.types import Breaks, Detections, Passages, Tracklets

__all__ = ["Passing", "passed"]

_TAIL = np.timedelta64(30, "s")  # longer than a moving vehicle needs from one end of a view to the line
_IN_VIEW = np.timedelta64(5, "m")  # a vehicle whose tracklet ends in the next span has its boxes in as long before
_TEACHERS = 200  # of each camera: six times as many as tell the flow of a place, and some 100 KiB


@dataclass(frozen=True, eq=False, kw_only=True)
class Passing:
    """What a span leaves to the next: tracklets, their boxes, and which of those that ended last have counted.

    Besides those that ended last there are the last ones seen to move: from them, too, the next span learns its
    lines, so that a span of a few quiet minutes counts at the lines of the busy hour before.
    """

    tracklets: Tracklets = field(default_factory=Tracklets.empty)
    detections: Detections = field(default_factory=Detections.empty)
    counted: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def passed(
    state: Passing,
    tracklets: Tracklets,
    detections: Detections,
    breaks: Breaks | None = None,
    priors: PassagePriors | None = None,
    *,
    ending: bool = False,
) -> tuple[Passing, Passages, Counter[str]]:
    """Return the next state, who passed according to the tracklets that ended in a span, and why others did not.

    ``detections`` are the boxes of the span; ``state`` has those of tracklets that began earlier, as far as they
    ended lately, and of those that teach the lines. A camera that was turned in the span, as ``breaks`` tell, learns
    its lines anew. Tracklets that are in no passage are counted by reason as soon as no later one may carry them on;
    ``ending`` says that nothing comes after.
    """
    held = Tracklets.concat([state.tracklets, tracklets])
    boxes = Detections.concat([state.detections, detections])
    found, left, why = counted(held, boxes, breaks, priors or PassagePriors())
    open_ = np.concatenate([tracklets.id, state.tracklets.id[_ended_last(state.tracklets)]])
    fresh = found[~_any_of(found, state.counted) & _any_of(found, open_)]
    since = _since_turned(held, breaks)
    tail = _ended_last(held) & since & (not ending)
    kept = held[tail | (_teachers(held) & since)]
    told = np.concatenate([state.counted, fresh.members.values])
    settled = np.isin(left, open_) & ~np.isin(left, held.id[tail]) & ~np.isin(left, told)
    recent = _until_last(boxes.camera, boxes.time) <= _IN_VIEW
    state = Passing(
        tracklets=kept,
        detections=boxes[recent | np.isin(boxes.id, kept.members.values)],
        counted=told[np.isin(told, held.id[tail])],
    )
    return state, fresh, Counter(why[settled].tolist())


def _any_of(found: Passages, tracklets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which passages (N,) have one of these tracklets among their members."""
    known = np.isin(found.members.values, tracklets)
    among: NDArray[np.bool_] = np.bincount(found.members.row[known], minlength=len(found)) > 0
    return among


def _ended_last(tracklets: Tracklets) -> NDArray[np.bool_]:
    """Return which tracklets (T,) a later one may still carry on."""
    return _until_last(tracklets.camera, tracklets.last_time) <= _TAIL


def _since_turned(tracklets: Tracklets, breaks: Breaks | None) -> NDArray[np.bool_]:
    """Return which tracklets (T,) began after their camera was last turned."""
    turned = Breaks.empty() if breaks is None else breaks[breaks.kind == "turned"]
    since = np.ones(len(tracklets), np.bool_)
    for camera, time in zip(turned.camera.tolist(), turned.time, strict=True):
        since &= (tracklets.camera != camera) | (tracklets.first_time >= time)
    return since


def _teachers(tracklets: Tracklets) -> NDArray[np.bool_]:
    """Return which tracklets (T,) are the last of their camera that were seen to move."""
    rows = np.flatnonzero(moved(tracklets.first_box, tracklets.last_box))
    order = rows[np.lexsort((-tracklets.last_time[rows].astype(np.int64), tracklets.camera[rows]))]
    camera = tracklets.camera[order]
    rank = np.arange(len(order)) - np.searchsorted(camera, camera)
    chosen = np.zeros(len(tracklets), np.bool_)
    chosen[order[rank < _TEACHERS]] = True
    return chosen


def _until_last(camera: NDArray[np.str_], time: NDArray[np.datetime64]) -> NDArray[np.timedelta64]:
    """Return how long before the last time of its own camera each row's is, (N,)."""
    if not len(time):
        return np.zeros(0, "timedelta64[ns]")
    _, code = np.unique(camera, return_inverse=True)
    last = np.zeros(code.max() + 1, np.int64)
    np.maximum.at(last, code, time.astype(np.int64))
    return last[code].astype("datetime64[ns]") - time
