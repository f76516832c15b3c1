"""What a store in memory holds: a value that is never changed, only exchanged as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.network import CameraNetwork, network_toml
from cctview.privacy import LogEntry, Policy
from cctview.store.doomed import Doomed, changes_of
from cctview.store.layouts import LAYOUTS, Term, Where, contained, ids_of
from cctview.store.proof import Piece

__all__ = ["Contents", "Rows"]

Ids = NDArray[np.int64]
_RELATIONS = {"=": pc.equal, "<": pc.less, ">": pc.greater, ">=": pc.greater_equal}
_PARTS = 64  # parts of a table from which on they are joined: each append adds one
_BATCH_ROWS = 65_536  # rows handed out together: some tens of megabytes


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """The rows of one table, who produced them, and how often they were changed."""

    arrow: pa.Table
    meta: dict[str, str] = field(default_factory=dict)
    version: int = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Contents:
    """Tables by the name they are stored under, stills by frame, and what stands beside them; see ``View``."""

    policy: Policy
    key: bytes
    tables: Mapping[str, Rows] = field(default_factory=lambda: MappingProxyType({}))
    stills: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}))
    network: CameraNetwork | None = None
    states: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    log: tuple[LogEntry, ...] = ()
    removals: int = 0
    changes: int = 0

    def has(self, name: str) -> bool:
        """Return whether the table holds rows."""
        return name in self.tables

    def rows(self, name: str, columns: list[str], where: Where = ()) -> pa.Table:
        """Return these columns of the rows that satisfy all terms."""
        rows = self.tables[name].arrow
        for term in where:
            rows = rows.filter(_satisfying(rows, term))
        return rows.select(columns)

    def batches(self, name: str, columns: list[str], where: Where = ()) -> Iterator[pa.RecordBatch]:
        """Yield the same in batches of bounded size."""
        yield from self.rows(name, columns, where).to_batches(max_chunksize=_BATCH_ROWS)

    def rows_among(self, name: str, columns: list[str], ids: Ids, where: Where = (), by: str = "") -> pa.Table:
        """Return the rows with these ids (N,) in column ``by``; ids that are not there are passed over."""
        key = by or LAYOUTS[name].id
        rows = self.rows(name, list(dict.fromkeys((*columns, key))), where)
        return rows.filter(pa.array(contained(ids_of(rows.column(key)), np.unique(ids)))).select(columns)

    def nearest(self, name: str, vector: NDArray[np.float32], where: Where, count: int) -> pa.Table:
        """Return ids and cosine distances (``_distance``) of the rows nearest to a vector ``(D,)``; compare each."""
        key = LAYOUTS[name].id
        rows = self.rows(name, [key, "vector"], where)
        flat = rows.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        vectors = flat.astype(np.float32).reshape(rows.num_rows, -1)
        if rows.num_rows and vectors.shape[1] != len(vector):
            raise InputError(f"a vector of {len(vector)} numbers cannot be compared with {name} of {vectors.shape[1]}")
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vector)
        distance = 1 - vectors @ vector / lengths if rows.num_rows else np.zeros(0, np.float32)
        best = np.argsort(distance, kind="stable")[:count]
        return pa.table({key: pa.array(ids_of(rows.column(key))[best]), "_distance": pa.array(distance[best])})

    def ids(self, name: str, where: Where = ()) -> Ids:
        """Return the sorted ids of the rows that satisfy all terms."""
        if not self.has(name):
            return np.zeros(0, np.int64)
        key = LAYOUTS[name].id
        return np.unique(ids_of(self.rows(name, [key], where).column(key)))

    def with_rows(self, name: str, rows: pa.Table, meta: Mapping[str, str]) -> Contents:
        """Return contents where a table has these rows and no others; none when there are none."""
        rest = {key: value for key, value in self.tables.items() if key != name}
        if rows.num_rows:
            rest[name] = Rows(arrow=_own(rows), meta=dict(meta), version=self.changes + 1)
        return replace(self, tables=MappingProxyType(rest), changes=self.changes + 1)

    def with_more(self, name: str, rows: pa.Table, meta: Mapping[str, str]) -> Contents:
        """Return contents where a table has these rows too."""
        if name not in self.tables or not rows.num_rows:
            return self.with_rows(name, rows, meta) if rows.num_rows else self
        joined = pa.concat_tables([self.tables[name].arrow, _own(rows)])
        if joined.column(0).num_chunks > _PARTS:
            joined = joined.combine_chunks()
        grown = Rows(arrow=joined, meta=dict(meta), version=self.changes + 1)
        return replace(self, tables=MappingProxyType({**self.tables, name: grown}), changes=self.changes + 1)

    def with_stills(self, frames: Ids, stills: Sequence[bytes]) -> Contents:
        """Return contents with the stills of these frames (N,) too; an empty one is not kept."""
        new = {frame: still for frame, still in zip(frames.tolist(), stills, strict=True) if still}
        return replace(self, stills=MappingProxyType({**self.stills, **new}))

    def without(self, doomed: Doomed) -> Contents:
        """Return contents without the doomed rows and stills, and without states."""
        gone = np.union1d(doomed.frames, doomed.pixels)
        lost = set(gone.tolist())
        kept = {frame: still for frame, still in self.stills.items() if frame not in lost}
        left = replace(self, stills=MappingProxyType(kept), states=MappingProxyType({}))
        if len(gone):
            left = left.with_rows("frames", _lost(self.tables["frames"].arrow, doomed.frames, gone), {})
        for name, change in changes_of(doomed).items():
            if self.has(name):
                rows = self.tables[name]
                batches = [change(batch) for batch in rows.arrow.to_batches()]
                left = left.with_rows(name, pa.Table.from_batches(batches, rows.arrow.schema), rows.meta)
        return left

    def buffers(self) -> Iterator[Piece]:
        """Yield the memory of all rows, stills and states."""
        for rows in self.tables.values():
            for column in rows.arrow.columns:
                for chunk in column.chunks:
                    yield from (memoryview(buffer) for buffer in chunk.buffers() if buffer is not None)
        yield from self.stills.values()
        yield from self.states.values()

    def pieces(self) -> Iterator[Piece]:
        """Yield everything this store holds: the buffers, and its log, policy and network as text."""
        yield from self.buffers()
        yield from (entry.to_line().encode() for entry in self.log)
        yield self.policy.to_toml().encode()
        if self.network is not None:
            yield network_toml(self.network).encode()


def _own(rows: pa.Table) -> pa.Table:
    """Return a copy: the memory that was handed over may be changed later, or hold rows that were left out."""
    return rows.take(np.arange(rows.num_rows))


def _lost(frames: pa.Table, gone: Ids, dark: Ids) -> pa.Table:
    """Return the rows of frames without some, and with no still for others; both are sorted ids."""
    left = frames.filter(pa.array(~contained(ids_of(frames.column("id")), gone)))
    length = left.column("length").to_numpy().copy()
    length[contained(ids_of(left.column("id")), dark)] = 0
    return left.set_column(left.schema.get_field_index("length"), "length", pa.array(length))


def _satisfying(rows: pa.Table, term: Term) -> pa.ChunkedArray:
    """Return the mask of the rows that satisfy a term."""
    column, value = rows.column(term.column), term.value
    if isinstance(value, np.datetime64):
        column, value = column.cast(pa.int64()), int(value.astype("datetime64[ns]").astype(np.int64))
    return _RELATIONS[term.relation](column, value)
