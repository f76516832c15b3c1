"""The original's three modules, detect, extract and match, and the import of what it made.

They read and write its files (``cctview.formats.original``) beside the stills; no store is involved
except in ``import_tree``.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial.distance import cdist

from cctview.embed.crops import Cropping, cut, whole
from cctview.errors import FormatError, FrameError, InputError, MissingError, PolicyError, StoreError, nearest
from cctview.formats.apart import apart
from cctview.formats.files import file_name, write_bytes
from cctview.formats.listing import write_detection_list, write_listing
from cctview.formats.original import (
    OriginalDetections,
    OriginalFeatures,
    OriginalMatches,
    read_detections,
    read_features,
    write_detections,
    write_features,
    write_matches,
)
from cctview.formats.tree import OriginalTree, model_spelling, read_tree
from cctview.naming import is_output, parse_still_name, still_stem
from cctview.privacy import redact
from cctview.progress import silent
from cctview.seams import Detector, Embedder, Progress, Source, Store
from cctview.sources import IMAGE_ENDINGS, Skipped, decode, open_source
from cctview.sources.source import noticed_by
from cctview.store import Batch
from cctview.types import PERSON, Detections, Embeddings, Frame, Frames, Ragged, rows_of

__all__ = ["OriginalReport", "detect", "extract", "import_tree", "match"]

_BATCH = 32
R = TypeVar("R")


@dataclass(kw_only=True)
class OriginalReport:
    """What one of the modules did: counts by name, and what could not be used."""

    counts: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)


def detect(
    source: Source,
    out: Path,
    detector: Detector,
    progress: Progress = silent,
    *,
    min_score: float = 0.4,
    json_only: bool = False,
) -> OriginalReport:
    """Write the detections, the drawn boxes and the crops of every still into the folder ``out``.

    People are listed from ``min_score`` on, and blacked out in everything that is drawn wherever the
    detector suspects one. Stills whose outputs are there already are left alone.
    """
    report = OriginalReport()
    todo = _todo(source, out, detector.producer, report, json_only=json_only)
    total = source.count()
    for frames in _batched(todo, _BATCH):
        found = detector(frames)
        for frame in frames:
            rows = found[found.frame == frame.id]
            person = rows.type == PERSON
            shown = replace(frame, image=redact(frame.image, rows.box[person]))
            rows = rows[~person | (rows.score >= min_score)]
            write_detections(out, shown, rows, detector.producer, json_only=json_only)
            report.counts.update(stills=1, detections=len(rows))
        progress("stills", report.counts["stills"] + report.counts["done before"], total)
    return report


def extract(folder: Path, embedder: Embedder, progress: Progress = silent) -> OriginalReport:
    """Write the features of every detection listed below ``folder``, from its still or its crops.

    People get none. Files whose features are there already are left alone. Raise MissingError when no detections
    are listed there.
    """
    report = OriginalReport()
    files = sorted(folder.rglob("*--detections.json"))
    if not files:
        raise MissingError(f"{folder}: no *--detections.json in it; run `cctview detect` into it first")
    stills = _pictures(folder)
    for number, path in enumerate(files):
        progress("stills", number, len(files))
        for found in _read(path, read_detections, report):
            _extract_one(path, found, stills.get(found.still), embedder, report)
    return report


def match(folder: Path, base: str, targets: Iterable[str], progress: Progress = silent) -> OriginalReport:
    """Write the Euclidean distance of every base detection to every detection of the target cameras.

    Raise MissingError when a camera has no features.
    """
    report = OriginalReport()
    features = _features_by_camera(folder, report, progress)
    wanted = [base, *targets]
    for camera in wanted:
        if camera not in features:
            raise MissingError(f"{folder}: no features of camera {camera!r}; {nearest(camera, features)}")
    names, vectors = features[base]
    parts = [_pairs(names, vectors, camera, *features[camera]) for camera in wanted[1:]]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    rows = OriginalMatches(base=columns[0], camera=columns[1], target=columns[2], distance=columns[3])
    missing = write_matches(folder, base, rows)
    report.skipped += [Skipped(name, "its crop is not in the folder") for name in missing]
    report.counts.update(queries=len(names), gallery=len(columns[0]) // max(len(names), 1), distances=len(columns[0]))
    return report


def import_tree(folder: Path, store: Store, detector: Detector, progress: Progress = silent) -> OriginalReport:
    """Put a tree the original made into a store: its stills, detections and features.

    ``detector`` looks only for people, whom the original misses half of the time: they are blacked
    out before anything is written.
    """
    tree = read_tree(folder)
    report = OriginalReport(skipped=[Skipped(item.where, item.reason) for item in tree.skipped])
    if tree.summaries:
        report.counts["summaries passed over"] = tree.summaries
    embeddings = _features(tree)
    source = open_source(folder)
    done, total = 0, source.count()
    for frames in _batched(_frames(source, tree, store, report), 8 * _BATCH):
        done += len(frames)
        admitted = store.append(_batch(frames, tree, embeddings, detector))
        report.counts += admitted.counts
        progress("stills", done, total)
    return report


def export_tree(store: Store, folder: Path, progress: Progress = silent) -> OriginalReport:
    """Write every stored still with its detections and features as the original's files, flat.

    Beside them go its two listings, of all detections and of all files.
    Stills the policy did not keep get no picture, no drawn boxes and no crops.
    """
    report = OriginalReport()
    frames = apart(store.scan(Frames))
    names = [np.zeros(0, np.str_)]
    for start in range(0, len(frames), 8 * _BATCH):
        part = frames[start : start + 8 * _BATCH]
        names.append(_export_some(store, part, folder, report))
        progress("stills", start + len(part), len(frames))
    folder.mkdir(parents=True, exist_ok=True)
    write_detection_list(folder / f"{folder.resolve().name}--detections.csv", np.concatenate(names))
    write_listing(folder)
    return report


def _todo(source: Source, out: Path, model: str, report: OriginalReport, *, json_only: bool) -> Iterator[Frame]:
    for item in source.frames(lambda _: False):
        if isinstance(item, Skipped):
            report.skipped.append(item)
        elif isinstance(item, Frame):
            if _is_done(out / f"{item.name}--detections.json", model, json_only=json_only):
                report.counts["done before"] += 1
            else:
                yield item
    report.counts.update({told.what: told.count for told in noticed_by(source)})


def _is_done(path: Path, model: str, *, json_only: bool) -> bool:
    drawn = json_only or path.with_suffix(".jpeg").exists()
    try:
        return drawn and path.exists() and read_detections(path).model == model
    except FormatError:
        return False


def _read(path: Path, reader: Callable[[Path], R], report: OriginalReport) -> Iterator[R]:
    try:
        yield reader(path)
    except FormatError as error:
        report.skipped.append(Skipped(str(path), str(error).removeprefix(f"{path}: ")))


def _pictures(folder: Path) -> dict[str, Path]:
    """Return the stills below a folder by the stem of their readable ids."""
    files = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in IMAGE_ENDINGS)
    return {still_stem(path.stem): path for path in files if not any(map(is_output, (path.stem, path.parent.name)))}


def _extract_one(
    path: Path, found: OriginalDetections, still: Path | None, embedder: Embedder, report: OriginalReport
) -> None:
    target = path.with_name(f"{found.still}--features.json")
    if target.exists() and any(item.model == embedder.producer for item in _read(target, read_features, report)):
        report.counts["done before"] += 1
        return
    keep = np.flatnonzero((found.type != PERSON) & (found.box[:, :2] < found.box[:, 2:]).all(axis=1))
    try:
        names, crops = _crops(path, found, keep, still, embedder)
    except (FrameError, OSError) as error:
        report.skipped.append(Skipped(str(path), f"no features: {error}"))
        return
    if len(names) < len(keep):
        report.skipped.append(Skipped(str(path), f"{len(keep) - len(names)} detections have neither still nor crop"))
    write_features(target, found.still, names, embedder.features(crops), embedder.producer)
    report.counts.update(stills=1, features=len(names))


def _crops(
    path: Path, found: OriginalDetections, keep: NDArray[np.intp], still: Path | None, embedder: Embedder
) -> tuple[NDArray[np.str_], NDArray[np.uint8]]:
    """Return the names and crops ``(N, H, W, 3)`` of these rows, from the still or from stored crops."""
    folder, cropping = path.with_name(f"{found.still}--detections"), embedder.cropping
    files = [folder / f"{name}.jpeg" for name in found.names[keep].tolist()]
    there = np.array([file.is_file() for file in files], np.bool_)
    if still is not None and not (cropping.stored and there.all()):
        image = decode(still.read_bytes(), str(still)).image
        return found.names[keep], cut(image, found.box[keep].astype(np.float32), cropping)
    crops = [_stored(file, cropping) for file in itertools.compress(files, there)]
    return found.names[keep][there], np.array(crops, np.uint8).reshape(-1, cropping.height, cropping.width, 3)


def _stored(file: Path, cropping: Cropping) -> NDArray[np.uint8]:
    """Return a crop the original made, as wide and high as the embedder wants it."""
    with Image.open(file) as image:
        return whole(np.asarray(image.convert("RGB")), cropping)


def _features_by_camera(
    folder: Path, report: OriginalReport, progress: Progress
) -> dict[str, tuple[NDArray[np.str_], NDArray[np.float32]]]:
    """Return detection names ``(N,)`` and features ``(N, D)`` of each camera below the folder."""
    files = sorted(folder.rglob("*--features.json"))
    by_camera: dict[str, list[OriginalFeatures]] = {}
    for number, path in enumerate(files):
        progress("features", number, len(files))
        for found in _read(path, read_features, report):
            by_camera.setdefault(_camera(found.still), []).append(found)
    if len({part.vectors.shape[1] for parts in by_camera.values() for part in parts if len(part.names)}) > 1:
        raise InputError(f"{folder}: features of different models lie side by side; extract them with one model")
    return {camera: _stacked(parts) for camera, parts in by_camera.items()}


def _camera(still: str) -> str:
    said = parse_still_name(still)
    return said.camera if said else still


def _stacked(parts: list[OriginalFeatures]) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    filled = [part for part in parts if len(part.names)]
    if not filled:
        return np.zeros(0, np.str_), np.zeros((0, 0), np.float32)
    return np.concatenate([part.names for part in filled]), np.concatenate([part.vectors for part in filled])


def _pairs(
    names: NDArray[np.str_],
    vectors: NDArray[np.float32],
    camera: str,
    others: NDArray[np.str_],
    gallery: NDArray[np.float32],
) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_], NDArray[np.float64]]:
    if not len(names) or not len(others):
        nothing = np.zeros(0, np.str_)
        return nothing, nothing, nothing, np.zeros(0)
    distance = cdist(vectors.astype(np.float64), gallery.astype(np.float64))
    base = np.repeat(names, len(others))
    return base, np.full(len(base), camera), np.tile(others, len(names)), distance.ravel()


def _features(tree: OriginalTree) -> Embeddings:
    """Return the original's features as embeddings, without those that are all zero."""
    vectors = tree.features.vectors.astype(np.float64)
    length = np.linalg.norm(vectors, axis=1)
    good = length > 0
    if not good.any():
        return Embeddings.empty()
    return Embeddings(
        meta={"embedder": model_spelling(tree.features.model)},
        detection=tree.features.detection[good],
        vector=vectors[good] / length[good, None],
        quality=np.ones(int(good.sum()), np.float32),
        length=length[good],
    )


