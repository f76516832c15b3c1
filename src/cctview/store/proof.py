"""Search files, or memory, for the bytes of ids and stills that must no longer be there."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Needles", "Search", "files_below", "search", "search_files"]

_WINDOW = 8 << 20  # bytes looked at together: a few megabytes of memory for each, however large the file
_KEY = 8  # bytes of an id
_SIEVE_BITS = (16, 22)  # 64 kB fit the first cache of a processor, 4 MB its second
Piece = bytes | memoryview | mmap.mmap
Sieves = tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Needles:
    """What to look for: 8-byte keys (K,) in rising order, read as int64.

    For an id the key is the id itself, little endian. For a still it is the 8 bytes in the middle
    of its JPEG data, ``before`` bytes after its start; ``length`` (0 for an id) and ``digests``
    tell a still from another one that shares those bytes.
    """

    keys: NDArray[np.int64]
    before: NDArray[np.int64]
    length: NDArray[np.int64]
    digests: NDArray[np.bytes_]

    @classmethod
    def of(cls, ids: NDArray[np.int64], stills: Iterable[bytes]) -> Needles:
        """Build from ids (N,) and JPEG bytes, which are read one at a time."""
        places = [_middle(still) for still in stills if len(still) >= _KEY]
        count = len(ids)
        keys = np.concatenate([ids, np.array([place[0] for place in places], np.int64)])
        before = np.concatenate([np.zeros(count, np.int64), np.array([place[1] for place in places], np.int64)])
        length = np.concatenate([np.zeros(count, np.int64), np.array([place[2] for place in places], np.int64)])
        digests = np.array([b""] * count + [place[3] for place in places], "V16")
        order = np.argsort(keys, kind="stable")
        return cls(keys=keys[order], before=before[order], length=length[order], digests=digests[order])

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, kw_only=True)
class Search:
    """How many pieces (files, or buffers of memory) and bytes were searched, and how many needles seen in them."""

    pieces: int
    bytes: int
    found: int


def files_below(folder: Path) -> set[Path]:
    """Return every file of a folder and the folders below it."""
    return {path for path in folder.rglob("*") if path.is_file()}


def search_files(folder: Path, needles: Needles) -> Search:
    """Look for the raw bytes of every needle at every place of every file, in bounded memory."""
    return search(_mapped(sorted(files_below(folder))), needles)


def search(pieces: Iterable[Piece], needles: Needles) -> Search:
    """Look for the raw bytes of every needle at every place of every piece."""
    seen = np.zeros(len(needles), np.bool_)
    sieves = _sieves(needles.keys)
    count = size = 0
    for piece in pieces:
        count, size = count + 1, size + len(piece)
        _search_piece(piece, needles, sieves, seen)
    return Search(pieces=count, bytes=size, found=int(seen.sum()))


def _mapped(files: Iterable[Path]) -> Iterator[Piece]:
    """Lend each file as mapped memory; one too short to hold an id is read."""
    for path in files:
        with path.open("rb") as file:
            if path.stat().st_size < _KEY:
                yield file.read()
            else:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    yield data


def _search_piece(data: Piece, needles: Needles, sieves: Sieves, seen: NDArray[np.bool_]) -> None:
    for start in range(0, len(data), _WINDOW):
        window = data[start : start + _WINDOW + _KEY - 1]
        for shift in range(min(_KEY, len(window) - _KEY + 1)):
            words = np.frombuffer(window, "<i8", (len(window) - shift) // _KEY, shift)
            places, rows = _candidates(words, needles.keys, sieves)
            are_ids = needles.length[rows] == 0
            seen[rows[are_ids]] = True
            starts = start + shift + places[~are_ids] * _KEY - needles.before[rows[~are_ids]]
            for place, row in zip(starts.tolist(), rows[~are_ids].tolist(), strict=True):
                seen[row] = seen[row] or _is_still(data, place, needles, row)


def _candidates(
    words: NDArray[np.int64], keys: NDArray[np.int64], sieves: Sieves
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return each place where a needle's key stands, and the needle's row."""
    likely = np.flatnonzero(sieves[0].take(_bits(words, sieves, 0)))
    likely = likely[sieves[1].take(_bits(words[likely], sieves, 1))]
    low = np.searchsorted(keys, words[likely])
    count = np.searchsorted(keys, words[likely], "right") - low
    rows = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(count.sum())
    return np.repeat(likely, count), rows


def _is_still(data: Piece, start: int, needles: Needles, row: int) -> bool:
    end = start + int(needles.length[row])
    return start >= 0 and _digest(data[start:end]) == needles.digests[row].tobytes()


def _middle(still: bytes) -> tuple[int, int, int, bytes]:
    before = (len(still) - _KEY) // 2
    return int.from_bytes(still[before : before + _KEY], "little", signed=True), before, len(still), _digest(still)


def _digest(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _sieves(keys: NDArray[np.int64]) -> Sieves:
    """Return which bits any key has, low ones and next ones: small enough for the processor's cache."""
    bits = int(np.clip(len(keys).bit_length() + 8, *_SIEVE_BITS))
    sieves = (np.zeros(1 << bits, np.bool_), np.zeros(1 << bits, np.bool_))
    for level, sieve in enumerate(sieves):
        sieve[_bits(keys, sieves, level)] = True
    return sieves


def _bits(words: NDArray[np.int64], sieves: Sieves, level: int) -> NDArray[np.int64]:
    size = len(sieves[level])
    return (words >> (level * (size.bit_length() - 1)) if level else words) & (size - 1)
