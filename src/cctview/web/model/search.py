"""Search by looks: a stored box or a picture in, vehicles out, one result per vehicle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.seams import Store
from cctview.store import COLOURS, SearchFilters
from cctview.web.model import answers
from cctview.web.model.moments import as_datetime64
from cctview.web.model.reading import Reading

__all__ = ["COLOURS", "Embed", "Filters", "Search"]

Embed = Callable[[bytes], NDArray[np.float32]]
_BOXES_PER_VEHICLE = 4


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which vehicles are asked for; None lets all pass, times are UTC where they name no zone."""

    camera: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    type: str | None = None
    colour: str | None = None

    def stored(self) -> SearchFilters:
        """Return the filters as a store takes them; raise SettingsError for an unknown type or colour."""
        after, before = as_datetime64(self.after), as_datetime64(self.before)
        return SearchFilters(camera=self.camera, after=after, before=before, type=self.type, colour=self.colour)


_ALL = Filters()


class Search:
    """Look for vehicles; every search has a purpose and is logged by the store.

    ``embed`` turns the bytes of a picture into a unit vector ``(D,)`` and refuses what is no
    picture; None where pictures cannot be searched for.
    """

    def __init__(self, store: Store, reading: Reading, embed: Embed | None = None) -> None:
        self._store, self._reading, self._embed = store, reading, embed

    def by_detection(
        self,
        name: str,
        purpose: str,
        filters: Filters = _ALL,
        top: int = 20,
    ) -> tuple[answers.Found, ...]:
        """Return the vehicles that look most like a stored box."""
        found = self._reading.detection(name)
        return self._found(self._reading.vector(name), f"detection {found.id}", purpose, filters, top)

    def by_picture(
        self,
        picture: bytes,
        purpose: str,
        filters: Filters = _ALL,
        top: int = 20,
    ) -> tuple[answers.Found, ...]:
        """Return the vehicles that look most like a picture, which is not stored; its hash is logged."""
        if self._embed is None:
            raise InputError("this server was started without a model to look at pictures; choose a stored vehicle")
        subject = f"picture sha256:{hashlib.sha256(picture).hexdigest()}"
        return self._found(self._embed(picture), subject, purpose, filters, top)

    def _found(
        self, vector: NDArray[np.float32], subject: str, purpose: str, filters: Filters, top: int
    ) -> tuple[answers.Found, ...]:
        hits = self._store.search(
            vector, purpose=purpose, subject=subject, filters=filters.stored(), top=top * _BOXES_PER_VEHICLE
        )
        boxes = self._reading.boxes(hits.detections)
        vehicle = [box.tracklet or box.id for box in boxes]
        first = np.sort(np.unique(np.array(vehicle, np.str_), return_index=True)[1])[:top]
        return tuple(
            answers.Found(
                rank=rank + 1,
                detection=boxes[place],
                distance=float(hits.distance[place]),
                colour=str(hits.colour[place]),
            )
            for rank, place in enumerate(first.tolist())
        )
