"""Detections that wait with their labels for their tracklets to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cctview.types import Detections, Embeddings, rows_of

__all__ = ["NO_TRACKLET", "Held", "held_of"]

Ints = NDArray[np.integer[Any]]

NO_TRACKLET = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Held:
    """Detections that take part, their embeddings, and the label (N,) of the tracklet of each, row by row."""

    detections: Detections
    embeddings: Embeddings
    label: Ints

    @classmethod
    def none(cls) -> Self:
        """Return no rows."""
        return cls(detections=Detections.empty(), embeddings=Embeddings.empty(), label=np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the chosen rows (N,) only."""
        return type(self)(
            detections=self.detections[chosen], embeddings=self.embeddings[chosen], label=self.label[chosen]
        )

    def followed_by(self, other: Self) -> Self:
        """Return these rows and then the others; raise TableError when other models made them."""
        if not len(self):
            return other
        return type(self)(
            detections=Detections.concat([self.detections, other.detections]),
            embeddings=Embeddings.concat([self.embeddings, other.embeddings]),
            label=np.concatenate([self.label, other.label]),
        )


def held_of(detections: Detections, embeddings: Embeddings, label: Ints) -> Held:
    """Return the detections (N,) whose label is not NO_TRACKLET, by time and id; all of these have an embedding."""
    rows = np.flatnonzero(label != NO_TRACKLET)
    rows = rows[np.lexsort((detections.id[rows], detections.time[rows]))]
    place = rows_of(embeddings.detection, detections.id[rows]) if len(rows) else rows
    return Held(detections=detections[rows], embeddings=embeddings[place], label=label[rows])
