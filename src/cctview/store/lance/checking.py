"""Look at all of a store in a folder, without changing it: files, checksums, rows, references, stills, key and log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import lancedb
import numpy as np
from numpy.typing import NDArray

from cctview.errors import CctviewError, StoreError, StoreNotFoundError
from cctview.network import parse_network
from cctview.privacy import Policy, broken_at
from cctview.store.checking import Checked, Finding, dangling, rows_checked
from cctview.store.lance.attached import FOLDER as ATTACHED
from cctview.store.lance.attached import read_attached
from cctview.store.lance.folder import COMMIT, COPY, KEY, POLICY, Commit, digest, read_commit
from cctview.store.lance.packs import Packed, pack_path, read_packed
from cctview.store.lance.sums import Sum, data_files, read_sums, sum_of
from cctview.store.lance.tables import Snapshot
from cctview.store.layouts import LAYOUTS, Term, ids_of
from cctview.store.log import LOG, log_entries

__all__ = ["Examination", "commit_of", "examined"]

Ids = NDArray[np.int64]
_KEY_BYTES = 32
_HELD = Term("length", ">", 0)
_JPEG = b"\xff\xd8"  # how each still begins
_BACKUP = "restore it from a backup"


def examined(path: Path) -> Checked:
    """Look at all of a store; raise StoreNotFoundError where there is none."""
    commit, findings = commit_of(path)
    if commit is None:
        return Checked(findings=tuple(findings))
    looking = Examination(path, commit)
    return Checked(findings=(*findings, *looking.findings()), counts=dict(looking.counts), notes=tuple(looking.notes))


def commit_of(path: Path) -> tuple[Commit | None, list[Finding]]:
    """Return what is committed, from the copy where the commit file cannot be read, and what is wrong with the two."""
    marks = {name: _read_mark(path, name) for name in (COMMIT, COPY)}
    commit, copy = marks[COMMIT], marks[COPY]
    if isinstance(commit, StoreNotFoundError) and isinstance(copy, StoreNotFoundError):
        raise commit
    if isinstance(commit, Commit):
        old = commit.key == ""
        if old or (isinstance(copy, Commit) and copy.number in (commit.number, commit.number + 1)):
            return commit, []
        problem = "the copy of the commit file is damaged or missing"
        return commit, [Finding(kind="copy", where=COPY, problem=problem, remedy="--repair writes it anew")]
    whole = isinstance(copy, Commit)
    remedy = "--repair puts its copy in place" if whole else f"its copy is damaged too: {_BACKUP}"
    finding = Finding(kind="commit", where=COMMIT, problem="it is damaged or missing", remedy=remedy)
    return (copy if isinstance(copy, Commit) else None), [finding]


def _read_mark(path: Path, name: str) -> Commit | StoreError:
    try:
        return read_commit(path, name)
    except (OSError, ValueError) as error:
        return error if isinstance(error, StoreError) else StoreError(str(error))


class Examination:
    """One look at what a commit names; ``counts`` says how much was looked at, ``notes`` what could not be."""

    def __init__(self, path: Path, commit: Commit) -> None:
        self.path, self.commit = path, commit
        self.view = Snapshot(lancedb.connect(path), commit)
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []

    def findings(self) -> Iterator[Finding]:
        """Yield what is damaged."""
        yield from self._policy()
        yield from self._key()
        yield from self._log()
        yield from self._attached()
        unread: set[str] = set()
        for finding in [*self._files(), *self._tables()]:
            unread.add(finding.table)
            yield finding
        if not unread & {"frames", "detections", "embeddings", "tracklets", "passages", "matches", "journeys"}:
            yield from dangling(self.view)
        if "frames" not in unread:
            yield from self._stills()

    def _policy(self) -> Iterator[Finding]:
        file, known = self.path / POLICY, self.commit.policies
        self.counts["files"] += 1
        remedy = "--repair puts back the one that was set" if known else f"write it anew, or {_BACKUP}"
        try:
            text = file.read_text(encoding="utf-8")
            Policy.from_toml(text, POLICY)
        except (OSError, ValueError, CctviewError) as error:
            problem = f"the policy cannot be read ({_first(error)})"
            yield Finding(kind="policy", where=POLICY, problem=problem, remedy=remedy)
            return
        if known and text not in known:
            remedy = f"put it in force with `cctview policy set STORE --from {POLICY}`; {remedy}"
            yield Finding(kind="policy", where=POLICY, problem="it is not the policy that was set", remedy=remedy)

    def _key(self) -> Iterator[Finding]:
        file = self.path / KEY
        self.counts["files"] += 1
        key = file.read_bytes() if file.is_file() else b""
        if (self.commit.key and digest(key) != self.commit.key) or len(key) != _KEY_BYTES:
            problem = (
                f"the key of pseudonyms has {len(key)} bytes" if len(key) != _KEY_BYTES else "the key is another one"
            )
            remedy = f"{_BACKUP}, or let --repair make a new one: names shown before then mean nothing"
            yield Finding(kind="key", where=KEY, problem=problem, remedy=remedy)

    def _log(self) -> Iterator[Finding]:
        remedy = f"{_BACKUP}, or let --repair keep the entries that can be read and seal them anew"
        try:
            entries = log_entries(self.path)
        except (OSError, ValueError, StoreError) as error:
            yield Finding(kind="log", where=LOG, problem=f"it cannot be read ({_first(error)})", remedy=remedy)
            return
        self.counts["log entries"] += len(entries)
        place, known = broken_at(entries), self.commit.searches
        if place is not None:
            yield Finding(kind="log", where=LOG, problem=f"its chain is broken at entry {place}", remedy=remedy)
        elif len(entries) < known or (known and entries[known - 1].hash != self.commit.seal):
            problem = f"it has {len(entries)} entries, and the commit knows of {known} and another seal"
            yield Finding(kind="log", where=LOG, problem=problem, remedy=remedy)

    def _attached(self) -> Iterator[Finding]:
        named = {self.commit.network: "network", **dict.fromkeys(self.commit.states.values(), "states")}
        for name, kind in named.items():
            if not name:
                continue
            self.counts["files"] += 1
            try:
                data = read_attached(self.path, name)
                good = digest(data) == name.partition(".")[0]
                _ = parse_network(data.decode()) if good and kind == "network" else None
            except (OSError, ValueError, CctviewError):
                good = False
            if not good:
                what = "the camera network" if kind == "network" else "what stages remember"
                after = "`cctview network set` gives it again" if kind == "network" else "the next run links anew"
                remedy = f"{_BACKUP}, or take it out with --repair: {after}"
                problem = f"{what} is damaged or missing"
                yield Finding(kind=kind, where=f"{ATTACHED}/{name}", problem=problem, remedy=remedy)

    def _files(self) -> Iterator[Finding]:
        """Compare the files of the tables with their checksums."""
        if not self.commit.sums:
            if self.commit.tables:
                self.notes.append("an earlier version wrote last: its files have no checksums until the next write")
            return
        try:
            sums = read_sums(self.path, self.commit.sums)
            good = digest(read_attached(self.path, self.commit.sums)) == self.commit.sums.partition(".")[0]
        except (OSError, StoreError):
            good = False
        if not good:
            where, problem = f"{ATTACHED}/{self.commit.sums}", "the checksums of the files are damaged or missing"
            yield Finding(
                kind="sums", where=where, problem=problem, remedy="--repair makes them anew from what can be read"
            )
            return
        there = data_files(self.path, self.commit.tables)
        for name, known in sums.items():
            finding = self._compared(name, known, there.get(name))
            if finding:
                yield finding

    def _compared(self, name: str, known: Sum, path: Path | None) -> Finding | None:
        self.counts["files"] += 1
        self.counts["bytes"] += known.size
        now = sum_of(path) if path else None
        if now == known:
            return None
        problem = "it is missing"
        if now is not None:
            problem = "its checksum does not fit" if now.size == known.size else f"{now.size} bytes, not {known.size}"
        remedy = f"{_BACKUP}, or take out the rows in it with --repair"
        return Finding(kind="file", where=name, table=name.partition(".")[0], problem=problem, remedy=remedy)

    def _tables(self) -> Iterator[Finding]:
        for name, state in self.commit.tables.items():
            self.counts["rows"] += state.rows
            found = list(rows_checked(self.view, name))
            yield from found
            rows = 0 if found else sum(batch.num_rows for batch in self.view.batches(name, _least(name)))
            if not found and state.rows and rows != state.rows:
                problem = f"it has {rows} rows, and the commit says {state.rows}"
                remedy = "--repair commits what can be read"
                yield Finding(kind="rows", where=name, table=name, problem=problem, remedy=remedy)

    def _stills(self) -> Iterator[Finding]:
        """Read every still and compare it with its checksum; one without must at least begin as a JPEG."""
        columns = ["id", "pack", "offset", "length"]
        held = self.view.rows("frames", columns, (_HELD,)) if self.view.has("frames") else None
        if held is None or not held.num_rows:
            return
        held = held.sort_by([("pack", "ascending"), ("offset", "ascending")])
        ids = ids_of(held.column("id"))
        pack, offset, length = (held.column(name).to_numpy() for name in columns[1:])
        self.counts["stills"] += len(ids)
        self._unsealed(pack)
        for number in np.unique(pack).tolist():
            mine = np.flatnonzero(pack == number)
            bad = self._damaged(mine, pack, offset, length)
            if bad.any():
                problem = f"{np.count_nonzero(bad)} of its {len(mine)} stills are damaged"
                remedy = f"{_BACKUP}, or take them out with --repair: their rows stay"
                where = pack_path(self.path, number).relative_to(self.path).as_posix()
                yield Finding(
                    kind="still", where=where, table="frames", ids=ids[mine[bad]], problem=problem, remedy=remedy
                )

    def _damaged(self, rows: Ids, pack: NDArray[np.int32], offset: Ids, length: Ids) -> NDArray[np.bool_]:
        """Return which of these stills (N,) of one pack are not as they were written."""
        try:
            found = list(read_packed(self.path, pack[rows], offset[rows], length[rows], self.commit.unsealed))
        except OSError:
            return np.ones(len(rows), np.bool_)
        return np.array([not _good(item, size) for item, size in zip(found, length[rows].tolist(), strict=True)])

    def _unsealed(self, pack: NDArray[np.int32]) -> None:
        count = int(np.count_nonzero(pack <= self.commit.unsealed))
        if count:
            self.notes.append(
                f"{count} stills of an earlier version have no checksums: only their beginnings were looked at"
            )


def _good(item: Packed, length: int) -> bool:
    """Return whether a still is as it was written; without a checksum, whether it is as long and begins as a JPEG."""
    return item.whole and len(item.still) == length and item.still[:2] == _JPEG


def _least(name: str) -> list[str]:
    return LAYOUTS[name].read[:1]


def _first(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__
