"""What was written, read again before it is committed: a write that the disk lost must not become a commit.

Rows are compared by a CRC-32 of each column's values, which does not depend on how they are cut into batches.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cctview.errors import StoreError

__all__ = ["Fingerprint", "require_written", "same_rows"]

_PIECE_ROWS = 65_536  # rows read together: some tens of megabytes
_LOST = (
    "what was written does not come back the same: the disk lost a write, and it was not committed; see that the "
    "disk is well and has room, then run the same command again"
)


class Fingerprint:
    """The sums of the columns of rows that pass, in their order."""

    def __init__(self) -> None:
        self.rows = 0
        self.sums: dict[str, int] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Take more rows."""
        self.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            self._fold(name, column)

    def passing(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield batches on their way, and take them."""
        for batch in batches:
            self.add(batch)
            yield batch

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and (self.rows, self.sums) == (other.rows, other.sums)

    __hash__ = None  # type: ignore[assignment]

    def _fold(self, name: str, column: pa.Array) -> None:
        if column.null_count:
            self.sums[f"{name} nulls"] = self.sums.get(f"{name} nulls", 0) + column.null_count
            column = column.drop_null()
        kind = column.type
        if pa.types.is_fixed_size_list(kind):
            self._fold(f"{name} of", column.flatten())
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            self._take(f"{name} lengths", np.asarray(column.value_lengths().cast(pa.int64())))
            self._fold(f"{name} of", column.flatten())
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            self._take(f"{name} lengths", np.asarray(pc.binary_length(column).cast(pa.int64())))
            self._take(name, _text(column))
        elif pa.types.is_boolean(kind):
            self._take(name, np.asarray(column.cast(pa.uint8())))
        else:
            self._take(name, np.asarray(column.cast(pa.int64()) if pa.types.is_timestamp(kind) else column))

    def _take(self, name: str, values: np.ndarray[Any, Any]) -> None:
        self.sums[name] = zlib.crc32(np.ascontiguousarray(values).data.cast("B"), self.sums.get(name, 0))


def require_written(table: Any, start: int, written: Fingerprint) -> None:
    """Raise StoreError unless the rows of a table from ``start`` on are those that were written."""
    if _read(table, start, sorted(_columns(written))) != written:
        raise StoreError(f"{table.name}: {_LOST}")


def same_rows(before: Any, after: Any) -> None:
    """Raise StoreError unless two versions of a table hold the same rows in the same order."""
    names = list(before.schema.names)
    if _read(before, 0, names) != _read(after, 0, names):
        raise StoreError(f"{after.name}: {_LOST}")


def _columns(written: Fingerprint) -> set[str]:
    return {name.partition(" ")[0] for name in written.sums}


def _read(table: Any, start: int, names: list[str]) -> Fingerprint:
    """Return the fingerprint of the rows from ``start`` to the end."""
    found = Fingerprint()
    for offset in range(start, table.count_rows(), _PIECE_ROWS):
        piece = table.search().select(names).limit(_PIECE_ROWS).offset(offset).to_arrow()
        for batch in piece.to_batches():
            found.add(batch)
    return found


def _text(column: pa.Array) -> np.ndarray[Any, Any]:
    """Return the bytes of all strings, one after another."""
    plain = column.cast(pa.large_binary())
    ends = np.frombuffer(plain.buffers()[1], np.int64)[plain.offset : plain.offset + len(plain) + 1]
    data = plain.buffers()[2]
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]] if data is not None else np.zeros(0, np.uint8)
