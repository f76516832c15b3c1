"""What every store must do, as tests.

A plug-in's own test module subclasses the suite and says how to make an empty store, and how to open
one that is there once more::

    from cctview.testing.stores import StoreContract

    class TestMine(StoreContract):
        def make(self, policy):
            return MyStore.create(new_place(), policy)

        def again(self, store, *, write=False):
            return MyStore.open(store.place, write=write)

The stills are small and made up (``cctview.testing.samples``). How a store keeps them, in files or
elsewhere, is its own affair; what it keeps must be redacted, what it forgot must be gone.
"""

from __future__ import annotations

from cctview.testing.stores.deriving import Deriving
from cctview.testing.stores.forgetting import Forgetting
from cctview.testing.stores.keeping import Keeping
from cctview.testing.stores.people import People
from cctview.testing.stores.searching import Searching

__all__ = ["StoreContract"]


class StoreContract(Keeping, People, Deriving, Forgetting, Searching):
    """Subclass, and override ``make`` and ``again``; pytest finds the tests."""
