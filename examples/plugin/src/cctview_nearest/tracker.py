"""A tracker: each vehicle is followed to the nearest box of about its size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cctview import Detections, Embeddings, InputError, Ragged, Tracklets
from cctview.assign import assign
from cctview.geometry import area, centre
from cctview.tracking.saving import packed, unpacked
from cctview.types import VEHICLE_TYPES, row_ids, rows_among

__all__ = ["NearestBox", "Open"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Open:
    """The detections of open tracklets, row by row with their embeddings and the label (N,) of their tracklet."""

    detections: Detections
    embeddings: Embeddings
    label: Ints
    following: int = 0


@dataclass(frozen=True, kw_only=True)
class NearestBox:
    """Join boxes of neighbouring stills that are near each other.

    A vehicle may be unseen for ``gap_s`` seconds, and may move by ``reach`` times the side of its box.
    """

    gap_s: float = 0.5
    reach: float = 1.0

    @property
    def meta(self) -> dict[str, str]:
        """The method, its version and its settings, as they end in the ``meta`` of the tracklets.

        All numbers that steer it are settings; a tracker that has others gives their hash as ``tracker_priors``.
        """
        return {
            "tracker": "nearest-box",
            "tracker_version": "1",
            "tracker_priors": "",
            "gap_s": str(self.gap_s),
            "reach": str(self.reach),
        }

    def fresh(self) -> Open:
        """Return the state before the first still of a camera."""
        return Open(detections=Detections.empty(), embeddings=Embeddings.empty(), label=np.zeros(0, np.int64))

    def step(self, state: Open, detections: Detections, embeddings: Embeddings) -> tuple[Open, Tracklets]:
        """Follow the vehicles through later stills; see ``Tracker``. Raises InputError for more than one camera."""
        if len(np.unique(detections.camera)) > 1:
            raise InputError("step: one state follows one camera; give the detections of each camera their own state")
        fresh, vectors = _vehicles(detections, embeddings)
        if not len(fresh):
            return state, Tracklets.empty({**self.meta, **detections.meta})
        rows = Detections.concat([state.detections, fresh]) if len(state.label) else fresh
        looks = Embeddings.concat([state.embeddings, vectors]) if len(state.label) else vectors
        label, tips = self._labelled(rows, state)
        open_ = np.isin(label, label[tips])
        after = Open(
            detections=rows[open_], embeddings=looks[open_], label=label[open_], following=int(label.max()) + 1
        )
        ended = replace(after, detections=rows[~open_], embeddings=looks[~open_], label=label[~open_])
        return after, self.ending(ended)

    def ending(self, state: Open) -> Tracklets:
        """Return the tracklets that are still open, as if the stills ended here."""
        return _tracklets(state, {**self.meta, **state.detections.meta})

    def dump(self, state: Open) -> bytes:
        """Return a state as bytes that hold nothing that could be executed."""
        return packed(state, self.meta)

    def load(self, data: bytes) -> Open:
        """Return the state that ``dump`` gave; raise FormatError for anything else."""
        return unpacked(Open, data, self.meta)

    def _labelled(self, rows: Detections, state: Open) -> tuple[Ints, Ints]:
        """Return the label (N,) of each row, and the last row of each tracklet that is open after them."""
        label = np.full(len(rows), -1, np.int64)
        label[: len(state.label)] = state.label
        following = state.following
        tips = _last_rows(state.label)
        fresh = np.arange(len(state.label), len(rows))
        for still in np.split(fresh, np.flatnonzero(np.diff(rows.time[fresh])) + 1):
            tips = tips[self._alive(rows, tips, still[0])]
            one, other = self._joined(rows, tips, still)
            label[still[other]] = label[tips[one]]
            alone = still[label[still] < 0]
            label[alone] = following + np.arange(len(alone))
            following += len(alone)
            tips = np.concatenate([np.delete(tips, one), still])
        return label, tips

    def _alive(self, rows: Detections, tips: Ints, now: np.int64) -> NDArray[np.bool_]:
        gap = (rows.time[now] - rows.time[tips]) / np.timedelta64(1, "s")
        return (gap > 0) & (gap <= self.gap_s)

    def _joined(self, rows: Detections, tips: Ints, still: Ints) -> tuple[Ints, Ints]:
        """Return which tips go on in which boxes of a still: (K,) and (K,), each at most once."""
        apart = centre(rows.box[tips])[:, None] - centre(rows.box[still])
        side = np.sqrt(area(rows.box[tips]))[:, None]
        other = np.sqrt(area(rows.box[still]))
        far = np.linalg.norm(apart, axis=2) / np.minimum(side, other)
        return assign(far, self.reach)


def _vehicles(detections: Detections, embeddings: Embeddings) -> tuple[Detections, Embeddings]:
    """Return the vehicles that have an embedding, and it, both in order of time."""
    chosen = detections[np.isin(detections.type, VEHICLE_TYPES)].sort("time", "id")
    place = rows_among(embeddings.detection, chosen.id)
    return chosen[place >= 0], embeddings[place[place >= 0]]


def _last_rows(label: Ints) -> Ints:
    return len(label) - 1 - np.unique(label[::-1], return_index=True)[1] if len(label) else label


def _tracklets(state: Open, meta: dict[str, str]) -> Tracklets:
    """Return one row for each label."""
    if not len(state.label):
        return Tracklets.empty(meta)
    rows = state.detections
    order = np.lexsort((rows.time, state.label))
    starts = np.flatnonzero(np.diff(state.label[order], prepend=-1))
    size = np.diff(np.append(starts, len(order)))
    first, last = order[starts], order[starts + size - 1]
    total = np.add.reduceat(state.embeddings.vector[order], starts)
    length = np.linalg.norm(total, axis=1)
    return Tracklets(
        meta=meta,
        id=row_ids(rows.id[first], np.add.reduceat(rows.id[order], starts), "nearest-box"),
        camera=rows.camera[first],
        first_time=rows.time[first],
        last_time=rows.time[last],
        first_box=rows.box[first],
        last_box=rows.box[last],
        type=rows.type[first],
        heading=np.where(area(rows.box[last]) > area(rows.box[first]), "towards", "away"),
        vector=total / length[:, None],
        spread=np.maximum(1 - length / size, 0).astype(np.float32),
        quality=np.maximum.reduceat(state.embeddings.quality[order], starts),
        members=Ragged.from_lengths(rows.id[order], size),
    )
