"""The two listings the original published of a tree: its detections, one id a line, and its files.

``<folder>--detections.csv`` holds detection ids, whose parts ``--`` separates; ``tree.txt`` is the
output of ``tree -h`` on macOS, where a folder counts 32 bytes for each entry, itself and its parent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError
from cctview.formats.files import write_text
from cctview.naming import DetectionName, parse_detection_name

__all__ = ["read_detection_list", "read_listing", "write_detection_list", "write_listing"]

_MOST_BYTES = 256_000_000
_BRANCH, _LAST, _DOWN, _NOTHING = "├── ", "└── ", "│\u00a0\u00a0 ", "    "
_FOLDER_ENTRY = 32
_UNITS = "KMGT"


def write_detection_list(path: Path, names: NDArray[np.str_]) -> None:
    """Write detection ids ``(N,)``, one a line and no line end after the last."""
    write_text(path, "\n".join(names.tolist()))


def read_detection_list(path: Path) -> tuple[NDArray[np.str_], tuple[DetectionName, ...]]:
    """Return the ids ``(N,)`` of a listing and what each says; raise FormatError for another kind of file."""
    lines = [line for line in _lines(path) if line]
    try:
        return np.array(lines, np.str_), tuple(map(parse_detection_name, lines))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def write_listing(folder: Path) -> Path:
    """Write ``tree.txt`` into the folder, about all that lies below it; return its path."""
    path = folder / "tree.txt"
    write_text(path, "")
    below = list(_below(folder, ""))
    folders = sum(is_folder for _, is_folder in below)
    lines = [".", *(line for line, _ in below), "", f"{folders} directories, {len(below) - folders} files"]
    write_text(path, "\n".join(lines) + "\n")
    return path


def read_listing(path: Path) -> tuple[PurePosixPath, ...]:
    """Return the files and folders a ``tree.txt`` names; raise FormatError for another kind of file."""
    found: list[PurePosixPath] = []
    above: list[str] = []
    for line in _lines(path)[1:]:
        if not line:
            break
        depth, name = _entry(line, path)
        if depth > len(above):
            raise FormatError(f"{path}: {line!r} is deeper than the line before it")
        above[depth:] = [name]
        found.append(PurePosixPath(*above))
    return tuple(found)


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FormatError(f"{path}: refused, larger than {_MOST_BYTES / 1e6:g} MB")
        return path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not a text file ({error})") from error


def _entry(line: str, path: Path) -> tuple[int, str]:
    """Return how deep an entry lies and its name."""
    places = [place for place in (line.find(_BRANCH), line.find(_LAST)) if place >= 0]
    if not places or min(places) % len(_BRANCH):
        raise FormatError(f"{path}: {line[:100]!r} is no line of a listing made by tree")
    rest = line[min(places) + len(_BRANCH) :]
    name = rest.partition("]  ")[2] if rest.startswith("[") else rest
    if not name or "/" in name or name in (".", ".."):
        raise FormatError(f"{path}: {line[:100]!r} names no file")
    return min(places) // len(_BRANCH), name


def _below(folder: Path, before: str) -> Iterator[tuple[str, bool]]:
    """Yield the line of every entry, and whether it is a folder."""
    entries = _visible(folder)
    for number, path in enumerate(entries):
        last = number == len(entries) - 1
        is_folder = path.is_dir() and not path.is_symlink()
        size = _FOLDER_ENTRY * (len(_visible(path)) + 2) if is_folder else path.lstat().st_size
        yield f"{before}{_LAST if last else _BRANCH}[{_human(size)}]  {path.name}", is_folder
        if is_folder:
            yield from _below(path, before + (_NOTHING if last else _DOWN))


def _visible(folder: Path) -> list[Path]:
    entries: Iterable[Path] = folder.iterdir()
    return sorted((path for path in entries if not path.name.startswith(".")), key=lambda path: path.name)


def _human(size: float) -> str:
    """Return a size in four letters, as ``tree -h`` does."""
    if size < 1024:
        return f"{size:4.0f}"
    unit = -1
    while size >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:3.{1 if size < 10 else 0}f}{_UNITS[unit]}"
