"""One word for all the numbers that steer a method: tables made under other numbers refuse to join."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["fingerprint"]


def fingerprint(record: DataclassInstance) -> str:
    """Return twelve hexadecimal digits that differ where the class, a field's name or its value differs.

    Fields may hold numbers, words, tuples of them, and records like this one. The same on every machine, for
    numbers are written so that they read back exactly. Raise TypeError for anything else, an array for example.
    """
    told = json.dumps([type(record).__name__, asdict(record)], sort_keys=True)
    return hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
