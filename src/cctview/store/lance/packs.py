"""Stills at rest: JPEG bytes one after another in files of about 64 MB, each followed by its checksum.

They stay out of LanceDB, whose compaction reads large values of a whole table into memory
(lancedb/lancedb#2325). A pack only ever grows, by the holder of the write lock; what lies beyond
its committed length was never committed. Packs of earlier versions, up to a number that the commit knows,
have no checksums.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.errors import StoreError

__all__ = ["FOLDER", "PackWriter", "Packed", "pack_path", "read_packed", "read_stills", "sweep_packs"]

FOLDER = "pixels"
_FULL = 64 << 20
_CRC = 4  # bytes of a CRC-32, little endian, behind each still


class Packed(NamedTuple):
    """A still as it lies in its pack, and the checksum that was written with it, None in a pack without."""

    still: bytes
    crc: int | None

    @property
    def whole(self) -> bool:
        """Whether the bytes are those that were written, as far as that can be told."""
        return self.crc in (None, zlib.crc32(self.still))


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
        return self.put([Packed(still, zlib.crc32(still)) for still in stills])

    def put(self, stills: Sequence[Packed]) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        """Write stills with the checksums they have; raise StoreError where they do not come back the same."""
        number = self._open()
        start = self.packs.get(number, 0)
        lengths = np.array([len(item.still) for item in stills], np.int64)
        ends = start + np.cumsum(lengths + _CRC)
        if len(stills):
            self._append(pack_path(self.folder, number), start, [_sealed(item) for item in stills])
            self.packs[number] = int(ends[-1])
        return np.full(len(stills), number, np.int32), ends - _CRC - lengths, lengths

    def _append(self, path: Path, start: int, entries: list[bytes]) -> None:
        path.parent.mkdir(exist_ok=True)
        if start and (not path.exists() or path.stat().st_size < start):
            raise StoreError(
                f"{path}: this file of stills was cut; see what is left with `cctview check {self.folder}`"
            )
        with path.open("ab") as file:
            file.truncate(start)
            file.writelines(entries)
        with path.open("rb") as file:
            file.seek(start)
            if any(file.read(len(entry)) != entry for entry in entries):
                raise StoreError(
                    f"{path}: stills do not come back as they were written: the disk lost a write; see that it is well"
                    " and has room, then run the same command again"
                )

    def _open(self) -> int:
        newest = max(self.packs, default=0)
        usable = newest > self.closed and self.packs[newest] < _FULL
        return newest if usable else max(newest, self.closed) + 1


def read_packed(
    folder: Path, pack: NDArray[np.int32], offset: NDArray[np.int64], length: NDArray[np.int64], unsealed: int
) -> Iterator[Packed]:
    """Yield stills by their places, opening each run of one pack once; those up to ``unsealed`` have no checksums."""
    places = zip(pack.tolist(), offset.tolist(), length.tolist(), strict=True)
    for number, run in groupby(places, key=lambda place: place[0]):
        with pack_path(folder, number).open("rb") as file:
            for _, start, size in run:
                file.seek(start)
                still = file.read(size)
                yield Packed(still, None if number <= unsealed else int.from_bytes(file.read(_CRC), "little"))


def read_stills(
    folder: Path, pack: NDArray[np.int32], offset: NDArray[np.int64], length: NDArray[np.int64], unsealed: int
) -> Iterator[bytes]:
    """Yield the bytes of stills by their places; raise StoreError for one that is not as it was written."""
    for packed, number, size in zip(
        read_packed(folder, pack, offset, length, unsealed), pack.tolist(), length.tolist(), strict=True
    ):
        if len(packed.still) != size or not packed.whole:
            raise StoreError(
                f"{pack_path(folder, number)}: a still in it is damaged; see which with `cctview check {folder}`, and "
                "take it out with --repair"
            )
        yield packed.still


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


def _sealed(item: Packed) -> bytes:
    crc = zlib.crc32(item.still) if item.crc is None else item.crc
    return item.still + crc.to_bytes(_CRC, "little")
