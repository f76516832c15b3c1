from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from road_store import batch, make, seen, served, tracklets_of

from cctview.network import parse_network
from cctview.privacy import Policy
from cctview.store import create_store, open_store
from cctview.testing.samples import CAMERAS, filled, matches
from cctview.types import Detections, Frames, Journeys, Passages, Tracklets
from cctview.web.model.index import Index
from cctview.web.model.reading import Reading

V1 = "/api/v1"


@pytest.fixture(scope="module")
def tables():
    return seen()


def part(tables, rows):
    """Return the stills of these places with what is in them, as one batch."""
    stills, detections, vectors, *_ = tables
    chosen = [stills[row] for row in rows]
    boxes = detections[np.isin(detections.frame, [item.id for item in chosen])]
    return batch(chosen, boxes, vectors[np.isin(vectors.detection, boxes.id)])


def test_new_stills_are_shown_within_two_seconds_of_being_stored(tmp_path, tables):
    store = create_store(tmp_path / "store", Policy.default("tests"))
    store.set_network(tables[-1])
    order = np.argsort([item.time for item in tables[0]])
    waits = []
    with served(open_store(store.path), tables[-1]) as client:
        for rows in np.array_split(order, 8):
            store.append(part(tables, rows))
            stored = time.monotonic()
            newest = max(tables[0][row].time for row in rows).astype("datetime64[us]").item()
            while not client.get(f"{V1}/frames", params={"after": newest.isoformat(), "limit": 1}).json()["items"]:
                assert time.monotonic() - stored < 20
                time.sleep(0.02)
            waits.append(time.monotonic() - stored)
        shown = sum(camera["frames"] for camera in client.get(f"{V1}/cameras").json())
    assert shown == len(tables[0])
    assert np.median(waits) < 2


def test_no_request_fails_while_a_run_is_writing(tmp_path, tables):
    store = create_store(tmp_path / "store", Policy.default("tests"))
    store.set_network(tables[-1])
    parts = [part(tables, rows) for rows in np.array_split(np.arange(len(tables[0])), 12)]
    store.append(parts[0])
    done, answers = [], []

    def ask(client):
        while not done:
            frame = client.get(f"{V1}/frames", params={"limit": 1}).json()["items"][0]["id"]
            paths = (f"/frames/{frame}", f"/frames/{frame}/image", "/cameras", "/links", "/summary")
            answers.extend(client.get(V1 + path).status_code for path in paths)

    with served(open_store(store.path), tables[-1]) as client, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask, client)
        for item in parts[1:]:
            store.append(item)
            store.replace(tracklets_of(store.scan(Detections), *owners(tables, store))[:1])
        done.append(True)
        asking.result()
    assert answers
    assert set(answers) == {200}


def owners(tables, store):
    """Return vectors and true identities of the stored detections."""
    _, detections, vectors, identity, _ = tables
    order = np.argsort(detections.id)
    stored = store.scan(Detections).id
    return vectors, identity[order[np.searchsorted(detections.id[order], stored)]]


def test_an_index_that_grew_is_the_index_read_anew(tmp_path, tables):
    store = create_store(tmp_path / "store", Policy.default("tests"))
    first, second, third = (part(tables, rows) for rows in np.array_split(np.arange(len(tables[0])), 3))
    store.append(first)
    index = Index.read(store, tables[-1])
    for item in (second, third):
        store.append(item)
        index = Index.read(store, tables[-1], index)
        whole = Index.read(store, tables[-1])
        for name in ("id", "camera", "time", "starts"):
            assert np.array_equal(getattr(index.frames, name), getattr(whole.frames, name))


def test_what_was_forgotten_leaves_the_index(tmp_path):
    store, _ = make(tmp_path / "store")
    reading = Reading(open_store(store.path))
    assert not reading.refresh()
    frames = store.scan(Frames, camera="c1")
    store.forget(ids=frames.id[:2])
    assert reading.refresh()
    assert reading.camera("c1").frames == len(frames) - 2
    store.forget(camera="c3")
    assert reading.refresh()
    assert reading.camera("c3").frames == 0
    assert all(step.tracklet.camera != "c3" for journey in reading.journeys(limit=1000) for step in journey.steps)


