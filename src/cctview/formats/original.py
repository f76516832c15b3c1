"""The files of the original cctview, written as it wrote them and read in all their variants.

Beside a still lie ``<still>--detections.jpeg`` (boxes drawn), ``<still>--detections.json``, the
folder ``<still>--detections/`` with one crop per detection, and ``<still>--features.json``;
``<camera>--matches.json`` and ``matches/`` belong to a camera whose detections were looked for
elsewhere. Scores are percent in the files and in [0, 1] here.
"""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cctview.errors import FormatError
from cctview.extras import cv2
from cctview.formats.files import ecma_json, file_name, read_json, replacing, write_text
from cctview.naming import detection_names, parse_detection_name, pixel_boxes
from cctview.types import Detections, Frame

__all__ = [
    "OriginalDetections",
    "OriginalFeatures",
    "OriginalMatches",
    "detection_names",
    "parse_detection_name",
    "read_detections",
    "read_features",
    "read_matches",
    "write_detections",
    "write_features",
    "write_matches",
]

_COLOURS = {  # by type, RGB, as keras-retinanet draws them
    "person": (31, 0, 255),
    "bicycle": (0, 159, 255),
    "car": (255, 95, 0),
    "motorcycle": (255, 19, 0),
    "bus": (255, 38, 0),
    "truck": (255, 0, 133),
}
_NOT_DETECTIONS = frozenset(("id", "model", "summary"))
_MAX_PIXEL = 1_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class OriginalDetections:
    """The detections of one still, by rank: ``score`` (N,) in [0, 1], ``box`` (N, 4) xyxy whole pixels."""

    still: str
    model: str
    names: NDArray[np.str_]
    rank: NDArray[np.int32]
    type: NDArray[np.str_]
    score: NDArray[np.float32]
    box: NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class OriginalFeatures:
    """The features of one still: detection ``names`` (N,) and ``vectors`` (N, D), of any length."""

    still: str
    model: str
    names: NDArray[np.str_]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class OriginalMatches:
    """Distances from each base detection to each target detection of some cameras, one row per pair."""

    base: NDArray[np.str_]
    camera: NDArray[np.str_]
    target: NDArray[np.str_]
    distance: NDArray[np.float64]


def write_detections(
    folder: Path, frame: Frame, detections: Detections, model: str, *, json_only: bool = False
) -> NDArray[np.str_]:
    """Write the three outputs of one still and return the readable ids (D,) of its detections.

    ``json_only`` leaves the drawn boxes and the crops out. What an earlier run left of them for this
    still goes away.
    """
    stem = file_name(f"{frame.name}--detections")
    rows = detections.sort("rank")
    names = detection_names(np.repeat(frame.name, len(rows)), rows.rank, rows.type, rows.score, rows.box)
    boxes = pixel_boxes(rows.box)
    write_text(folder / f"{stem}.json", ecma_json(_detections_object(frame.name, model, rows, names, boxes)) + "\n")
    if not json_only:
        _write_jpeg(folder / f"{stem}.jpeg", _drawn(frame.image, rows.type, boxes))
        _write_crops(folder / stem, frame.image, names, boxes)
    return names


def _detections_object(
    still: str, model: str, rows: Detections, names: NDArray[np.str_], boxes: NDArray[np.int64]
) -> dict[str, Any]:
    types = rows.type.tolist()
    percents = (rows.score.astype(np.float64) * 100).tolist()
    entries = {
        name: {"type": kind, "id": name, "percentage_probability": percent, "box_points": box}
        for name, kind, percent, box in zip(names.tolist(), types, percents, boxes.tolist(), strict=True)
    }
    return {"id": f"{still}--detections", "model": model, "summary": {"total": len(types), **Counter(types)}, **entries}


def _drawn(image: NDArray[np.uint8], types: NDArray[np.str_], boxes: NDArray[np.int64]) -> NDArray[np.uint8]:
    drawn = image.copy()
    for kind, (x1, y1, x2, y2) in zip(types.tolist(), boxes.tolist(), strict=True):
        cv2.rectangle(drawn, (x1, y1), (x2, y2), _COLOURS[kind], 2, cv2.LINE_AA)
    return drawn


