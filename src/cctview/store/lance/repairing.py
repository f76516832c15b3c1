"""Take out of a store in a folder what cannot be read, so that the rest is whole again, and say what was lost."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import CctviewError, StoreError
from cctview.privacy import Policy
from cctview.privacy.log import resealed
from cctview.store.checking import DERIVED, REFERENCES, Finding, strays
from cctview.store.doomed import Doomed
from cctview.store.lance.durable import write_atomically
from cctview.store.lance.folder import COMMIT, KEY, POLICY, Commit, TableState, digest, locked, stamp
from cctview.store.lance.removal import drop_stills
from cctview.store.lance.rolling import drop_newer
from cctview.store.lance.sums import Sum, read_sums, sum_of
from cctview.store.lance.tables import Transaction
from cctview.store.layouts import LAYOUTS, contained, ids_of
from cctview.store.log import LOG, readable_entries

__all__ = ["repaired"]

_PIECE_ROWS = 4096  # rows read together; where that fails, the piece is halved
_BASE = ("frames", "detections", "embeddings")


def repaired(path: Path, commit: Commit, findings: Iterable[Finding]) -> tuple[str, ...]:
    """Mend a store under its lock; return what was lost or put in its place, one sentence each."""
    found = list(findings)
    with locked(path):
        mending = _Mending(path, commit, found)
        return tuple(mending.done())


class _Mending:
    """The mending of one store: ``commit`` is what it will say."""

    def __init__(self, path: Path, commit: Commit, findings: list[Finding]) -> None:
        self.path, self.commit, self.findings = path, commit, findings
        self.kinds = {finding.kind for finding in findings}

    def done(self) -> Iterator[str]:
        """Mend what is damaged, from the small files to the rows."""
        if self.kinds & {"commit", "copy"}:
            yield f"{COMMIT} and its copy were written anew from the one of them that could be read"
        if "policy" in self.kinds:
            yield self._policy()
        if "key" in self.kinds:
            yield self._key()
        if "log" in self.kinds:
            yield self._log()
        if "network" in self.kinds:
            self.commit = replace(self.commit, network="")
            yield "the camera network was taken out: give it again with `cctview network set`"
        if self.kinds & {"states", "network"}:
            self.commit = replace(self.commit, states={})
            yield "what stages remember was taken out: the next run links anew"
        yield from self._tables()
        yield from self._rows()

    def _policy(self) -> str:
        """Put back the policy that was set, unless the one by hand keeps no more than that."""
        file, known = self.path / POLICY, [Policy.from_toml(text, POLICY) for text in self.commit.policies]
        try:
            now = Policy.from_toml(file.read_text(encoding="utf-8"), POLICY)
        except (OSError, ValueError, CctviewError):
            now = None
        if now is not None and all(now.keeps_no_more_than(one) for one in known):
            self.commit = replace(self.commit, policies=(file.read_text(encoding="utf-8"),))
            return "the policy that was written by hand was taken on: it keeps no more than the one that was set"
        if not known:
            raise StoreError(f"{file}: no other copy of the policy is kept; write it anew, or restore it from a backup")
        write_atomically(file, self.commit.policies[-1].encode())
        self.commit = replace(self.commit, policies=self.commit.policies[-1:])
        return "the policy that was set last was put back"

    def _key(self) -> str:
        key = secrets.token_bytes(32)
        write_atomically(self.path / KEY, key, 0o600)
        self.commit = replace(self.commit, key=digest(key))
        return "a new key of pseudonyms was made: names shown outside before mean nothing now"

    def _log(self) -> str:
        entries, lost = readable_entries(self.path)
        lost += max(0, self.commit.searches - len(entries) - lost)
        text = "".join(entry.to_line() for entry in resealed(entries))
        write_atomically(self.path / LOG, text.encode())
        return (
            f"{LOG}: {lost} entries were lost, {len(entries)} were kept and sealed anew: hashes noted before do not fit"
        )

    def _tables(self) -> Iterator[str]:
        """Write anew what can be read of the damaged tables, drop what can be made anew, and commit that."""
        damaged = {finding.table for finding in self.findings if finding.kind in ("file", "rows", "reference")}
        if "sums" in self.kinds:
            yield "the checksums of the files were made anew from what could be read"
        known = {} if "sums" in self.kinds else read_sums(self.path, self.commit.sums)
        for name in _BASE:
            if name in damaged & self.commit.tables.keys():
                state, lost = _salvaged(self.path, name, self.commit.tables[name], known)
                self.commit = self.commit.with_table(name, state)
                yield f"{name}: {lost} rows could not be read and were taken out"
        if damaged & {*_BASE, *DERIVED}:
            for name in DERIVED:
                self.commit = self.commit.with_table(name, None)
            self.commit = replace(self.commit, states={})
            yield "tracklets, matches, journeys and aggregates were taken out: `cctview track` makes them anew"
        self.commit = replace(self.commit, sums="", number=self.commit.number + 1, removals=self.commit.removals + 1)
        stamp(self.path, self.commit, [])

    def _rows(self) -> Iterator[str]:
        """Take out stills that are damaged, and rows that name what is gone."""
        tx = Transaction(self.path, self.commit)
        for name in _BASE:
            strange = [finding.ids for finding in self.findings if finding.kind == "rows" and finding.table == name]
            gone = np.unique(np.concatenate([np.zeros(0, np.int64), *strange]))
            gone = gone[contained(gone, tx.snapshot().ids(name))]
            if len(gone):
                lost = tx.rewrite(name, partial(_without, column=LAYOUTS[name].id, ids=gone))
                yield f"{name}: {lost} rows with ids that cannot be theirs were taken out"
        for name, column, owner in REFERENCES[:2]:
            gone = strays(tx.snapshot(), name, column, owner)
            if len(gone):
                lost = tx.rewrite(name, partial(_without, column=column, ids=gone))
                yield f"{name}: {lost} rows named {owner} that are gone, and were taken out"
        stills = [finding.ids for finding in self.findings if finding.kind == "still"]
        if stills:
            ids = np.intersect1d(np.concatenate(stills), tx.snapshot().ids("frames"))
            drop_stills(tx, Doomed(pixels=ids))
            yield f"{len(ids)} stills were damaged and were taken out; their rows stay"
        tx.sweep()


def _without(batch: pa.RecordBatch, column: str, ids: NDArray[np.int64]) -> pa.RecordBatch:
    return batch.filter(pa.array(~contained(ids_of(batch.column(column)), ids)))


def _salvaged(path: Path, name: str, state: TableState, known: dict[str, Sum]) -> tuple[TableState | None, int]:
    """Write what can be read of a table anew; return its new state, and how many rows were lost."""
    damaged = list(_quarantined(path, name, known))
    drop_newer(path / f"{name}.lance" / "_versions", state.version)
    db = lancedb.connect(path)
    try:
        table = db.open_table(name)
        rows = _unique(name, _readable(table, name))
        table.add(rows, mode="overwrite")
    except Exception:  # noqa: BLE001 - whatever it is, this table is lost
        shutil.rmtree(path / f"{name}.lance", ignore_errors=True)
        return None, state.rows
    for file in damaged:
        file.unlink()
    left = replace(state, version=table.version, rows=rows.num_rows, loose=1, loose_rows=0, indexed=False)
    return (left if rows.num_rows else None), state.rows - rows.num_rows


def _quarantined(path: Path, name: str, known: dict[str, Sum]) -> Iterator[Path]:
    """Put files whose checksums do not fit aside, so that nothing is read from them; yield where they lie."""
    for file, expected in known.items():
        here = path / file
        if file.startswith(f"{name}.lance/") and here.exists() and sum_of(here) != expected:
            yield here.rename(here.with_name(f"{here.name}.damaged"))


def _readable(table: Any, name: str) -> pa.Table:
    """Return the rows that can be read and used."""
    parts = [
        part for start in range(0, table.count_rows(), _PIECE_ROWS) for part in _parts(table, name, start, _PIECE_ROWS)
    ]
    return pa.concat_tables([table.schema.empty_table(), *parts])


def _parts(table: Any, name: str, start: int, count: int) -> Iterator[pa.Table]:
    """Yield what can be read of some rows: the halves of a piece that cannot, unless nothing of it answers."""
    rows = _tried(table, name, start, count)
    if rows is not None:
        yield rows
    elif count > 1 and any(_tried(table, name, start + at, 1) is not None for at in (0, count // 2, count - 1)):
        half = count // 2
        yield from _parts(table, name, start, half)
        yield from _parts(table, name, start + half, count - half)


def _tried(table: Any, name: str, start: int, count: int) -> pa.Table | None:
    kind = LAYOUTS[name].table
    try:
        rows = table.search().limit(count).offset(start).to_arrow()
        kind.from_arrow(rows.select([column for column in kind.columns if column in rows.schema.names]))
    except Exception:  # noqa: BLE001 - whatever it is, these rows cannot be read
        return None
    return rows


def _unique(name: str, rows: pa.Table) -> pa.Table:
    """Return rows without those whose id another one has."""
    ids = ids_of(rows.column(LAYOUTS[name].id))
    return rows.take(np.sort(np.unique(ids, return_index=True)[1]))
