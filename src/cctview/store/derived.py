"""Tables made from what is stored, on their way in: checked against what is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import InputError, StoreChangedError, StoreError, StoreMismatchError
from cctview.network import CameraNetwork
from cctview.store.contract import Derived
from cctview.store.layouts import LAYOUTS, View, contained, ids_of, layout_of, stored, times
from cctview.types import Journeys

__all__ = [
    "Pile",
    "incoming",
    "require_members",
    "require_network",
    "require_new",
    "require_producer",
    "require_unchanged",
]

_NAMED = {
    "tracklets": ("detections", ("members",)),
    "passages": ("tracklets", ("members",)),
    "matches": ("tracklets", ("query", "candidates")),
    "journeys": ("tracklets", ("members",)),
}
_HAVE_IDS = {"tracklets", "passages", "journeys"}


class Pile(Protocol):
    """Rows of one table on their way in, and who produced them."""

    @property
    def meta(self) -> Mapping[str, str]:
        """Who produced the rows."""
        ...

    @property
    def rows(self) -> int:
        """How many there are."""
        ...

    def ids(self, column: str) -> Iterator[NDArray[np.int64]]:
        """Yield the ids in a column of ids or of lists of them, part by part."""
        ...


def incoming(tables: Iterable[Derived]) -> Iterator[tuple[str, pa.Table, dict[str, str]]]:
    """Yield each table's name, rows and meta as they are stored; raise InputError for what is not derived."""
    for table in tables:
        if not isinstance(table, Derived):
            raise InputError(f"{type(table).__name__} are not derived from other tables; use append")
        yield layout_of(type(table)).name, stored(table, _extra_columns(table)), table.meta


def require_unchanged(where: str, removals: int, before: int | None) -> None:
    """Raise StoreChangedError when something was removed ``before`` this was counted; None asks for nothing."""
    if before is not None and before != removals:
        raise StoreChangedError(
            f"{where}: rows were removed while others were made from them; nothing was added: make them again"
        )


def require_producer(name: str, stored: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Raise StoreMismatchError when another producer made the rows of this table that are stored."""
    if dict(stored) != dict(given):
        raise StoreMismatchError(
            f"the stored {name} were made by {dict(stored)} and these by {dict(given)}; they cannot be compared: use "
            "the same model, method and network, or another store for this one"
        )


def require_network(piles: Mapping[str, Pile], network: CameraNetwork | None) -> None:
    """Raise StoreMismatchError for rows that were made with another camera network than the store's."""
    mine = {} if network is None else network.meta
    for name, pile in piles.items():
        other = pile.meta.get("network")
        if other is not None and any(pile.meta.get(key) != mine.get(key) for key in ("network", "timezone")):
            raise StoreMismatchError(
                f"these {name} were made with the camera network {other} and the store's is "
                f"{mine.get('network', 'not set')}; set the network of the store, then link again"
            )


def require_members(view: View, piles: Mapping[str, Pile]) -> None:
    """Raise StoreChangedError for rows made from what was forgotten since; aggregates and breaks name no one."""
    for name, owner, ids in _named(piles):
        known = _sorted(piles[owner].ids("id")) if owner in piles else view.ids(owner)
        _require_known(name, owner, ids, known)


def require_new(view: View, piles: Mapping[str, Pile]) -> None:
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


def _stored(view: View, name: str, ids: NDArray[np.int64]) -> NDArray[np.int64]:
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
        raise StoreChangedError(
            f"{LAYOUTS[name].table.__name__} name {owner} that are not stored ({len(strange)} of them, first "
            f"{strange[0]}), perhaps forgotten meanwhile; make them again from what is stored now"
        )


def _extra_columns(table: Derived) -> dict[str, pa.Array]:
    if not isinstance(table, Journeys):
        return {}
    if not table.members.lengths.all():
        raise InputError("journeys: every journey needs a point; leave out the empty ones")
    return {"start": times(table.time.values[table.time.offsets[:-1]])}
