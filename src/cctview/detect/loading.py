"""From the name of a detector to the detector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cctview.detect.families import FamilyLook
from cctview.detect.onnx import DetectSettings, OnnxDetector, OwnLook
from cctview.models import RuntimeSettings, find_model
from cctview.plugins import load_plugin, plugin_names
from cctview.seams import Detector
from cctview.types import PERSON, Detections, Frame, row_ids

__all__ = ["WithPeople", "load_detector", "onnx_detector"]

_BUNDLED = "cctview-det"


def load_detector(
    name: str = _BUNDLED,
    settings: DetectSettings | None = None,
    runtime: RuntimeSettings | None = None,
) -> Detector:
    """Return the detector of this name, of this record or ONNX file, or of a plug-in.

    What stands in the group of entry points ``cctview.detectors`` is asked for as ``NAME:REST``: it is called with
    the rest, the settings and the runtime. Everything else is a model for ``onnx``.
    """
    kind, _, rest = name.partition(":")
    if kind not in plugin_names("detectors"):
        kind, rest = "onnx", name
    made: Detector = load_plugin("detectors", kind)(rest, settings, runtime)
    return made


def onnx_detector(name: str, settings: DetectSettings | None, runtime: RuntimeSettings | None) -> Detector:
    """Return the detector that runs a model; its weights are opened on first use.

    One that knows no people is joined by the bundled one, which finds them for redaction. Raise ModelNotFoundError
    where there is no such model.
    """
    record, own, where = find_model(name, "detection"), settings or DetectSettings(), runtime or RuntimeSettings()
    look = FamilyLook(record, where) if "family" in record.settings else OwnLook(record, where)
    detector = OnnxDetector(record, own, look)
    return detector if PERSON in look.types else WithPeople(detector, onnx_detector(_BUNDLED, own, where))


class WithPeople:
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
