"""The stored stills of frames: where each lies, and its bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cctview.store.contract import no_frame, no_pixels
from cctview.store.lance.packs import read_stills
from cctview.store.lance.tables import Snapshot
from cctview.store.layouts import ids_of
from cctview.types import rows_of

__all__ = ["PLACE", "all_stills", "kept_stills"]

PLACE = ("pack", "offset", "length")
Ids = NDArray[np.int64]


def all_stills(folder: Path, view: Snapshot, wanted: Ids) -> list[bytes]:
    """Return the stills of these frames; raise PolicyError when one is not kept, MissingError for no such frame."""
    pack, offset, length = _places(folder, view, wanted)
    if not length.all():
        raise no_pixels(str(folder), int(wanted[length == 0][0]))
    return list(read_stills(folder, pack, offset, length, view.commit.unsealed))


def kept_stills(folder: Path, view: Snapshot, wanted: Ids) -> list[bytes]:
    """Return the stills of these frames, empty bytes where none is kept."""
    if not len(wanted):
        return []
    pack, offset, length = _places(folder, view, wanted)
    kept = np.flatnonzero(length)
    stills = [b""] * len(wanted)
    found = read_stills(folder, pack[kept], offset[kept], length[kept], view.commit.unsealed)
    for place, still in zip(kept.tolist(), found, strict=True):
        stills[place] = still
    return stills


def _places(folder: Path, view: Snapshot, wanted: Ids) -> tuple[NDArray[np.int32], Ids, Ids]:
    rows = view.rows_among("frames", ["id", *PLACE], wanted) if view.has("frames") else None
    ids = ids_of(rows.column("id")) if rows is not None else np.zeros(0, np.int64)
    missing = ~np.isin(wanted, ids)
    if rows is None or missing.any():
        raise no_frame(str(folder), int(wanted[missing][0]))
    found = rows_of(ids, wanted)
    pack, offset, length = (rows.column(name).to_numpy()[found] for name in PLACE)
    return pack, offset, length
