"""Names for ids shown outside, that only the holder of the key can make or read back.

The cipher is SPECK64/128 (Beaulieu et al., "The SIMON and SPECK families of lightweight block
ciphers", 2013), run over whole columns, so that neither direction needs a table of all ids.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError

__all__ = ["ids_behind", "pseudonyms"]

_ROUNDS = 27
_WORD = 32
_ID_BITS = np.uint64(2**63 - 1)
_LOW = np.uint64(2**32 - 1)
Words = NDArray[np.uint32]


def pseudonyms(key: bytes, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pseudonym of each 63-bit id (N,): another 63-bit id, the same for equal ids and keys.

    Raise SettingsError unless the key has 16 to 64 bytes.
    """
    return _walked(ids, _round_keys(key), _encrypted)


def ids_behind(key: bytes, names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ids (N,) whose pseudonyms these are: the inverse of ``pseudonyms`` under the same key."""
    return _walked(names, _round_keys(key), _decrypted)


@lru_cache(maxsize=8)
def _round_keys(key: bytes) -> Words:
    if not 16 <= len(key) <= 64:
        raise SettingsError(f"a pseudonym key has 16 to 64 bytes, got {len(key)}")
    digest = hashlib.blake2b(b"pseudonyms", key=key, digest_size=16).digest()
    return _schedule(np.frombuffer(digest, "<u4").astype(np.uint32))


def _walked(values: NDArray[np.int64], keys: Words, cipher: Any) -> NDArray[np.int64]:
    """Walk along the cipher's cycle to the next value of 63 bits (Black and Rogaway, 2002)."""
    walked = cipher(np.asarray(values, np.int64).astype(np.uint64), keys)
    outside = np.flatnonzero(walked > _ID_BITS)
    while len(outside):
        walked[outside] = cipher(walked[outside], keys)
        outside = outside[walked[outside] > _ID_BITS]
    return walked.astype(np.int64)


def _schedule(key: Words) -> Words:
    """Return the round keys (27,) of a key given as four words, the lowest first."""
    keys, rest = [key[:1]], [key[1:2], key[2:3], key[3:4]]
    for number in range(_ROUNDS - 1):
        rest.append((keys[-1] + _right(rest[number], 8)) ^ np.uint32(number))
        keys.append(_right(keys[-1], _WORD - 3) ^ rest[-1])
    return np.concatenate(keys)


def _encrypted(blocks: NDArray[np.uint64], keys: Words) -> NDArray[np.uint64]:
    x, y = _split(blocks)
    for key in keys:
        x = (_right(x, 8) + y) ^ key
        y = _right(y, _WORD - 3) ^ x
    return _joined(x, y)


def _decrypted(blocks: NDArray[np.uint64], keys: Words) -> NDArray[np.uint64]:
    x, y = _split(blocks)
    for key in keys[::-1]:
        y = _right(x ^ y, 3)
        x = _right((x ^ key) - y, _WORD - 8)
    return _joined(x, y)


def _right(words: Words, bits: int) -> Words:
    """Rotate each word to the right."""
    return (words >> np.uint32(bits)) | (words << np.uint32(_WORD - bits))


def _split(blocks: NDArray[np.uint64]) -> tuple[Words, Words]:
    return (blocks >> np.uint64(_WORD)).astype(np.uint32), (blocks & _LOW).astype(np.uint32)


def _joined(x: Words, y: Words) -> NDArray[np.uint64]:
    return (x.astype(np.uint64) << np.uint64(_WORD)) | y.astype(np.uint64)
