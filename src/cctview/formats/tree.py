"""A whole tree the original made: its stills, detections and features as tables."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cctview.errors import FormatError, InputError
from cctview.formats.original import OriginalDetections, OriginalFeatures, read_detections, read_features
from cctview.naming import ORIGINAL_TIMEZONE, is_output, parse_still_name, still_stem, to_utc, zone
from cctview.types import OBJECT_TYPES, Detections, Frames, content_id, frame_id, row_ids

__all__ = ["OriginalTree", "OriginalVectors", "Unread", "model_spelling", "read_tree"]

_STILL_ENDINGS = frozenset((".jpeg", ".jpg", ".png"))
_SPELLINGS = {name.casefold(): name for name in ("ResNet50_COCO_best_v2.0.1.h5", "VeRI_DenseNet_ft50.pth")}
# Lists of a minute, an hour, a day or a camera that the bulk repositories hold beside the files of the stills.
_SUMMARY = re.compile(
    r"--[0-9]{4}-[0-9]{2}-[0-9]{2}(?:--[0-9]{2}(?:\.[0-9]{2})?)?--(?:detections|features)\.json$"
    r"|--(?:info|detections-info|tree)\.(?:json|txt)$"
)
T = TypeVar("T")


@dataclass(frozen=True)
class Unread:
    """A file, or rows of one, that could not be used: where it is, and why."""

    where: str
    reason: str


@dataclass(frozen=True, eq=False, kw_only=True)
class OriginalVectors:
    """Features as the original's model gave them: ``detection`` ids (N,), ``vectors`` (N, D), not unit length."""

    model: str
    detection: NDArray[np.int64]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class OriginalTree:
    """What a tree holds; ``names`` (N,) are the readable ids of the rows of ``detections``.

    ``summaries`` counts the lists of a minute or a camera that were passed over: they say again what the files of the
    stills say.
    """

    frames: Frames
    detections: Detections
    names: NDArray[np.str_]
    features: OriginalVectors
    skipped: tuple[Unread, ...]
    summaries: int = 0


@dataclass(frozen=True)
class _Files:
    stills: dict[str, Path]
    detections: list[Path]
    features: list[Path]
    summaries: list[Path]


def read_tree(folder: Path, *, timezone: str | None = None) -> OriginalTree:
    """Read every still, detection and feature file below a folder, nested or flat, of any variant.

    A still whose picture is missing or broken gets the size 0 x 0. Clock times are New York's unless
    ``timezone`` says otherwise. Files that cannot be used, and those of another model than most, are
    reported and left out. Raise InputError when the folder holds none of the original's files.
    """
    files = _listing(folder)
    skipped: list[Unread] = []
    parsed = _first_of_each_still(_read(files.detections, read_detections, skipped), skipped)
    parsed = _of_one_model(parsed, skipped)
    frames = _frames(sorted({*files.stills, *(found.still for _, found in parsed)}), files.stills, timezone, skipped)
    detections, names = _detections(parsed, frames, skipped)
    features = _features(files.features, detections, names, skipped)
    return OriginalTree(
        frames=frames,
        detections=detections,
        names=names,
        features=features,
        skipped=tuple(skipped),
        summaries=len(files.summaries),
    )


def _listing(folder: Path) -> _Files:
    files = _Files({}, [], [], [])
    root = folder.resolve()
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_output(name) and name != "matches")
        for path in (Path(parent, name) for name in sorted(names) if not name.startswith(".")):
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                continue
            if _SUMMARY.search(path.name):
                files.summaries.append(path)
            elif path.name.endswith("--detections.json"):
                files.detections.append(path)
            elif path.name.endswith("--features.json"):
                files.features.append(path)
            elif path.suffix.lower() in _STILL_ENDINGS and not is_output(path.stem) and parse_still_name(path.stem):
                files.stills.setdefault(still_stem(path.stem), path)
    if not (files.stills or files.detections):
        raise InputError(f"{folder}: no stills or detections of the original cctview below this folder")
    return files


def _read(paths: Sequence[Path], read: Callable[[Path], T], skipped: list[Unread]) -> list[tuple[Path, T]]:
    good = []
    for path in paths:
        try:
            good.append((path, read(path)))
        except FormatError as error:
            skipped.append(Unread(str(path), str(error).removeprefix(f"{path}: ")))
    return good


def _first_of_each_still(
    parsed: list[tuple[Path, OriginalDetections]], skipped: list[Unread]
) -> list[tuple[Path, OriginalDetections]]:
    first: dict[str, tuple[Path, OriginalDetections]] = {}
    for path, found in parsed:
        if found.still in first:
            skipped.append(Unread(str(path), f"the same still as {first[found.still][0]}"))
        first.setdefault(found.still, (path, found))
    return list(first.values())


def _of_one_model(
    parsed: list[tuple[Path, OriginalDetections]], skipped: list[Unread]
) -> list[tuple[Path, OriginalDetections]]:
    """Keep the files of the commonest model; its name comes in capitals and without."""
    common = _commonest([found.model.casefold() for _, found in parsed])
    for path, found in parsed:
        if found.model.casefold() != common:
            skipped.append(Unread(str(path), f"made by {found.model!r}, most others by {common!r}; import it apart"))
    return [(path, found) for path, found in parsed if found.model.casefold() == common]


