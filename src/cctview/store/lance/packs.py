"""Stills at rest: JPEG bytes one after another in files of about 64 MB.

They stay out of LanceDB, whose compaction reads large values of a whole table into memory
(lancedb/lancedb#2325). A pack only ever grows, by the holder of the write lock; what lies beyond
its committed length was never committed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["FOLDER", "PackWriter", "pack_path", "read_stills", "sweep_packs"]

FOLDER = "pixels"
_FULL = 64 << 20


def pack_path(folder: Path, number: int) -> Path:
    """Return the file of a pack."""
    return folder / FOLDER / f"{number:06d}.pack"


class PackWriter:
    """Append stills to the packs of a store.

    ``packs`` maps numbers to lengths and is brought up to date by every write; new packs are
    numbered above ``closed``, and packs up to it are left alone.
    """

    def __init__(self, folder: Path, packs: dict[int, int], closed: int = 0) -> None:
        self.folder = folder
        self.packs = dict(packs)
        self.closed = closed

    def write(self, stills: Sequence[bytes]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        """Write stills to one pack; return the pack, offset and length of each, (N,)."""
        number = self._open()
        start = self.packs.get(number, 0)
        lengths = np.array([len(still) for still in stills], np.int64)
        if len(stills):
            path = pack_path(self.folder, number)
            path.parent.mkdir(exist_ok=True)
            with path.open("ab") as file:
                file.truncate(start)
                file.writelines(stills)
            self.packs[number] = start + int(lengths.sum())
        return np.full(len(stills), number, np.int32), start + np.cumsum(lengths) - lengths, lengths

    def _open(self) -> int:
        newest = max(self.packs, default=0)
        usable = newest > self.closed and self.packs[newest] < _FULL
        return newest if usable else max(newest, self.closed) + 1


def read_stills(
    folder: Path, pack: NDArray[np.int32], offset: NDArray[np.int64], length: NDArray[np.int64]
) -> Iterator[bytes]:
    """Yield stills by their places, opening each run of one pack once."""
    places = zip(pack.tolist(), offset.tolist(), length.tolist(), strict=True)
    for number, run in groupby(places, key=lambda place: place[0]):
        with pack_path(folder, number).open("rb") as file:
            for _, start, size in run:
                file.seek(start)
                yield file.read(size)


def sweep_packs(folder: Path, packs: dict[int, int]) -> None:
    """Delete packs that are not committed and cut the others at their committed length."""
    files = {path: path.stat().st_size for path in sorted((folder / FOLDER).glob("*"))}
    lengths = {pack_path(folder, number): length for number, length in packs.items()}
    for path, size in files.items():
        if path not in lengths:
            path.unlink()
        elif size > lengths[path]:
            with path.open("r+b") as file:
                file.truncate(lengths[path])
