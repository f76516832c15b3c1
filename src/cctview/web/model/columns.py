"""From batches of the store to plain columns: ids, microseconds, and codes in place of texts."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["Keys", "coded", "gathered", "give_back_memory", "ids_in", "micros_in"]

Ids = NDArray[np.int64]


class Keys:
    """Find rows by id: ``(N,)`` distinct ids."""

    def __init__(self, ids: Ids) -> None:
        self._order = np.argsort(ids, kind="stable").astype(np.uint32)
        self._sorted = ids[self._order]

    def rows(self, ids: Ids) -> Ids:
        """Return the row of each id (M,), -1 where it is not there."""
        if not len(self._sorted):
            return np.full(len(ids), -1)
        place = np.minimum(np.searchsorted(self._sorted, ids), len(self._sorted) - 1)
        return np.where(self._sorted[place] == ids, self._order[place].astype(np.int64), -1)


def gathered(parts: Iterable[Sequence[NDArray[Any]]], dtypes: Sequence[Any]) -> tuple[NDArray[Any], ...]:
    """Join the columns of batches into one array each, of these dtypes."""
    rows = list(parts)
    return tuple(
        np.concatenate([np.zeros(0, dtype), *(row[place].astype(dtype, copy=False) for row in rows)])
        for place, dtype in enumerate(dtypes)
    )


def give_back_memory() -> None:
    """Hand what was used for reading and is free again back to the system, where the C library knows how to."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def ids_in(batch: pa.RecordBatch, name: str) -> Ids:
    """Return a column of ids."""
    ids: Ids = batch.column(name).to_numpy(zero_copy_only=False)
    return ids


def micros_in(batch: pa.RecordBatch, name: str) -> Ids:
    """Return a column of times as microseconds since 1970."""
    nanoseconds: Ids = batch.column(name).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return nanoseconds // 1000


def coded(batch: pa.RecordBatch, name: str, words: Sequence[str]) -> NDArray[np.int16]:
    """Return the place of each text of a column among the words, -1 for another text."""
    column = batch.column(name)
    place = pc.fill_null(pc.index_in(column, value_set=pa.array(words, column.type)), -1)
    codes: NDArray[np.int16] = place.to_numpy(zero_copy_only=False).astype(np.int16)
    return codes
