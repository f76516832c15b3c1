"""The tracker that learns its road: from detections and their appearance to tracklets, as they come."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.priors import fingerprint
from cctview.tracking.headings import headings
from cctview.tracking.held import NO_TRACKLET, Held, held_of
from cctview.tracking.priors import TRACK_VERSION, TrackPriors
from cctview.tracking.saving import packed, unpacked
from cctview.tracking.settings import TrackSettings
from cctview.tracking.sightings import Sightings, sightings_of
from cctview.tracking.state import TrackState
from cctview.tracking.tracklets import tracklets_of
from cctview.tracking.turns import turns
from cctview.types import Detections, Embeddings, Tracklets

__all__ = ["RoadTracker"]

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class RoadTracker:
    """Follow vehicles by what their own camera teaches: its road, how vehicles move there, and how alike they look.

    Only cars, trucks and buses with an embedding take part. The motion is learnt per camera from these detections
    alone, so that any rate from video to one still in five seconds will do. The result does not depend on the
    order of the rows.
    """

    settings: TrackSettings = field(default_factory=TrackSettings)
    priors: TrackPriors = field(default_factory=TrackPriors)

    @property
    def meta(self) -> dict[str, str]:
        """The method, its version, settings and hash of its priors, as they end in the ``meta`` of the tracklets."""
        told = {"tracker": "road", "tracker_version": TRACK_VERSION, "tracker_priors": fingerprint(self.priors)}
        return told | {key: str(value) for key, value in asdict(self.settings).items()}

    def fresh(self) -> TrackState:
        """Return the state before the first still of a camera."""
        return TrackState.fresh()

    def step(self, state: TrackState, detections: Detections, embeddings: Embeddings) -> tuple[TrackState, Tracklets]:
        """Follow the vehicles of one camera through stills that come after those of ``state``.

        Returns the next state and the tracklets that ended. People, two-wheelers, second boxes of one vehicle and
        stills served twice take no part. Stills that are older than the state, a clock set back, end every
        tracklet; so does a turned camera, whose road is then learnt anew. Raises InputError when there is more
        than one camera, TableError when other models made the detections of an open tracklet.
        """
        if np.any(detections.camera[1:] != detections.camera[:-1]):
            raise InputError("step: one state follows one camera; give the detections of each camera its own state")
        rows, place = sightings_of(detections, embeddings, self.settings.duplicate_iou, self.priors)
        label = np.full(len(detections), NO_TRACKLET, np.int64)
        after, label[place] = _through(state, rows, self.settings, self.priors)
        held = state.held.followed_by(held_of(detections, embeddings, label))
        open_ = np.isin(held.label, after.open)
        return replace(after, held=held.rows(open_)), self._ended(held.rows(~open_), after)

    def ending(self, state: TrackState) -> Tracklets:
        """Return the tracklets that are still open, as if the stills ended here."""
        return self._ended(state.held, state)

    def dump(self, state: TrackState) -> bytes:
        """Return a state as bytes that hold nothing that could be executed."""
        return packed(state, self.meta)

    def load(self, data: bytes) -> TrackState:
        """Return the state that ``dump`` gave; raise FormatError for anything else, and for another tracker's."""
        return unpacked(TrackState, data, self.meta)

    def _ended(self, held: Held, state: TrackState) -> Tracklets:
        meta = {**self.meta, **held.detections.meta}
        if state.learnt is None or not len(held):
            return Tracklets.empty(meta)
        ways = partial(headings, state.learnt.lens.road, priors=self.priors)
        return tracklets_of(held, ways, self.priors.pooling_least, meta)


def _through(
    state: TrackState, rows: Sightings, settings: TrackSettings, priors: TrackPriors
) -> tuple[TrackState, Ints]:
    """Return the state after the rows, split where the view breaks, and their labels."""
    if not len(rows):
        return state, np.zeros(0, np.int64)
    if rows.time[0] < state.time:
        state = state.closed()
    known = len(state.memory)
    due = (state.since % priors.rows_a_look + len(rows)) // priors.rows_a_look
    bounds = turns(state.memory.followed_by(rows), priors) if due else np.zeros(0, np.intp)
    late = bounds[bounds < known]
    if len(late):
        state = state.turned(int(late[-1]))
    cuts = bounds[bounds >= known] - known
    found = []
    for number, (begin, end) in enumerate(pairwise([0, *cuts.tolist(), len(rows)])):
        if number:
            state = state.turned(len(state.memory))
        state, label = state.extended(rows.rows(slice(begin, end)), settings, priors)
        found.append(label)
    return state, np.concatenate(found)
