"""What every embedder must do, as tests.

A plug-in's own test module subclasses the suite and says how to make its embedder::

    from cctview.testing.embedders import EmbedderContract

    class TestMine(EmbedderContract):
        def make(self):
            return MyEmbedder()
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cctview.seams import Embedder

__all__ = ["EmbedderContract"]

_MANY = 70  # more than any batch that a graph is run with at once
_TREMBLE = 1e-4  # what a number may move when other crops share a call: the order of float32 sums


class EmbedderContract:
    """Subclass, and override ``make``; pytest finds the tests."""

    def make(self) -> Embedder:
        """Return the embedder under test."""
        raise NotImplementedError

    def test_one_unit_vector_for_each_crop(self) -> None:
        """Of one length for all, however many crops there are."""
        embedder = self.make()
        for count in (1, 5, _MANY):
            vectors = embedder(_crops(embedder, count))
            assert vectors.shape == (count, embedder(_crops(embedder, 1)).shape[1])
            assert vectors.dtype == np.float32
            assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)

    def test_no_crop_is_no_vector(self) -> None:
        """Of the same dimension as others."""
        embedder = self.make()
        assert embedder(_crops(embedder, 0)).shape == (0, embedder(_crops(embedder, 1)).shape[1])

    def test_other_crops_change_nothing(self) -> None:
        """A crop alone and in company gives the same vector."""
        embedder = self.make()
        crops = _crops(embedder, 9)
        together = embedder(crops)
        alone = np.concatenate([embedder(crops[n : n + 1]) for n in range(len(crops))])
        assert np.allclose(alone, together, atol=_TREMBLE)

    def test_features_are_the_vectors_before_they_have_unit_length(self) -> None:
        """In the same directions."""
        embedder = self.make()
        crops = _crops(embedder, 5)
        features = embedder.features(crops)
        assert features.shape == embedder(crops).shape
        length = np.linalg.norm(features, axis=1, keepdims=True)
        assert np.allclose(features / length, embedder(crops), atol=_TREMBLE)

    def test_alike_is_nearer_than_unlike(self) -> None:
        """A crop a little brighter is nearer to itself than to one of another colour and form."""
        embedder = self.make()
        crop, other = _crops(embedder, 2)
        brighter = np.clip(crop.astype(np.int16) + 3, 0, 255).astype(np.uint8)
        vector = embedder(np.stack([crop, brighter, other]))
        assert vector[0] @ vector[1] > vector[0] @ vector[2]

    def test_crops_are_left_as_they_are(self) -> None:
        """Pixels belong to whoever handed them over."""
        embedder = self.make()
        crops = _crops(embedder, 3)
        before = crops.copy()
        embedder(crops)
        assert np.array_equal(crops, before)

    def test_the_producer_has_a_name_that_stays(self) -> None:
        """Two of the same kind say the same."""
        assert self.make().producer
        assert self.make().producer == self.make().producer


def _crops(embedder: Embedder, count: int) -> NDArray[np.uint8]:
    """Return crops as the embedder wants them: bodies of many colours before many grounds."""
    height, width = embedder.cropping.height, embedder.cropping.width
    rng = np.random.default_rng(11)
    out = np.empty((count, height, width, 3), np.uint8)
    for crop in out:
        ground, body, glass = rng.integers(0, 256, (3, 3))
        crop[:] = ground
        crop[height // 5 :, width // 8 : -width // 8] = body
        crop[height // 5 : height // 2, width // 4 : -width // 4] = glass
    return out
