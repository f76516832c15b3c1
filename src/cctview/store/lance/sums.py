"""Checksums of the files of the tables: what a commit vouches for, and ``check`` compares."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from cctview.errors import StoreError
from cctview.store.lance.attached import attach, read_attached

__all__ = ["Sum", "attach_sums", "data_files", "read_sums", "sum_of", "summed"]

_HINT = "latest_version_hint.json"  # LanceDB writes it over again and again, and does without it
_WINDOW = 1 << 20


class Sum(NamedTuple):
    """The CRC-32 and size of a file."""

    crc: int
    size: int


def data_files(folder: Path, tables: Iterable[str]) -> dict[str, Path]:
    """Return the files of these tables by their path inside the store."""
    found = (path for name in tables for path in (folder / f"{name}.lance").rglob("*"))
    kept = (path for path in found if path.name != _HINT and not path.name.startswith(".") and path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in kept}


def summed(folder: Path, tables: Iterable[str], before: Mapping[str, Sum]) -> tuple[dict[str, Sum], list[Path]]:
    """Return the sums of all files of these tables, and the files that had none before: none is ever changed."""
    files = data_files(folder, tables)
    fresh = [path for name, path in files.items() if name not in before]
    return {name: before[name] if name in before else sum_of(path) for name, path in files.items()}, fresh


def sum_of(path: Path) -> Sum:
    """Read a file and return its sum."""
    crc = size = 0
    with path.open("rb") as file:
        while window := file.read(_WINDOW):
            crc, size = zlib.crc32(window, crc), size + len(window)
    return Sum(crc, size)


def attach_sums(folder: Path, sums: Mapping[str, Sum]) -> str:
    """Write sums to an attached file and return its name."""
    lines = [f"{item.crc:08x} {item.size} {name}\n" for name, item in sorted(sums.items())]
    return attach(folder, "".join(lines).encode(), "sums")


def read_sums(folder: Path, name: str) -> dict[str, Sum]:
    """Return the sums of an attached file, none for no name; raise StoreError where it is gone or damaged."""
    if not name:
        return {}
    try:
        lines = read_attached(folder, name).decode().splitlines()
        parts = (line.split(" ", 2) for line in lines)
        return {path: Sum(int(crc, 16), int(size)) for crc, size, path in parts}
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{folder}: the checksums of its files are damaged; see what is left with `cctview check {folder}`"
        ) from error
