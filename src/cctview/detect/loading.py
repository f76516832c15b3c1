"""From the name of a detector to the detector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cctview.detect.families import FamilyLook
from cctview.detect.onnx import DetectSettings, OnnxDetector, OwnLook
from cctview.models import RuntimeSettings, find_model
from cctview.seams import Detector
from cctview.types import PERSON, Detections, Frame, row_ids

__all__ = ["load_detector"]

_BUNDLED = "cctview-det"


def load_detector(
    name: str = _BUNDLED,
    settings: DetectSettings | None = None,
    runtime: RuntimeSettings | None = None,
) -> Detector:
    """Return the detector of this name, or of this record or ONNX file; its weights are opened on first use.

    One that knows no people is joined by the bundled one, which finds them for redaction.
    """
    record, own, where = find_model(name, "detection"), settings or DetectSettings(), runtime or RuntimeSettings()
    look = FamilyLook(record, where) if "family" in record.settings else OwnLook(record, where)
    detector = OnnxDetector(record, own, look)
    return detector if PERSON in look.types else _WithPeople(detector, load_detector(settings=own, runtime=where))


class _WithPeople:
    """Add the people one detector finds to what another one does; all rows are the other's."""

    def __init__(self, detector: Detector, people: Detector) -> None:
        self._detector = detector
        self._people = people

    @property
    def producer(self) -> str:
        """The words that tie a detection to the first detector."""
        return self._detector.producer

    def __call__(self, frames: Sequence[Frame]) -> Detections:
        """Return the detections of both, the people last within a frame."""
        found, others = self._detector(frames), self._people(frames)
        people = others[others.type == PERSON]
        place = {frame.id: row for row, frame in enumerate(frames)}
        before = np.bincount([place[frame] for frame in found.frame.tolist()], minlength=len(frames))
        owner = np.array([place[frame] for frame in people.frame.tolist()], np.int64)
        first = np.searchsorted(owner, np.arange(len(frames)))
        rank = (before[owner] + np.arange(1, len(owner) + 1) - first[owner]).astype(np.int32)
        columns = {name: getattr(people, name) for name in Detections.columns}
        columns |= {"rank": rank, "id": row_ids(people.frame, rank, self.producer)}
        both = Detections.concat([found, Detections(meta=found.meta, **columns)])
        return both[np.lexsort((both.rank, np.array([place[frame] for frame in both.frame.tolist()], np.int64)))]
