"""Find the stored vehicles that look most like a vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.store.colours import colour_of
from cctview.store.filters import Hits, SearchFilters
from cctview.store.layouts import LAYOUTS, View, condition, ids_of
from cctview.types import Detections, rows_of

__all__ = ["found_in"]

_MOST = 500  # results: more than anybody looks through
_FIRST_LOOK = 4  # times the results asked for: about as many types as pass a filter one in four
_FURTHEST_LOOK = 4096  # vehicles whose type or colour is looked at: a few seconds of decoding stills
Stills = Callable[[NDArray[np.int64]], list[bytes]]


def found_in(view: View, vector: NDArray[np.float32], filters: SearchFilters, top: int, stills: Stills) -> Hits:
    """Return the ``top`` vehicles nearest to a unit vector ``(D,)`` that pass the filters.

    Distances are exact: every vector of the camera and time is compared, unless the table has a
    vector index. Types and colours are looked at from the nearest on, up to a few thousand.
    """
    if not 1 <= top <= _MOST:
        raise InputError(f"top is {top}; ask for 1 to {_MOST} results")
    look = top if filters.type is None and filters.colour is None else _FIRST_LOOK * top
    while True:
        hits, exhausted = _nearest(view, vector, filters, min(look, _FURTHEST_LOOK))
        hits = _passing(hits, filters, stills, top)
        if len(hits.detections) >= top or exhausted or look >= _FURTHEST_LOOK:
            return hits
        look *= 4


def _nearest(view: View, vector: NDArray[np.float32], filters: SearchFilters, look: int) -> tuple[Hits, bool]:
    """Return the nearest of a camera and time, and whether these are all there are."""
    where = condition(LAYOUTS["embeddings"], camera=filters.camera, after=filters.after, before=filters.before)
    rows = view.nearest("embeddings", vector, where, look) if view.has("embeddings") else None
    if rows is None or not rows.num_rows:
        return _hits(Detections.empty(), np.zeros(0, np.float32)), True
    ids, distance = ids_of(rows.column("detection")), rows.column("_distance").to_numpy()
    order = np.lexsort((ids, distance))
    boxes = Detections.from_arrow(view.rows_among("detections", list(Detections.columns), ids[order]))
    boxes = boxes[rows_of(boxes.id, ids[order])]
    return _hits(boxes, np.clip(distance[order], 0, 2).astype(np.float32)), rows.num_rows < look


def _passing(hits: Hits, filters: SearchFilters, stills: Stills, top: int) -> Hits:
    """Return the first ``top`` hits of the type and colour that is asked for, with their colours."""
    if filters.type is not None:
        hits = _chosen(hits, hits.detections.type == filters.type)
    if filters.colour is None:
        hits = _chosen(hits, slice(top))
    colour = _colours(hits.detections, stills)
    seen = Hits(detections=hits.detections, distance=hits.distance, colour=colour)
    return seen if filters.colour is None else _chosen(_chosen(seen, colour == filters.colour), slice(top))


def _colours(boxes: Detections, stills: Stills) -> NDArray[np.str_]:
    frames, of = np.unique(boxes.frame, return_inverse=True)
    colour = np.zeros(len(boxes), "U8")
    for number, still in enumerate(stills(frames)):
        mine = np.flatnonzero(of == number)
        if still:
            colour[mine] = colour_of(still, boxes.box[mine])
    return colour


def _hits(boxes: Detections, distance: NDArray[np.float32]) -> Hits:
    return Hits(detections=boxes, distance=distance, colour=np.zeros(len(boxes), "U8"))


def _chosen(hits: Hits, which: Any) -> Hits:
    return Hits(detections=hits.detections[which], distance=hits.distance[which], colour=hits.colour[which])
