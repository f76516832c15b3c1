"""The detector that runs an ONNX graph: our own output contract, or another through its ``Look``.

Our own graphs take ``uint8 (B, H, W, 3)`` RGB and give ``boxes (B, K, 4)`` in input pixels and
``scores (B, K, types)``. Overlapping boxes are settled here, first within a family of types (a van is
listed once, not as car and as bus), so that a rider on a motorcycle stays two boxes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cctview import geometry
from cctview.detect.stretch import Stretch, stacked
from cctview.detect.suppression import settled
from cctview.models.record import ModelRecord
from cctview.models.runtime import Runner, RuntimeSettings, runner
from cctview.types import OBJECT_TYPES, PERSON, VEHICLE_TYPES, Detections, Frame, row_ids

__all__ = ["DetectSettings", "Look", "OnnxDetector", "OwnLook"]

_FAMILIES = (VEHICLE_TYPES, ("motorcycle", "bicycle"), (PERSON,))


@dataclass(frozen=True, kw_only=True)
class DetectSettings:
    """What counts as found.

    ``min_score`` replaces the record's thresholds. People are reported from the threshold redaction
    needs all the same, unless ``min_score`` is lower still. ``batch_pixels`` bounds one call: eight
    small stills, whose features stay in the processor's cache.
    """

    min_score: float | None = None
    batch_pixels: int = 800_000


class Look(Protocol):
    """Run a graph over stills of one size."""

    @property
    def types(self) -> tuple[str, ...]:
        """The types its scores are about."""
        ...

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the picture the graph sees of a still of this size."""
        ...

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return boxes ``(B, K, 4)`` in still pixels and scores ``(B, K, types)``."""
        ...


class OwnLook:
    """Run a graph of our own output contract."""

    def __init__(self, record: ModelRecord, runtime: RuntimeSettings) -> None:
        self.types = record.labels
        self._record = record
        self._runtime = runtime
        self._stretch = Stretch.of(record.input)

    @cached_property
    def _run(self) -> Runner:
        return runner(self._record, self._runtime)

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width of the stretched picture."""
        return self._stretch.shape(height, width)

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return boxes (N, R, 4) in still pixels, and scores (N, R, T), of N stills ``(H, W, 3)``."""
        batch, scale = stacked(images, self._stretch)
        boxes, scores = self._run(batch)
        height, width = images[0].shape[:2]
        return geometry.clip(boxes / scale, width, height), scores


class OnnxDetector:
    """Run the graph of a record over batches of stills of any size."""

    def __init__(self, record: ModelRecord, settings: DetectSettings, look: Look) -> None:
        self.record = record
        self.settings = settings
        self._look = look
        self._labels = np.array(look.types)
        self._thresholds = self._lowest_scores()

    @property
    def producer(self) -> str:
        """The words that tie a detection to these very weights."""
        return self.record.producer

    def __call__(self, frames: Sequence[Frame]) -> Detections:
        """Return the detections of all frames, in frame order, best first within a frame."""
        parts = [self._found(frames, rows) for rows in self._batches(frames)]
        if not parts:
            return Detections.empty({"detector": self.producer})
        row, box, score, label = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort([-score, row])
        return self._table(frames, row[order], box[order], score[order], label[order])

    def _lowest_scores(self) -> NDArray[np.float32]:
        redaction, least = float(self.record.settings["redaction_threshold"]), self.settings.min_score
        thresholds = dict(self.record.thresholds) if least is None else dict.fromkeys(OBJECT_TYPES, least)
        thresholds[PERSON] = redaction if least is None else min(redaction, least)
        usual = self.record.thresholds.get("default", 1.0)
        return np.array([thresholds.get(label, usual) for label in self._look.types], np.float32)

    def _batches(self, frames: Sequence[Frame]) -> Iterator[NDArray[np.intp]]:
        """Yield row numbers of stills of one size, as many as fit ``batch_pixels``."""
        sizes = np.array([frame.image.shape[:2] for frame in frames]).reshape(-1, 2)
        for size in np.unique(sizes, axis=0):
            rows = np.flatnonzero((sizes == size).all(axis=1))
            pixels = int(np.prod(self._look.shape(int(size[0]), int(size[1]))))
            step = max(1, self.settings.batch_pixels // pixels)
            yield from (rows[start : start + step] for start in range(0, len(rows), step))

    def _found(self, frames: Sequence[Frame], rows: NDArray[np.intp]) -> tuple[NDArray[Any], ...]:
        boxes, scores = self._look([frames[row].image for row in rows])
        image, box, score, label = self._kept(boxes, scores)
        return rows[image], box, score, label

    def _kept(self, boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        """Return image, box, score and label of what passes thresholds and suppression."""
        real = (geometry.size(boxes) >= 1).all(axis=-1)
        best = scores.argmax(axis=-1)
        kept: list[tuple[NDArray[Any], ...]] = []
        families = [np.flatnonzero(np.isin(self._labels, family)) for family in _FAMILIES]
        for members in (family for family in families if len(family)):
            label = members[scores[..., members].argmax(axis=-1)]
            score = np.take_along_axis(scores, label[..., None], axis=-1)[..., 0]
            own = real & np.isin(best, members) & (score >= self._thresholds[label])
            image = np.nonzero(own)[0]
            overlap, mean = float(self.record.settings["nms_iou"]), bool(self.record.settings.get("nms_mean", False))
            best_of, box = settled(boxes[own], score[own], image, overlap, mean=mean)
            kept.append((image[best_of], box, score[own][best_of], label[own][best_of]))
        return tuple(np.concatenate(column) for column in zip(*kept, strict=True))

    def _table(
        self,
        frames: Sequence[Frame],
        row: NDArray[np.intp],
        box: NDArray[np.float32],
        score: NDArray[np.float32],
        label: NDArray[np.intp],
    ) -> Detections:
        owner = np.array([frame.id for frame in frames], np.int64)[row]
        first = np.searchsorted(row, np.arange(len(frames)))
        rank = np.arange(1, len(row) + 1) - first[row]
        return Detections(
            meta={"detector": self.producer},
            id=row_ids(owner, rank, self.producer),
            frame=owner,
            camera=np.array([frame.camera for frame in frames])[row],
            time=np.array([frame.time for frame in frames], "datetime64[ns]")[row],
            rank=rank,
            box=box,
            score=np.clip(score, 0, 1),
            type=self._labels[label],
        )
