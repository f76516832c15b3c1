"""Tables made from what is stored, on their way in: put aside part by part, and checked against what is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import InputError, StoreError
from cctview.store.contract import Derived
from cctview.store.folder import explained
from cctview.store.schema import LAYOUTS, contained, layout_of, stored, times
from cctview.store.spool import Pile, Spool
from cctview.store.tables import Snapshot
from cctview.types import Journeys

__all__ = ["put_aside", "require_members"]

_NAMED = {
    "tracklets": ("detections", ("members",)),
    "matches": ("tracklets", ("query", "candidates")),
    "journeys": ("tracklets", ("members",)),
}


@contextmanager
def put_aside(folder: Path, tables: Iterable[Derived]) -> Iterator[dict[str, Pile]]:
    """Lend the rows of the tables by the name they are stored under; raise InputError for what is not derived."""
    with Spool(folder) as spool:
        for table in tables:
            if not isinstance(table, Derived):
                raise InputError(f"{type(table).__name__} are not derived from other tables; use append")
            with explained(folder, "put rows aside"):
                spool.add(layout_of(type(table)).name, stored(table, _extra_columns(table)), table.meta)
        yield spool.sealed()


def require_members(view: Snapshot, piles: Mapping[str, Pile]) -> None:
    """Raise StoreError for rows made from what was forgotten since; aggregates and breaks name no one."""
    for name, (owner, columns) in _NAMED.items():
        if name not in piles:
            continue
        known = _sorted(piles[owner].ids("id")) if owner in piles else view.ids(owner)
        for column in columns:
            for ids in piles[name].ids(column):
                _require_known(name, owner, ids, known)


def _sorted(parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.sort(np.concatenate([np.zeros(0, np.int64), *parts]))


def _require_known(name: str, owner: str, ids: NDArray[np.int64], known: NDArray[np.int64]) -> None:
    strange = ids[~contained(ids, known)]
    if len(strange):
        raise StoreError(
            f"{LAYOUTS[name].table.__name__} name {owner} that are not stored ({len(strange)} of them, first "
            f"{strange[0]}), perhaps forgotten meanwhile; make them again from what is stored now"
        )


def _extra_columns(table: Derived) -> dict[str, pa.Array]:
    if not isinstance(table, Journeys):
        return {}
    if not table.members.lengths.all():
        raise InputError("journeys: every journey needs a point; leave out the empty ones")
    return {"start": times(table.time.values[table.time.offsets[:-1]])}
