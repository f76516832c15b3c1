from __future__ import annotations

import io
import socket
import struct
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from road_store import make, served

from cctview.cli.looks import picture_embedder
from cctview.network import parse_network
from cctview.web.api.security import COOKIE, MAX_BODY

V1 = "/api/v1"
TOKEN = "a-token-of-some-length"
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    return make(tmp_path_factory.mktemp("hostile") / "store")


@pytest.fixture(scope="module")
def client(road):
    with served(*road, embed=picture_embedder(road[0])) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(road):
    with served(*road, token=TOKEN) as client:
        yield client


def huge_png():
    """A PNG of a few bytes that declares 100 megapixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("car.jpg", b"\xff\xd8\xff" + bytes(1000))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("huge.png", huge_png()),
        ("car.jpg", zipped()),
        ("car.jpg", b""),
        ("car.jpg", b"\xff\xd8\xff"),
        ("car.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("../../../etc/passwd", b"root:x:0:0"),
    ],
)
def test_what_is_no_sane_picture_is_refused(client, name, data):
    answer = client.post(f"{V1}/search", data={"purpose": "a test"}, files={"picture": (name, data)})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM


def test_the_declared_size_is_refused_before_a_pixel_is_decoded(client):
    answer = client.post(f"{V1}/search", data={"purpose": "a test"}, files={"picture": ("huge.png", huge_png())})
    assert "10000 x 10000" in answer.json()["detail"]


def test_a_body_too_large_is_refused_by_its_declared_length(client):
    said = (
        f"POST {V1}/search HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n"
    )
    assert " 413 " in raw(client.base_url.port, said).split("\r\n")[0]


def test_a_body_too_large_is_cut_off_when_no_length_is_declared(client):
    def endless():
        yield b'--b\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'
        for _ in range(MAX_BODY // 65_536 + 2):
            yield bytes(65_536)

    answer = client.post(f"{V1}/search", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "path",
    [
        "/frames/..%2f..%2f..%2fetc%2fpasswd",
        "/frames/%2e%2e%2f%2e%2e",
        "/frames/....//....//etc/passwd/image",
        "/tracklets/%00",
        "/tracklets/' OR 1=1 --",
        "/detections/a--2020-01-01--00.00.00--detections--1--car--1.0--1x1--0.0v1.1",
        "/detections/' OR 1=1 --2020-01-01--00.00.00--detections--1--car--1.0--1x1--0.0v1.1",
        "/journeys/<script>alert(1)</script>",
        "/frames/" + "9" * 3000,
        "/frames/" + "f" * 16,
        "/frames/-00000000000001",
    ],
)
def test_names_that_are_tricks_are_missing(client, path):
    answer = client.get(V1 + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "/frames?camera=' OR 1=1 --",
        "/tracklets?camera=c1'; DROP TABLE frames --",
        "/counts?camera=%00",
        "/travel-times?origin=c1&target=<script>",
    ],
)
def test_cameras_that_are_tricks_are_missing(client, query):
    assert client.get(V1 + query).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "/frames?limit=1000000",
        "/frames?after=yesterday",
        "/frames?after=99999-01-01T00:00:00Z",
        "/counts?width_s=nan",
        "/links?window_s=inf",
        "/counts?width_s=1&after=0001-01-01T00:00:00Z&before=x",
        "/journeys?format=xml",
    ],
)
def test_filters_out_of_bounds_are_refused(client, query):
    answer = client.get(V1 + query)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2020-05-05T13:00:00"])
def test_times_at_the_ends_of_the_calendar_are_times(client, time):
    assert client.get(f"{V1}/frames", params={"after": time}).status_code == 200
    assert client.post(f"{V1}/forget", json={"before": time}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
@pytest.mark.parametrize("path", ["/search", "/forget"])
def test_another_sites_page_cannot_post(client, road, path, headers):
    before = road[0].summary()["frames"]["rows"]
    answer = client.post(V1 + path, json={"camera": "c1", "preview": False}, headers=headers)
    assert answer.status_code == 403
    assert road[0].summary()["frames"]["rows"] == before


def test_our_own_page_can_post(client):
    origin = str(client.base_url).rstrip("/")
    answer = client.post(
        f"{V1}/forget", json={"camera": "c1"}, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 200


def test_no_other_site_may_read(client):
    answer = client.get(f"{V1}/cameras", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1", "169.254.169.254"]
)
def test_a_foreign_name_that_resolves_here_reaches_nothing(client, host):
    assert client.get(f"{V1}/cameras", headers={"Host": host}).status_code in {400, 421}


def test_every_answer_carries_its_armour(client):
    for path in (f"{V1}/cameras", f"{V1}/frames/x", "/docs", "/nowhere"):
        headers = client.get(path).headers
        assert "default-src" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_with_a_token_nothing_is_told_without_it(guarded):
    for path in ("/", "/docs", "/openapi.json", f"{V1}/cameras", f"{V1}/log", "/static/x.css"):
        answer = guarded.get(path)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == PROBLEM
    assert guarded.post(f"{V1}/forget", json={"camera": "c1"}).status_code == 401


@pytest.mark.parametrize("given", ["", "a-token", TOKEN + "x", "ä", "a" * 10_000])
def test_a_wrong_token_opens_nothing(guarded, given):
    assert guarded.get(f"{V1}/cameras", params={"token": given}).status_code == 401
    assert (
        guarded.get(f"{V1}/cameras", headers={"Authorization": f"Bearer {given}".strip().encode()}).status_code == 401
    )
    assert guarded.get(f"{V1}/cameras", headers={"Cookie": f"{COOKIE}={given}".encode()}).status_code == 401


def test_the_printed_link_opens_the_door_once_and_for_all(guarded):
    door = guarded.get("/docs", params={"token": TOKEN, "x": "1"})
    assert (door.status_code, door.headers["location"]) == (303, "/docs?x=1")
    cookie = door.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert guarded.get(f"{V1}/cameras", headers={"Cookie": f"{COOKIE}={TOKEN}"}).status_code == 200
    assert guarded.get(f"{V1}/cameras", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    guarded.cookies.clear()


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "///evil.example"])
def test_the_door_leads_nowhere_else(guarded, path):
    port = guarded.base_url.port
    answer = raw(port, f"GET {path}?token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")
    location = next((line for line in answer.split("\r\n") if line.lower().startswith("location:")), "location: /")
    assert location.split(": ", 1)[1].startswith("/")
    assert not location.split(": ", 1)[1].startswith(("//", "/\\"))


def raw(port, request):
    """Return what the server answers to these very bytes."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(request.encode())
        return b"".join(iter(lambda: line.recv(65_536), b"")).decode("latin-1")


