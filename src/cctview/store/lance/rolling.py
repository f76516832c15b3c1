"""A table that is ahead of the commit file, because whoever wrote it was killed or failed, goes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["drop_newer", "roll_back"]

_NEWEST = 2**64 - 1  # LanceDB counts the names of manifests down from here, so that the newest is listed first
_HINT = "latest_version_hint.json"


def roll_back(db: Any, folder: Path, name: str, version: int, *, tidying: bool) -> int:
    """Take a table back to its committed version; return the version that now holds the same rows.

    Going back is a new version for LanceDB. One that nobody can open, because the disk lost a part of it, is deleted
    first. Where an earlier cctview was killed while it tidied, the committed version may be gone and the newest is
    the right one.
    """
    folder = folder / f"{name}.lance" / "_versions"
    try:
        table = db.open_table(name)
    except Exception:  # noqa: BLE001 - what cannot be opened is not what was committed
        drop_newer(folder, version)
        table = db.open_table(name)
    if table.version == version:
        return version
    try:
        table.restore(version)
    except Exception:
        if not tidying:
            raise
        table.checkout_latest()
    return int(table.version)


def drop_newer(folder: Path, version: int) -> None:
    """Delete the manifests of later versions, unless there is none of this or an earlier one."""
    numbers = {path: _number(path.stem) for path in folder.glob("*.manifest")}
    if min(numbers.values(), default=version + 1) <= version:
        (folder / _HINT).unlink(missing_ok=True)
        for path in (path for path, number in numbers.items() if number > version):
            path.unlink()


def _number(stem: str) -> int:
    """Return the version that a manifest's name stands for, counted up or down."""
    number = int(stem) if stem.isdecimal() else -1
    return _NEWEST - number if number > _NEWEST // 2 else number
