"""A store of a small road with everything in it, and a server over it, for the tests of the web."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import cv2
import httpx
import numpy as np
import uvicorn

from cctview.journeys import chain
from cctview.privacy import Policy
from cctview.store import Batch, create_store
from cctview.testing.roads import Scenery, drive
from cctview.tracking.passages import passages
from cctview.types import Detections, Embeddings, Frame, Matches, Ragged, Tracklets, content_id, row_ids, rows_of
from cctview.web.app import create_app

CAMERAS = ("c1", "c2", "c3")
SCENERY = Scenery(seconds=100, cameras=CAMERAS, look_noise=0.3, per_minute=20, seed=3)


def seen():
    """Return the tables of the road with the ids that its stills give, and the stills."""
    road = drive(SCENERY)
    found = road.detections
    old, first = np.unique(found.frame, return_index=True)
    stills = [still(str(found.camera[row]), found.time[row], int(found.frame[row])) for row in first]
    new = np.array([item.id for item in stills], np.int64)
    frame = new[np.searchsorted(old, found.frame)]
    ids = row_ids(frame, found.rank, "test")
    detections = found.replace(frame=frame, id=ids)
    detections = Detections(meta={"detector": "test"}, **columns(detections))
    return stills, detections, embeddings(road, ids), road.identity, road.network


def embeddings(road, ids):
    vectors = road.embeddings.replace(detection=ids)
    return Embeddings(meta={"embedder": "test"}, **columns(vectors))


def columns(table):
    return {name: getattr(table, name) for name in table.columns}


def still(camera, time, number):
    image = np.full((240, 352, 3), 90, np.uint8)
    image[:, number % 300 : number % 300 + 40] = (number % 200, number // 7 % 200, 40)
    encoded = cv2.imencode(".jpg", image)[1].tobytes()
    name = f"{camera}--{np.datetime_as_string(time, 'ms')[:10]}--{np.datetime_as_string(time, 'ms')[11:].replace(':', '.')}"
    return Frame(image=image, camera=camera, time=time, name=name, digest=content_id(encoded), encoded=encoded)


def batch(stills, detections, vectors):
    no_people = Ragged.from_lengths(np.zeros((0, 4), np.float32), np.zeros(len(stills), np.int64))
    return Batch(frames=stills, detections=detections, embeddings=vectors, people=no_people)


def tracklets_of(detections, vectors, identity):
    """Return one tracklet per vehicle and camera, by its true identity."""
    order = np.lexsort((detections.time, identity, detections.camera))
    rows = detections[order]
    new = (identity[order][1:] != identity[order][:-1]) | (rows.camera[1:] != rows.camera[:-1])
    first = np.flatnonzero(np.concatenate([[True], new]))
    last = np.append(first[1:], len(rows)) - 1
    area = np.prod(rows.box[:, 2:] - rows.box[:, :2], axis=1)
    vector = vectors.vector[rows_of(vectors.detection, rows.id)]
    table = Tracklets(
        meta={"tracker": "truth"},
        id=row_ids(rows.id[first], last - first, "truth"),
        camera=rows.camera[first],
        first_time=rows.time[first],
        last_time=rows.time[last],
        first_box=rows.box[first],
        last_box=rows.box[last],
        type=rows.type[first],
        heading=np.where(area[last] >= area[first], "towards", "away"),
        vector=vector[first],
        spread=np.zeros(len(first)),
        quality=np.full(len(first), 0.5),
        members=Ragged.from_lengths(rows.id, last - first + 1),
    )
    return table, identity[order][first]


def matches_of(tracklets, identity, network):
    """Return for each tracklet and link the true vehicle first, then strangers of the window."""
    rows = []
    for link in network.links:
        along = tracklets.heading == ("towards" if link.direction_deg else "away")
        gallery = np.flatnonzero((tracklets.camera == link.target) & along)
        for query in np.flatnonzero((tracklets.camera == link.origin) & along).tolist():
            lag = (tracklets.first_time[gallery] - tracklets.last_time[query]) / np.timedelta64(1, "s")
            near = gallery[(lag > link.min_s) & (lag < link.max_s)]
            true = near[identity[near] == identity[query]]
            rows.append((query, link, np.concatenate([true, np.setdiff1d(near, true)])[:5], len(true)))
    found = [(q, link, near, bool(true)) for q, link, near, true in rows if len(near)]
    query = np.array([q for q, *_ in found])
    lengths = [len(near) for _, _, near, _ in found]
    candidate = np.concatenate([near for _, _, near, _ in found])
    share = np.concatenate([[0.8 if true else 0.1, *[0.02] * (len(near) - 1)] for *_, near, true in found])
    lag = (tracklets.first_time[candidate] - tracklets.last_time[np.repeat(query, lengths)]) / np.timedelta64(1, "s")

    def ragged(values, dtype=np.float32):
        return Ragged.from_lengths(np.asarray(values, dtype), lengths)

    reasons = {
        name: ragged(np.log(share) + n)
        for n, name in enumerate(("looks", "size", "timing", "lane", "order", "context"))
    }
    return Matches(
        meta={"matcher": "truth"},
        query=tracklets.id[query],
        query_camera=np.array([link.origin for _, link, *_ in found]),
        camera=np.array([link.target for _, link, *_ in found]),
        candidates=ragged(tracklets.id[candidate], np.int64),
        distance=ragged(1 - share),
        probability=ragged(share),
        lag_s=ragged(lag),
        p_none=np.array([0.05 if true else 0.8 for *_, true in found], np.float32),
        **reasons,
    )


def make(path, policy=None):
    """Return a full store of the road and its network."""
    stills, detections, vectors, identity, network = seen()
    store = create_store(path, policy or Policy.default("tests"))
    store.append(batch(stills, detections, vectors))
    tracklets, identity = tracklets_of(detections, vectors, identity)
    found = matches_of(tracklets, identity, network)
    store.set_network(network)
    passed = passages(tracklets, detections)
    store.replace([tracklets, passed, found, chain(found, tracklets, network)])
    return store, network


@contextmanager
def served(store, network, **options):
    """Yield a client of a server on a free port of this machine; the client has the application as ``app``."""
    if store.network != network:
        store.set_network(network)
    app = create_app(store, **options)
    settings = uvicorn.Config(app, port=0, log_level="error", access_log=False, ws="none")
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        client.app = app
        try:
            yield client
        finally:
            server.should_exit = True
            thread.join()
