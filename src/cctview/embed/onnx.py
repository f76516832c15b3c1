"""The embedder that runs an ONNX graph: crops in, one vector each out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.embed.crops import Cropping
from cctview.embed.vectors import normalised
from cctview.models.record import ModelRecord
from cctview.models.runtime import Runner, RuntimeSettings, runner

__all__ = ["OnnxEmbedder"]

_BATCH = 64


class OnnxEmbedder:
    """Run the graph of a record over crops."""

    def __init__(self, record: ModelRecord, runtime: RuntimeSettings) -> None:
        self.record = record
        self.cropping = _cropping(record.input)
        self._runtime = runtime

    @property
    def producer(self) -> str:
        """The words that tie a vector to these very weights."""
        return self.record.producer

    @cached_property
    def _run(self) -> Runner:
        return runner(self.record, self._runtime)

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one unit vector ``(N, D)`` per crop ``(N, height, width, 3)``.

        Raise ModelError when the graph gives none for one.
        """
        vectors = self.features(crops)
        if self.record.settings.get("unit", True):
            return vectors
        return normalised(vectors, self.record.name)[0]

    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one vector ``(N, D)`` per crop ``(N, height, width, 3)`` as the graph gives it."""
        step = int(self.record.input.get("batch", 0)) or _BATCH
        parts = [self._run(self._prepared(crops[start : start + step]))[0] for start in range(0, len(crops), step)]
        if not parts:
            return np.zeros((0, int(self.record.settings["dimension"])), np.float32)
        return np.concatenate(parts).reshape(len(crops), -1).astype(np.float32, copy=False)

    def _prepared(self, crops: NDArray[np.uint8]) -> NDArray[Any]:
        spec = self.record.input
        if spec["layout"] == "NHWC" and spec["dtype"] == "uint8" and spec["colour"] == "RGB":
            return crops
        ordered = crops[..., ::-1] if spec["colour"] == "BGR" else crops
        scaled = (ordered - np.array(spec["mean"], np.float32)) / np.array(spec["std"], np.float32)
        laid = scaled.transpose(0, 3, 1, 2) if spec["layout"] == "NCHW" else scaled
        return np.ascontiguousarray(laid, spec["dtype"])


def _cropping(spec: Mapping[str, Any]) -> Cropping:
    width = int(spec["width"])
    short = int(spec.get("short", 0)) if spec.get("fit") == "short-side" else 0
    return Cropping(
        height=int(spec.get("height", width)),
        width=width,
        margin=float(spec.get("margin", 0.0)),
        short=short,
        stored=bool(spec.get("stored", False)),
    )
