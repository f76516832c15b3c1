from __future__ import annotations

import numpy as np
import pytest

from cctview.embed import HistogramEmbedder, embed
from cctview.embed.vectors import normalised
from cctview.errors import ModelError
from cctview.types import Detections, Frame


class Fivefold(HistogramEmbedder):
    """An embedder whose vectors are five long."""

    def features(self, crops: np.ndarray) -> np.ndarray:
        return super().features(crops) * 5


def test_direction_and_length_make_the_vector_again() -> None:
    features = np.random.default_rng(0).normal(0, 4, (50, 64)).astype(np.float32)
    vector, length = normalised(features, "any")
    assert np.linalg.norm(vector, axis=1) == pytest.approx(1, abs=1e-6)
    assert vector * length[:, None] == pytest.approx(features, rel=1e-6, abs=0)


def test_a_vector_without_length_names_the_model() -> None:
    with pytest.raises(ModelError, match="'nothing' gave a vector without length"):
        normalised(np.zeros((2, 3), np.float32), "nothing")


def test_embeddings_keep_the_length_the_model_gave() -> None:
    noon = np.datetime64("2020-05-05T12:00:00", "ns")
    still = Frame(image=np.full((60, 80, 3), 90, np.uint8), camera="a", time=noon, name="a", digest=1)
    box = Detections(
        id=[1], frame=[still.id], camera=["a"], time=[noon], rank=[1], box=[[10, 10, 50, 40]], score=[0.9], type=["car"]
    )
    plain, long = (embed([still], box, embedder) for embedder in (HistogramEmbedder(), Fivefold()))
    assert plain.length == pytest.approx([1], abs=1e-6)
    assert long.length == pytest.approx([5], abs=1e-5)
    assert long.vector == pytest.approx(plain.vector, abs=1e-6)
