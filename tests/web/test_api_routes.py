from __future__ import annotations

import csv
import io

import cv2
import numpy as np
import pyarrow as pa
import pytest
from road_store import CAMERAS, make, served

from cctview.types import Frames
from cctview.web.api.exchange import ARROW

V1 = "/api/v1"


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    return make(tmp_path_factory.mktemp("api") / "store")


@pytest.fixture(scope="module")
def client(road):
    with served(*road, embed=embed) as client:
        yield client


@pytest.fixture(scope="module")
def journey(client):
    return client.get(f"{V1}/journeys", params={"limit": 1}).json()[0]


def embed(picture):
    """Stand in for a model: the same unit vector for every picture."""
    assert picture
    vector = np.ones(32, np.float32)
    return vector / np.linalg.norm(vector)


def get(client, path, **params):
    answer = client.get(V1 + path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_route_of_the_description_answers(client, journey):
    described = client.get("/openapi.json").json()
    tracklet = journey["steps"][0]["tracklet"]["id"]
    frame = get(client, "/frames", limit=1)["items"][0]["id"]
    detection = get(client, f"/tracklets/{tracklet}")["detections"][0]["id"]
    names = {"tracklet": tracklet, "frame": frame, "detection": detection, "journey": journey["id"]}
    needed = {"/detections": {"frame": frame}, "/travel-times": {"origin": "c1", "target": "c2"}}
    read = [path for path, methods in described["paths"].items() if "get" in methods]
    assert len(read) >= 17
    for path in read:
        answer = client.get(path.format(**names), params=needed.get(path.removeprefix(V1), {}))
        assert answer.status_code == 200, f"{path}: {answer.text}"


def test_pages_lead_to_the_next_one(client, road):
    found, after = [], None
    while True:
        page = get(client, "/frames", limit=50, **({"after": after} if after else {}))
        found += [still["id"] for still in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert len(set(found)) == len(found) == len(road[0].scan(Frames))


def test_boxes_of_a_frame_are_listed(client):
    frame = get(client, "/frames", camera="c1", limit=1)["items"][0]["id"]
    boxes = get(client, "/detections", frame=frame)
    assert boxes == get(client, f"/frames/{frame}")["detections"]
    assert get(client, f"/detections/{boxes[0]['id']}") == boxes[0]
    assert get(client, f"/detections/{boxes[0]['name']}") == boxes[0]


def test_a_still_is_not_sent_twice(client):
    frame = get(client, "/frames", limit=1)["items"][0]["id"]
    first = client.get(f"{V1}/frames/{frame}/image")
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["cache-control"] == "private, max-age=600"
    again = client.get(f"{V1}/frames/{frame}/image", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    drawn = client.get(f"{V1}/frames/{frame}/image", params={"boxes": True})
    assert drawn.headers["etag"] != first.headers["etag"]


def test_a_crop_has_the_size_asked_for(client, journey):
    tracklet = journey["steps"][0]["tracklet"]["id"]
    crop = client.get(f"{V1}/tracklets/{tracklet}/crop", params={"side": 64}).content
    assert max(cv2.imdecode(np.frombuffer(crop, np.uint8), 1).shape) == 64


def test_tables_come_as_arrow_to_those_who_accept_it(client):
    rows = get(client, "/tracklets", limit=20)["items"]
    answer = client.get(f"{V1}/tracklets", params={"limit": 20}, headers={"Accept": ARROW})
    assert answer.headers["content-type"] == ARROW
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.column("id").to_pylist() == [row["id"] for row in rows]
    assert pa.types.is_timestamp(table.schema.field("first_time").type)


def test_a_journey_is_taken_along_as_geojson_and_csv(client, journey):
    line = client.get(f"{V1}/journeys/{journey['id']}", params={"format": "geojson"}).json()["features"][0]
    assert line["geometry"]["type"] == "LineString"
    assert line["geometry"]["coordinates"] == [[step["lon"], step["lat"]] for step in journey["steps"]]
    text = client.get(f"{V1}/journeys/{journey['id']}", params={"format": "csv"}).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["tracklet"] for row in rows] == [step["tracklet"]["id"] for step in journey["steps"]]


def test_counts_travel_times_and_links_agree(client):
    link = next(row for row in get(client, "/links", window_s=86_400) if (row["origin"], row["target"]) == ("c1", "c2"))
    times = get(client, "/travel-times", origin="c1", target="c2")
    assert link["now"]["vehicles"] == len(times["seconds"])
    counts = get(client, "/counts", width_s=3600)
    assert sum(map(sum, counts["counts"].values())) == sum(row["passages"] for row in get(client, "/cameras"))
    assert counts["left_out"] == 0


def test_search_by_detection_finds_it_first_and_is_logged(client, journey):
    tracklet = journey["steps"][0]["tracklet"]["id"]
    box = get(client, f"/tracklets/{tracklet}")["detections"][0]
    answer = client.post(f"{V1}/search", data={"detection": box["name"], "purpose": "a test", "camera": box["camera"]})
    found = answer.json()
    assert found[0]["detection"]["tracklet"] == tracklet
    assert found[0]["distance"] == pytest.approx(0, abs=1e-3)
    assert [row["distance"] for row in found] == sorted(row["distance"] for row in found)
    assert {row["detection"]["camera"] for row in found} == {box["camera"]}
    vehicles = [row["detection"]["tracklet"] or row["detection"]["id"] for row in found]
    assert len(set(vehicles)) == len(vehicles)
    log = get(client, "/log")
    assert log["broken_at"] is None
    newest = log["entries"][0]
    assert newest["hash"] == log["head"]
    assert (newest["purpose"], newest["subject"]) == ("a test", f"detection {box['id']}")
    assert newest["filters"] == {"camera": box["camera"]}


def test_search_by_picture(client):
    answer = client.post(f"{V1}/search", data={"purpose": "a test", "top": 3}, files={"picture": b"any bytes"})
    assert len(answer.json()) == 3
    assert get(client, "/log")["entries"][0]["subject"].startswith("picture sha256:")


def test_filters_of_a_search_hold(client, journey):
    box = get(client, f"/tracklets/{journey['steps'][0]['tracklet']['id']}")["detections"][0]
    span = {"after": box["time"], "before": journey["steps"][-1]["time"]}
    asked = {"detection": box["id"], "purpose": "a test", "type": "car", **span}
    found = client.post(f"{V1}/search", data=asked).json()
    assert found
    assert all(span["after"] <= row["detection"]["time"] < span["before"] for row in found)
    assert client.post(f"{V1}/search", data={**asked, "type": "bus"}).json() == []
    colour = found[0]["colour"]
    coloured = client.post(f"{V1}/search", data={**asked, "colour": colour}).json()
    assert {row["colour"] for row in coloured} == {colour}


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"purpose": "x"}, 422),
        ({"detection": "0" * 15 + "1"}, 422),
        ({"purpose": "  ", "detection": "TRUE"}, 403),
        ({"purpose": "x", "detection": "0" * 15 + "1"}, 404),
        ({"purpose": "x", "detection": "TRUE", "type": "person"}, 422),
        ({"purpose": "x", "detection": "TRUE", "colour": "plaid"}, 422),
        ({"purpose": "x", "detection": "TRUE", "top": 0}, 422),
        ({"purpose": "x", "detection": "TRUE", "after": "yesterday"}, 422),
    ],
)
def test_searches_that_cannot_be_are_refused_and_not_logged(client, journey, said, status):
    box = get(client, f"/tracklets/{journey['steps'][0]['tracklet']['id']}")["detections"][0]["id"]
    logged = len(get(client, "/log")["entries"])
    answer = client.post(f"{V1}/search", data={key: box if value == "TRUE" else value for key, value in said.items()})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(get(client, "/log")["entries"]) == logged


