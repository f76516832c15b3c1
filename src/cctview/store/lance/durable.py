"""Bytes that are to survive a power cut: brought to the disk before anything names them."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

__all__ = ["settle", "write_atomically", "write_new"]


def settle(folder: Path, files: Iterable[Path]) -> None:
    """Bring these files of a folder, and their names, to the disk; raise OSError where that fails.

    One ``syncfs`` for the file system where there is one: a commit's dozen files cost 11 ms that way and 90 ms one by
    one (ext4 on a virtual disk), though it also waits for what other programs have written. Elsewhere each file and
    each folder is synced by itself.
    """
    if _synced_at_once(folder):
        return
    places = set(files)
    above = {parent for place in places for parent in place.parents if parent == folder or folder in parent.parents}
    for place in [*sorted(places), *sorted(above, reverse=True)]:
        _sync(place)


def write_new(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that readers see the old or the new one, never a part; ``settle`` makes it last."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:  # noqa: PTH123 - sets the mode
        file.write(data)
    draft.replace(path)


def write_atomically(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that readers, and whoever comes after a power cut, see the old or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:  # noqa: PTH123 - sets the mode
        file.write(data)
        file.flush()
        _flushed(file.fileno())
    draft.replace(path)
    _sync(path.parent)


def _synced_at_once(folder: Path) -> bool:
    """Sync the whole file system of a folder; return whether this system can."""
    syncfs = _syncfs()
    if syncfs is None:
        return False
    number = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(number):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), str(folder))
    finally:
        os.close(number)
    return True


@cache
def _syncfs() -> Any:
    """Return the function of the C library, or None; before Linux 5.8 it tells of no error, and reading back must."""
    return getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None) if sys.platform == "linux" else None


def _sync(place: Path) -> None:
    """Sync one file, or the names in one folder, which Windows keeps by itself."""
    is_folder = place.is_dir()
    if is_folder and sys.platform == "win32":
        return
    number = os.open(place, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        _flushed(number)
    finally:
        os.close(number)


def _flushed(number: int) -> None:
    """Sync an open file; on macOS only the full one reaches the disk."""
    if sys.platform == "darwin":
        fcntl.fcntl(number, fcntl.F_FULLFSYNC)
    else:
        os.fsync(number)
