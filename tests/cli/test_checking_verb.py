from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cctview.privacy import Policy, pseudonyms
from cctview.store import create_store, open_store
from cctview.testing.samples import filled
from cctview.testing.stores.keeping import NETWORK
from cctview.types import Detections, Frames, Journeys, Tracklets

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    store = filled(create_store(tmp_path / "s", Policy.default("tests")))
    store.set_network(NETWORK)
    return tmp_path / "s"


def test_a_whole_store_exits_0_and_says_what_was_looked_at(call: Call, place: Path) -> None:
    code, out, _ = call("check", str(place), "--json")
    told = json.loads(out)
    assert (code, told["whole"], told["findings"]) == (0, True, [])
    assert told["looked at"]["stills"] == 12


def test_a_damaged_store_exits_1_and_a_repair_says_what_is_lost(call: Call, place: Path) -> None:
    (place / "pseudonym.key").unlink()
    code, out, _ = call("check", str(place))
    assert code == 1
    assert "pseudonym.key: the key of pseudonyms has 0 bytes; restore it from a backup" in out
    assert json.loads(call("check", str(place), "--json")[1])["findings"][0]["kind"] == "key"
    code, out, _ = call("check", str(place), "--repair", "--json")
    told = json.loads(out)
    assert (code, told["whole"]) == (0, True)
    assert told["taken out"] == ["a new key of pseudonyms was made: names shown outside before mean nothing now"]
    assert len(open_store(place).pseudonym_key()) == 32


def test_doctor_looks_at_a_store_and_names_strange_cameras(call: Call, place: Path) -> None:
    told = json.loads(call("doctor", str(place), "--json")[1])
    assert told["store is whole"] is True
    assert told["cameras the network does not know"] == ["O'Hare ⛖"]
    (place / "searches.log").write_bytes(b"garbage\n")
    code, out, _ = call("doctor", str(place), "--json")
    assert (code, json.loads(out)["store is whole"]) == (1, False)
    assert json.loads(out)["damaged"][0].startswith("searches.log: it cannot be read")


@pytest.mark.parametrize("table", [Frames, Detections, Tracklets, Journeys])
def test_whatever_is_shown_as_hex_digits_can_be_forgotten_by_them(call: Call, place: Path, table: type[Frames]) -> None:
    store = open_store(place)
    name = f"{pseudonyms(store.pseudonym_key(), store.scan(table).id[:1])[0]:016x}"
    code, out, _ = call("forget", str(place), "--id", name, "--json")
    assert code == 0
    assert json.loads(out)["removed"][table.__name__.lower()] == 1
