"""Tracker states as bytes: NumPy arrays in a zip file, and nothing that could be executed."""

from __future__ import annotations

import io
import json
import typing
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError, TableError
from cctview.types import Table

__all__ = ["packed", "unpacked"]

T = TypeVar("T")
_FORMAT = "cctview tracker state 3"


def packed(state: Any, made_by: Mapping[str, str]) -> bytes:
    """Return a state, a dataclass of arrays, numbers, tables and such dataclasses, as bytes.

    ``made_by`` is the ``meta`` of the tracker: under other settings a state would mean something else. Equal
    states give equal bytes: no hour stands in them.
    """
    file = io.BytesIO()
    told = {"format": np.array(_FORMAT), "made_by": np.array(json.dumps(dict(made_by), sort_keys=True))}
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in (told | dict(_flat(state, "state"))).items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as part:
                np.lib.format.write_array(part, array, allow_pickle=False)
    return file.getvalue()


def unpacked(kind: type[T], data: bytes, made_by: Mapping[str, str]) -> T:
    """Return the state of this kind that ``packed`` gave; raise FormatError for anything else, or another tracker's."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            _agreed("format", str(arrays["format"]), _FORMAT)
            _agreed("made by", str(arrays["made_by"]), json.dumps(dict(made_by), sort_keys=True))
            return _built(kind, arrays, "state")
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, TableError) as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"tracker state: these bytes are damaged or are no state ({error}); track anew") from error


def _agreed(what: str, got: str, wanted: str) -> None:
    if got != wanted:
        raise FormatError(f"tracker state, {what}: expected {wanted}, got {got}; track anew")


def _flat(value: Any, name: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays and numbers in nested dataclasses and tables by their dotted names; None is left out."""
    if isinstance(value, Table):
        yield f"{name}.meta", np.array(json.dumps(value.meta))
        for column in value.columns:
            yield f"{name}.{column}", getattr(value, column)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _flat(getattr(value, field.name), f"{name}.{field.name}")
    elif value is not None:
        yield name, np.asarray(value)


def _built(kind: type[T], arrays: Mapping[str, NDArray[Any]], name: str) -> T:
    """Return nested dataclasses from their arrays."""
    hints = typing.get_type_hints(kind)
    values = {
        field.name: _value(hints[field.name], arrays, f"{name}.{field.name}")
        for field in fields(kind)  # type: ignore[arg-type]
    }
    return kind(**values)


def _value(hint: Any, arrays: Mapping[str, NDArray[Any]], name: str) -> Any:
    options = [option for option in typing.get_args(hint) if is_dataclass(option)]
    inner = options[0] if options else hint
    if is_dataclass(inner):
        absent = bool(options) and not any(key.startswith(f"{name}.") for key in arrays)
        return None if absent else _built(typing.cast("type[Any]", inner), arrays, name)
    if isinstance(inner, type) and issubclass(inner, Table):
        columns = {column: arrays[f"{name}.{column}"] for column in inner.columns}
        return inner(meta=json.loads(str(arrays[f"{name}.meta"])), **columns)
    return hint(arrays[name]) if hint in (int, float) else arrays[name]
