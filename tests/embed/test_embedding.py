from __future__ import annotations

import pytest

from cctview.embed import HistogramEmbedder, OnnxEmbedder, load_embedder
from cctview.errors import InputError
from cctview.plugins import plugin_names
from cctview.seams import Embedder
from cctview.testing.embedders import EmbedderContract


class TestBundled(EmbedderContract):
    def make(self) -> Embedder:
        return load_embedder()


class TestHistogram(EmbedderContract):
    def make(self) -> Embedder:
        return load_embedder("histogram")


def test_models_and_the_histogram_come_in_by_one_door() -> None:
    assert isinstance(load_embedder("histogram"), HistogramEmbedder)
    assert isinstance(load_embedder("onnx:cctview-reid"), OnnxEmbedder)
    assert load_embedder("onnx:cctview-reid").producer == load_embedder().producer
    assert {"onnx", "histogram"} <= set(plugin_names("embedders"))


def test_the_histogram_takes_nothing_else() -> None:
    with pytest.raises(InputError, match="nothing after its name"):
        load_embedder("histogram:fine")
