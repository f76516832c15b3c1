"""Take other people's weights into the library: ONNX files, and the two files of the original."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cctview.errors import ModelError, ModelNotFoundError, nearest
from cctview.models.beside import external_files
from cctview.models.labels import labels_for
from cctview.models.library import add_model, free_name, library_folder
from cctview.models.record import ModelRecord
from cctview.models.signature import describe, tried

__all__ = ["ORIGINAL_DETECTOR", "ORIGINAL_EMBEDDER", "import_model"]

ORIGINAL_DETECTOR = "retinanet-coco"
ORIGINAL_EMBEDDER = "densenet-veri"
_ORIGINAL_HASHES = {
    "1e4d64e56e04c42d74759f980dc0ef9cef5d86ab021d2e82182c89d9e2094ccd": "resnet50_coco_best_v2.0.1.h5",
    "bd82ed9950dfb18876b908bdc6b02eae8f9896e6f2f17e66f75f76c8ea123030": "VeRI_densenet_ft50.pth",
}
_ORIGINAL_SCORE = 0.4
# What ImageAI was asked for; "train" is no type here.
_ORIGINAL_TYPES = ("car", "motorcycle", "bus", "person", "bicycle")


def import_model(
    path: Path,
    *,
    library: Path | None = None,
    name: str | None = None,
    task: str | None = None,
    family: str | None = None,
    labels: tuple[str, ...] = (),
    licence: str = "not stated",
    origin: str = "",
    changes: Mapping[str, Any] | None = None,
) -> ModelRecord:
    """Put a model into the library and return its record; it was run once on an empty picture.

    ``path`` is an ONNX file, keras-retinanet's HDF5 file or torchvision's DenseNet ``.pth``; the
    last two need the extra ``convert``. Raise ModelNotFoundError when it is not there, ModelError
    when it is damaged, unsafe, or of no kind known here.
    """
    readers: Mapping[str, Callable[[], tuple[bytes, dict[str, Any]]]] = {
        ".onnx": lambda: _onnx(path, task, family, labels, changes),
        ".h5": lambda: _retinanet(path, labels),
        ".hdf5": lambda: _retinanet(path, labels),
        ".pth": lambda: _densenet(path),
        ".pt": lambda: _densenet(path),
    }
    if path.suffix.lower() not in readers:
        raise ModelError(f"{path}: no model is read from {path.suffix!r} files; {nearest(path.suffix, readers)}")
    if not path.is_file():
        raise ModelNotFoundError(f"no model at {path}; give the path of an .onnx, .h5 or .pth file")
    target = library or library_folder()
    chosen = free_name(name, target) if name else None
    try:
        weights, described = readers[path.suffix.lower()]()
    except ModuleNotFoundError as error:
        raise ModelError(
            f"reading {path.name} needs {error.name}, which is not installed; pip install 'cctview[convert]'"
        ) from error
    others = external_files(weights, path) if path.suffix.lower() == ".onnx" else {}
    tried(weights, str(path), described["input"], path.parent if others else None)
    known = {"name": _plain(path.stem), "version": "1", "licence": licence, "origin": origin or path.name}
    return add_model({**known, **described, **({"name": chosen} if chosen else {})}, weights, target, others)


def _plain(stem: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in stem.lower()).lstrip("-._")


def _onnx(
    path: Path, task: str | None, family: str | None, labels: tuple[str, ...], changes: Mapping[str, Any] | None
) -> tuple[bytes, dict[str, Any]]:
    weights = path.read_bytes()
    beside = path.parent if external_files(weights, path) else None
    values = describe(weights, str(path), task=task, family=family, labels=labels, changes=changes, beside=beside)
    return weights, values


def _retinanet(path: Path, labels: tuple[str, ...]) -> tuple[bytes, dict[str, Any]]:
    from cctview.models.convert.retinanet import KerasWeights, classes_of, retinanet_graph  # noqa: PLC0415  an extra

    keras = KerasWeights(path)
    try:
        weights, classes = retinanet_graph(keras), classes_of(keras)
    finally:
        keras.close()
    values = describe(weights, str(path), labels=labels or labels_for(classes, str(path)))
    kept = [label if label in _ORIGINAL_TYPES or labels else "" for label in values["labels"]]
    return weights, {
        **_origin(
            path, ORIGINAL_DETECTOR, "keras-retinanet's RetinaNet ResNet-50, COCO, as ImageAI 2.x ships it (MIT)"
        ),
        **values,
        "labels": kept,
        "thresholds": {"default": _ORIGINAL_SCORE},
    }


def _densenet(path: Path) -> tuple[bytes, dict[str, Any]]:
    from cctview.models.convert.densenet import densenet_graph, read_state  # noqa: PLC0415  an extra

    weights = densenet_graph(read_state(path))
    values = describe(weights, str(path), task="embedding")
    values["input"] |= {"fit": "short-side", "short": 256, "stored": True}
    return weights, {
        **_origin(
            path, ORIGINAL_EMBEDDER, "DenseNet-201 tuned on VeRi, of GeoTrouvetout/Vehicle_ReID and samdbrice/cctview"
        ),
        **values,
    }


def _origin(path: Path, name: str, words: str) -> dict[str, str]:
    """Return name, origin and licence of a file of the original, told by its hash, or of one like it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest in _ORIGINAL_HASHES:
        return {
            "name": name,
            "origin": f"{_ORIGINAL_HASHES[digest]}: {words}",
            "licence": "MIT",
            "source_sha256": digest,
        }
    return {"name": name, "origin": f"{path.name}, laid out like {words}", "source_sha256": digest}
