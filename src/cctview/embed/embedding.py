"""From the name of an embedder to the embedder, and from detections to their embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cctview.embed.crops import crops_of, quality
from cctview.embed.histogram import HistogramEmbedder
from cctview.embed.onnx import OnnxEmbedder
from cctview.embed.vectors import normalised
from cctview.models import RuntimeSettings, find_model
from cctview.seams import Embedder
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, Frame

__all__ = ["embed", "load_embedder"]


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
