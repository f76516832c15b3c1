from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import PolicyError, StoreError
from cctview.privacy import LogEntry, broken_at, require_purpose
from cctview.privacy.log import FIRST, read_log, sealed

NOW = datetime(2026, 5, 5, 13, 0, tzinfo=UTC)


def chain(count):
    entries = []
    for number in range(count):
        last = entries[-1] if entries else None
        entries.append(
            sealed(last, purpose=f"purpose {number}", subject="x", filters={"camera": "c"}, found=number, now=NOW)
        )
    return entries


def test_a_chain_that_nobody_touched_holds():
    entries = chain(5)
    assert broken_at(entries) is None
    assert broken_at([]) is None
    assert entries[0].previous == FIRST
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]


def test_lines_are_read_back():
    entries = chain(3)
    assert list(read_log("".join(entry.to_line() for entry in entries))) == entries


@given(st.integers(0, 5), st.sampled_from(["time", "purpose", "subject", "found", "filters", "number"]))
def test_a_changed_entry_is_seen(place, field):
    entries = chain(6)
    other = {"number": 99, "found": 99, "filters": {}}.get(field, "other")
    entries[place] = replace(entries[place], **{field: other})
    assert broken_at(entries) == place + 1


@given(st.integers(0, 4))
def test_a_lost_entry_is_seen(place):
    entries = chain(6)
    del entries[place]
    assert broken_at(entries) == place + 1


@given(st.integers(0, 4))
def test_an_entry_sealed_anew_breaks_the_next_one(place):
    entries = chain(6)
    forged = replace(entries[place], purpose="another", hash="")
    entries[place] = replace(forged, hash=forged.seal)
    assert broken_at(entries) == place + 2


def test_a_moved_entry_is_seen():
    entries = chain(4)
    entries[1], entries[2] = entries[2], entries[1]
    assert broken_at(entries) == 2


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", "no json", '{"number": 1}', chain(1)[0].to_line().replace('"found"', '"lost"')]
)
def test_a_damaged_line_is_an_error(line):
    with pytest.raises(StoreError, match="damaged"):
        LogEntry.from_line(line)


@pytest.mark.parametrize("purpose", ["", "   ", "\n\t", "a\x00b", "x" * 501])
def test_a_purpose_must_say_something(purpose):
    with pytest.raises(PolicyError, match="purpose"):
        require_purpose(purpose)


def test_a_purpose_stands_on_one_line():
    assert require_purpose("  counting\n buses ") == "counting buses"
