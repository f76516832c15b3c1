from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from road_store import batch, make, seen, served, tracklets_of

from cctview.privacy import Policy
from cctview.store import create_store, open_store
from cctview.types import Detections, Frames
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
