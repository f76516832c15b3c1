"""Find vehicles and people in stills: one function over batches."""

from __future__ import annotations

from cctview.detect.loading import load_detector
from cctview.detect.onnx import DetectSettings, OnnxDetector

__all__ = ["DetectSettings", "OnnxDetector", "load_detector"]
