"""The LanceDB tables of a store: reading what is committed, and changing it in one step."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import BTree
from numpy.typing import NDArray

from cctview.store.derived import require_producer
from cctview.store.doomed import Change
from cctview.store.lance.attached import FOLDER as ATTACHED
from cctview.store.lance.attached import attach, sweep_attached
from cctview.store.lance.folder import KEY, POLICY, Commit, TableState, digest, stamp
from cctview.store.lance.packs import PackWriter, pack_path, sweep_packs
from cctview.store.lance.reading_back import Fingerprint, require_written, same_rows
from cctview.store.lance.rolling import roll_back
from cctview.store.lance.schema import among, plain, sql
from cctview.store.lance.spool import Pile
from cctview.store.lance.sums import Sum, attach_sums, read_sums, summed
from cctview.store.layouts import LAYOUTS, Where, contained, ids_of
from cctview.store.log import last_entry

__all__ = ["Snapshot", "Transaction"]

_BATCH_ROWS = 8192  # rows read together: some megabytes where each has a vector
_MANY_IDS = 16_384  # ids from which on reading the whole table costs less than asking for each
_LOOSE = 32  # appends after which a table is compacted once they hold half as many rows as the rest
_TOO_LOOSE = 256  # appends after which it is compacted anyway: each opens a file when it is read
_MANY_ROWS = 100_000  # rows from which on an index pays for looking up single ones
_PIECE_ROWS = 65_536  # rows of a piece of a stream: some tens of megabytes
_NOW = timedelta(milliseconds=1)  # the least age LanceDB deletes old files at
_READERS_FINISH = timedelta(minutes=2)  # how long whoever reads an old version may go on doing so
_NOTHING = "false"


class Snapshot:
    """The tables as one commit has them, whatever is written meanwhile.

    While a writer tidies, the committed versions stay until those that take their place are committed.
    """

    def __init__(self, db: Any, commit: Commit) -> None:
        self.commit = commit
        self._db = db
        self._open: dict[str, Any] = {}

    def has(self, name: str) -> bool:
        """Return whether the table holds rows."""
        return name in self.commit.tables

    def rows(self, name: str, columns: list[str], where: Where = ()) -> pa.Table:
        """Return these columns of the rows that satisfy all terms."""
        return self._query(name, columns, sql(where)).to_arrow()

    def batches(self, name: str, columns: list[str], where: Where = ()) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches of bounded size."""
        yield from self._query(name, columns, sql(where)).to_batches(_BATCH_ROWS)

    def pieces(self, name: str, columns: list[str], where: Where = ()) -> Iterator[pa.Table]:
        """Yield the rows in pieces that LanceDB reads one by one; it reads ``batches`` far ahead, into much memory."""
        for start in itertools.count(step=_PIECE_ROWS):
            piece = self._query(name, columns, sql(where)).limit(_PIECE_ROWS).offset(start).to_arrow()
            if piece.num_rows:
                yield piece
            if piece.num_rows < _PIECE_ROWS:
                return

    def rows_among(
        self, name: str, columns: list[str], ids: NDArray[np.int64], where: Where = (), by: str = ""
    ) -> pa.Table:
        """Return the rows with these ids in column ``by``, however many; ids that are not there are passed over."""
        key = by or LAYOUTS[name].id
        if len(ids) > _MANY_IDS:
            return self._rows_among_many(name, columns, np.sort(ids), where, key)
        more = f"{sql(where)} AND " if where else ""
        asked = [more + part for part in among(key, ids)] or [_NOTHING]
        return pa.concat_tables([self._query(name, columns, part).to_arrow() for part in asked])

    def nearest(self, name: str, vector: NDArray[np.float32], where: Where, count: int) -> pa.Table:
        """Return ids and cosine distances (``_distance``) of the rows nearest to a vector ``(D,)``."""
        query = self._table(name).search(vector, vector_column_name="vector").distance_type("cosine")
        query = query.select([LAYOUTS[name].id, "_distance"]).limit(count)
        return (query.where(sql(where), prefilter=True) if where else query).to_arrow()

    def ids(self, name: str, where: Where = ()) -> NDArray[np.int64]:
        """Return the sorted ids of the rows that satisfy all terms."""
        if not self.has(name):
            return np.zeros(0, np.int64)
        key = LAYOUTS[name].id
        return np.unique(ids_of(self.rows(name, [key], where).column(key)))

    def _rows_among_many(
        self, name: str, columns: list[str], ids: NDArray[np.int64], where: Where, key: str
    ) -> pa.Table:
        parts = [
            batch.filter(pa.array(contained(ids_of(batch.column(key)), ids)))
            for batch in self.batches(name, list(dict.fromkeys((*columns, key))), where)
        ]
        if parts:
            return pa.Table.from_batches(parts).select(columns)
        return self._query(name, columns, _NOTHING).to_arrow()

    def _query(self, name: str, columns: list[str], where: str) -> Any:
        table = self._table(name)
        absent = LAYOUTS[name].table.defaults().keys() - set(table.schema.names)
        query = table.search().select([column for column in columns if column not in absent])
        return query.where(where) if where else query

    def _table(self, name: str) -> Any:
        if name not in self._open:
            table = self._db.open_table(name)
            self._open[name] = self._at(table, self.commit.tables[name].version)
        return self._open[name]

    def _at(self, table: Any, version: int) -> Any:
        """Return a table at its committed version, or the newest where an earlier cctview tidied and was killed."""
        try:
            table.checkout(version)
        except (ValueError, RuntimeError):
            if not self.commit.tidying:
                raise
            table.checkout_latest()
        return table


