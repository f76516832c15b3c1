"""Small files that a commit names: the camera network, and what a stage remembers to go on.

A file is called after the hash of what it holds, so it is never written twice nor changed, and the
commit that names it makes it visible together with the rows it belongs to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cctview.store.lance.durable import write_new

__all__ = ["FOLDER", "attach", "read_attached", "sweep_attached"]

FOLDER = "attached"


def attach(folder: Path, data: bytes, ending: str) -> str:
    """Write bytes to a file of the store and return its name; nobody sees it before a commit names it."""
    name = f"{hashlib.blake2b(data, digest_size=16).hexdigest()}.{ending}"
    (folder / FOLDER).mkdir(exist_ok=True)
    write_new(folder / FOLDER / name, data)
    return name


def read_attached(folder: Path, name: str) -> bytes:
    """Return the bytes of an attached file."""
    return (folder / FOLDER / name).read_bytes()


def sweep_attached(folder: Path, named: Iterable[str]) -> None:
    """Delete every attached file that the commit does not name."""
    kept = set(named)
    for path in (folder / FOLDER).glob("*"):
        if path.name not in kept:
            path.unlink()
