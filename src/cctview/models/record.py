"""A model is a record, in TOML, beside a file of weights."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cctview.errors import ModelError, ModelNotFoundError, nearest

__all__ = ["ModelRecord", "bundled_models", "gone", "read_record", "record_from"]

_WEIGHTS = Path(__file__).parent / "weights"
_TASKS = ("detection", "embedding")


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """Say everything needed to use a file of weights, and where it came from.

    ``input`` describes the pixels the graph expects (layout, width, height, stride, pad, margin);
    ``accuracy`` is what was measured, on which data; ``files`` are the hashes of weights in files
    of their own, which lie in ``folder``, else beside the graph in a folder called after it.
    """

    name: str
    version: str
    task: str
    weights: Path
    sha256: str
    licence: str
    origin: str
    input: Mapping[str, Any]
    trained_on: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    accuracy: tuple[Mapping[str, Any], ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def beside(self) -> Path | None:
        """The folder of the files that hold weights beside the graph, or None where all are in the graph."""
        return (self.folder or self.weights.with_suffix(".files")) if self.files else None

    @property
    def producer(self) -> str:
        """The words that tie a row to these very weights."""
        return f"{self.name} {self.version} {self.sha256[:12]}"

    def verified_weights(self) -> bytes:
        """Return the weights; raise ModelNotFoundError or ModelError when gone or changed."""
        try:
            data = self.weights.read_bytes()
        except OSError as error:
            raise gone(self) from error
        self._require(self.weights, data, self.sha256)
        for name, digest in self.files.items():
            path = (self.beside or self.weights.parent) / name
            try:
                self._require(path, path.read_bytes(), digest)
            except OSError as error:
                raise gone(self, path) from error
        return data

    def _require(self, path: Path, data: bytes, recorded: str) -> None:
        digest = hashlib.sha256(data).hexdigest()
        if digest != recorded:
            raise ModelError(
                f"the weights of {self.name!r} at {path} are damaged: sha256 {digest[:12]}… is not the "
                f"recorded {recorded[:12]}…; {self.remedy}"
            )

    @property
    def bundled(self) -> bool:
        """Whether the model is part of the package."""
        return self.weights.parent == _WEIGHTS

    @property
    def remedy(self) -> str:
        """What to do when the weights are gone or damaged."""
        return "reinstall cctview" if self.bundled else "import or pull the model again"


def gone(record: ModelRecord, path: Path | None = None) -> ModelNotFoundError:
    """Return the error for weights that are not where their record says; ``path`` is another file than the graph."""
    return ModelNotFoundError(f"the weights of {record.name!r} are not at {path or record.weights}; {record.remedy}")


def bundled_models(task: str | None = None) -> tuple[ModelRecord, ...]:
    """Return the records of the models in the package, by name."""
    records = (read_record(path) for path in sorted(_WEIGHTS.glob("*.toml")))
    return tuple(record for record in records if task in (None, record.task))


def read_record(path: Path) -> ModelRecord:
    """Read a record; raise ModelNotFoundError when it is not there, ModelError when it is not a record."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ModelNotFoundError(f"no model record at {path} ({error.strerror}); give the path of its TOML") from error
    except ValueError as error:
        raise ModelError(f"the model record {path} is not valid TOML: {error}") from error
    return record_from(data, path)


def record_from(values: Mapping[str, Any], path: Path, *, beside: Path | None = None) -> ModelRecord:
    """Return the record these values make, whose file lies at ``path``; raise ModelError when they are none."""
    try:
        record = replace(_record(values, path), folder=beside)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the model record {path} lacks or misstates {error}; see a bundled record") from error
    if record.task not in _TASKS:
        raise ModelError(f"the model record {path} names the task {record.task!r}; {nearest(record.task, _TASKS)}")
    return record


def _record(data: Mapping[str, Any], path: Path) -> ModelRecord:
    own = {"name", "version", "task", "file", "sha256", "licence", "origin", "input", "trained_on", "labels",
           "thresholds", "accuracy", "files"}  # fmt: skip
    return ModelRecord(
        name=str(data["name"]),
        version=str(data["version"]),
        task=str(data["task"]),
        weights=path.parent / str(data["file"]),
        sha256=str(data["sha256"]),
        licence=str(data["licence"]),
        origin=str(data["origin"]),
        input=dict(data["input"]),
        trained_on=tuple(map(str, data.get("trained_on", ()))),
        labels=tuple(map(str, data.get("labels", ()))),
        thresholds={key: float(value) for key, value in data.get("thresholds", {}).items()},
        settings={key: value for key, value in data.items() if key not in own},
        accuracy=tuple(data.get("accuracy", ())),
        files={str(name): str(digest) for name, digest in data.get("files", {}).items()},
    )
