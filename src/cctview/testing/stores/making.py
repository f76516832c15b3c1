"""How the suite comes by a store, and what it asks of every one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from cctview.privacy import Policy
from cctview.seams import Store
from cctview.store import Derived
from cctview.testing.samples import CAMERAS, batch, breaks, journeys, matches, passages, tracklets, travel_times
from cctview.types import Detections, Embeddings, Frames, Journeys, Matches, Passages, Tracklets

__all__ = ["POLICY", "StoreMaking", "raising", "require_consistent"]

POLICY = Policy.default("tests")


class StoreMaking:
    """The two methods that a subclass overrides."""

    def make(self, policy: Policy) -> Store:
        """Return a new and empty store under a policy, open for writing."""
        raise NotImplementedError

    def again(self, store: Store, *, write: bool = False) -> Store:
        """Return the same store as somebody else would open it."""
        raise NotImplementedError

    def full(self, policy: Policy = POLICY) -> Store:
        """Return a store of 12 stills of three cameras and all that is derived from them."""
        store = self.make(policy)
        store.append(batch(range(12)))
        tracks, ends = self.tracks(store), CAMERAS[:2]
        made: list[Derived] = [tracks, passages(tracks, ends[1]), matches(tracks, *ends), journeys(tracks, *ends)]
        store.replace([*made, travel_times(*ends), breaks(*ends)])
        return store

    def tracks(self, store: Store) -> Tracklets:
        """Return tracklets made from what is stored."""
        return tracklets(store.scan(Detections), store.scan(Embeddings))


@contextmanager
def raising(kind: type[Exception], words: str) -> Iterator[None]:
    """Require an error of this kind whose message matches ``words``, a regular expression."""
    try:
        yield
    except kind as error:
        assert re.search(words, str(error)), f"{error} does not say {words!r}"
    else:
        raise AssertionError(f"no {kind.__name__} was raised, expected one that says {words!r}")


def require_consistent(store: Store) -> None:
    """Require that nothing names a row that is not there."""
    found, tracks, lists = store.scan(Detections), store.scan(Tracklets), store.scan(Matches)
    assert np.isin(found.frame, store.scan(Frames).id).all()
    assert np.isin(store.scan(Embeddings).detection, found.id).all()
    assert np.isin(tracks.members.values, found.id).all()
    assert np.isin(lists.query, tracks.id).all()
    assert np.isin(lists.candidates.values, tracks.id).all()
    assert lists.candidates.lengths.all()
    assert np.isin(store.scan(Passages).members.values, tracks.id).all()
    assert np.isin(store.scan(Journeys).members.values, tracks.id).all()
