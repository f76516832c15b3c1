"""Between stored ids and the names people see: readable names, and hex digits under the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from cctview.errors import FormatError
from cctview.naming import parse_detection_name
from cctview.privacy import ids_behind, pseudonyms
from cctview.types import Detections, Frames, Journeys, Matches, Ragged, Table, Tracklets

if TYPE_CHECKING:
    from cctview.seams import Store

__all__ = ["named", "outward", "shown"]

T = TypeVar("T", bound=Table)
_ID_COLUMNS: dict[type[Table], tuple[str, ...]] = {
    Frames: ("id",),
    Tracklets: ("id",),
    Matches: ("query", "candidates"),
    Journeys: ("id", "members"),
}


def outward(store: Store, table: T) -> T:
    """Return the table with its ids as they may be shown: keyed pseudonyms where the policy says so."""
    if not store.policy.pseudonyms or not len(table):
        return table
    key = store.pseudonym_key()
    changed = {}
    for column in _ID_COLUMNS.get(type(table), ()):
        value = getattr(table, column)
        hidden = pseudonyms(key, value.values if isinstance(value, Ragged) else value)
        changed[column] = Ragged(hidden, value.offsets) if isinstance(value, Ragged) else hidden
    return table.replace(**changed)


def shown(store: Store, text: str) -> list[int]:
    """Return the stored ids of frames, detections, tracklets and journeys that are shown as these hex digits."""
    try:
        wanted = np.array([int(text, 16)], np.int64)
    except (ValueError, OverflowError):
        return []
    if wanted[0] < 0:
        return []
    ids = ids_behind(store.pseudonym_key(), wanted) if store.policy.pseudonyms else wanted
    frames, boxes = store.scan(Frames, ids=ids), store.scan(Detections, ids=ids)
    found = [frames.id, boxes.id, store.scan(Tracklets, ids=ids).id, store.scan(Journeys, ids=ids).id]
    return np.unique(np.concatenate(found)).tolist()


def named(store: Store, text: str) -> list[int]:
    """Return the stored ids of a detection, or of a still, under its readable name."""
    try:
        detection = parse_detection_name(text) if "--detections--" in text else None
    except FormatError:
        return []
    still = detection.still if detection else text.removesuffix("--original")
    frames = store.scan(Frames, camera=still.split("--")[0])
    frames = frames[frames.name == still]
    if detection is None:
        return frames.id.tolist()
    rows = store.scan(Detections, camera=still.split("--")[0])
    return rows.id[(rows.rank == detection.rank) & np.isin(rows.frame, frames.id)].tolist()