class Transaction:
    """Change tables under the write lock; readers see nothing of it before ``save``.

    Killed at any moment, the next writer finds LanceDB ahead of the commit file, goes back, and
    deletes what was left behind.
    """

    def __init__(self, path: Path, commit: Commit) -> None:
        self.path = path
        self.commit = commit
        self._db = lancedb.connect(path)
        self._sums: dict[str, Sum] = {}
        self._packed: list[Path] = []
        self._recover()

    def snapshot(self) -> Snapshot:
        """Return the tables as this transaction has them so far."""
        return Snapshot(self._db, self.commit)

    def save(self) -> None:
        """Make everything so far visible, in one step, and so that it survives a power cut."""
        if not self._sums:
            self._sums = read_sums(self.path, self.commit.sums)
        self._sums, fresh = summed(self.path, self.commit.tables, self._sums)
        seen = last_entry(self.path)
        searches, seal = (seen.number, seen.hash) if seen else (0, "")
        if not self.commit.key:
            self._adopt()
        sums = attach_sums(self.path, self._sums)
        self.commit = replace(self.commit, number=self.commit.number + 1, sums=sums, searches=searches, seal=seal)
        named = [self.path / ATTACHED / name for name in self.commit.attached]
        stamp(self.path, self.commit, [*fresh, *named, *self._packed])
        self._packed = []
        sweep_attached(self.path, self.commit.attached)

    def _adopt(self) -> None:
        """Take the policy and the key of a store that an earlier version made as they are now."""
        policy, key = (self.path / POLICY).read_text(encoding="utf-8"), (self.path / KEY).read_bytes()
        self.commit = replace(self.commit, policies=(policy,), key=digest(key))

    def keep(self, writer: PackWriter) -> None:
        """Take in the packs as a writer of stills left them."""
        grown = [number for number, size in writer.packs.items() if size != self.commit.packs.get(number)]
        self._packed += [pack_path(self.path, number) for number in grown]
        self.commit = replace(self.commit, packs=writer.packs)

    def remember(self, states: Mapping[str, bytes]) -> None:
        """Put these states in place of the ones before."""
        named = {name: attach(self.path, data, "state") for name, data in states.items()}
        self.commit = replace(self.commit, states=named)

    def removing(self) -> None:
        """Forget the states and count a removal: what others made from rows read before is not to be stored."""
        self.commit = replace(self.commit, states={}, removals=self.commit.removals + 1)

    def know(self, network: str) -> bool:
        """Put the text of a network in place and forget the states, if it is another one; return whether it is."""
        name = attach(self.path, network.encode(), "toml")
        another = name != self.commit.network
        if another:
            self.commit = replace(self.commit, network=name, states={})
        return another

    def rule(self, *policies: str) -> None:
        """Commit the texts that the policy may have: two while one takes the place of the other."""
        self.commit = replace(self.commit, policies=policies)
        self.save()

    def require_same(self, name: str, meta: Mapping[str, str]) -> None:
        """Raise StoreMismatchError when another producer made the rows of this table that are stored."""
        state = self.commit.tables.get(name)
        if state is not None:
            require_producer(name, state.meta, meta)

    def add(self, name: str, rows: Any, count: int, meta: Mapping[str, str]) -> None:
        """Append ``count`` rows, an Arrow table or reader of them."""
        if not count:
            return
        state = self.commit.tables.get(name)
        rows = plain(rows).to_reader() if isinstance(rows, pa.Table) else rows
        if state is None:
            self._created(name, rows, count, meta)
            return
        table = self._db.open_table(name)
        _complete(table, name)
        _put(table.add, table, rows, start=state.rows)
        grown = replace(
            state,
            version=table.version,
            rows=state.rows + count,
            loose=state.loose + 1,
            loose_rows=state.loose_rows + count,
        )
        self.commit = self.commit.with_table(name, grown)

    def put(self, name: str, pile: Pile) -> None:
        """Exchange all rows of a table."""
        state = self.commit.tables.get(name)
        if not pile.rows:
            self.commit = self.commit.with_table(name, None)
        elif state is None:
            self._created(name, pile.reader(), pile.rows, pile.meta)
        else:
            table = self._db.open_table(name)
            _put(partial(table.add, mode="overwrite"), table, pile.reader())
            put = TableState(version=table.version, meta=pile.meta, rows=pile.rows, loose=state.loose + 1)
            self.commit = self.commit.with_table(name, put)

    def rewrite(self, name: str, change: Change) -> int:
        """Write a table anew without the rows that ``change`` drops; return how many those were."""
        state = self.commit.tables[name]
        source = self._db.open_table(name)
        kept = 0

        def changed() -> Iterator[pa.RecordBatch]:
            nonlocal kept
            for batch in source.search().to_batches(_BATCH_ROWS):
                rows = change(batch)
                kept += rows.num_rows
                yield rows

        target = self._db.open_table(name)
        reader = pa.RecordBatchReader.from_batches(source.schema, changed())
        _put(partial(target.add, mode="overwrite"), target, reader)
        left = TableState(version=target.version, meta=state.meta, rows=kept) if kept else None
        self.commit = self.commit.with_table(name, left)
        return state.rows - kept

    def tidy(self) -> None:
        """Compact the tables that lie in many pieces; what each append costs stays bounded."""
        due = [name for name, state in self.commit.tables.items() if _scattered(state) or _unindexed(name, state)]
        if due:
            self._tidied(due, _READERS_FINISH)

    def sweep(self) -> None:
        """Make everything so far visible, and delete every byte that it does not need."""
        self._tidied(list(self.commit.tables), _NOW)

    def _tidied(self, names: list[str], grace: timedelta) -> None:
        """Compact tables; what takes the place of their files is read back and committed before those are deleted."""
        self.commit = replace(self.commit, tidying=True)
        self.save()
        tables = {name: self._db.open_table(name) for name in names}
        for name, table in tables.items():
            self._compacted(name, table)
        self.save()
        time.sleep(2 * _NOW.total_seconds())  # so that what compaction left behind is older than the grace
        for name, table in tables.items():
            table.optimize(cleanup_older_than=grace, delete_unverified=True)
            state = replace(self.commit.tables[name], version=table.version)
            self.commit = self.commit.with_table(name, state)
        self._drop_uncommitted()
        sweep_packs(self.path, self.commit.packs)
        self.commit = replace(self.commit, tidying=False)
        self.save()

    def _compacted(self, name: str, table: Any) -> None:
        """Compact a table, and see that all of it is still there."""
        table.optimize()
        self._index(name, table)
        state = self.commit.tables[name]
        if table.version != state.version:
            before = self._db.open_table(name)
            before.checkout(state.version)
            same_rows(before, table)
        self.commit = self.commit.with_table(name, replace(state, version=table.version, loose=0, loose_rows=0))

    def _index(self, name: str, table: Any) -> None:
        """Give a large table the indexes it lacks; from then on ``optimize`` brings them up to date."""
        state = self.commit.tables[name]
        if _unindexed(name, state):
            for column in LAYOUTS[name].indexed:
                table.create_index(column, config=BTree())
            self.commit = self.commit.with_table(name, replace(state, indexed=True))

    def _recover(self) -> None:
        sweep_packs(self.path, self.commit.packs)
        sweep_attached(self.path, self.commit.attached)
        for half_written in self.path.glob("*.lance/**/.tmp*"):
            half_written.unlink()
        self._drop_uncommitted()
        broken_off = self.commit.tidying
        for name, state in self.commit.tables.items():
            version = roll_back(self._db, self.path, name, state.version, tidying=self.commit.tidying)
            if version != state.version:
                broken_off = True
                self.commit = self.commit.with_table(name, replace(state, version=version))
        if broken_off:
            self.sweep()

    def _drop_uncommitted(self) -> None:
        for name in self._db.list_tables().tables:
            if name in LAYOUTS and name not in self.commit.tables:
                self._db.drop_table(name)

    def _created(self, name: str, rows: Any, count: int, meta: Mapping[str, str]) -> None:
        written = Fingerprint()
        passing = pa.RecordBatchReader.from_batches(rows.schema, written.passing(rows))
        table = self._db.create_table(name, passing)
        require_written(table, 0, written)
        state = TableState(version=table.version, meta=dict(meta), rows=count, loose=1, loose_rows=count)
        self.commit = self.commit.with_table(name, state)


