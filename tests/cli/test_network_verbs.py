from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cctview.network import load_network, network_toml
from cctview.privacy import Policy
from cctview.store import create_store
from cctview.testing.passing import road
from cctview.testing.samples import CAMERAS, batch, matches, tracklets
from cctview.testing.stores.keeping import NETWORK
from cctview.types import Detections, Embeddings, Ragged


@pytest.fixture
def store(tmp_path: Path) -> Path:
    create_store(tmp_path / "s", Policy.default("tests")).append(batch(range(4)))
    return tmp_path / "s"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cameras.toml"
    path.write_text(network_toml(NETWORK), encoding="utf-8")
    return path


def test_a_store_without_a_network_says_how_to_give_it_one(call, store) -> None:
    for verb in ("show", "check"):
        code, _, err = call("network", verb, store)
        assert code == 1
        assert f"cctview network set {store} FILE" in err


def test_what_was_set_is_shown_and_written_again(call, store, file, tmp_path) -> None:
    code, said, _ = call("network", "set", store, file, "--json")
    assert code == 0
    told = json.loads(said)
    assert told["time zone"] == "America/New_York"
    assert told["cameras"] == {"733": "733", "735": "735"}
    assert told["cameras the network does not know"] == [CAMERAS[2]]
    code, shown, _ = call("network", "show", store, "--out", tmp_path / "again.toml", "--json")
    assert code == 0
    assert json.loads(shown) == told
    assert load_network(tmp_path / "again.toml") == NETWORK


def test_cameras_the_network_does_not_know_fail_the_check(call, store, file, tmp_path) -> None:
    call("network", "set", store, file)
    code, said, _ = call("network", "check", store, "--json")
    assert code == 1
    assert json.loads(said)["cameras the network does not know"] == [CAMERAS[2]]
    every = tmp_path / "every.toml"
    every.write_text(file.read_text() + f'\n[[camera]]\nid = "{CAMERAS[2]}"\nlat = 0\nlon = 0\nheading = 0\n')
    assert call("network", "check", store, every)[0] == 0


def test_tables_linked_with_another_network_fail_the_check(call, tmp_path, file) -> None:
    store = create_store(tmp_path / "linked", Policy.default("tests"))
    store.append(batch(range(0, 8, 1)))
    everywhere = NETWORK.cameras.replace(id=["733", CAMERAS[2]])
    store.forget(camera="735")
    network = replace(NETWORK, cameras=everywhere, links=())
    store.set_network(network)
    tracks = tracklets(store.scan(Detections), store.scan(Embeddings))
    store.replace([network.stamped(tracks), network.stamped(matches(tracks, "733", CAMERAS[2]))])
    assert call("network", "check", store.path)[0] == 0
    other = tmp_path / "other.toml"
    other.write_text(network_toml(replace(network, timezone="Europe/Berlin")))
    code, said, _ = call("network", "check", store.path, other, "--json")
    assert code == 1
    assert json.loads(said)["tables linked with another network"] == ["tracklets", "matches"]
    code, _, err = call("network", "set", store.path, other)
    assert code == 0
    assert "link it anew with: cctview track" in err


def test_a_file_that_is_no_network_changes_nothing(call, store, file) -> None:
    call("network", "set", store, file)
    file.write_text("[[camera]]\nid = 3\n")
    code, _, err = call("network", "set", store, file)
    assert code == 1
    assert "id must be a text" in err
    assert json.loads(call("network", "show", store, "--json")[1])["network"] == NETWORK.digest


@pytest.fixture
def driven(tmp_path: Path) -> Path:
    """A store with traffic from a to b, and nothing said of either."""
    made = road({"a": 0.0, "b": 40.0}, ways=("towards",))
    none = Ragged.from_lengths(np.zeros(0, np.int64), np.zeros(len(made), np.int64))
    create_store(tmp_path / "driven", Policy.default("tests")).replace([made.replace(members=none)])
    return tmp_path / "driven"


def test_links_are_discovered_with_evidence_and_the_store_stays(call, driven, tmp_path) -> None:
    before = (driven / "commit.json").read_bytes()
    code, said, _ = call("network", "discover", driven, "--out", tmp_path / "found.toml", "--json")
    assert code == 0
    told = json.loads(said)
    (link,) = told["links"]
    assert {"from", "to", "direction", "median_s", "p10_s", "p90_s", "share", "evidence", "probability"} <= link.keys()
    assert (link["from"], link["to"], link["direction"], link["arrives"]) == ("a", "b", "towards", "towards")
    assert link["p10_s"] < link["median_s"] == pytest.approx(40, rel=0.05)
    assert link["probability"] > 0.999
    assert told["clocks unknown"] == ["a", "b"]
    assert (driven / "commit.json").read_bytes() == before
    assert load_network(tmp_path / "found.toml").links[0].learnt.median_s == link["median_s"]
    _, shown, _ = call("network", "discover", driven)
    assert "a (towards) -> b (towards), 40 s (" in shown
    assert "standard deviations above chance, sure" in shown


def test_a_direction_is_told_by_the_compass_where_the_camera_has_a_heading(call, driven, tmp_path) -> None:
    (tmp_path / "ids.toml").write_text('[[camera]]\nid = "a"\nheading = "N"\n[[camera]]\nid = "b"\n')
    call("network", "set", driven, tmp_path / "ids.toml")
    _, said, _ = call("network", "discover", driven, "--json")
    assert json.loads(said)["links"][0]["direction"] == "S"


def test_a_store_without_tracklets_has_no_links_to_find(call, store) -> None:
    code, _, err = call("network", "discover", store)
    assert code == 1
    assert f"make them with: cctview track {store}" in err


def test_a_file_that_traffic_contradicts_fails_the_check(call, driven, tmp_path) -> None:
    (tmp_path / "back.toml").write_text('[[link]]\nfrom = "b"\nto = "a"\n')
    code, said, _ = call("network", "check", driven, tmp_path / "back.toml", "--json")
    assert code == 1
    (wrong,) = json.loads(said)["what traffic says against the network"]
    assert wrong.startswith("link b -> a: its traffic goes the other way")
    (tmp_path / "right.toml").write_text('[[link]]\nfrom = "a"\nto = "b"\n')
    code, said, _ = call("network", "check", driven, tmp_path / "right.toml", "--json")
    assert code == 0
    assert json.loads(said)["links that traffic confirms"] == ["a -> b"]


def test_a_network_that_was_learnt_is_shown_with_its_times(call, driven, tmp_path) -> None:
    call("network", "discover", driven, "--out", tmp_path / "found.toml")
    call("network", "set", driven, tmp_path / "found.toml")
    (link,) = json.loads(call("network", "show", driven, "--json")[1])["links"]
    assert link.startswith("a -> b, 40 s (")
    assert link.endswith("learnt from traffic")
