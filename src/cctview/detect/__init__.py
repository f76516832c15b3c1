"""Find vehicles and people in stills: one function over batches, behind a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cctview.detect.onnx import DetectSettings, OnnxDetector
from cctview.models import RuntimeSettings, find_model
from cctview.types import Detections, Frame

__all__ = ["DetectSettings", "Detector", "OnnxDetector", "load_detector"]


class Detector(Protocol):
    """Find vehicles and people in a batch of stills.

    People are reported from the low threshold redaction needs; every other type from its own.
    """

    @property
    def producer(self) -> str:
        """The words that tie a detection to these very weights."""
        ...

    def __call__(self, frames: Sequence[Frame]) -> Detections:
        """Return the detections of all frames, in frame order, best first within a frame."""
        ...


def load_detector(
    name: str = "cctview-det",
    settings: DetectSettings | None = None,
    runtime: RuntimeSettings | None = None,
) -> Detector:
    """Return the detector of this name; its weights are opened on first use."""
    return OnnxDetector(find_model(name, "detection"), settings or DetectSettings(), runtime or RuntimeSettings())