def model_spelling(name: str) -> str:
    """Return the name of a model as the original's files mostly spell it; others in small letters."""
    return _SPELLINGS.get(name.casefold(), name.casefold())


def _commonest(names: list[str]) -> str:
    return Counter(sorted(names)).most_common(1)[0][0] if names else ""


def _frames(stills: list[str], pictures: dict[str, Path], timezone: str | None, skipped: list[Unread]) -> Frames:
    place = zone(timezone or ORIGINAL_TIMEZONE)
    rows = []
    for name in stills:
        said = parse_still_name(name)
        if said is None:
            skipped.append(Unread(name, "its name tells no camera and time"))
            continue
        digest, width, height = _picture(name, pictures.get(name), skipped)
        time = to_utc(said.local, place)
        rows.append((frame_id(said.camera, time, digest), said.camera, time, said.error_s, name, digest, width, height))
    if not rows:
        return Frames.empty()
    columns: dict[str, Any] = dict(zip(Frames.columns, map(np.array, zip(*rows, strict=True)), strict=True))
    return Frames(**columns)


def _picture(name: str, path: Path | None, skipped: list[Unread]) -> tuple[int, int, int]:
    """Return the content hash, width and height of a still's picture."""
    if path is not None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # only the header is read
                with Image.open(path) as image:
                    return content_id(path.read_bytes()), *image.size
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            skipped.append(Unread(str(path), f"the picture cannot be read ({error}); its detections are kept"))
    return content_id("original", name), 0, 0


def _detections(
    parsed: list[tuple[Path, OriginalDetections]], frames: Frames, skipped: list[Unread]
) -> tuple[Detections, NDArray[np.str_]]:
    """Return the rows of all files and their readable ids."""
    model = parsed[0][1].model.casefold() if parsed else ""
    row_of = {name: row for row, name in enumerate(frames.name.tolist())}
    tables, names = [], []
    for path, found in parsed:
        if found.still in row_of:
            keep = _usable(path, found, skipped)
            row = np.full(int(keep.sum()), row_of[found.still])
            tables.append(_table(found, keep, frames[row], model))
            names.append(found.names[keep])
    return Detections.concat(tables), np.concatenate(names) if names else np.zeros(0, np.str_)


def _usable(path: Path, found: OriginalDetections, skipped: list[Unread]) -> NDArray[np.bool_]:
    """Leave out what no table takes, and say so."""
    known = np.isin(found.type, OBJECT_TYPES)
    proper = (found.box[:, 0] < found.box[:, 2]) & (found.box[:, 1] < found.box[:, 3])
    single = np.zeros(len(found.rank), np.bool_)
    single[np.unique(found.rank, return_index=True)[1]] = True
    reasons = {"of a type that is not known": ~known, "with an empty box": ~proper, "with a rank used twice": ~single}
    for reason, bad in reasons.items():
        if bad.any():
            skipped.append(Unread(str(path), f"{int(bad.sum())} detections {reason}: {found.names[bad][0]}"))
    return known & proper & single


def _table(found: OriginalDetections, keep: NDArray[np.bool_], frames: Frames, model: str) -> Detections:
    return Detections(
        meta={"detector": model_spelling(model)},
        id=row_ids(frames.id, found.rank[keep], model),
        frame=frames.id,
        camera=frames.camera,
        time=frames.time,
        rank=found.rank[keep],
        box=found.box[keep].astype(np.float32),
        score=found.score[keep],
        type=found.type[keep],
    )


def _features(
    paths: list[Path], detections: Detections, names: NDArray[np.str_], skipped: list[Unread]
) -> OriginalVectors:
    """Fill one array file by file: the vectors of a large archive are held once."""
    row_of = {name: row for row, name in enumerate(names.tolist())}
    vectors: NDArray[np.float32] = np.zeros((0, 0), np.float32)
    filled = np.zeros(len(names), np.bool_)
    model = ""
    for path, found in _each(paths, skipped):
        if not filled.any() and len(found.names):
            vectors, model = np.empty((len(names), found.vectors.shape[1]), np.float32), found.model
        reason = _misfit(found, vectors.shape[1], model, row_of)
        if reason:
            skipped.append(Unread(str(path), reason))
            continue
        known = np.array([name in row_of for name in found.names.tolist()], np.bool_)
        rows = np.array([row_of[name] for name in found.names[known].tolist()], np.int64)
        vectors[rows], filled[rows] = found.vectors[known], True
    vectors = vectors if filled.all() or not filled.any() else vectors[filled]
    return OriginalVectors(model=model, detection=detections.id[filled], vectors=vectors)


def _each(paths: list[Path], skipped: list[Unread]) -> Iterator[tuple[Path, OriginalFeatures]]:
    for path in paths:
        yield from _read([path], read_features, skipped)


def _misfit(found: OriginalFeatures, width: int, model: str, row_of: dict[str, int]) -> str:
    if not len(found.names):
        return ""
    if found.vectors.shape[1] != width:
        return f"vectors of {found.vectors.shape[1]} values, those of the first file have {width}"
    if found.model.casefold() != model.casefold():
        return f"made by {found.model!r}, the first file by {model!r}; import it apart"
    if not any(name in row_of for name in found.names.tolist()):
        return "features of detections that are not in the tree"
    return ""
