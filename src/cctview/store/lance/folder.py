"""The folder of a store: its lock, its commit file, and errors that say what to do."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from cctview.errors import CctviewError, StoreError, StoreNotFoundError
from cctview.store.log import LOG

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = [
    "COMMIT",
    "FORMAT",
    "KEY",
    "LOCK",
    "POLICY",
    "Commit",
    "TableState",
    "explained",
    "locked",
    "make_folder",
    "read_commit",
    "write_atomically",
]

FORMAT = 2
COMMIT = "commit.json"
LOCK = "write.lock"
POLICY = "policy.toml"
KEY = "pseudonym.key"


@dataclass(frozen=True, kw_only=True)
class TableState:
    """The committed version of one table, who produced its rows, its appends since compaction, its indexes."""

    version: int
    meta: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    loose: int = 0
    loose_rows: int = 0
    indexed: bool = False


@dataclass(frozen=True, kw_only=True)
class Commit:
    """All that readers may see: one small file, exchanged in one step.

    ``packs`` maps the number of each file of stills to its committed length; ``network`` names the
    attached file of the camera network, ``states`` those of what stages remember; ``removals`` counts
    how often something was removed. ``tidying`` is set
    while tables are compacted and old files deleted, which changes versions but no rows: a writer
    that finds it set finishes that work.
    """

    number: int = 0
    tables: dict[str, TableState] = field(default_factory=dict)
    packs: dict[int, int] = field(default_factory=dict)
    network: str = ""
    states: dict[str, str] = field(default_factory=dict)
    removals: int = 0
    tidying: bool = False

    @property
    def attached(self) -> set[str]:
        """The names of the attached files that this commit needs."""
        return {name for name in (self.network, *self.states.values()) if name}

    def with_table(self, name: str, state: TableState | None) -> Self:
        """Return a copy where one table has another state, or none."""
        tables = {key: value for key, value in self.tables.items() if key != name}
        return replace(self, tables=tables if state is None else {**tables, name: state})

    def to_json(self) -> str:
        """Return the text of the commit file."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str, where: Path) -> Self:
        """Read the text of a commit file; raise StoreError for a newer format or a damaged file."""
        try:
            data: dict[str, Any] = json.loads(text)
            written = data.pop("format")
            if written > FORMAT:
                raise StoreError(
                    f"{where}: written by a newer cctview (format {written}, this one reads {FORMAT}); upgrade cctview"
                )
            tables = {name: TableState(**state) for name, state in data.pop("tables").items()}
            packs = {int(number): length for number, length in data.pop("packs").items()}
            return cls(tables=tables, packs=packs, **data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{where}: {COMMIT} is damaged ({error}); restore it from a backup") from error


def read_commit(path: Path) -> Commit:
    """Return what is committed; raise StoreNotFoundError when the folder is not a store."""
    if not path.exists():
        raise StoreNotFoundError(f"{path}: there is no store here; make one with `cctview run` or `cctview import`")
    if not path.is_dir():
        raise StoreNotFoundError(f"{path}: this is a file, and a store is a folder; name another path")
    file = path / COMMIT
    if not file.is_file():
        raise StoreNotFoundError(f"{path}: this folder is not a store ({COMMIT} is missing); name another path")
    return Commit.from_json(file.read_text(encoding="utf-8"), path)


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that readers see the old or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:  # noqa: PTH123 - sets the mode
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def make_folder(path: Path, policy: str) -> None:
    """Write the first files of a store into a new, empty or half-made folder; raise StoreError for another one."""
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path}: this is a file, and a store is a folder; name another path")
    path.mkdir(parents=True, exist_ok=True)
    strange = sorted(item.name for item in path.iterdir() if not _ours(item.name))
    if strange and not (path / COMMIT).exists():
        raise StoreError(f"{path}: this folder holds other things ({strange[0]}); name a new or empty folder")
    with locked(path):
        if not (path / COMMIT).exists():
            write_atomically(path / POLICY, policy.encode())
            write_atomically(path / KEY, secrets.token_bytes(32), 0o600)
            write_atomically(path / COMMIT, Commit().to_json().encode())


def _ours(name: str) -> bool:
    return name in (LOCK, POLICY, KEY, COMMIT, LOG) or name.endswith(".part")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the folder's write lock; the system frees it when the process dies."""
    with (path / LOCK).open("ab") as file:
        if sys.platform == "win32":
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def explained(path: Path, doing: str) -> Iterator[None]:
    """Turn what the disk or LanceDB raises into a StoreError of one sentence with the next step."""
    try:
        yield
    except CctviewError:
        raise
    except (OSError, RuntimeError, ValueError) as error:  # LanceDB raises the last two for its own and for the disk
        raise StoreError(_sentence(path, doing, str(error))) from error


def _sentence(path: Path, doing: str, text: str) -> str:
    if "No space left" in text or "os error 28" in text or "Disk quota" in text:
        return f"{path}: the disk is full; free some space and run the same command again, what was stored is safe"
    if "Read-only file system" in text or "Permission denied" in text:
        return f"{path}: this folder may not be written to; change its permissions or name another path"
    if "Not a directory" in text:
        return f"{path}: a part of this path is a file; name another path"
    if "No field named" in text:
        absent = text.partition("No field named ")[2].partition(".")[0]
        return f"{path}: linked by an earlier cctview, which knew no {absent!r}; run cctview track {path}, then go on"
    reason = text.splitlines()[0].split(", /")[0] if text else "no reason given"
    if "ot found" in text or "no longer exists" in text:
        return (
            f"{path}: files of this store are missing ({reason}); restore the folder, or run the source into a new one"
        )
    return f"{path}: cannot {doing} ({reason}); run the same command again, what was stored is safe"
