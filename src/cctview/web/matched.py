"""All matches in a file without a name: found by row in microseconds, and gone with the process.

A row of the store's table takes LanceDB ten milliseconds to put together, list by list; twenty
people who follow vehicles need a hundred of them at once.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.store import Store
from cctview.types import Matches
from cctview.web.columns import Keys, coded, gathered, ids_in

__all__ = ["REASONS", "MatchColumns"]

REASONS = ("looks", "size", "timing", "order", "context")
_LISTS = ("distance", "probability", "lag_s", *REASONS)
_ENTRY = np.dtype([("candidate", np.int32), *((name, np.float32) for name in _LISTS)])
_READ = ["query", "camera", "p_none", "candidates", *_LISTS]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class MatchColumns:
    """Matches in order of their query's row; row ``m`` has the entries ``start[m]`` to ``start[m] + length[m]``.

    ``query`` are tracklet rows, ``camera`` codes; the ``candidate`` of an entry is a tracklet row too, -1 where the
    tracklet is gone.
    """

    query: NDArray[np.int32]
    camera: NDArray[np.int16]
    p_none: NDArray[np.float32]
    start: Rows
    length: NDArray[np.int32]
    entries: NDArray[Any]

    @classmethod
    def read(cls, store: Store, tracklets: Keys, names: tuple[str, ...]) -> Self:
        """Read all matches between these tracklets."""
        parts = []
        with tempfile.TemporaryFile(prefix="cctview-") as file:
            for batch in store.stream(Matches, _READ):
                parts.append(_heads(batch, tracklets, names))
                file.write(_entries(batch, tracklets).tobytes())
            size = file.tell()
            file.flush()
            entries = np.memmap(file, _ENTRY, "r") if size else np.zeros(0, _ENTRY)
        query, camera, none, length = gathered(parts, (np.int32, np.int16, np.float32, np.int32))
        start = np.cumsum(length, dtype=np.int64) - length
        order = np.argsort(query, kind="stable")
        order = order[query[order] >= 0]
        return cls(
            query=query[order],
            camera=camera[order],
            p_none=none[order],
            start=start[order],
            length=length[order],
            entries=entries,
        )

    def of(self, query: int) -> Rows:
        """Return the rows of a query, one per camera."""
        return np.arange(*np.searchsorted(self.query, [query, query + 1]))

    def listing(self, candidate: int, first: int, last: int) -> tuple[Rows, NDArray[Any]]:
        """Return the queries among ``first`` to ``last`` that list a candidate, and its entries, likeliest first."""
        rows = np.arange(*np.searchsorted(self.query, [first, last]))
        length = self.length[rows].astype(np.int64)
        flat = np.repeat(self.start[rows] - (np.cumsum(length) - length), length) + np.arange(length.sum())
        found = self.entries[flat]
        mine = np.flatnonzero(found["candidate"] == candidate)
        mine = mine[np.argsort(-found["probability"][mine], kind="stable")]
        return self.query[np.repeat(rows, length)[mine]].astype(np.int64), found[mine]


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
