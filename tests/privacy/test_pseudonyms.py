from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import SettingsError
from cctview.privacy import pseudonyms

KEY = b"k" * 32


@given(st.lists(st.integers(0, 2**63 - 1)))
def test_names_are_keyed_blake2_of_the_ids(ids):
    names = pseudonyms(KEY, np.array(ids, np.int64))
    expected = [hashlib.blake2b(i.to_bytes(8, "little"), key=KEY, digest_size=8).hexdigest() for i in ids]
    assert names.tolist() == expected


def test_another_key_gives_other_names():
    ids = np.arange(100)
    assert not np.isin(pseudonyms(KEY, ids), pseudonyms(b"j" * 32, ids)).any()


@pytest.mark.parametrize("key", [b"", b"short", b"k" * 65])
def test_a_key_of_no_use_is_refused(key):
    with pytest.raises(SettingsError, match="16 to 64 bytes"):
        pseudonyms(key, np.arange(1))
