"""Search every file of a folder for ids and stills that must no longer be there."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Needles", "Search", "files_below", "search"]

_WINDOW = 8 << 20
_KEY = 8
_SIEVE_BITS = (16, 22)


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
    """How many files and bytes were searched, and how many needles were seen in them."""

    files: int
    bytes: int
    found: int


def files_below(folder: Path) -> set[Path]:
    """Return every file of a folder and the folders below it."""
    return {path for path in folder.rglob("*") if path.is_file()}


def search(folder: Path, needles: Needles) -> Search:
    """Look for the raw bytes of every needle at every place of every file, in bounded memory."""
    seen = np.zeros(len(needles), np.bool_)
    sieve = _sieve(needles.keys)
    files = sorted(files_below(folder))
    size = 0
    for path in files:
        size += path.stat().st_size
        with path.open("rb") as file:
            if path.stat().st_size >= _KEY:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    _search_file(data, needles, sieve, seen)
    return Search(files=len(files), bytes=size, found=int(seen.sum()))


def _search_file(data: mmap.mmap, needles: Needles, sieve: NDArray[np.bool_], seen: NDArray[np.bool_]) -> None:
    for start in range(0, len(data), _WINDOW):
        window = data[start : start + _WINDOW + _KEY - 1]
        for place, row in _candidates(window, needles.keys, sieve):
            seen[row] = seen[row] or _confirmed(data, start + place, needles, row)


def _candidates(window: bytes, keys: NDArray[np.int64], sieve: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield each place of a window where a needle's key stands, and its row; all 8 alignments are tried."""
    for shift in range(min(_KEY, len(window) - _KEY + 1)):
        words = np.frombuffer(window, "<i8", (len(window) - shift) // _KEY, shift)
        likely = np.flatnonzero(sieve.take(words & (len(sieve) - 1)))
        low = np.searchsorted(keys, words[likely])
        count = np.searchsorted(keys, words[likely], "right") - low
        places = np.repeat(likely * _KEY + shift, count)
        rows = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(len(places))
        yield from zip(places.tolist(), rows.tolist(), strict=True)


def _confirmed(data: mmap.mmap, place: int, needles: Needles, row: int) -> bool:
    length = int(needles.length[row])
    start = place - int(needles.before[row])
    if not length:
        return True
    return start >= 0 and _digest(data[start : start + length]) == needles.digests[row].tobytes()


def _middle(still: bytes) -> tuple[int, int, int, bytes]:
    before = (len(still) - _KEY) // 2
    return int.from_bytes(still[before : before + _KEY], "little", signed=True), before, len(still), _digest(still)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _sieve(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which low bits any key has: small enough to stay in the processor's cache."""
    bits = int(np.clip(len(keys).bit_length() + 8, *_SIEVE_BITS))
    sieve = np.zeros(1 << bits, np.bool_)
    sieve[keys & (len(sieve) - 1)] = True
    return sieve
