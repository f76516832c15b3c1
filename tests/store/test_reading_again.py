"""What is read while another writer sweeps files away is read again."""

from __future__ import annotations

import pytest
from commits import committed, said

from cctview.errors import StoreError
from cctview.store import open_store
from cctview.types import Frames


def number_of(store):
    return said(store.path)["number"]


@pytest.mark.parametrize(("tidying", "reads"), [(False, 1), (True, 2)])
def test_an_answer_that_a_sweep_may_have_torn_is_not_given(full, tidying, reads):
    store, asked = open_store(full.path), []
    committed(full.path, tidying=tidying)

    def read(view):
        asked.append(view.commit.number)
        if len(asked) == 1:
            committed(full.path, tidying=False, number=number_of(full) + 1)
        return len(asked)

    assert store._reading(read) == reads
    assert asked == [number_of(full) - 1, number_of(full)][:reads]


def test_a_sweep_that_is_not_over_is_no_reason_to_wait(full):
    committed(full.path, tidying=True)
    assert len(open_store(full.path).scan(Frames)) == 12


def test_who_is_swept_away_every_time_says_so(full, monkeypatch):
    monkeypatch.setattr("cctview.store.lance.store._PAUSE_S", 0.0)
    store = open_store(full.path)
    committed(full.path, tidying=True)

    def torn(view):
        committed(full.path, number=number_of(full) + 1)

    with pytest.raises(StoreError, match="faster than it can be read"):
        store._reading(torn)
