from __future__ import annotations

import pytest
from store_samples import CAMERAS, batch, breaks, journeys, matches, tracklets, travel_times

from cctview.privacy import Policy
from cctview.store import create_store
from cctview.types import Detections, Embeddings

POLICY = Policy.default("tests")


@pytest.fixture
def policy():
    return POLICY


@pytest.fixture
def store(tmp_path):
    return create_store(tmp_path / "store", POLICY)


def fill(store, count=12):
    """Store some stills and everything that is derived from them."""
    store.append(batch(range(count)))
    tracks = tracklets(store.scan(Detections), store.scan(Embeddings))
    store.replace(tracks)
    store.replace(matches(tracks, *CAMERAS[:2]))
    store.replace(journeys(tracks, *CAMERAS[:2]))
    store.replace(travel_times(*CAMERAS[:2]))
    store.replace(breaks(*CAMERAS[:2]))
    return store


@pytest.fixture
def full(store):
    return fill(store)
