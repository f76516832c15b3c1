from __future__ import annotations

import pytest

from cctview.privacy import Policy
from cctview.store import create_store
from cctview.testing.samples import CAMERAS, batch, breaks, journeys, matches, passages, tracklets, travel_times
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
    ends = CAMERAS[:2]
    made = [tracks, passages(tracks, ends[1]), matches(tracks, *ends), journeys(tracks, *ends)]
    store.replace([*made, travel_times(*ends), breaks(*ends)])
    return store


@pytest.fixture
def full(store):
    return fill(store)
