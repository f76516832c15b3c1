"""All matches in a file without a name: found by row in microseconds, and gone with the process.

A row of the store's table takes LanceDB ten milliseconds to put together, list by list; twenty
people who follow vehicles need a hundred of them at once.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import IO, Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.seams import Store
from cctview.types import REASONS, Matches
from cctview.web.model.columns import Keys, coded, gathered, ids_in

__all__ = ["MatchColumns"]

_LISTS = ("distance", "probability", "lag_s", *REASONS)
_ENTRY = np.dtype([("candidate", np.int32), *((name, np.float32) for name in _LISTS)])
_ROWS_AT_A_TIME = 200_000
_READ = ["query", "camera", "p_none", "candidates", *_LISTS]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class MatchColumns:
    """Matches in order of their query's row; row ``m`` has the entries ``starts[m]`` to ``starts[m + 1]`` of the file.

    ``query`` are tracklet rows, ``camera`` codes; the ``candidate`` of an entry is a tracklet row too, -1 where the
    tracklet is gone. The file is read, not mapped: mapped pages would count as the server's memory.
    """

    query: NDArray[np.int32]
    camera: NDArray[np.int16]
    p_none: NDArray[np.float32]
    starts: Rows
    descriptor: int

    @classmethod
    def read(cls, store: Store, tracklets: Keys, names: tuple[str, ...]) -> Self:
        """Read all matches between these tracklets."""
        parts = []
        with tempfile.TemporaryFile(prefix="cctview-") as unordered:
            for batch in store.stream(Matches, _READ):
                parts.append(_heads(batch, tracklets, names))
                unordered.write(_entries(batch, tracklets).tobytes())
            unordered.flush()
            query, camera, none, length = gathered(parts, (np.int32, np.int16, np.float32, np.int64))
            order = np.argsort(query, kind="stable")
            order = order[query[order] >= 0]
            descriptor = _ordered(unordered, np.cumsum(length) - length, length, order)
        starts = np.concatenate([[0], np.cumsum(length[order])])
        return cls(query=query[order], camera=camera[order], p_none=none[order], starts=starts, descriptor=descriptor)

    def __del__(self) -> None:
        os.close(self.descriptor)

    def entries(self, first: int, last: int) -> NDArray[Any]:
        """Return the entries of the rows from ``first`` up to ``last``."""
        start, end = self.starts[[first, last]].tolist()
        data = os.pread(self.descriptor, (end - start) * _ENTRY.itemsize, start * _ENTRY.itemsize)
        return np.frombuffer(data, _ENTRY)

    def first_choices(self) -> tuple[Rows, NDArray[Any]]:
        """Return the rows that have candidates, and the entry of each one's best."""
        rows = np.flatnonzero(np.diff(self.starts))
        parts = [np.zeros(0, _ENTRY)]
        for some in np.array_split(rows, len(rows) // _ROWS_AT_A_TIME + 1) if len(rows) else ():
            low, high = int(some[0]), int(some[-1]) + 1
            parts.append(self.entries(low, high)[self.starts[some] - self.starts[low]])
        return rows, np.concatenate(parts)

    def of(self, query: int) -> Rows:
        """Return the rows of a query, one per camera."""
        return np.arange(*np.searchsorted(self.query, [query, query + 1]))

    def listing(self, candidate: int, first: int, last: int) -> tuple[Rows, NDArray[Any]]:
        """Return the queries among ``first`` to ``last`` that list a candidate, and its entries, likeliest first."""
        low, high = np.searchsorted(self.query, [first, last]).tolist()
        found = self.entries(low, high)
        mine = np.flatnonzero(found["candidate"] == candidate)
        mine = mine[np.argsort(-found["probability"][mine], kind="stable")]
        rows = np.searchsorted(self.starts, mine + self.starts[low], side="right") - 1
        return self.query[rows].astype(np.int64), found[mine]


def _ordered(unordered: IO[bytes], start: Rows, length: Rows, order: Rows) -> int:
    """Return the descriptor of a file with the entries of these rows one after another."""
    with tempfile.TemporaryFile(prefix="cctview-") as file:
        for some in np.array_split(order, len(order) // _ROWS_AT_A_TIME + 1) if length.sum() else ():
            entries = np.memmap(unordered, _ENTRY, "r")
            size = length[some]
            flat = np.repeat(start[some] - (np.cumsum(size) - size), size) + np.arange(size.sum())
            file.write(entries[flat].tobytes())
        file.flush()
        return os.dup(file.fileno())


def _heads(batch: pa.RecordBatch, tracklets: Keys, names: tuple[str, ...]) -> tuple[NDArray[Any], ...]:
    lengths = batch.column("candidates").value_lengths()
    return (
        tracklets.rows(ids_in(batch, "query")),
        coded(batch, "camera", names),
        batch.column("p_none").to_numpy(zero_copy_only=False),
        lengths.to_numpy(zero_copy_only=False),
    )


def _entries(batch: pa.RecordBatch, tracklets: Keys) -> NDArray[Any]:
    ids = batch.column("candidates").flatten().to_numpy(zero_copy_only=False)
    entries = np.empty(len(ids), _ENTRY)
    entries["candidate"] = tracklets.rows(ids)
    for name in _LISTS:
        entries[name] = batch.column(name).flatten().to_numpy(zero_copy_only=False)
    return entries
