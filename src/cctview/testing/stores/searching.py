"""Search by likeness: exact, filtered, and written down."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError, PolicyError, StoreError
from cctview.privacy import broken_at
from cctview.seams import Store
from cctview.store import Hits, SearchFilters
from cctview.testing.samples import CAMERAS, SECOND, START, batch
from cctview.testing.stores.making import POLICY, StoreMaking, raising
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, rows_of

__all__ = ["Searching"]

_HALF = 2e-3  # what a cosine distance may be off when vectors lie at half precision


class Searching(StoreMaking):
    """Search and its log."""

    def road(self) -> Store:
        """Return a store of 30 stills with cars, trucks and buses."""
        store = self.make(POLICY)
        store.append(batch(range(30), types=VEHICLE_TYPES))
        return store

    def test_the_nearest_are_those_of_a_plain_comparison(self) -> None:
        """Distances are exact but for the precision of stored vectors, the nearest first."""
        store = self.road()
        vectors = store.scan(Embeddings)
        hits = _asked(store, vectors.vector[7], top=25)
        distance = 1 - vectors.vector @ vectors.vector[7]
        assert np.allclose(hits.distance, np.sort(distance)[:25], atol=_HALF)
        assert np.allclose(hits.distance, distance[rows_of(vectors.detection, hits.detections.id)], atol=_HALF)
        assert (np.diff(hits.distance) >= 0).all()

    def test_camera_and_time_are_filtered_before_the_ranking(self) -> None:
        """All that pass are found, however far they are."""
        store = self.road()
        boxes = store.scan(Detections)
        after, before = START + 6 * SECOND, START + 18 * SECOND
        filters = SearchFilters(camera=CAMERAS[2], after=after, before=before)
        wanted = boxes[(boxes.camera == CAMERAS[2]) & (boxes.time >= after) & (boxes.time < before)]
        hits = _asked(store, store.scan(Embeddings).vector[0], filters=filters, top=500)
        assert sorted(hits.detections.id.tolist()) == sorted(wanted.id.tolist())

    def test_types_are_filtered_without_losing_any(self) -> None:
        """As many as were asked for, or all there are."""
        store = self.road()
        boxes, vector = store.scan(Detections), store.scan(Embeddings).vector[0]
        for kind in VEHICLE_TYPES:
            hits = _asked(store, vector, filters=SearchFilters(type=kind), top=60)
            assert set(hits.detections.type.tolist()) == {kind}
            assert len(hits.detections) == min(60, int((boxes.type == kind).sum()))

    def test_colours_are_told_from_the_stills_and_filtered(self) -> None:
        """Each colour is found as often as it is seen; without pixels there is none."""
        store = self.road()
        vector = store.scan(Embeddings).vector[0]
        every = _asked(store, vector, top=150)
        assert (every.colour != "").all()
        for colour in np.unique(every.colour).tolist():
            hits = _asked(store, vector, filters=SearchFilters(colour=colour), top=150)
            assert len(hits.detections) == (every.colour == colour).sum()
            assert set(hits.colour.tolist()) == {colour}
        blind = self.full()
        blind.forget(ids=blind.scan(Detections).id[:1])
        assert "" in _asked(blind, vector, top=150).colour

    def test_every_search_is_in_the_log_and_only_those(self) -> None:
        """In order, chained, with purpose, subject, filters and how much was found."""
        store = self.road()
        vector = store.scan(Embeddings).vector[0]
        _asked(store, vector, filters=SearchFilters(camera=CAMERAS[0], type="car"), top=3)
        _asked(store, vector, top=2)
        with raising(PolicyError, "purpose"):
            store.search(vector, purpose=" ", subject="a vector")
        with raising(InputError, "top"):
            _asked(store, vector, top=0)
        first, second = self.again(store).log()
        assert (first.purpose, first.subject, first.found, second.found) == ("a test", "a vector", 3, 2)
        assert first.filters == {"camera": CAMERAS[0], "type": "car"}
        assert second.previous == first.hash
        assert broken_at(store.log()) is None

    def test_a_reader_cannot_search_unlogged(self) -> None:
        """A search that leaves no trace is none."""
        store = self.road()
        with raising(StoreError, "write=True"):
            _asked(self.again(store), store.scan(Embeddings).vector[0])

    def test_an_empty_store_finds_nothing(self) -> None:
        """And says so in the log."""
        store = self.make(POLICY)
        assert len(_asked(store, np.full(16, 0.25, np.float32)).detections) == 0
        assert [entry.found for entry in store.log()] == [0]


def _asked(store: Store, vector: NDArray[np.float32], **more: Any) -> Hits:
    return store.search(vector, purpose="a test", subject="a vector", **more)
