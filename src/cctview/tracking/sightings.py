"""The rows a tracker works on: the vehicles of one camera, still by still."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import aligned_iou
from cctview.tracking.priors import SortPriors, TrackPriors
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, rows_of

__all__ = ["Sightings", "sightings_of", "vehicles"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sightings:
    """Vehicles of one camera in order of time, still and rank, one row each.

    ``id`` and ``frame`` are content hashes, ``time`` nanoseconds since 1970, ``box`` pixels and
    ``vector`` (N, D) their appearance.
    """

    id: Ints
    frame: Ints
    time: Ints
    box: Floats
    vector: Floats

    def __len__(self) -> int:
        return len(self.id)

    @property
    def starts(self) -> Ints:
        """Where each still starts, ``(F,)``."""
        return np.flatnonzero(np.diff(self.frame, prepend=self.frame[:1] + 1))

    def rows(self, chosen: Any) -> Self:
        """Return the chosen rows only."""
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def followed_by(self, other: Self) -> Self:
        """Return these rows and then the others."""
        if not len(self):
            return other
        columns = {f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)}
        return type(self)(**columns)

    @classmethod
    def none(cls) -> Self:
        """Return no rows."""
        ids, empty = np.zeros(0, np.int64), np.zeros((0, 4), np.float32)
        return cls(id=ids, frame=ids, time=ids, box=empty, vector=empty)


def vehicles(detections: Detections, embeddings: Embeddings) -> tuple[Ints, Ints]:
    """Return rows (N,) of detections and (N,) of embeddings that belong together, by camera, time, still and rank."""
    known = np.isin(detections.id, embeddings.detection) & np.isin(detections.type, VEHICLE_TYPES)
    rows = np.flatnonzero(known)
    keys = [getattr(detections, name)[rows] for name in ("id", "rank", "frame", "time", "camera")]
    rows = rows[np.lexsort(keys)]
    return rows, rows_of(embeddings.detection, detections.id[rows]) if len(rows) else rows


def sightings_of(
    detections: Detections, embeddings: Embeddings, duplicate_iou: float, priors: TrackPriors | SortPriors
) -> tuple[Sightings, Ints]:
    """Return the sightings of one camera, by time, still and rank, and the row (N,) of detections of each.

    A weaker box of the same vehicle in the same
    still is left out, and so is a still whose content was served before.
    """
    row, place = vehicles(detections, embeddings)
    keep = _distinct(detections, row, duplicate_iou)
    row, place = row[keep], place[keep]
    rows = Sightings(
        id=detections.id[row],
        frame=detections.frame[row],
        time=detections.time[row].astype(np.int64),
        box=detections.box[row],
        vector=embeddings.vector[place],
    )
    fresh = ~_repeated(rows, priors)
    return rows.rows(fresh), row[fresh]


def _distinct(detections: Detections, row: Ints, limit: float) -> NDArray[np.bool_]:
    """Return which boxes are not a second, weaker box of the same vehicle in the same still."""
    frame, box, score = detections.frame[row], detections.box[row], detections.score[row]
    keep = np.ones(len(row), np.bool_)
    longest = int(np.unique(frame, return_counts=True)[1].max(initial=0))
    for step in range(1, longest):
        near = np.flatnonzero(frame[step:] == frame[:-step])
        same = aligned_iou(box[near], box[near + step]) > limit
        weaker = np.where(score[near] >= score[near + step], near + step, near)
        keep[weaker[same]] = False
    return keep


def _repeated(rows: Sightings, priors: TrackPriors | SortPriors) -> NDArray[np.bool_]:
    """Return which rows are in a still that shows exactly what the one before shows, ``(N,)``.

    A single box proves nothing: a parked car may well be found twice at the same place.
    """
    starts = rows.starts
    count = np.diff(starts, append=len(rows))
    still = np.repeat(np.arange(len(starts)), count)
    before = np.arange(len(rows)) - count[np.maximum(still - 1, 0)]
    paired = (count > 1) & (count == np.append(0, count[:-1]))
    row = np.flatnonzero(paired[still])
    same = (np.abs(rows.box[row] - rows.box[before[row]]) < priors.same_px).all(axis=1)
    same &= (np.abs(rows.vector[row] - rows.vector[before[row]]) < priors.same_look).all(axis=1)
    alike = np.bincount(still[row], same, len(starts)) == count
    return (alike & paired)[still]
