"""Where models lie: those in the package, and those the user imported or pulled."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cctview.errors import ModelError, ModelNotFoundError, nearest
from cctview.models.record import ModelRecord, bundled_models, gone, read_record
from cctview.models.signature import record_of_graph

__all__ = ["add_model", "find_model", "free_name", "installed_models", "library_folder"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PATH_ENDINGS = (".toml", ".onnx")


def library_folder() -> Path:
    """Return where imported models are kept: ``CCTVIEW_MODELS``, or a folder among the user's data."""
    chosen = os.environ.get("CCTVIEW_MODELS")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    return data / "cctview" / "models"


def installed_models(task: str | None = None, library: Path | None = None) -> tuple[ModelRecord, ...]:
    """Return the records of the models in the package and in the library, each by name."""
    own = (read_record(path) for path in sorted((library or library_folder()).glob("*.toml")))
    return *bundled_models(task), *(record for record in own if task in (None, record.task))


def find_model(name: str, task: str | None = None) -> ModelRecord:
    """Return the record of this name, or at this path when it ends in ``.toml`` or ``.onnx``.

    Raise ModelNotFoundError when there is none, ModelError when it is for another task or no record
    can be made up for a graph.
    """
    record = _at_path(Path(name), task) if name.endswith(_PATH_ENDINGS) else _named(name)
    if task not in (None, record.task):
        raise ModelError(f"{record.name!r} is a model for {record.task}, not for {task}; choose another")
    if not record.weights.is_file():
        raise gone(record)
    return record


def _at_path(path: Path, task: str | None) -> ModelRecord:
    return record_of_graph(path, task) if path.suffix == ".onnx" else read_record(path)


def _named(name: str) -> ModelRecord:
    bundled = {record.name: record for record in bundled_models()}
    if name in bundled:
        return bundled[name]
    own = {path.stem: path for path in library_folder().glob("*.toml")}
    if name not in own:
        raise ModelNotFoundError(f"no model named {name!r}; {nearest(name, [*bundled, *own])}")
    return read_record(own[name])


def free_name(name: str, library: Path) -> str:
    """Return the name; raise ModelError when it cannot name a model here or names one of the package."""
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} cannot name a model; use small letters, digits, '-', '_' and '.'")
    if name in {record.name for record in bundled_models()}:
        raise ModelError(f"{name!r} is a model of the package; choose another name for the one in {library}")
    return name


def add_model(
    values: Mapping[str, Any], weights: bytes, library: Path, others: Mapping[str, Path] | None = None
) -> ModelRecord:
    """Write weights and record into the library and return the record; one of the same name is replaced.

    ``others`` are the files that hold weights of the graph, by the names that it gives them; they are taken along.
    """
    name = free_name(str(values["name"]), library)
    file = f"{name}.onnx"
    record = {**values, "file": file, "sha256": hashlib.sha256(weights).hexdigest()}
    library.mkdir(parents=True, exist_ok=True)
    for given, source in (others or {}).items():
        data = source.read_bytes()
        record.setdefault("files", {})[given] = hashlib.sha256(data).hexdigest()
        (library / f"{name}.files" / given).parent.mkdir(parents=True, exist_ok=True)
        _write(library / f"{name}.files" / given, data)
    _write(library / file, weights)
    _write(library / f"{name}.toml", _toml(record).encode())
    return read_record(library / f"{name}.toml")


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written ({error.strerror}); set CCTVIEW_MODELS to another folder"
        ) from error


def _toml(values: Mapping[str, Any]) -> str:
    """Return TOML: plain values first, then one table per mapping."""
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items()]
    for key, table in values.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{key}]", *(f"{json.dumps(name)} = {_value(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else repr(value)
