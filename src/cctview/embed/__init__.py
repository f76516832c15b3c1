"""Turn crops of vehicles into vectors of appearance: one function over batches."""

from __future__ import annotations

from cctview.embed.embedding import embed, load_embedder
from cctview.embed.histogram import HistogramEmbedder
from cctview.embed.onnx import OnnxEmbedder

__all__ = ["HistogramEmbedder", "OnnxEmbedder", "embed", "load_embedder"]
