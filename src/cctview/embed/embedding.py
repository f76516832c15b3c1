"""From the name of an embedder to the embedder, and from detections to their embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cctview.embed.crops import crops_of, quality
from cctview.embed.histogram import HistogramEmbedder
from cctview.embed.onnx import OnnxEmbedder
from cctview.embed.vectors import normalised
from cctview.errors import InputError
from cctview.models import RuntimeSettings, find_model
from cctview.plugins import load_plugin, plugin_names
from cctview.seams import Embedder
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, Frame

__all__ = ["embed", "histogram_embedder", "load_embedder", "onnx_embedder"]


def load_embedder(name: str = "cctview-reid", runtime: RuntimeSettings | None = None) -> Embedder:
    """Return the embedder of this name, of this record or ONNX file, or of a plug-in; ``histogram`` needs no model.

    What stands in the group of entry points ``cctview.embedders`` is asked for as ``NAME`` or ``NAME:REST``: it is
    called with the rest and the runtime. Everything else is a model for ``onnx``.
    """
    kind, _, rest = name.partition(":")
    if kind not in plugin_names("embedders"):
        kind, rest = "onnx", name
    made: Embedder = load_plugin("embedders", kind)(rest, runtime)
    return made


def onnx_embedder(name: str, runtime: RuntimeSettings | None) -> Embedder:
    """Return the embedder that runs a model; raise ModelNotFoundError where there is none of this name."""
    return OnnxEmbedder(find_model(name, "embedding"), runtime or RuntimeSettings())


def histogram_embedder(rest: str, runtime: RuntimeSettings | None) -> Embedder:  # noqa: ARG001 - it runs no model
    """Return the embedder that counts colours; raise InputError where it is asked for something else."""
    if rest:
        raise InputError(f"embedder 'histogram' takes nothing after its name, got {rest!r}; say 'histogram'")
    return HistogramEmbedder()


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
