"""The embedder that runs an ONNX graph: ``uint8 (N, S, S, 3)`` RGB in, unit vectors out."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cctview.models.record import ModelRecord
from cctview.models.runtime import Runner, RuntimeSettings, runner

__all__ = ["OnnxEmbedder"]

_BATCH = 64


class OnnxEmbedder:
    """Run the graph of a record over crops."""

    def __init__(self, record: ModelRecord, runtime: RuntimeSettings) -> None:
        self.record = record
        self.side = int(record.input["width"])
        self.margin = float(record.input["margin"])
        self._runtime = runtime

    @property
    def producer(self) -> str:
        """The words that tie a vector to these very weights."""
        return self.record.producer

    @cached_property
    def _run(self) -> Runner:
        return runner(self.record, self._runtime)

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one unit vector per crop."""
        parts = [self._run(crops[start : start + _BATCH])[0] for start in range(0, len(crops), _BATCH)]
        if not parts:
            return np.zeros((0, int(self.record.settings["dimension"])), np.float32)
        return np.concatenate(parts).astype(np.float32, copy=False)
