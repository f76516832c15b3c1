"""Rows on their way into the store: in memory while they are few, then in files without a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.store.contract import Derived
from cctview.store.derived import incoming
from cctview.store.lance.folder import explained
from cctview.store.lance.schema import plain
from cctview.store.layouts import ids_of

__all__ = ["Pile", "Spool", "put_aside"]

_IN_MEMORY = 16 << 20  # bytes of a table that wait in memory: what an hour of traffic makes fits


@dataclass(kw_only=True)
class Pile:
    """The rows of one table, who produced them, and the file they wait in."""

    file: IO[bytes]
    meta: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    writer: Any = None

    def reader(self) -> Any:
        """Return an Arrow reader of all rows, from the first one."""
        self.file.seek(0)
        return pa.ipc.open_stream(self.file)

    def ids(self, column: str) -> Iterator[NDArray[np.int64]]:
        """Yield the ids in a column of ids or of lists of them, part by part."""
        for batch in self.reader() if self.rows else ():
            cells = batch.column(column)
            yield ids_of(cells if cells.type == pa.int64() else cells.flatten())


class Spool:
    """Piles of rows by name of table; none outlives the ``with`` block, nor the process."""

    def __init__(self, folder: Path) -> None:
        self.piles: dict[str, Pile] = {}
        self._folder = folder
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, name: str, rows: pa.Table, meta: dict[str, str]) -> None:
        """Append rows; a table without rows is known by its name alone."""
        pile = self.piles.get(name) or self.piles.setdefault(name, Pile(file=self._file()))
        if not rows.num_rows:
            return
        if pile.writer is None:
            pile.writer, pile.meta = pa.ipc.new_stream(pile.file, rows.schema), meta
        pile.writer.write_table(rows)
        pile.rows += rows.num_rows

    def sealed(self) -> dict[str, Pile]:
        """Return the piles, complete and ready to be read."""
        for pile in self.piles.values():
            if pile.writer is not None:
                pile.writer.close()
        return self.piles

    def _file(self) -> IO[bytes]:
        return self._open.enter_context(SpooledTemporaryFile(_IN_MEMORY, dir=str(self._folder)))


@contextmanager
def put_aside(folder: Path, tables: Iterable[Derived]) -> Iterator[dict[str, Pile]]:
    """Lend the rows of the tables by the name they are stored under; raise InputError for what is not derived."""
    with Spool(folder) as spool:
        for name, rows, meta in incoming(tables):
            with explained(folder, "put rows aside"):
                spool.add(name, plain(rows), meta)
        yield spool.sealed()
