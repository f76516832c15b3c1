from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import SettingsError
from cctview.privacy import ids_behind, pseudonyms
from cctview.privacy.pseudonyms import _decrypted, _encrypted, _schedule

KEY = b"k" * 32
IDS = st.lists(st.integers(0, 2**63 - 1))


def test_the_cipher_is_speck_with_the_published_vector():
    keys = _schedule(np.array([0x03020100, 0x0B0A0908, 0x13121110, 0x1B1A1918], np.uint32))
    plain, hidden = np.array([0x3B7265747475432D], np.uint64), np.array([0x8C6FA548454E028B], np.uint64)
    assert _encrypted(plain, keys) == hidden
    assert _decrypted(hidden, keys) == plain


@given(IDS)
def test_names_are_other_ids_that_the_key_reads_back(ids):
    column = np.array(ids, np.int64)
    names = pseudonyms(KEY, column)
    assert names.dtype == np.int64
    assert (names >= 0).all()
    assert np.array_equal(ids_behind(KEY, names), column)


@given(IDS)
def test_an_id_has_one_name_whatever_stands_beside_it(ids):
    column = np.array(ids, np.int64)
    names = pseudonyms(KEY, column)
    assert [int(pseudonyms(KEY, column[n : n + 1])[0]) for n in range(len(ids))] == names.tolist()


def test_another_key_gives_other_names():
    ids = np.arange(1000)
    names = pseudonyms(KEY, ids)
    assert not np.isin(names, pseudonyms(b"j" * 32, ids)).any()
    assert not np.isin(names, ids).any()


@pytest.mark.parametrize("key", [b"", b"short", b"k" * 65])
def test_a_key_of_no_use_is_refused(key):
    with pytest.raises(SettingsError, match="16 to 64 bytes"):
        pseudonyms(key, np.arange(1))
