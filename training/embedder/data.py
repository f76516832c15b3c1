"""Read the stills, the original's boxes and its features as arrays."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CAMERAS = ("733-681-N", "735-683-N", "731-679-N", "253-134-S", "689-640-S")
VEHICLES = ("car", "bus", "truck")


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Say where the data are and where the decoded stills may be kept."""

    stills: Path
    two_cameras: Path
    cache: Path


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """Hold one row per detection, ordered by camera, frame and score.

    `camera` indexes CAMERAS, `frame` indexes the stack of all stills, `step` counts the
    stills of one camera, `time` is seconds since midnight, `xyxy` are pixels, `score` is
    in [0, 1] and `teacher` holds the original's projected features.
    """

    id: NDArray[np.str_]
    camera: Ints
    frame: Ints
    step: Ints
    time: Ints
    xyxy: Floats
    score: Floats
    teacher: Floats

    def __len__(self) -> int:
        return len(self.id)

    def __getitem__(self, rows: Ints | Bools) -> Self:
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @property
    def size(self) -> Floats:
        """Return the geometric mean of width and height in pixels."""
        sides = self.xyxy[:, 2:] - self.xyxy[:, :2]
        return np.sqrt(np.prod(np.maximum(sides, 1.0), axis=1)).astype(np.float32)


def seconds(clock: str) -> int:
    """Return the seconds since midnight of a clock time written 13.07.52."""
    hours, minutes, rest = clock.split(".")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def stills(folder: Path) -> list[Path]:
    """List the stills of all cameras, by camera and then by time."""
    return [path for camera in CAMERAS for path in sorted((folder / camera).rglob("*.jpeg"))]


def read_images(paths: list[Path], cache: Path) -> NDArray[np.uint8]:
    """Return all stills as one RGB stack (F, H, W, 3), kept in a file mapped into memory."""
    if not cache.exists():
        first = _read(paths[0], None)
        stack = np.lib.format.open_memmap(cache, mode="w+", dtype=np.uint8, shape=(len(paths), *first.shape))
        for row, path in enumerate(paths):
            stack[row] = _read(path, first.shape)
        stack.flush()
    return np.load(cache, mmap_mode="r")


def _read(path: Path, shape: tuple[int, ...] | None) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        return np.zeros(shape or (240, 352, 3), np.uint8)
    if shape is not None and image.shape != shape:
        image = cv2.resize(image, (shape[1], shape[0]))
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8)


def read_boxes(folder: Path, min_score: float = 0.25) -> Boxes:
    """Read the vehicles of all cameras with one box for each, from `folder` of the stills."""
    names = [path.name.removesuffix("--original.jpeg") for path in stills(folder / "frames")]
    frames = {name: row for row, name in enumerate(names)}
    with np.load(folder / "features-256.npz") as stored:
        features = dict(zip(stored["ids"].tolist(), stored["features"], strict=True))
    rows = [
        row
        for camera in CAMERAS
        for row in _csv(folder / "detections" / f"{camera}.csv")
        if row["type"] in VEHICLES and row["frame"] in frames and row["detection"] in features
    ]
    boxes = _boxes(rows, frames, features)
    boxes = boxes[boxes.score >= min_score]
    boxes = boxes[np.lexsort((-boxes.score, boxes.frame))]
    return boxes[_suppress(boxes)]


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _boxes(rows: list[dict[str, str]], frames: dict[str, int], features: dict[str, NDArray[np.float16]]) -> Boxes:
    frame = np.array([frames[row["frame"]] for row in rows])
    camera = np.array([CAMERAS.index(row["frame"].split("--")[0]) for row in rows])
    first = np.array([frame[camera == c].min(initial=len(frames)) for c in range(len(CAMERAS))])
    corners = [[float(row[key]) for key in ("x1", "y1", "x2", "y2")] for row in rows]
    return Boxes(
        id=np.array([row["detection"] for row in rows]),
        camera=camera,
        frame=frame,
        step=frame - first[camera],
        time=np.array([seconds(row["frame"].split("--")[2]) for row in rows]),
        xyxy=np.array(corners, np.float32),
        score=np.array([float(row["percentage_probability"]) / 100 for row in rows], np.float32),
        teacher=np.stack([features[row["detection"]] for row in rows]).astype(np.float32),
    )


def overlap(a: Floats, b: Floats) -> Floats:
    """Return the intersection over union of two lists of boxes, row by row (broadcast)."""
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., 2:], b[..., 2:])
    both = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = np.prod(a[..., 2:] - a[..., :2], axis=-1) + np.prod(b[..., 2:] - b[..., :2], axis=-1)
    return np.asarray(both / np.maximum(areas - both, 1e-6), np.float32)


def _suppress(boxes: Boxes, limit: float = 0.6) -> Bools:
    keep = np.ones(len(boxes), bool)
    starts = np.flatnonzero(np.diff(boxes.frame, prepend=-1))
    for begin, end in zip(starts, [*starts[1:], len(boxes)], strict=True):
        ious = overlap(boxes.xyxy[begin:end, None], boxes.xyxy[None, begin:end])
        for row in range(end - begin):
            if keep[begin + row]:
                keep[begin + row + 1 : end] &= ious[row, row + 1 :] < limit
    return keep


def whiten(boxes: Boxes, dimension: int = 128) -> Floats:
    """Centre the teacher's features per camera, whiten them and scale them to unit length."""
    x = boxes.teacher.copy()
    for camera in np.unique(boxes.camera):
        rows = boxes.camera == camera
        x[rows] -= x[rows].mean(axis=0)
    _, values, axes = np.linalg.svd(np.cov(x.T))
    x = x @ axes[:dimension].T / np.sqrt(values[:dimension] + 1e-3)
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), np.float32)


def read_two_cameras(folder: Path) -> list[list[NDArray[np.uint8]]]:
    """Return the RGB crops of each vehicle that both cameras of `folder` saw."""
    seen: dict[str, list[NDArray[np.uint8]]] = {}
    for row in _csv(folder / "labels.csv"):
        image = _read(folder / row["path"], None)
        seen.setdefault(row["identity"], []).append(image)
    return [crops for crops in seen.values() if len(crops) > 1]
