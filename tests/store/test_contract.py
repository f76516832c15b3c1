from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path

import pytest

from cctview.store import create_store, open_store
from cctview.store.lance import LanceStore
from cctview.store.memory import MemoryStore
from cctview.testing.stores import StoreContract

NAMES = count()


class TestLanceStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path

    def make(self, policy):
        store = create_store(Path(tempfile.mkdtemp(dir=self.folder)), policy)
        assert isinstance(store, LanceStore)
        return store

    def again(self, store, *, write=False):
        return open_store(store.path, write=write)


class TestMemoryStore(StoreContract):
    def make(self, policy):
        store = create_store(f"memory:contract-{next(NAMES)}", policy)
        assert isinstance(store, MemoryStore)
        return store

    def again(self, store, *, write=False):
        return open_store(store.where, write=write)
