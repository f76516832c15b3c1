"""Tracker states as bytes: NumPy arrays in a zip file, and nothing that could be executed."""

from __future__ import annotations

import io
import typing
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError
from cctview.tracking.state import TrackState

__all__ = ["dump", "load"]

T = TypeVar("T")
_FORMAT = "cctview tracker state 2"


def dump(state: TrackState) -> bytes:
    """Return a state as bytes."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, format=np.array(_FORMAT), **dict(_flat(state, "")))
    return file.getvalue()


def load(data: bytes) -> TrackState:
    """Return the state that ``dump`` gave; raise FormatError for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            if str(arrays["format"]) != _FORMAT:
                raise FormatError(f"tracker state: expected {_FORMAT!r}, got {str(arrays['format'])!r}; track anew")
            return _built(TrackState, arrays, "")
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"tracker state: these bytes are damaged or are no state ({error}); track anew") from error


def _flat(value: Any, name: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays and numbers in nested dataclasses by their dotted names; None is left out."""
    if is_dataclass(value):
        for field in fields(value):
            yield from _flat(getattr(value, field.name), f"{name}.{field.name}".lstrip("."))
    elif value is not None:
        yield name, np.asarray(value)


def _built(kind: type[T], arrays: Mapping[str, NDArray[Any]], name: str) -> T:
    """Return nested dataclasses from their arrays."""
    hints = typing.get_type_hints(kind)
    values = {
        field.name: _value(hints[field.name], arrays, f"{name}.{field.name}".lstrip("."))
        for field in fields(kind)  # type: ignore[arg-type]
    }
    return kind(**values)


def _value(hint: Any, arrays: Mapping[str, NDArray[Any]], name: str) -> Any:
    options = [option for option in typing.get_args(hint) if is_dataclass(option)]
    inner = options[0] if options else hint
    if is_dataclass(inner):
        absent = bool(options) and not any(key.startswith(f"{name}.") for key in arrays)
        return None if absent else _built(typing.cast("type[Any]", inner), arrays, name)
    return hint(arrays[name]) if hint in (int, float) else arrays[name]