def test_forgetting_is_previewed_and_then_proved(tmp_path):
    store, network = make(tmp_path / "store")
    with served(store, network) as client:
        frame = get(client, "/frames", camera="c2", limit=1)["items"][0]["id"]
        preview = client.post(f"{V1}/forget", json={"camera": "c2"}).json()
        assert preview["preview"]
        assert preview["rows"]["frames"] == get(client, "/cameras")[1]["frames"]
        done = client.post(f"{V1}/forget", json={"camera": "c2", "preview": False}).json()
        assert done["rows"] == preview["rows"]
        assert done["pixels"] == preview["pixels"]
        assert done["proof"]["found"] == 0
        assert client.get(f"{V1}/frames/{frame}/image").status_code == 404
        assert get(client, "/frames", camera="c2")["items"] == []
        assert not len(store.scan(Frames, camera="c2"))


def test_forgetting_by_name_takes_what_was_made_from_it(tmp_path):
    store, network = make(tmp_path / "store")
    with served(store, network) as client:
        journey = get(client, "/journeys", limit=1)[0]
        tracklet = journey["steps"][0]["tracklet"]["id"]
        done = client.post(f"{V1}/forget", json={"ids": [tracklet], "preview": False}).json()
        assert done["rows"]["tracklets"] >= 1
        assert client.get(f"{V1}/tracklets/{tracklet}").status_code == 404
        assert client.get(f"{V1}/journeys/{journey['id']}").status_code == 404
        assert client.post(f"{V1}/forget", json={"ids": [tracklet]}).status_code == 404


@pytest.mark.parametrize("said", [{}, {"ids": ["0" * 16], "camera": "c1"}, {"before": "soon"}, {"preview": "perhaps"}])
def test_forgetting_nothing_in_particular_is_refused(client, said):
    assert client.post(f"{V1}/forget", json={**said, "preview": said.get("preview", False)}).status_code == 422


def test_the_policy_and_the_summary_are_told(client, road):
    assert get(client, "/policy")["purpose"] == road[0].policy.purpose
    assert get(client, "/summary")["frames"]["rows"] == len(road[0].scan(Frames))
    assert [camera["id"] for camera in get(client, "/cameras")] == list(CAMERAS)


def test_the_manual_names_every_route_and_asks_no_other_host(client):
    page = client.get("/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text
    assert "http" not in page.text.replace("http-equiv", "")
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page.text
