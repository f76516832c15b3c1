"""What a graph takes and gives, read off an ONNX file, and the record this makes up for it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cctview.errors import ModelError, ModelNotFoundError, nearest
from cctview.models.beside import external_files
from cctview.models.families import FAMILIES, Family, Shape, family_of
from cctview.models.labels import carried_names, labels_for
from cctview.models.record import ModelRecord, record_from
from cctview.models.runtime import RuntimeSettings, opened, refusals

__all__ = ["Signature", "describe", "record_of_graph", "signature", "tried"]

_DTYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
_EMBEDDER_SIDE = 224
_MORE_THAN_BOXES = ("segment", "pose")  # tasks whose rows go on behind the scores of the classes
_ROW_OF_A_BOX = 7  # still, corners, class and score: YOLOv7 end to end, not a vector


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Names and shapes of a graph's inputs and outputs; an extent that may vary is 0.

    ``said`` is what the graph's maker wrote into it: Ultralytics' exports tell ``names``, ``imgsz`` and ``task``.
    """

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    dtype: str
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes that the graph carries, in the order of their numbers; none where it has none."""
        return carried_names(self.said.get("names") or self.said.get("classes") or self.said.get("class_names") or "")

    @property
    def picture(self) -> Shape:
        """The shape of the input that takes pictures."""
        return next(iter(self.inputs.values()))

    @property
    def layout(self) -> str:
        """``NCHW`` or ``NHWC``."""
        return "NHWC" if self.picture[-1] == 3 else "NCHW"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        height, width = self.picture[1:3] if self.layout == "NHWC" else self.picture[2:4]
        told = [int(side) for side in re.findall(r"[0-9]+", self.said.get("imgsz", ""))]
        told = (told * 2)[:2] if told else [0, 0]
        return height or told[0], width or told[1]


def signature(weights: bytes, where: str, beside: Path | None = None) -> Signature:
    """Return what the graph takes and gives; raise ModelError when it is none or takes no pictures."""
    session = opened(weights, where, RuntimeSettings(), beside)
    inputs = {item.name: _shape(item.shape) for item in session.get_inputs()}
    outputs = {item.name: _shape(item.shape) for item in session.get_outputs()}
    first = session.get_inputs()[0]
    found = Signature(
        inputs=inputs,
        outputs=outputs,
        dtype=_DTYPES.get(first.type, first.type),
        said=session.get_modelmeta().custom_metadata_map,
    )
    if len(found.picture) != 4 or 3 not in (found.picture[1], found.picture[3]) or first.type not in _DTYPES:
        raise ModelError(
            f"{where} takes {first.type} {list(first.shape)}, not pictures; give a detector or an embedder"
        )
    return found


def _shape(extents: Any) -> Shape:
    return tuple(extent if isinstance(extent, int) else 0 for extent in extents)


def describe(
    weights: bytes,
    where: str,
    *,
    task: str | None = None,
    family: str | None = None,
    labels: tuple[str, ...] = (),
    changes: Mapping[str, Any] | None = None,
    beside: Path | None = None,
) -> dict[str, Any]:
    """Return the values of a record for a graph, by what it takes and gives.

    ``family`` names the outputs where the graph does not tell; ``labels`` are the classes in order,
    those the graph carries or COCO's by default; ``changes`` replace values of ``[input]``. Raise ModelError when
    the graph is of no known kind, or the labels are not as many as its classes.
    """
    found = signature(weights, where, beside)
    if task is None:
        task = "embedding" if _is_embedder(found) and family is None else "detection"
    values = _embedder(found, where) if task == "embedding" else _detector(found, where, family, labels)
    unknown = set(changes or {}) - set(values["input"])
    if unknown:
        raise ModelError(f"no input setting {min(unknown)!r}; {nearest(min(unknown), values['input'])}")
    values["input"] |= changes or {}
    return values


def record_of_graph(path: Path, task: str | None = None) -> ModelRecord:
    """Return a made-up record for an ONNX file, as if it had been imported; raise ModelNotFoundError without one."""
    try:
        weights = path.read_bytes()
    except OSError as error:
        raise ModelNotFoundError(f"no model at {path} ({error.strerror}); give the path of an .onnx file") from error
    others = external_files(weights, path)
    values = {
        "name": path.stem,
        "version": "0",
        "file": path.name,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "licence": "not stated",
        "origin": path.name,
        "files": {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in others.items()},
        **describe(weights, str(path), task=task, beside=path.parent if others else None),
    }
    return record_from(values, path, beside=path.parent)


def tried(weights: bytes, where: str, pixels: Mapping[str, Any], beside: Path | None = None) -> None:
    """Run the graph once on an empty picture; raise ModelError when it does not run."""
    session = opened(weights, where, RuntimeSettings(), beside)
    first, *others = session.get_inputs()
    extents = {"NHWC": (1, pixels["height"], pixels["width"], 3), "NCHW": (1, 3, pixels["height"], pixels["width"])}
    wanted = extents[pixels["layout"]]
    shape = [given if isinstance(given, int) else want for given, want in zip(first.shape, wanted, strict=True)]
    size = np.array([[pixels["height"], pixels["width"]]], np.int64)
    try:
        session.run(None, {first.name: np.zeros(shape, pixels["dtype"]), **{other.name: size for other in others}})
    except refusals() as error:
        raise ModelError(f"{where} cannot be run on a {shape} picture: {error}") from error


def _is_embedder(found: Signature) -> bool:
    shapes = list(found.outputs.values())
    return len(shapes[0]) == 2 and shapes[0][1] > 1 and shapes[0][1] != _ROW_OF_A_BOX and len(shapes) <= 2


def _embedder(found: Signature, where: str) -> dict[str, Any]:
    if not _is_embedder(found):
        raise ModelError(f"{where} gives {dict(found.outputs)}, not one vector per picture; it is no embedder")
    height, width = (extent or _EMBEDDER_SIDE for extent in found.size)
    own = {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}
    plain = {"mean": [0.0, 0.0, 0.0], "std": [1.0, 1.0, 1.0]}
    return {
        "task": "embedding",
        "dimension": next(iter(found.outputs.values()))[1],
        "unit": False,
        "input": {
            "layout": found.layout,
            "dtype": found.dtype,
            "colour": "RGB",
            "width": width,
            "height": height,
            "margin": 0.0,
            "fit": "stretch",
            "batch": found.picture[0],
            **(plain if found.dtype == "uint8" else own),
        },
    }


def _detector(found: Signature, where: str, name: str | None, labels: tuple[str, ...]) -> dict[str, Any]:
    family = _family(found, where, name)
    height, width = (extent or side for extent, side in zip(found.size, family.size, strict=True))
    names = labels or found.names
    classes = (
        len(names) if found.said.get("task") in _MORE_THAN_BOXES else family.classes(found.outputs, (height, width))
    )
    given = names or labels_for(classes, where)
    if classes and len(given) != classes:
        raise ModelError(f"{where} tells {classes} classes apart, and {len(given)} labels were given; give one each")
    return {
        "task": "detection",
        "family": family.name,
        "labels": list(given),
        "labels_from": "you" if labels else "the graph" if names else "COCO, for the graph names none",
        "nms_iou": family.nms_iou,
        "redaction_threshold": 0.1,
        "thresholds": {"default": family.threshold},
        "input": {
            "layout": found.layout,
            "dtype": found.dtype,
            "width": width,
            "height": height,
            **family.pixels,
        },
    }


def _family(found: Signature, where: str, name: str | None) -> Family:
    if name is not None:
        if name not in FAMILIES:
            raise ModelError(f"no family of detectors named {name!r}; {nearest(name, FAMILIES)}")
        return FAMILIES[name]
    family = family_of(found.inputs, found.outputs, found.size)
    if family is None:
        raise ModelError(
            f"{where} gives {dict(found.outputs)}, which is the output of no detector known here; "
            f"name one with --family: {', '.join(FAMILIES)}"
        )
    return family
