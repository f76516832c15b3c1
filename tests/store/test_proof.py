from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cctview.store import proof
from cctview.store.proof import Needles, search_files

ids = st.lists(st.integers(1, 2**63 - 1), unique=True, min_size=1, max_size=20)


@settings(max_examples=40)
@given(ids=ids, gap=st.integers(0, 30), hidden=st.integers(0, 20), window=st.sampled_from([8, 13, 64, 1 << 20]))
def test_ids_are_found_at_any_place_of_any_file(tmp_path_factory, ids, gap, hidden, window):
    folder = tmp_path_factory.mktemp("p")
    here = ids[:hidden]
    (folder / "deep").mkdir()
    (folder / "empty").write_bytes(b"")
    data = bytes(gap) + bytes(gap + 1).join(i.to_bytes(8, "little") for i in here)
    (folder / "deep" / "file").write_bytes(data)
    before, proof._WINDOW = proof._WINDOW, window
    try:
        found = search_files(folder, Needles.of(np.array(ids, np.int64), []))
    finally:
        proof._WINDOW = before
    assert found.found == sum(i.to_bytes(8, "little") in data for i in ids) >= len(here)
    assert found.pieces == 2


def test_a_still_is_found_only_as_a_whole(tmp_path):
    rng = np.random.default_rng(0)
    still, other = rng.bytes(1000), rng.bytes(1000)
    needles = Needles.of(np.zeros(0, np.int64), [still, other, b"short"])
    assert len(needles) == 2
    (tmp_path / "part").write_bytes(still[400:])
    (tmp_path / "cut").write_bytes(b"abc" + still[:-1] + b"?")
    assert search_files(tmp_path, needles).found == 0
    (tmp_path / "whole").write_bytes(b"abc" + still + b"def")
    assert search_files(tmp_path, needles).found == 1


def test_stills_that_share_their_middle_are_told_apart(tmp_path):
    middle = b"same bytes in the middle"
    still, other = b"a" * 50 + middle + b"b" * 50, b"c" * 50 + middle + b"d" * 50
    (tmp_path / "file").write_bytes(other)
    assert search_files(tmp_path, Needles.of(np.zeros(0, np.int64), [still])).found == 0
    assert search_files(tmp_path, Needles.of(np.zeros(0, np.int64), [still, other])).found == 1