def _write_crops(folder: Path, image: NDArray[np.uint8], names: NDArray[np.str_], boxes: NDArray[np.int64]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in _crops(folder).values():
        old.unlink()
    for name, (x1, y1, x2, y2) in zip(names.tolist(), np.maximum(boxes, 0).tolist(), strict=True):
        crop = image[y1:y2, x1:x2]
        if crop.size:  # a box outside of the image shows nothing
            _write_jpeg(folder / f"{file_name(name)}.jpeg", crop)


def _write_jpeg(path: Path, image: NDArray[np.uint8]) -> None:
    """Encode as the original did: quality 75, 100 dots per inch."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "JPEG", quality=75, dpi=(100, 100))
    with replacing(path) as written:
        written.write_bytes(buffer.getvalue())


def _crops(folder: Path) -> dict[str, Path]:
    """Return the crops in the folders below (or in) this one, by detection id."""
    return {path.stem: path for path in sorted(folder.rglob("*.jpeg")) if _is_crop(path)}


def _is_crop(path: Path) -> bool:
    try:
        still = parse_detection_name(path.stem).still
    except FormatError:
        return False
    return path.parent.name == f"{still}--detections" and path.is_file() and not path.is_symlink()


def read_detections(path: Path) -> OriginalDetections:
    """Read a ``--detections.json``; raise FormatError naming the file and what is wrong in it."""
    data = read_json(path)
    still = _still(data, path, "--detections")
    rows = sorted(
        (_detection(key, entry, still, path) for key, entry in data.items() if key not in _NOT_DETECTIONS),
        key=lambda row: row[1],
    )
    names, ranks, types, percents, boxes = zip(*rows, strict=True) if rows else ((),) * 5
    return OriginalDetections(
        still=still,
        model=_model(data, path),
        names=np.array(names, np.str_),
        rank=np.array(ranks, np.int32),
        type=np.array(types, np.str_),
        score=(np.array(percents, np.float64) / 100).astype(np.float32),
        box=np.array(boxes, np.int64).reshape(-1, 4),
    )


def _detection(key: str, entry: Any, still: str, path: Path) -> tuple[str, int, str, float, list[int]]:
    rank = _name_of(key, entry, still, path)
    kind, percent, box = (entry.get(field) for field in ("type", "percentage_probability", "box_points"))
    if not isinstance(kind, str) or not kind:
        raise FormatError(f"{path}: {key}: type must be a text, got {kind!r}")
    if not _is_number(percent) or not 0 <= percent <= 100:
        raise FormatError(f"{path}: {key}: percentage_probability must be a number from 0 to 100, got {percent!r}")
    numbers = isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))
    if not numbers or not all(abs(side) <= _MAX_PIXEL for side in box):
        raise FormatError(f"{path}: {key}: box_points must be [x1, y1, x2, y2] in pixels, got {str(box)[:100]}")
    return key, rank, kind, float(percent), [round(side) for side in box]


def _name_of(key: str, entry: Any, still: str, path: Path) -> int:
    """Return the rank in a detection's id; raise FormatError unless the entry is about it and this still."""
    try:
        name = parse_detection_name(key)
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error
    if name.still != still:
        raise FormatError(f"{path}: {key}: a detection of {name.still!r} in a file about {still!r}")
    if not isinstance(entry, Mapping) or entry.get("id", key) != key:
        raise FormatError(f"{path}: {key}: expected an object with the same id, got {str(entry)[:100]}")
    return name.rank


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _still(data: Mapping[str, Any], path: Path, suffix: str) -> str:
    """Return the still a file is about; its id comes with and without the suffix."""
    name = data.get("id", path.stem)
    if not isinstance(name, str) or not name:
        raise FormatError(f"{path}: id must be the name of a still, got {str(name)[:100]}")
    try:
        return file_name(name.removesuffix(suffix))
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def _model(data: Mapping[str, Any], path: Path) -> str:
    name = data.get("model", "")
    if not isinstance(name, str):
        raise FormatError(f"{path}: model must be a text, got {str(name)[:100]}")
    return name


def write_features(
    path: Path, still: str, names: NDArray[np.str_], vectors: NDArray[np.floating[Any]], model: str
) -> None:
    """Write a ``--features.json``: one entry per detection, ``names`` (N,) and ``vectors`` (N, D)."""
    values = np.asarray(vectors, np.float64).tolist()
    entries = {name: {"id": name, "data": vector} for name, vector in zip(names.tolist(), values, strict=True)}
    write_text(path, ecma_json({"id": f"{still}--features", "model": model, **entries}) + "\n")


def read_features(path: Path) -> OriginalFeatures:
    """Read a ``--features.json``; raise FormatError for NaN and for vectors of different lengths."""
    data = read_json(path)
    still = _still(data, path, "--features")
    names = [key for key in data if key not in _NOT_DETECTIONS]
    for name in names:
        _name_of(name, data[name], still, path)
    lists = [data[name].get("data") for name in names]
    return OriginalFeatures(
        still=still, model=_model(data, path), names=np.array(names, np.str_), vectors=_vectors(lists, path)
    )


def _vectors(lists: list[Any], path: Path) -> NDArray[np.float32]:
    try:
        vectors = np.array(lists, np.float64) if lists else np.zeros((0, 0))
    except (TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{path}: data must be lists of numbers of one length ({error})") from error
    if vectors.ndim != 2 or not (np.abs(vectors) <= np.finfo(np.float32).max).all():
        raise FormatError(f"{path}: data must be lists of finite numbers of one length")
    return vectors.astype(np.float32)


def write_matches(folder: Path, base: str, matches: OriginalMatches) -> tuple[str, ...]:
    """Write ``<base>--matches.json`` and the crops in ``matches/``; return the ids whose crop is missing.

    Each base detection gets a folder with its own crop and ``cam-<k>--<distance>--<target>.jpeg`` for
    each target, ``k`` counting the cameras in the order of their first rows. The original wrote the
    base's id there, which lost the target; we write the target's.
    """
    file = folder / file_name(f"{base}--matches.json")
    rows = list(_rows(matches))
    for name in {name for row in rows for name in (row[0], row[2])}:
        parse_detection_name(name)
    nested: dict[str, dict[str, dict[str, float]]] = {}
    for detection, camera, target, distance in rows:
        nested.setdefault(detection, {}).setdefault(camera, {})[target] = distance
    write_text(file, json.dumps(nested, sort_keys=True, indent=2, allow_nan=False))
    crops = _crops(folder)
    numbers = {camera: number for number, camera in enumerate(dict.fromkeys(matches.camera.tolist()), 1)}
    copies = {(detection, f"base--{detection}.jpeg"): detection for detection in nested}
    copies |= {(row[0], f"cam-{numbers[row[1]]}--{row[3]}--{row[2]}.jpeg"): row[2] for row in rows}
    for detection in nested:
        _emptied(folder / "matches" / detection)
    for (detection, name), source in copies.items():
        if source in crops:
            shutil.copyfile(crops[source], folder / "matches" / detection / name)
    return tuple(sorted(set(copies.values()) - crops.keys()))


def _rows(matches: OriginalMatches) -> zip[tuple[str, str, str, float]]:
    columns = (matches.base, matches.camera, matches.target, matches.distance)
    return zip(*(column.tolist() for column in columns), strict=True)


def _emptied(folder: Path) -> None:
    """Make the folder of a base detection, without what an earlier run copied there."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("base--*.jpeg"), *folder.glob("cam-*--*.jpeg")):
        old.unlink()


def read_matches(path: Path) -> OriginalMatches:
    """Read a ``--matches.json``: base detection to camera to target detection to distance.

    Raise FormatError when it is anything else, or a distance is no number >= 0.
    """
    data = read_json(path)
    try:
        rows = [
            (parse_detection_name(base) and base, camera, parse_detection_name(target) and target, float(distance))
            for base, cameras in data.items()
            for camera, targets in cameras.items()
            for target, distance in targets.items()
        ]
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{path}: expected base detection, camera, target detection, distance ({error})") from error
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    base, camera, target = (np.array(column, np.str_) for column in columns[:3])
    distance = np.array(columns[3], np.float64)
    if not (distance >= 0).all() or not np.isfinite(distance).all():
        raise FormatError(f"{path}: distances must be finite and not negative")
    return OriginalMatches(base=base, camera=camera, target=target, distance=distance)