def _put(write: Callable[[Any], Any], table: Any, rows: Any, start: int = 0) -> None:
    """Write the rows of an Arrow reader, and read them back: they stand from ``start`` on to the end."""
    written = Fingerprint()
    schema = pa.schema([rows.schema.field(name).with_type(table.schema.field(name).type) for name in rows.schema.names])
    write(pa.RecordBatchReader.from_batches(schema, written.passing(_cast(rows, schema))))
    if written.rows:
        require_written(table, start, written)


def _cast(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield batches with the types that the table has: what a caller gives may be wider."""
    for batch in batches:
        yield from pa.Table.from_batches([batch]).cast(schema).to_batches()


def _complete(table: Any, name: str) -> None:
    """Give a table that an earlier version made the columns it lacks."""
    defaults = LAYOUTS[name].table.defaults()
    for column in defaults.keys() - set(table.schema.names):
        table.add_columns({column: f"CAST({defaults[column]} AS FLOAT)"})


def _unindexed(name: str, state: TableState) -> bool:
    """Return whether single rows are looked up in so many that an index pays."""
    return not state.indexed and state.rows >= _MANY_ROWS and bool(LAYOUTS[name].indexed)


def _scattered(state: TableState) -> bool:
    """Return whether to compact: rarely enough that each row is moved only a few times."""
    settled = state.rows - state.loose_rows
    return state.loose >= _TOO_LOOSE or (state.loose >= _LOOSE and 2 * state.loose_rows >= settled)