def test_another_network_is_drawn_at_once(tmp_path):
    store, network = make(tmp_path / "store")
    reading = Reading(open_store(store.path))
    assert len(reading.links()) == len(network.links)
    assert reading.timezone == (network.timezone or "UTC")
    assert not reading.refresh()
    store.set_network(replace(network, links=network.links[:1], timezone="Europe/Berlin"))
    assert reading.refresh()
    assert len(reading.links()) == 1
    assert reading.timezone == "Europe/Berlin"


def test_another_policy_is_in_force_at_once(tmp_path):
    store, _ = make(tmp_path / "store")
    reading = Reading(open_store(store.path))
    name = reading.tracklets(limit=1)[0].id
    store.set_policy(Policy(purpose="tests", pseudonyms=False))
    assert reading.refresh()
    assert reading.tracklets(limit=1)[0].id != name


def test_matches_none_of_which_has_a_candidate_are_served(tmp_path):
    store = filled(create_store(tmp_path / "store", Policy.default("tests")))
    tracks = store.scan(Tracklets)
    none = matches(tracks, *CAMERAS[:2], candidates=0)
    store.replace([tracks, store.scan(Passages), none, store.scan(Journeys)])
    with served(open_store(store.path, write=True), parse_network("")) as client:
        assert len(client.get(f"{V1}/cameras").json()) >= 2


def test_a_policy_that_cannot_be_read_for_a_while_stops_nothing(tmp_path, caplog):
    store = filled(create_store(tmp_path / "store", Policy.default("tests")))
    file = tmp_path / "store" / "policy.toml"
    text = file.read_bytes()
    with served(open_store(store.path, write=True), parse_network("")) as client:
        assert client.get(f"{V1}/frames").json()["items"]
        file.write_bytes(b"\xff\xfe\x00")
        while "cannot be read just now" not in caplog.text:
            time.sleep(0.05)
        time.sleep(0.7)
        assert client.get(f"{V1}/cameras").status_code == 200
        assert caplog.text.count("cannot be read just now") == 1, "said once, not at every look"
        file.write_bytes(text)
        open_store(store.path, write=True).forget(camera=CAMERAS[0])
        assert_gone(client, CAMERAS[0])


def test_what_the_policy_no_longer_allows_goes_while_the_server_is_up(tmp_path):
    store = filled(create_store(tmp_path / "store", Policy.default("tests")))
    with served(open_store(store.path, write=True), parse_network(""), expire_every_s=0.2) as client:
        assert client.get(f"{V1}/frames").json()["items"]
        store.set_policy(
            replace(store.policy, frames_days=1e-9, detections_days=1e-9, embeddings_days=1e-9, journeys_days=1e-9)
        )
        assert_gone(client, CAMERAS[0])


def assert_gone(client, camera):
    """Require that a camera's stills are listed no more within some seconds."""
    for _ in range(100):
        if not client.get(f"{V1}/frames", params={"camera": camera}).json().get("items"):
            return
        time.sleep(0.1)
    pytest.fail("still listed")


def test_no_other_site_may_read_an_answer(tmp_path):
    store = filled(create_store(tmp_path / "store", Policy.default("tests")))
    with served(open_store(store.path, write=True), parse_network("")) as client:
        for path in (f"{V1}/cameras", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"):
            answer = client.get(path, headers={"Origin": "https://elsewhere.example"})
            assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_an_upload_of_any_size_that_is_taken_stays_in_memory(tmp_path, monkeypatch):
    store = filled(create_store(tmp_path / "store", Policy.default("tests")))
    with served(open_store(store.path, write=True), parse_network("")) as client:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda *_, **__: pytest.fail("an upload went to a file"))
        answer = client.post(f"{V1}/search", data={"purpose": "test"}, files={"picture": b"x" * 5_000_000})
    assert answer.status_code in (422, 503)
