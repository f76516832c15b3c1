from __future__ import annotations

import numpy as np
import pytest

from cctview.privacy import broken_at
from cctview.store.log import LOG
from cctview.testing.samples import batch
from cctview.types import Embeddings


@pytest.fixture
def road(store):
    store.append(batch(range(3)))
    return store


def ask(store, vector: np.ndarray):
    return store.search(vector, purpose="a test", subject="a vector")


def test_a_line_that_was_half_written_is_replaced(road):
    vector = road.scan(Embeddings).vector[0]
    ask(road, vector)
    with (road.path / LOG).open("ab") as file:
        file.write(b'{"number": 2, "time')
    assert len(road.log()) == 1
    ask(road, vector)
    assert [entry.number for entry in road.log()] == [1, 2]
    assert broken_at(road.log()) is None


def test_a_line_changed_on_disk_is_seen(road):
    vector = road.scan(Embeddings).vector[0]
    for _ in range(3):
        ask(road, vector)
    file = road.path / LOG
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[1].replace("a test", "no test") + lines[2])
    assert broken_at(road.log()) == 2
