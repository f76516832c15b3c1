"""From detections and their appearance to tracklets: at once, window by window, or still by still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.tracking.settings import TrackSettings
from cctview.tracking.sightings import Sightings, sightings_of, vehicles
from cctview.tracking.state import TrackState
from cctview.tracking.tracklets import tracklets_of
from cctview.tracking.turns import turns
from cctview.types import Detections, Embeddings, Tracklets, rows_of

__all__ = ["NO_TRACKLET", "Block", "follow", "step", "track"]

Ints = NDArray[np.integer[Any]]
Block = tuple[Detections, Embeddings]

NO_TRACKLET = -1
_ROWS_A_LOOK = 512  # how many sightings pass between two looks whether the camera was turned
_DEFAULT = TrackSettings()


def step(
    state: TrackState, detections: Detections, embeddings: Embeddings, settings: TrackSettings = _DEFAULT
) -> tuple[TrackState, Ints]:
    """Follow the vehicles of one camera through one or more stills that come after those of ``state``.

    Returns the next state and a label per detection, ``(N,)``: the id of the first detection of its
    tracklet, or NO_TRACKLET for what takes no part (people, two-wheelers, second boxes of one
    vehicle, stills served twice). Only cars, trucks and buses with an embedding take part. Stills
    that are older than the state, a clock set back, end every tracklet; so does a turned camera,
    whose road is then learnt anew. Raises InputError when there is more than one camera.
    """
    if np.any(detections.camera[1:] != detections.camera[:-1]):
        raise InputError("step: one state follows one camera; pass the detections of each camera with its own state")
    row, place = vehicles(detections, embeddings)
    rows, keep = sightings_of(detections, embeddings, row, place, settings.duplicate_iou)
    labels = np.full(len(detections), NO_TRACKLET, np.int64)
    state, labels[row[keep]] = _through(state, rows, settings)
    return state, labels


def follow(blocks: Iterable[Block], settings: TrackSettings = _DEFAULT) -> Iterator[Tracklets]:
    """Yield the tracklets of one camera as they end, block by block of its detections and embeddings.

    Blocks follow each other in time. What is held in memory is one block, the open tracklets, and
    what was learnt.
    """
    state = TrackState.fresh()
    held: _Labelled | None = None
    for detections, embeddings in blocks:
        state, label = step(state, detections, embeddings, settings)
        new = _labelled(detections, embeddings, label)
        held = new if held is None else held.followed_by(new)
        open_ = np.isin(held.label, state.open)
        yield _table(held.rows(~open_), state, settings)
        held = held.rows(open_)
    if held is not None:
        yield _table(held, state, settings)


def track(detections: Detections, embeddings: Embeddings, settings: TrackSettings = _DEFAULT) -> Tracklets:
    """Return the tracklets of all cameras.

    Only cars, trucks and buses with an embedding take part, each detection in at most one tracklet,
    each still with at most one detection in a tracklet. Motion is learnt per camera from these
    detections alone. The result does not depend on the order of the rows.
    """
    parts = [Tracklets.empty(_meta(detections, settings))]
    for camera in np.unique(detections.camera):
        parts += follow([(detections[detections.camera == camera], embeddings)], settings)
    return Tracklets.concat(parts).sort("camera", "first_time", "id")


class _Labelled(NamedTuple):
    """Detections that take part, their embeddings and labels, row by row."""

    detections: Detections
    embeddings: Embeddings
    label: Ints

    def rows(self, chosen: NDArray[np.bool_]) -> _Labelled:
        return _Labelled(self.detections[chosen], self.embeddings[chosen], self.label[chosen])

    def followed_by(self, other: _Labelled) -> _Labelled:
        detections = Detections.concat([self.detections, other.detections])
        embeddings = Embeddings.concat([self.embeddings, other.embeddings])
        return _Labelled(detections, embeddings, np.concatenate([self.label, other.label]))


def _labelled(detections: Detections, embeddings: Embeddings, label: Ints) -> _Labelled:
    """Return what takes part, in order of time."""
    rows = np.flatnonzero(label != NO_TRACKLET)
    rows = rows[np.lexsort((detections.id[rows], detections.time[rows]))]
    place = rows_of(embeddings.detection, detections.id[rows]) if len(rows) else rows
    return _Labelled(detections[rows], embeddings[place], label[rows])


def _table(part: _Labelled, state: TrackState, settings: TrackSettings) -> Tracklets:
    meta = _meta(part.detections, settings)
    if state.view is None or not len(part.label):
        return Tracklets.empty(meta)
    return tracklets_of(part.detections, part.embeddings, part.label, state.view.lens.road, meta)


def _meta(detections: Detections, settings: TrackSettings) -> dict[str, str]:
    return {"tracker": "road", **{key: str(value) for key, value in asdict(settings).items()}, **detections.meta}


def _through(state: TrackState, rows: Sightings, settings: TrackSettings) -> tuple[TrackState, Ints]:
    """Return the state after the rows, split where the view breaks, and their labels."""
    if not len(rows):
        return state, np.zeros(0, np.int64)
    if rows.time[0] < state.time:
        state = state.closed()
    known = len(state.memory)
    due = len(rows) // _ROWS_A_LOOK + (state.since % _ROWS_A_LOOK + len(rows) % _ROWS_A_LOOK >= _ROWS_A_LOOK)
    bounds = turns(state.memory.followed_by(rows)) if due else np.zeros(0, np.intp)
    late = bounds[bounds < known]
    if len(late):
        state = state.turned(int(late[-1]))
    cuts = bounds[bounds >= known] - known
    found = []
    for number, (begin, end) in enumerate(pairwise([0, *cuts.tolist(), len(rows)])):
        if number:
            state = state.turned(len(state.memory))
        state, label = state.extended(rows.rows(slice(begin, end)), settings)
        found.append(label)
    return state, np.concatenate(found)