def _frames(source: Source, tree: OriginalTree, store: Store, report: OriginalReport) -> Iterator[Frame]:
    stored = set(tree.frames.id[store.known(tree.frames.id)].tolist())
    for item in source.frames(stored.__contains__):
        if isinstance(item, Skipped):
            report.skipped.append(item)
        elif isinstance(item, Frame):
            yield item
        else:
            report.counts["frames_known"] += 1
    report.counts.update({told.what: told.count for told in noticed_by(source)})


def _batch(frames: list[Frame], tree: OriginalTree, embeddings: Embeddings, detector: Detector) -> Batch:
    ids = np.array([frame.id for frame in frames], np.int64)
    rows = tree.detections[np.isin(tree.detections.frame, ids)]
    found = detector(frames)
    people = found[found.type == PERSON]
    vehicles = rows.id[rows.type != PERSON]
    return Batch(
        frames=frames,
        detections=rows,
        embeddings=embeddings[np.isin(embeddings.detection, vehicles)],
        people=Ragged.grouped(people.box, rows_of(ids, people.frame), len(frames)),
    )


def _batched(frames: Iterator[Frame], size: int) -> Iterator[list[Frame]]:
    while batch := list(itertools.islice(frames, size)):
        yield batch


def _export_some(store: Store, frames: Frames, folder: Path, report: OriginalReport) -> NDArray[np.str_]:
    """Write these stills and return the readable ids of their detections."""
    rows = _detections_of(store, frames)
    features = store.scan(Embeddings, ids=rows.id)
    names = [np.zeros(0, np.str_)]
    for number in range(len(frames)):
        still = _stored_still(store, frames[number : number + 1])
        mine = rows[rows.frame == still.id].sort("rank")
        written = write_detections(folder, still, mine, rows.meta.get("detector", ""), json_only=not still.encoded)
        if still.encoded:
            write_bytes(folder / f"{file_name(still.name)}--original.jpeg", still.encoded)
        shared, here, there = np.intersect1d(mine.id, features.detection, return_indices=True)
        if len(shared):
            order = np.argsort(here)
            path = folder / f"{file_name(still.name)}--features.json"
            vectors = (features.vector * features.length[:, None])[there[order]]
            write_features(path, still.name, written[here[order]], vectors, features.meta.get("embedder", ""))
        report.counts.update(stills=1, pictures=int(bool(still.encoded)), detections=len(mine), features=len(shared))
        names.append(written)
    return np.concatenate(names)


def _detections_of(store: Store, frames: Frames) -> Detections:
    first, last = frames.time.min(), frames.time.max() + np.timedelta64(1, "ns")
    cameras = np.unique(frames.camera).tolist()
    rows = Detections.concat([store.scan(Detections, camera=each, after=first, before=last) for each in cameras])
    return rows[np.isin(rows.frame, frames.id)]


def _stored_still(store: Store, frame: Frames) -> Frame:
    """Return a still with its pixels, or with one black pixel and no bytes where they are not kept."""
    try:
        (encoded,) = store.pixels(frame.id)
        image = decode(encoded, str(frame.name[0])).image
    except (StoreError, MissingError, PolicyError):
        encoded, image = b"", np.zeros((1, 1, 3), np.uint8)
    return Frame(
        image=image,
        camera=str(frame.camera[0]),
        time=frame.time[0],
        name=str(frame.name[0]),
        digest=int(frame.digest[0]),
        encoded=encoded,
    )
