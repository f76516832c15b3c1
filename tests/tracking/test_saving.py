from dataclasses import dataclass, field

import numpy as np
import pytest

from cctview.errors import FormatError
from cctview.tracking.saving import packed, unpacked
from cctview.types import Breaks

MADE_BY = {"tracker": "test"}


@dataclass(frozen=True, kw_only=True)
class Inner:
    place: np.ndarray = field(default_factory=lambda: np.arange(6.0).reshape(3, 2))


@dataclass(frozen=True, kw_only=True)
class Outer:
    count: int = 7
    share: float = 0.25
    inner: Inner | None = None
    breaks: Breaks = field(default_factory=Breaks.empty)


def test_numbers_arrays_tables_and_nothing_come_back():
    breaks = Breaks(
        camera=np.array(["a", "b"]),
        time=np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]"),
        kind=np.array(["gap", "turned"]),
        meta={"who": "me"},
    )
    back = unpacked(Outer, packed(Outer(inner=Inner(), breaks=breaks), MADE_BY), MADE_BY)
    assert (back.count, back.share) == (7, 0.25)
    assert type(back.count) is int
    assert back.inner is not None
    assert np.array_equal(back.inner.place, Inner().place)
    assert back.breaks == breaks
    assert unpacked(Outer, packed(Outer(), MADE_BY), MADE_BY).inner is None


def test_equal_states_give_equal_bytes_at_any_hour(monkeypatch):
    now = packed(Outer(inner=Inner()), MADE_BY)
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    assert packed(Outer(inner=Inner()), MADE_BY) == now


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 damaged", b"\x93NUMPY", packed(Outer(), MADE_BY)[:-40]])
def test_bytes_that_are_no_state_are_refused(data):
    with pytest.raises(FormatError, match="tracker state"):
        unpacked(Outer, data, MADE_BY)


def test_the_bytes_of_another_kind_of_state_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", format=np.array("a sandwich"))
    with pytest.raises(FormatError, match="sandwich"):
        unpacked(Outer, (tmp_path / "other.npz").read_bytes(), MADE_BY)


def test_the_state_of_another_tracker_is_refused():
    with pytest.raises(FormatError, match=r'"test".*"tracker": "other"|"other".*"test"'):
        unpacked(Outer, packed(Outer(), {"tracker": "other"}), MADE_BY)


def test_a_table_that_breaks_its_contract_is_refused():
    @dataclass(frozen=True, kw_only=True)
    class Wrong:
        count: int = 7
        share: float = 0.25
        breaks: Inner = field(default_factory=Inner)

    with pytest.raises(FormatError, match="damaged"):
        unpacked(Outer, packed(Wrong(), MADE_BY), MADE_BY)
