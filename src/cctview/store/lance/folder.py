"""The folder of a store: its lock, its commit file, and errors that say what to do."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from cctview.errors import CctviewError, StoreError, StoreNotFoundError
from cctview.store.lance.durable import settle, write_atomically, write_new
from cctview.store.log import LOG

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = [
    "COMMIT",
    "COPY",
    "FORMAT",
    "KEY",
    "LOCK",
    "POLICY",
    "Commit",
    "TableState",
    "digest",
    "explained",
    "locked",
    "make_folder",
    "read_commit",
    "stamp",
]

FORMAT = 3
COMMIT = "commit.json"
COPY = "commit.copy.json"
LOCK = "write.lock"
POLICY = "policy.toml"
KEY = "pseudonym.key"
_PANICS = ("RustPanic",)  # what LanceDB raises where a file of its own is not what it can be, under no name to import
_SEALED = 3  # the first format whose commit file has a checksum of its own


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

    The rest is what ``check`` compares: ``sums`` names the attached file with the checksums of all files of the
    tables, empty where an earlier version wrote last; packs up to ``unsealed`` have no checksums; ``policies`` are the
    texts that the policy may have, two while one takes the place of the other; ``key`` is the hash of the key of
    pseudonyms; ``searches`` counts the entries of the log and ``seal`` is the hash of the last of them.
    """

    number: int = 0
    tables: dict[str, TableState] = field(default_factory=dict)
    packs: dict[int, int] = field(default_factory=dict)
    network: str = ""
    states: dict[str, str] = field(default_factory=dict)
    removals: int = 0
    tidying: bool = False
    sums: str = ""
    unsealed: int = 0
    policies: tuple[str, ...] = ()
    key: str = ""
    searches: int = 0
    seal: str = ""

    @property
    def attached(self) -> set[str]:
        """The names of the attached files that this commit needs."""
        return {name for name in (self.network, self.sums, *self.states.values()) if name}

    def with_table(self, name: str, state: TableState | None) -> Self:
        """Return a copy where one table has another state, or none."""
        tables = {key: value for key, value in self.tables.items() if key != name}
        return replace(self, tables=tables if state is None else {**tables, name: state})

    def to_json(self) -> str:
        """Return the text of the commit file."""
        said = json.loads(json.dumps({"format": FORMAT, **asdict(self)}))
        return json.dumps({**said, "crc": _crc(said)}, indent=1)

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
            if written >= _SEALED and data.pop("crc") != _crc({"format": written, **data}):
                raise ValueError("its checksum does not fit")  # noqa: TRY301 - told like all other damage
            tables = {name: TableState(**state) for name, state in data.pop("tables").items()}
            packs = {int(number): length for number, length in data.pop("packs").items()}
            policies = tuple(data.pop("policies", ()))
            data.setdefault("unsealed", max(packs, default=0))
            return cls(tables=tables, packs=packs, policies=policies, **data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{where}: {COMMIT} is damaged ({error}); `cctview check {where} --repair` takes its copy, where it is "
                "whole"
            ) from error


def read_commit(path: Path, name: str = COMMIT) -> Commit:
    """Return what is committed, or what the copy says; raise StoreNotFoundError when the folder is not a store."""
    if not path.exists():
        raise StoreNotFoundError(f"{path}: there is no store here; make one with `cctview run` or `cctview import`")
    if not path.is_dir():
        raise StoreNotFoundError(f"{path}: this is a file, and a store is a folder; name another path")
    file = path / name
    if not file.is_file():
        raise StoreNotFoundError(f"{path}: this folder is not a store ({COMMIT} is missing); name another path")
    return Commit.from_json(file.read_text(encoding="utf-8"), path)


def stamp(path: Path, commit: Commit, files: Iterable[Path]) -> None:
    """Exchange the commit file, once all that it names, and ``files`` among it, is on the disk.

    Its copy is written before and names the same, so that one of the two can be read whatever happens to the other.
    """
    text = commit.to_json().encode()
    write_new(path / COPY, text)
    settle(path, [*files, path / COPY])
    write_atomically(path / COMMIT, text)


def make_folder(path: Path, policy: str) -> None:
    """Write the first files of a store into a new, empty or half-made folder; raise StoreError for another one."""
    if path.exists() and not path.is_dir():
        raise StoreError(f"{path}: this is a file, and a store is a folder; name another path")
    path.mkdir(parents=True, exist_ok=True)
    if not (path / COMMIT).exists():
        _require_empty(path)
    with locked(path):
        if not (path / COMMIT).exists():
            key = secrets.token_bytes(32)
            write_new(path / POLICY, policy.encode())
            write_new(path / KEY, key, 0o600)
            stamp(path, Commit(policies=(policy,), key=digest(key)), [path / POLICY, path / KEY, path / LOCK])
            settle(path.parent, [])


def digest(data: bytes) -> str:
    """Return the hash by which a commit knows a small file."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _require_empty(path: Path) -> None:
    """Raise StoreError for a folder that holds more than a store that was killed while it was made."""
    strange = sorted(item.name for item in path.iterdir() if not _ours(item.name))
    if any(name.endswith(".lance") or name == "pixels" for name in strange):
        raise StoreError(
            f"{path}: this store has lost its {COMMIT}; `cctview check {path} --repair` takes its copy, where it is "
            "whole"
        )
    if strange:
        raise StoreError(
            f"{path}: this folder is not a store and holds other things ({strange[0]}); name a new or empty folder"
        )


def _crc(said: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(said, sort_keys=True).encode())


def _ours(name: str) -> bool:
    return name in (LOCK, POLICY, KEY, COMMIT, COPY, LOG) or name.endswith(".part")


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
    except Exception as error:
        if type(error).__name__ not in _PANICS:
            raise
        raise StoreError(_sentence(path, doing, str(error))) from error


def _sentence(path: Path, doing: str, text: str) -> str:
    if "No space left" in text or "os error 28" in text or "Disk quota" in text:
        return f"{path}: the disk is full; free some space and run the same command: it goes on from the last commit"
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
            f"{path}: files of this store are missing ({reason}); see which with `cctview check {path}`, then restore "
            "the folder, or take out what is lost with --repair"
        )
    return (
        f"{path}: cannot {doing} ({reason}); run the same command again, or see what is damaged: cctview check {path}"
    )
