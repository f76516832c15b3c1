"""The store in memory: all of the contract and no file; it lasts as long as somebody holds it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import RLock
from types import MappingProxyType
from typing import Any, Self, TypeVar
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import PolicyError, StoreError, StoreNotFoundError
from cctview.network import CameraNetwork, network_toml, parse_network
from cctview.privacy import LogEntry, Policy, require_purpose
from cctview.privacy.log import sealed
from cctview.store.checking import Checked, dangling, rows_checked
from cctview.store.contents import Contents
from cctview.store.contract import Admitted, Batch, Derived, Forgotten, Proof, no_frame, no_pixels
from cctview.store.derived import (
    incoming,
    require_members,
    require_network,
    require_new,
    require_producer,
    require_unchanged,
)
from cctview.store.doomed import Doomed, chosen, counted, doomed_by_age, exposed, left_of
from cctview.store.filters import Hits, SearchFilters
from cctview.store.intake import frame_rows, intake
from cctview.store.layouts import LAYOUTS, Term, condition, ids_of, layout_of, loaded, require_ids, stored
from cctview.store.proof import Needles, search
from cctview.store.searching import found_in
from cctview.store.summary import summed_up
from cctview.types import Table

__all__ = ["MemoryStore"]

T = TypeVar("T", bound=Table)
Ids = NDArray[np.int64]


class Shelf:
    """The place that the contents of one store stand in: whoever changes them holds the lock."""

    def __init__(self, name: str, contents: Contents) -> None:
        self.name = name
        self.contents = contents
        self.lock = RLock()


_SHELVES: WeakValueDictionary[str, Shelf] = WeakValueDictionary()
_OPENING = RLock()


@dataclass(kw_only=True)
class _Heap:
    """Rows on their way in, part by part."""

    meta: dict[str, str] = field(default_factory=dict)
    parts: list[pa.Table] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(part.num_rows for part in self.parts)

    def ids(self, column: str) -> Iterator[Ids]:
        for part in self.parts:
            cells = part.column(column).combine_chunks()
            yield ids_of(cells if cells.type == pa.int64() else cells.flatten())

    def joined(self) -> pa.Table:
        return pa.concat_tables(self.parts) if self.parts else pa.table({})


class MemoryStore:
    """A store in the memory of this process; see ``Store`` for what its methods do.

    Stores of one name are one store. A reader sees the contents as the last write left them, and a
    write exchanges them in one step.
    """

    def __init__(self, shelf: Shelf, *, write: bool) -> None:
        self._shelf = shelf
        self._write = write

    def __repr__(self) -> str:
        return f"MemoryStore({self._shelf.name!r}, write={self._write})"

    @classmethod
    def create(cls, where: str, policy: Policy) -> Self:
        """Make a store of this name, or open the one there under the same policy; see ``create_store``."""
        if not where:
            raise StoreError("memory: a store in memory needs a name; write it as memory:NAME")
        with _OPENING:
            shelf = _SHELVES.get(where)
            if shelf is None:
                shelf = _SHELVES[where] = Shelf(where, Contents(policy=policy, key=secrets.token_bytes(32)))
        if shelf.contents.policy != policy:
            raise PolicyError(
                f"memory:{where}: there is a store under another policy; open it, or set its policy first"
            )
        return cls(shelf, write=True)

    @classmethod
    def open(cls, where: str, *, write: bool) -> Self:
        """Open a store that somebody holds; raise StoreNotFoundError when there is none of this name."""
        shelf = _SHELVES.get(where)
        if shelf is None:
            raise StoreNotFoundError(f"memory:{where}: nobody holds a store of this name; make it with create_store")
        return cls(shelf, write=write)

    @classmethod
    def check(cls, where: str, *, repair: bool) -> Checked:
        """Look at the rows, references and log of a store in memory; there is nothing that could be taken out."""
        cls.open(where, write=repair)
        now = _SHELVES[where].contents
        found = [finding for name in now.tables for finding in rows_checked(now, name)]
        found += dangling(now) if not found else []
        counts = {"rows": sum(rows.arrow.num_rows for rows in now.tables.values()), "log entries": len(now.log)}
        return Checked(findings=tuple(found), counts={**counts, "stills": len(now.stills)})

    @property
    def policy(self) -> Policy:
        """The policy now in force."""
        return self._now.policy

    def set_policy(self, policy: Policy) -> None:
        """Put another policy in force."""
        with self._writing("set the policy") as now:
            self._shelf.contents = replace(now, policy=policy, states=MappingProxyType({}))

    @property
    def network(self) -> CameraNetwork | None:
        """The camera network with its time zone, or None."""
        return self._now.network

    def set_network(self, network: CameraNetwork) -> None:
        """Put another camera network in the place of the one before; raise NetworkFileError for an impossible one."""
        text = network_toml(network)
        with self._writing("set the camera network") as now:
            if now.network is None or network_toml(now.network) != text:
                known = parse_network(text)
                self._shelf.contents = replace(now, network=known, states=MappingProxyType({}))

    def pseudonym_key(self) -> bytes:
        """Return the key under which this store's ids are shown outside."""
        return self._now.key

    def known(self, ids: Ids) -> NDArray[np.bool_]:
        """Return which frame ids are stored."""
        return np.isin(ids, self._now.ids("frames"))

    def append(self, batch: Batch) -> Admitted:
        """Store what is new and allowed."""
        rows = frame_rows(list(batch.frames))
        with self._writing("store a batch") as now:
            for table in (batch.detections, batch.embeddings):
                if len(table):
                    _require_same(now, layout_of(type(table)).name, table.meta)
            taken = intake(batch, rows, self.known(rows.id), now.policy, np.datetime64(time.time_ns(), "ns"))
            lengths = pa.array(np.array([len(still) for still in taken.stills], np.int64))
            frames = stored(taken.frames, {"imported": taken.imported, "length": lengths})
            self._shelf.contents = (
                now.with_stills(taken.frames.id, taken.stills)
                .with_more("detections", taken.detections, batch.detections.meta)
                .with_more("embeddings", taken.embeddings, batch.embeddings.meta)
                .with_more("frames", frames, {})
            )
            return taken.admitted

    def scan(
        self,
        table: type[T],
        *,
        camera: str | None = None,
        after: np.datetime64 | None = None,
        before: np.datetime64 | None = None,
        ids: Ids | None = None,
    ) -> T:
        """Return rows in an order that writing does not change."""
        layout, now = layout_of(table), self._now
        where = condition(layout, camera=camera, after=after, before=before)
        if ids is not None:
            require_ids(layout)
        if not now.has(layout.name):
            return table.empty()
        if ids is None:
            rows = now.rows(layout.name, layout.read, where)
        else:
            rows = now.rows_among(layout.name, layout.read, ids, where)
        return loaded(rows, layout, table, now.tables[layout.name].meta)

    def columns(
        self,
        table: type[Table],
        names: Sequence[str],
        *,
        camera: str | None = None,
        after: np.datetime64 | None = None,
        before: np.datetime64 | None = None,
        ids: Ids | None = None,
        by: str = "",
    ) -> pa.Table:
        """Return some columns of rows as Arrow, in no order; ``by`` names the column the ids stand in."""
        layout, now = layout_of(table), self._now
        where = condition(layout, camera=camera, after=after, before=before)
        if not now.has(layout.name):
            return pa.table({name: pa.array([]) for name in names})
        if ids is not None:
            return now.rows_among(layout.name, list(names), ids, where, by)
        return now.rows(layout.name, list(names), where)

    def stream(
        self, table: type[Table], names: Sequence[str], *, imported_after: np.datetime64 | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all rows in pieces of bounded size, on request only of those stored since."""
        name, now = layout_of(table).name, self._now
        where = () if imported_after is None else (Term("imported", ">", imported_after),)
        if now.has(name):
            yield from now.batches(name, list(names), where)

    def versions(self) -> dict[str, tuple[int, int]]:
        """Return version and rows of each table that has rows: what to read again when it changes."""
        return {name: (rows.version, rows.arrow.num_rows) for name, rows in self._now.tables.items()}

    def replace(self, tables: Iterable[Derived]) -> None:
        """Put new derived tables in place of the old ones of their kinds."""
        self._require_writable("replace tables")
        piles = _heaped(tables)
        with self._writing("replace tables") as now:
            require_network(piles, now.network)
            require_members(now, piles)
            left = replace(now, states=MappingProxyType({}))
            for name, pile in piles.items():
                left = left.with_rows(name, pile.joined(), pile.meta)
            self._shelf.contents = left

    @property
    def removals(self) -> int:
        """How often something was removed."""
        return self._now.removals

    def extend(self, tables: Iterable[Derived], states: Mapping[str, bytes], *, removals: int | None = None) -> None:
        """Add rows to derived tables and put states in place of the ones before."""
        self._require_writable("add rows to tables")
        piles = _heaped(tables)
        with self._writing("add rows to tables") as now:
            require_unchanged(self.where, now.removals, removals)
            require_network(piles, now.network)
            require_new(now, piles)
            kept = {name: bytes(state) for name, state in states.items()}
            grown = replace(now, states=MappingProxyType(kept))
            for name, pile in piles.items():
                if pile.rows:
                    _require_same(now, name, pile.meta)
                    grown = grown.with_more(name, pile.joined(), pile.meta)
            self._shelf.contents = grown

    def states(self) -> Mapping[str, bytes]:
        """Return the states that ``extend`` stored last."""
        return self._now.states

    def pixels(self, frame_ids: Ids) -> list[bytes]:
        """Return the JPEG bytes of these frames, in their order."""
        wanted = np.asarray(frame_ids, np.int64)
        stills = self._kept(wanted)
        for frame, still in zip(wanted.tolist(), stills, strict=True):
            if not still:
                raise no_pixels(self.where, frame)
        return stills

    def search(
        self,
        vector: NDArray[np.float32],
        *,
        purpose: str,
        subject: str,
        filters: SearchFilters = SearchFilters(),  # noqa: B008
        top: int = 20,
    ) -> Hits:
        """Find the vehicles that look most like a vector, and write down who asked and why."""
        if not self._write:
            raise StoreError(f"{self.where}: opened for reading, so a search cannot be logged; open it with write=True")
        require_purpose(purpose)
        hits = found_in(self._now, vector, filters, top, self._kept)
        with self._writing("log a search") as now:
            entry = sealed(
                now.log[-1] if now.log else None,
                purpose=purpose,
                subject=subject,
                filters=filters.said,
                found=len(hits.distance),
                now=datetime.now(UTC),
            )
            self._shelf.contents = replace(now, log=(*now.log, entry))
        return hits

    def log(self) -> tuple[LogEntry, ...]:
        """Return the log of searches, the oldest first."""
        return self._now.log

    def preview(
        self, *, before: np.datetime64 | None = None, camera: str | None = None, ids: Ids | None = None
    ) -> Forgotten:
        """Return what ``forget`` would remove, without removing it."""
        now = self._now
        return counted(now, chosen(now, before, camera, ids))

    def forget(
        self, *, before: np.datetime64 | None = None, camera: str | None = None, ids: Ids | None = None
    ) -> Forgotten:
        """Remove rows and all that was made from them, and prove it."""
        with self._writing("forget") as now:
            return self._removed(now, chosen(now, before, camera, ids), rows=True)

    def expire(self, now: np.datetime64) -> Forgotten:
        """Remove what the policy no longer allows, and prove it."""
        with self._writing("expire") as held:
            doomed = doomed_by_age(held, held.policy, now)
            return Forgotten() if doomed.empty else self._removed(held, doomed, rows=doomed.rows)

    def summary(self) -> dict[str, Any]:
        """Return rows, bytes, oldest and newest time and producer of each table."""
        now, none = self._now, pa.table({})
        said: dict[str, Any] = {}
        for name in LAYOUTS:
            rows = now.tables.get(name)
            arrow, meta = (rows.arrow, rows.meta) if rows else (none, {})
            said[name] = summed_up(now, name, rows=arrow.num_rows, size=arrow.nbytes, meta=meta)
        said["frames"]["pixel_bytes"] = sum(map(len, now.stills.values()))
        return said

    @property
    def _now(self) -> Contents:
        return self._shelf.contents

    @property
    def where(self) -> str:
        """What ``open_store`` opens this store by."""
        return f"memory:{self._shelf.name}"

    def _kept(self, wanted: Ids) -> list[bytes]:
        """Return the stills of these frames, empty bytes where none is kept; raise MissingError for no such frame."""
        now = self._now
        strange = wanted[~np.isin(wanted, now.ids("frames"))]
        if len(strange):
            raise no_frame(self.where, int(strange[0]))
        return [now.stills.get(frame, b"") for frame in wanted.tolist()]

    def _removed(self, now: Contents, doomed: Doomed, *, rows: bool) -> Forgotten:
        """Put what is left in place of the contents, and search it; raise StoreError when anything is still found."""
        told, left = counted(now, doomed), now.without(doomed)
        needles = _needles(now, doomed)
        before, after = search(now.pieces(), needles), search(left.pieces(), needles)
        still = left_of(left, doomed)
        if after.found or still:
            raise StoreError(
                f"{self.where}: not everything is gone: {still} rows, {after.found} ids or stills; report it"
            )
        kept = {"states": now.states} if not rows else {"removals": now.removals + 1}
        self._shelf.contents = replace(left, **kept)
        proof = Proof(
            files=after.pieces,
            bytes=after.bytes,
            needles=len(needles),
            found_before=before.found,
            found=after.found,
            files_replaced=len(_places(now) - _places(left)),
        )
        return replace(told, proof=proof)

    @contextmanager
    def _writing(self, doing: str) -> Iterator[Contents]:
        self._require_writable(doing)
        with self._shelf.lock:
            yield self._now

    def _require_writable(self, doing: str) -> None:
        if not self._write:
            raise StoreError(f"{self.where}: opened for reading, so it cannot {doing}; open it with write=True")


def _heaped(tables: Iterable[Derived]) -> dict[str, _Heap]:
    piles: dict[str, _Heap] = {}
    for name, rows, meta in incoming(tables):
        pile = piles.setdefault(name, _Heap())
        if rows.num_rows:
            pile.meta = pile.meta if pile.parts else dict(meta)
            pile.parts.append(rows)
    return piles


def _require_same(now: Contents, name: str, meta: Mapping[str, str]) -> None:
    if now.has(name):
        require_producer(name, now.tables[name].meta, meta)


def _needles(now: Contents, doomed: Doomed) -> Needles:
    """Return what must not be found: the removed ids, and the stills no other frame shows as well."""
    if not len(doomed.frames) and not len(doomed.pixels):
        return Needles.of(doomed.ids, [])
    return Needles.of(doomed.ids, [now.stills[frame] for frame in ids_of(exposed(now, doomed, ["id"]).column("id"))])


def _places(contents: Contents) -> set[int]:
    """Return where in memory the buffers lie."""
    return {np.frombuffer(piece, np.uint8).ctypes.data for piece in contents.buffers() if len(piece)}
