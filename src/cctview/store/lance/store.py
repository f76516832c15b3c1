"""The store in a folder: LanceDB tables, packs of stills, a policy, and one commit file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

import lancedb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cctview.errors import CctviewError, PolicyError, StoreError
from cctview.network import CameraNetwork, network_toml, parse_network
from cctview.privacy import LogEntry, Policy, require_purpose
from cctview.store.checking import Checked
from cctview.store.contract import Admitted, Batch, Derived, Forgotten
from cctview.store.derived import require_members, require_network, require_new, require_unchanged
from cctview.store.doomed import chosen, counted, doomed_by_age
from cctview.store.filters import Hits, SearchFilters
from cctview.store.intake import frame_rows, intake
from cctview.store.lance.attached import read_attached
from cctview.store.lance.checking import commit_of, examined
from cctview.store.lance.durable import write_atomically
from cctview.store.lance.folder import (
    KEY,
    LOCK,
    POLICY,
    TableState,
    explained,
    locked,
    make_folder,
    read_commit,
)
from cctview.store.lance.packs import PackWriter
from cctview.store.lance.removal import remove
from cctview.store.lance.repairing import repaired
from cctview.store.lance.spool import put_aside
from cctview.store.lance.stills import PLACE, all_stills, kept_stills
from cctview.store.lance.tables import Snapshot, Transaction
from cctview.store.layouts import LAYOUTS, Term, condition, contained, ids_of, layout_of, loaded, require_ids, stored
from cctview.store.log import append_entry, log_entries
from cctview.store.proof import files_below
from cctview.store.searching import found_in
from cctview.store.summary import summed_up
from cctview.types import Table

__all__ = ["LanceStore"]

T = TypeVar("T", bound=Table)
R = TypeVar("R")
_REPAIRS = 3  # rounds: stills can be looked at once rows can be read
_ATTEMPTS = 6  # readings of a store that others change: the pauses between them add up to 0.75 s
_PAUSE_S = 0.05  # and longer by as much each time: an exchange of the commit file takes milliseconds
_CACHE_BYTES = 64 << 20  # of each of LanceDB's caches: its own defaults are gigabytes


class LanceStore:
    """A store in a folder; see ``Store`` for what its methods do."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        self._write = write
        caches = lancedb.Session(index_cache_size_bytes=_CACHE_BYTES, metadata_cache_size_bytes=_CACHE_BYTES)
        self._db = lancedb.connect(path, session=caches)
        self._view: Snapshot | None = None

    @classmethod
    def create(cls, where: str, policy: Policy) -> Self:
        """Make a store in a folder, or open the one there under the same policy; see ``create_store``."""
        path = _printable(where)
        with explained(path, "make a store"):
            make_folder(path, policy.to_toml())
        store = cls.open(where, write=True)
        if store.policy != policy:
            raise PolicyError(
                f"{path}: there is a store under another policy; open it as it is, or set its policy first"
            )
        return store

    @classmethod
    def open(cls, where: str, *, write: bool) -> Self:
        """Open the store in a folder, and finish a removal that was broken off; see ``open_store``."""
        path = _printable(where)
        with explained(path, "open the store"):
            broken_off = read_commit(path).tidying
            if write:
                (path / LOCK).open("ab").close()
            if write and broken_off:
                with locked(path):
                    Transaction(path, read_commit(path))
            store = cls(path, write=write)
            _ = store.policy
            return store

    @classmethod
    def check(cls, where: str, *, repair: bool) -> Checked:
        """Look at all of the store in a folder, and on request take out what is damaged; see ``check_store``."""
        path = Path(where)
        with explained(path, "look at the store"):
            checked, lost = examined(path), list[str]()
            for _ in range(_REPAIRS if repair else 0):
                commit = commit_of(path)[0]
                if checked.whole or commit is None:
                    break
                lost += repaired(path, commit, checked.findings)
                checked = examined(path)
            return replace(checked, lost=tuple(lost))

    def __repr__(self) -> str:
        return f"LanceStore({str(self.path)!r}, write={self._write})"

    @property
    def policy(self) -> Policy:
        """The policy now in force."""
        file = self.path / POLICY
        if not file.is_file():
            raise StoreError(f"{file}: the policy of this store is gone; put it back before anything is read or stored")
        return Policy.from_toml(file.read_text(encoding="utf-8"), str(file))

    def set_policy(self, policy: Policy) -> None:
        """Put another policy in force."""
        with self._writing("set the policy") as tx:
            before, text = (self.path / POLICY).read_text(encoding="utf-8"), policy.to_toml()
            tx.remember({})
            tx.rule(before, text)
            write_atomically(self.path / POLICY, text.encode())
            tx.rule(text)

    @property
    def network(self) -> CameraNetwork | None:
        """The camera network with its time zone, or None."""
        text = self._reading(lambda view: _attached(self.path, view.commit.network))
        return None if text is None else _network(text)

    def set_network(self, network: CameraNetwork) -> None:
        """Put another camera network in the place of the one before; raise NetworkFileError for an impossible one."""
        text = network_toml(network)
        parse_network(text)
        with self._writing("set the camera network") as tx:
            if tx.know(text):
                tx.save()

    def pseudonym_key(self) -> bytes:
        """Return the key under which this store's ids are shown outside."""
        with explained(self.path, "read the pseudonym key"):
            return (self.path / KEY).read_bytes()

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which frame ids are stored."""
        return self._reading(lambda view: _known(view, ids))

    def append(self, batch: Batch) -> Admitted:
        """Store what is new and allowed."""
        rows = frame_rows(list(batch.frames))
        with self._writing("store a batch") as tx:
            for table in (batch.detections, batch.embeddings):
                if len(table):
                    tx.require_same(layout_of(type(table)).name, table.meta)
            now = np.datetime64(time.time_ns(), "ns")
            taken = intake(batch, rows, _known(tx.snapshot(), rows.id), self.policy, now)
            writer = PackWriter(self.path, tx.commit.packs, closed=tx.commit.unsealed)
            places = _written(writer, taken.stills)
            tx.keep(writer)
            tx.add("detections", taken.detections, taken.admitted.detections, batch.detections.meta)
            tx.add("embeddings", taken.embeddings, taken.admitted.embeddings, batch.embeddings.meta)
            frames = stored(taken.frames, {"imported": taken.imported, **places})
            tx.add("frames", frames, taken.admitted.frames, {})
            if taken.admitted.frames:
                tx.save()
                tx.tidy()
            return taken.admitted

    def scan(
        self,
        table: type[T],
        *,
        camera: str | None = None,
        after: np.datetime64 | None = None,
        before: np.datetime64 | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> T:
        """Return rows in an order that writing does not change."""
        layout = layout_of(table)
        where = condition(layout, camera=camera, after=after, before=before)
        if ids is not None:
            require_ids(layout)

        def read(view: Snapshot) -> T:
            if not view.has(layout.name):
                return table.empty()
            if ids is None:
                rows = view.rows(layout.name, layout.read, where)
            else:
                rows = view.rows_among(layout.name, layout.read, ids, where)
            return loaded(rows, layout, table, view.commit.tables[layout.name].meta)

        return self._reading(read)

    def columns(
        self,
        table: type[Table],
        names: Sequence[str],
        *,
        camera: str | None = None,
        after: np.datetime64 | None = None,
        before: np.datetime64 | None = None,
        ids: NDArray[np.int64] | None = None,
        by: str = "",
    ) -> pa.Table:
        """Return some columns of rows as Arrow, in no order; ``by`` names the column the ids stand in."""
        layout = layout_of(table)
        where = condition(layout, camera=camera, after=after, before=before)

        def read(view: Snapshot) -> pa.Table:
            if not view.has(layout.name):
                return pa.table({name: pa.array([]) for name in names})
            if ids is not None:
                return view.rows_among(layout.name, list(names), ids, where, by)
            return view.rows(layout.name, list(names), where)

        return self._reading(read)

    def stream(
        self, table: type[Table], names: Sequence[str], *, imported_after: np.datetime64 | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all rows in pieces of bounded size, on request only of those stored since."""
        name = layout_of(table).name
        where = () if imported_after is None else (Term("imported", ">", imported_after),)
        with explained(self.path, "read"):
            view = self._current()
            pieces = view.pieces(name, list(names), where) if view.has(name) else iter(())
            for piece in pieces:
                yield from piece.combine_chunks().to_batches()

    def versions(self) -> dict[str, tuple[int, int]]:
        """Return version and rows of each table that has rows: what to read again when it changes."""
        with explained(self.path, "read"):
            tables = read_commit(self.path).tables
        return {name: (state.version, state.rows) for name, state in tables.items()}

    def replace(self, tables: Iterable[Derived]) -> None:
        """Put new derived tables in place of the old ones of their kinds."""
        self._require_writable("replace tables")
        with put_aside(self.path, tables) as piles, self._writing("replace tables") as tx:
            require_network(piles, self.network)
            require_members(tx.snapshot(), piles)
            for name, pile in piles.items():
                tx.put(name, pile)
            tx.remember({})
            tx.save()
            tx.tidy()

    @property
    def removals(self) -> int:
        """How often something was removed."""
        with explained(self.path, "read"):
            return read_commit(self.path).removals

    def extend(self, tables: Iterable[Derived], states: Mapping[str, bytes], *, removals: int | None = None) -> None:
        """Add rows to derived tables and put states in place of the ones before."""
        self._require_writable("add rows to tables")
        with put_aside(self.path, tables) as piles, self._writing("add rows to tables") as tx:
            require_unchanged(str(self.path), tx.commit.removals, removals)
            require_network(piles, self.network)
            require_new(tx.snapshot(), piles)
            for name, pile in piles.items():
                if pile.rows:
                    tx.require_same(name, pile.meta)
                    tx.add(name, pile.reader(), pile.rows, pile.meta)
            tx.remember(states)
            tx.save()
            tx.tidy()

    def states(self) -> Mapping[str, bytes]:
        """Return the states that ``extend`` stored last."""
        return self._reading(
            lambda view: {name: read_attached(self.path, file) for name, file in view.commit.states.items()}
        )

    def pixels(self, frame_ids: NDArray[np.int64]) -> list[bytes]:
        """Return the JPEG bytes of these frames, in their order."""
        wanted = np.asarray(frame_ids, np.int64)
        return self._reading(lambda view: all_stills(self.path, view, wanted)) if len(wanted) else []

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
            raise StoreError(f"{self.path}: opened for reading, so a search cannot be logged; open it with write=True")
        require_purpose(purpose)
        hits = self._reading(
            lambda view: found_in(view, vector, filters, top, lambda ids: kept_stills(self.path, view, ids))
        )
        with explained(self.path, "log a search"), locked(self.path):
            append_entry(self.path, purpose=purpose, subject=subject, filters=filters.said, found=len(hits.distance))
        return hits

    def log(self) -> tuple[LogEntry, ...]:
        """Return the log of searches, the oldest first."""
        with explained(self.path, "read the log of searches"):
            return log_entries(self.path)

    def preview(
        self,
        *,
        before: np.datetime64 | None = None,
        camera: str | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> Forgotten:
        """Return what ``forget`` would remove, without removing it."""
        return self._reading(lambda view: counted(view, chosen(view, before, camera, ids)))

    def forget(
        self,
        *,
        before: np.datetime64 | None = None,
        camera: str | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> Forgotten:
        """Remove rows and all that was made from them, and prove it."""
        with self._writing("forget") as tx:
            doomed = chosen(tx.snapshot(), before, camera, ids)
            tx.removing()
            return remove(tx, doomed)

    def expire(self, now: np.datetime64) -> Forgotten:
        """Remove what the policy no longer allows, and prove it; where that is nothing, no other writer waits."""
        self._require_writable("expire")
        if self._reading(lambda view: doomed_by_age(view, self.policy, now).empty):
            return Forgotten()
        with self._writing("expire") as tx:
            doomed = doomed_by_age(tx.snapshot(), self.policy, now)
            if doomed.empty:
                return Forgotten()
            if doomed.rows:
                tx.removing()
            return remove(tx, doomed)

    def summary(self) -> dict[str, Any]:
        """Return rows, bytes, oldest and newest time and producer of each table."""
        return self._reading(self._summary)

    def _summary(self, view: Snapshot) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for name in LAYOUTS:
            state = view.commit.tables.get(name, TableState(version=0))
            size = _size(self.path / f"{name}.lance")
            said[name] = summed_up(view, name, rows=state.rows, size=size, meta=state.meta)
        lengths = view.rows("frames", ["length"]).column("length") if view.has("frames") else pa.array([0])
        said["frames"]["pixel_bytes"] = pc.sum(lengths).as_py()
        return said

    def _reading(self, read: Callable[[Snapshot], R]) -> R:
        """Read from what is committed; when a sweep took its files away meanwhile, read again."""
        failure: Exception = RuntimeError("other programs change it faster than it can be read")
        with explained(self.path, "read"):
            for attempt in range(_ATTEMPTS):
                time.sleep(_PAUSE_S * attempt)
                view = self._current()
                try:
                    answer = read(view)
                except CctviewError:
                    raise
                except (RuntimeError, ValueError, OSError) as error:
                    self._view, failure = None, error
                else:
                    if not view.commit.tidying or self._current() is view:
                        return answer
            raise failure

    def _current(self) -> Snapshot:
        commit = read_commit(self.path)
        if self._view is None or self._view.commit.number != commit.number:
            self._view = Snapshot(self._db, commit)
        return self._view

    @contextmanager
    def _writing(self, doing: str) -> Iterator[Transaction]:
        self._require_writable(doing)
        with explained(self.path, doing), locked(self.path):
            yield Transaction(self.path, read_commit(self.path))

    def _require_writable(self, doing: str) -> None:
        if not self._write:
            raise StoreError(f"{self.path}: opened for reading, so it cannot {doing}; open it with write=True")


def _printable(where: str) -> Path:
    """Return the path of a store; raise StoreError for one that LanceDB cannot name."""
    if not where.isprintable():
        raise StoreError(f"{where!r}: this path holds characters that cannot be printed; name another path")
    return Path(where)


def _attached(folder: Path, name: str) -> str | None:
    return read_attached(folder, name).decode() if name else None


@lru_cache(maxsize=4)
def _network(text: str) -> CameraNetwork:
    return parse_network(text, "the camera network of the store")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in files_below(folder))


def _known(view: Snapshot, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not view.has("frames"):
        return np.zeros(len(ids), np.bool_)
    return contained(ids, np.sort(ids_of(view.rows_among("frames", ["id"], ids).column("id"))))


def _written(writer: PackWriter, stills: list[bytes]) -> dict[str, pa.Array]:
    """Write the stills that are kept; return the places of all, length 0 for the others."""
    kept = np.array([len(still) > 0 for still in stills], np.bool_)
    places: list[NDArray[Any]] = [np.zeros(len(stills), dtype) for dtype in (np.int32, np.int64, np.int64)]
    for place, values in zip(places, writer.write([still for still in stills if still]), strict=True):
        place[kept] = values
    return dict(zip(PLACE, map(pa.array, places), strict=True))
