"""Stills with boxes as others read them to train or to look: YOLO's folders, FiftyOne's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cctview.formats.files import file_name, write_bytes, write_text
from cctview.types import OBJECT_TYPES, Detections, Frames

__all__ = ["FiftyOneWriter", "YoloWriter"]

Rows = NDArray[np.intp]


class YoloWriter:
    """Write ``data.yaml``, ``images/train`` and ``labels/train``, part by part.

    Each line of a label file is type number, centre and size as shares of the still.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        names = ", ".join(f"{number}: {name}" for number, name in enumerate(OBJECT_TYPES))
        text = f"path: .\ntrain: images/train\nval: images/train\nnames: {{{names}}}\n"
        write_text(self._folder / "data.yaml", text)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """There is nothing left to write."""

    def write(self, frames: Frames, detections: Detections, pictures: Mapping[int, bytes]) -> int:
        """Write these stills and return how many boxes they have; ``pictures`` are JPEG bytes by frame id."""
        written = 0
        for still, frame, rows in _by_still(frames, detections):
            shares = _shares(detections.box[rows], frame)
            kind = np.array([OBJECT_TYPES.index(name) for name in detections.type[rows].tolist()], np.float64)
            table = np.column_stack([kind, shares[:, :2] + shares[:, 2:] / 2, shares[:, 2:]]).tolist()
            lines = (f"{row[0]:.0f} " + " ".join(f"{share:.6f}" for share in row[1:]) for row in table)
            write_text(self._folder / "labels" / "train" / f"{still}.txt", "".join(f"{line}\n" for line in lines))
            _picture(self._folder / "images" / "train" / f"{still}.jpeg", frame, pictures)
            written += len(rows)
        return written


class FiftyOneWriter:
    """Write ``data/`` and, at the end, ``labels.json``: FiftyOne's ``FiftyOneImageDetectionDataset``.

    Open it with ``fiftyone.Dataset.from_dir``, ``dataset_type=fiftyone.types.FiftyOneImageDetectionDataset``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._labels: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Write the labels, unless something went wrong."""
        if kind is None:
            document = {"classes": list(OBJECT_TYPES), "labels": self._labels}
            write_text(self._folder / "labels.json", json.dumps(document) + "\n")

    def write(self, frames: Frames, detections: Detections, pictures: Mapping[int, bytes]) -> int:
        """Write these stills and return how many boxes they have; ``pictures`` are JPEG bytes by frame id."""
        written = 0
        for still, frame, rows in _by_still(frames, detections):
            columns = (
                detections.type[rows].tolist(),
                _shares(detections.box[rows], frame).round(6).tolist(),
                detections.score[rows].astype(np.float64).round(6).tolist(),
                detections.id[rows].tolist(),
            )
            self._labels[still] = [
                {"label": kind, "bounding_box": box, "confidence": score, "attributes": {"detection": f"{number:016x}"}}
                for kind, box, score, number in zip(*columns, strict=True)
            ]
            _picture(self._folder / "data" / f"{still}.jpeg", frame, pictures)
            written += len(rows)
        return written


def _by_still(frames: Frames, detections: Detections) -> Iterator[tuple[str, Frames, Rows]]:
    """Yield name, frame and row numbers of its detections, for every still of known size."""
    order = np.lexsort((detections.rank, detections.frame))
    starts = np.searchsorted(detections.frame[order], frames.id)
    ends = np.searchsorted(detections.frame[order], frames.id, side="right")
    known = (frames.width > 0) & (frames.height > 0)
    for number in np.flatnonzero(known).tolist():
        frame = frames[number : number + 1]
        yield file_name(str(frame.name[0])), frame, order[starts[number] : ends[number]]


def _shares(boxes: NDArray[np.float32], frame: Frames) -> NDArray[np.float64]:
    """Return left, top, width and height of boxes as shares of their still, ``(N, 4)``."""
    size = np.array([frame.width[0], frame.height[0]], np.float64)
    return np.concatenate([boxes[:, :2] / size, (boxes[:, 2:] - boxes[:, :2]) / size], axis=1)


def _picture(path: Path, frame: Frames, pictures: Mapping[int, bytes]) -> None:
    encoded = pictures.get(int(frame.id[0]))
    if encoded:
        write_bytes(path, encoded)
