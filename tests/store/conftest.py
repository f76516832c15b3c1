from __future__ import annotations

import pytest

from cctview.privacy import Policy
from cctview.store import create_store
from cctview.testing.samples import filled

POLICY = Policy.default("tests")


@pytest.fixture
def policy():
    return POLICY


@pytest.fixture
def store(tmp_path):
    return create_store(tmp_path / "store", POLICY)


@pytest.fixture
def full(store):
    return filled(store)
