"""Names for ids shown outside, that only the holder of the key can repeat."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError

__all__ = ["pseudonyms"]


def pseudonyms(key: bytes, ids: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return 16 hexadecimal digits for each id (N,): keyed BLAKE2b, so equal ids get equal names.

    Raise SettingsError unless the key has 16 to 64 bytes.
    """
    if not 16 <= len(key) <= 64:
        raise SettingsError(f"a pseudonym key has 16 to 64 bytes, got {len(key)}")
    distinct, place = np.unique(ids, return_inverse=True)
    names = [_name(key, value) for value in distinct.astype("<i8").tolist()]
    return np.array(names, "U16")[place]


def _name(key: bytes, value: int) -> str:
    return hashlib.blake2b(value.to_bytes(8, "little"), key=key, digest_size=8).hexdigest()
