"""Search by looks: a stored box or a picture in, vehicles out, one result per vehicle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.store import SearchFilters
from cctview.web import answers
from cctview.web.reading import Reading

__all__ = ["Embed", "Search"]

Embed = Callable[[bytes], NDArray[np.float32]]
_BOXES_PER_VEHICLE = 4
_ALL = SearchFilters()


class Search:
    """Look for vehicles; every search has a purpose and is logged by the store.

    ``embed`` turns the bytes of a picture into a unit vector ``(D,)`` and refuses what is no
    picture; None where pictures cannot be searched for.
    """

    def __init__(self, reading: Reading, embed: Embed | None = None) -> None:
        self.reading = reading
        self.embed = embed

    def by_detection(
        self,
        name: str,
        purpose: str,
        filters: SearchFilters = _ALL,
        top: int = 20,
    ) -> tuple[answers.Found, ...]:
        """Return the vehicles that look most like a stored box."""
        found = self.reading.detection(name)
        return self._found(self.reading.vector(name), f"detection {found.id}", purpose, filters, top)

    def by_picture(
        self,
        picture: bytes,
        purpose: str,
        filters: SearchFilters = _ALL,
        top: int = 20,
    ) -> tuple[answers.Found, ...]:
        """Return the vehicles that look most like a picture, which is not stored; its hash is logged."""
        if self.embed is None:
            raise InputError("this server was started without a model to look at pictures; choose a stored vehicle")
        subject = f"picture sha256:{hashlib.sha256(picture).hexdigest()}"
        return self._found(self.embed(picture), subject, purpose, filters, top)

    def _found(
        self, vector: NDArray[np.float32], subject: str, purpose: str, filters: SearchFilters, top: int
    ) -> tuple[answers.Found, ...]:
        hits = self.reading.store.search(
            vector, purpose=purpose, subject=subject, filters=filters, top=top * _BOXES_PER_VEHICLE
        )
        boxes = self.reading.boxes(hits.detections)
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