def test_a_script_in_a_cameras_name_is_only_text(tmp_path):
    evil = "<script>alert(1)</script>"
    network = parse_network(
        f'[[camera]]\nid = "c1"\nname = "{evil}"\nlat = 40.0\nlon = -73.0\nheading = "N"\n'
        '[[camera]]\nid = "=HYPERLINK(1)"\nlat = 40.1\nlon = -73.0\nheading = "N"\n'
    )
    store, _ = make(tmp_path / "store")
    with served(store, network) as client:
        answer = client.get(f"{V1}/cameras")
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()[0]["name"] == evil
        assert evil not in client.get("/docs").text


def test_errors_name_no_path_of_this_machine(client, road):
    folder = str(road[0].path)
    for path in ("/frames/" + "1" * 16, "/detections/" + "1" * 16, "/frames/" + "1" * 16 + "/image", "/journeys/x"):
        assert folder not in client.get(V1 + path).text
    answer = client.post(f"{V1}/forget", json={"ids": ["1" * 16], "preview": False})
    assert answer.status_code == 404
    assert folder not in answer.text


def test_an_unforeseen_error_tells_nothing(road, monkeypatch):
    with served(*road) as client:
        monkeypatch.setattr(client.app.state.reading, "cameras", lambda: 1 / 0)
        answer = client.get(f"{V1}/cameras")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == PROBLEM
    assert "ZeroDivision" not in answer.text


def test_a_vector_of_another_model_is_refused(client, road):
    picture = np.full((40, 40, 3), 90, np.uint8)
    data = cv2.imencode(".png", picture)[1].tobytes()
    answer = client.post(f"{V1}/search", data={"purpose": "a test"}, files={"picture": ("car.png", data)})
    assert answer.status_code == 503
    assert "test" not in answer.json()["detail"]
