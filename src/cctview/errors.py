"""Every error cctview raises on purpose.

    CctviewError
    ├── InputError (ValueError)          what the caller passed cannot be used
    │   ├── SettingsError                an unknown or impossible setting
    │   ├── TableError                   a column of a table breaks its contract
    │   ├── FrameError                   one still cannot be used; the rest goes on
    │   ├── FormatError                  a file is not what its name promises
    │   └── NetworkFileError             the camera network file cannot be used
    ├── MissingError (LookupError)       a named thing is not there
    │   ├── SourceNotFoundError (FileNotFoundError)
    │   └── ModelNotFoundError (FileNotFoundError)
    ├── MissingExtraError (ImportError)  a library that comes with an extra is not installed
    ├── ModelError                       weights are damaged or do not fit their record
    ├── DownloadError (OSError)          a file cannot be fetched, or is not the one recorded
    ├── StoreError (OSError)             the store cannot be read or written
    │   ├── StoreNotFoundError (FileNotFoundError)
    │   ├── StoreMismatchError           the store was made by another producer
    │   └── StoreChangedError            something was removed while others worked with it
    └── PolicyError (PermissionError)    the policy does not allow this

Each message says what was wrong, where, and the next step. Each class also inherits the matching
built-in, so ordinary ``except`` clauses work.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CctviewError",
    "DownloadError",
    "FormatError",
    "FrameError",
    "InputError",
    "MissingError",
    "MissingExtraError",
    "ModelError",
    "ModelNotFoundError",
    "NetworkFileError",
    "PolicyError",
    "SettingsError",
    "SourceNotFoundError",
    "StoreChangedError",
    "StoreError",
    "StoreMismatchError",
    "StoreNotFoundError",
    "TableError",
    "nearest",
]


class CctviewError(Exception):
    """Base of every error cctview raises on purpose."""


class InputError(CctviewError, ValueError):
    """What the caller passed cannot be used."""


class SettingsError(InputError):
    """An unknown or impossible setting."""


class TableError(InputError):
    """A column of a table breaks its contract."""


class FrameError(InputError):
    """One still cannot be used; the rest goes on."""


class FormatError(InputError):
    """A file is not what its name promises."""


class NetworkFileError(InputError):
    """The camera network file cannot be used."""


class MissingError(CctviewError, LookupError):
    """A named thing is not there."""


class SourceNotFoundError(MissingError, FileNotFoundError):
    """The source of frames is not there."""


class ModelNotFoundError(MissingError, FileNotFoundError):
    """No model of this name, or its file is gone."""


class MissingExtraError(CctviewError, ImportError):
    """A library that comes with an extra is not installed."""


class ModelError(CctviewError):
    """Weights are damaged or do not fit their record."""


class DownloadError(CctviewError, OSError):
    """A file cannot be fetched, or is not the one recorded."""


class StoreError(CctviewError, OSError):
    """The store cannot be read or written."""


class StoreNotFoundError(StoreError, FileNotFoundError):
    """There is no store at this path."""


class StoreMismatchError(StoreError):
    """The store was made by another producer."""


class StoreChangedError(StoreError):
    """Something was removed from the store since what is to be written was read from it."""


class PolicyError(CctviewError, PermissionError):
    """The policy does not allow this."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the closest known names, or all of them when none is close."""
    options = sorted(known)
    close = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(option) for option in close) + "?"
    return "known: " + ", ".join(options)
