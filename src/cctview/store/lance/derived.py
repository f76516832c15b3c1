"""Tables made from what is stored, on their way in: put aside part by part, and checked against what is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import InputError, StoreError
from cctview.store.contract import Derived
from cctview.store.lance.folder import explained
from cctview.store.lance.spool import Pile, Spool
from cctview.store.lance.tables import Snapshot
from cctview.store.schema import LAYOUTS, contained, ids_of, layout_of, stored, times
from cctview.types import Journeys

__all__ = ["put_aside", "require_members", "require_new"]

_NAMED = {
    "tracklets": ("detections", ("members",)),
    "passages": ("tracklets", ("members",)),
    "matches": ("tracklets", ("query", "candidates")),
    "journeys": ("tracklets", ("members",)),
}
_HAVE_IDS = {"tracklets", "passages", "journeys"}


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
    for name, owner, ids in _named(piles):
        known = _sorted(piles[owner].ids("id")) if owner in piles else view.ids(owner)
        _require_known(name, owner, ids, known)


def require_new(view: Snapshot, piles: Mapping[str, Pile]) -> None:
    """Raise StoreError for rows that are stored already, or made from what is neither stored nor among these."""
    for name, owner, ids in _named(piles):
        mine = [piles[owner].ids("id")] if owner in piles else []
        _require_known(name, owner, ids, _sorted([*chain(*mine), _stored(view, owner, ids)]))
    for name in _HAVE_IDS & piles.keys():
        for ids in piles[name].ids("id"):
            _require_absent(name, _stored(view, name, ids))


def _named(piles: Mapping[str, Pile]) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Yield the ids that rows name, with the table of the rows and the one the ids belong to."""
    for name, (owner, columns) in _NAMED.items():
        for column in columns if name in piles else ():
            for ids in piles[name].ids(column):
                yield name, owner, ids


def _stored(view: Snapshot, name: str, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of these ids are stored."""
    if not view.has(name):
        return np.zeros(0, np.int64)
    return ids_of(view.rows_among(name, ["id"], ids).column("id"))


def _require_absent(name: str, ids: NDArray[np.int64]) -> None:
    if len(ids):
        raise StoreError(
            f"{len(ids)} of these {name} are stored already (first {ids[0]}); add only what is new, or replace them all"
        )


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
