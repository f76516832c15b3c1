from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from store_samples import CAMERAS, START, batch, matches, tracklets

from cctview.errors import InputError, NetworkFileError, StoreError, StoreMismatchError
from cctview.network import CameraNetwork, parse_network
from cctview.privacy import Policy
from cctview.store import create_store, open_store
from cctview.types import Breaks, Cameras, Detections, Embeddings, Matches, Tracklets

TWO = """
timezone = "America/New_York"
[[camera]]
id = "733"
lat = 40.75
lon = -73.96
heading = "N"
[[camera]]
id = "735"
lat = 40.74
lon = -73.97
heading = 200
[[link]]
from = "733"
to = "735"
"""
NETWORK = parse_network(TWO)
OTHER = replace(NETWORK, links=())
STATES = {"tracker/733": b"\x00where they are", "matcher": b""}


def tracks_of(store):
    return tracklets(store.scan(Detections), store.scan(Embeddings))


def test_a_new_store_knows_no_network(store) -> None:
    assert store.network is None
    assert store.states() == {}


def test_a_network_is_given_back_as_it_was_and_to_whoever_opens_the_store(store) -> None:
    store.set_network(NETWORK)
    assert store.network == NETWORK
    assert open_store(store.path).network == NETWORK
    store.set_network(OTHER)
    assert store.network == OTHER
    assert store.network.timezone == "America/New_York"


def test_an_impossible_network_is_not_stored(store) -> None:
    store.set_network(NETWORK)
    with pytest.raises(NetworkFileError, match="lat"):
        store.set_network(CameraNetwork(cameras=NETWORK.cameras.replace(lat=np.array([400.0, 0.0]))))
    assert store.network == NETWORK


def test_rows_are_added_and_states_put_in_place_in_one_step(store) -> None:
    store.append(batch(range(12)))
    tracks = tracks_of(store)
    for name in CAMERAS:
        store.extend([tracks[tracks.camera == name]], {**STATES, "last": name.encode()})
        assert store.states() == {**STATES, "last": name.encode()}
    assert store.scan(Tracklets) == tracks.sort("camera", "first_time", "id")
    assert open_store(store.path).states()["last"] == CAMERAS[-1].encode()
    store.extend([], {})
    assert store.states() == {}
    assert len(store.scan(Tracklets)) == len(tracks)


def test_tables_may_name_rows_that_come_with_them_or_came_before(store) -> None:
    store.append(batch(range(12)))
    tracks = tracks_of(store)
    store.extend([tracks[tracks.camera == CAMERAS[0]]], {})
    linked = matches(tracks, *CAMERAS[:2])
    with pytest.raises(StoreError, match="name tracklets that are not stored"):
        store.extend([linked], STATES)
    assert store.states() == {}
    store.extend([linked, tracks[tracks.camera == CAMERAS[1]]], {})
    assert len(store.scan(Matches)) == len(linked)


def test_rows_that_are_stored_already_are_refused(store) -> None:
    store.append(batch(range(6)))
    tracks = tracks_of(store)
    store.extend([tracks], STATES)
    with pytest.raises(StoreError, match="stored already"):
        store.extend([tracks[:1]], {})
    assert store.states() == STATES
    assert len(store.scan(Tracklets)) == len(tracks)


def test_rows_of_another_method_are_refused(store) -> None:
    store.append(batch(range(6)))
    tracks = tracks_of(store)
    store.extend([tracks[:1]], STATES)
    other = Tracklets.concat([tracks[1:]])
    other.meta["producer"] = "tracker 2"
    with pytest.raises(StoreMismatchError, match="tracker 2"):
        store.extend([other], {})
    assert len(store.scan(Tracklets)) == 1


def test_what_is_not_derived_cannot_be_added(store) -> None:
    with pytest.raises(InputError, match="use append"):
        store.extend([Detections.empty()], {})


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.replace([Tracklets.empty()]),
        lambda store: store.forget(camera=CAMERAS[0]),
        lambda store: store.forget(before=START),
        lambda store: store.expire(np.datetime64("2126-01-01", "ns")),
        lambda store: store.set_policy(replace(store.policy, purpose="another")),
        lambda store: store.set_network(OTHER),
    ],
    ids=["replace", "forget", "forget nothing", "expire", "policy", "network"],
)
def test_states_go_with_what_they_were_made_from(full, change) -> None:
    full.set_network(NETWORK)
    full.extend([], {"tracker": b"a very long secret"})
    held = {path for path in full.path.rglob("*") if path.is_file() and b"a very long secret" in path.read_bytes()}
    assert len(held) == 1
    change(full)
    assert full.states() == {}
    assert not any(path.exists() for path in held)


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.expire(START),
        lambda store: store.set_network(NETWORK),
        lambda store: store.append(batch([90])),
        lambda store: store.preview(camera=CAMERAS[0]),
    ],
    ids=["expire nothing", "same network", "append", "preview"],
)
def test_states_stay_where_nothing_is_taken_away(full, change) -> None:
    full.set_network(NETWORK)
    full.extend([], STATES)
    change(full)
    assert full.states() == STATES


def test_the_proof_searches_what_a_stage_remembered(full) -> None:
    doomed = full.scan(Detections, camera=CAMERAS[0]).id
    full.extend([], {"tracker": doomed.tobytes()})
    gone = full.forget(ids=doomed[:1])
    assert gone.proof.found == 0
    assert gone.proof.found_before > 0


def test_rows_made_with_another_network_are_refused(store) -> None:
    store.append(batch(range(6)))
    tracks = tracks_of(store)
    with pytest.raises(StoreMismatchError, match="not set"):
        store.replace([NETWORK.stamped(tracks)])
    store.set_network(NETWORK)
    for step in (lambda rows: store.replace([rows]), lambda rows: store.extend([rows], {})):
        for other in (OTHER, replace(NETWORK, timezone="Europe/Berlin")):
            with pytest.raises(StoreMismatchError, match="with the camera network"):
                step(other.stamped(tracks))
    store.extend([NETWORK.stamped(tracks)], {})
    assert store.scan(Tracklets).meta == {"producer": "tracker 1", **NETWORK.meta}
    store.replace([Breaks.empty()])
    assert len(store.scan(Tracklets)) == len(tracks)


def test_a_store_made_before_networks_were_kept_opens(full) -> None:
    file = full.path / "commit.json"
    text = (
        file.read_text()
        .replace('"format": 2', '"format": 1')
        .replace('"network": "",', "")
        .replace('"states": {},', "")
    )
    assert text.count("network") == 0
    file.write_text(text)
    old = open_store(full.path, write=True)
    assert old.network is None
    assert old.states() == {}
    old.set_network(NETWORK)
    assert old.network == NETWORK
    assert len(old.scan(Tracklets)) > 0


def test_a_network_of_cameras_nobody_has_linked_is_kept(store) -> None:
    alone = CameraNetwork(cameras=NETWORK.cameras[:1])
    store.set_network(alone)
    assert store.network.cameras.id.tolist() == ["733"]
    store.set_network(CameraNetwork(cameras=Cameras.empty()))
    assert len(store.network.cameras) == 0
    assert create_store(store.path, Policy.default("tests")).network is not None
