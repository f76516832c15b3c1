"""Turn crops of vehicles into vectors of appearance: one function over batches, behind a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cctview.embed.crops import Cropping, crops_of, quality
from cctview.embed.histogram import HistogramEmbedder
from cctview.embed.onnx import OnnxEmbedder
from cctview.embed.vectors import normalised
from cctview.models import RuntimeSettings, find_model
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, Frame

__all__ = ["Embedder", "HistogramEmbedder", "OnnxEmbedder", "embed", "load_embedder"]


class Embedder(Protocol):
    """Turn crops ``uint8 (N, height, width, 3)`` RGB into unit vectors ``float32 (N, D)``."""

    @property
    def producer(self) -> str:
        """The words that tie a vector to these very weights."""
        ...

    @property
    def cropping(self) -> Cropping:
        """How the crops are to be cut out."""
        ...

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one unit vector per crop."""
        ...

    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one vector per crop as the model gives it, of any length."""
        ...


def load_embedder(name: str = "cctview-reid", runtime: RuntimeSettings | None = None) -> Embedder:
    """Return the embedder of this name, or of this record or ONNX file; ``histogram`` needs no model."""
    if name == HistogramEmbedder.name:
        return HistogramEmbedder()
    return OnnxEmbedder(find_model(name, "embedding"), runtime or RuntimeSettings())


def embed(frames: Sequence[Frame], detections: Detections, embedder: Embedder) -> Embeddings:
    """Return a vector for each vehicle among the detections; people and two-wheelers get none."""
    vehicles = detections[np.isin(detections.type, VEHICLE_TYPES)]
    meta = {"embedder": embedder.producer}
    if not len(vehicles):
        return Embeddings.empty(meta)
    crops = crops_of(frames, vehicles, embedder.cropping)
    vector, length = normalised(embedder.features(crops), embedder.producer)
    return Embeddings(
        meta=meta,
        detection=vehicles.id,
        vector=vector,
        quality=quality(crops, vehicles.box),
        length=length,
    )
