from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys

import cv2
import httpx
import numpy as np
import pytest

from cctview.cli.looks import picture_embedder
from cctview.cli.serve import _bound, _is_loopback
from cctview.embed import HistogramEmbedder, embed
from cctview.errors import FrameError, SettingsError, StoreMismatchError
from cctview.privacy import Policy
from cctview.store import Batch, create_store, open_store
from cctview.types import Detections, Frame, Ragged, row_ids

RED, BLUE = (200, 30, 30), (30, 60, 200)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of two stills with a red and a blue car each, embedded by the histogram."""
    store = create_store(tmp_path_factory.mktemp("search") / "store", Policy.default("tests"))
    frames = [still(number) for number in range(2)]
    boxes = np.array([[10, 10, 50, 40], [80, 20, 120, 60]] * 2, np.float32)
    owner = np.repeat([item.id for item in frames], 2)
    rank = np.tile(np.array([1, 2], np.int32), 2)
    found = Detections(
        meta={"detector": "test"},
        id=row_ids(owner, rank, "test"),
        frame=owner,
        camera=np.full(4, "c1"),
        time=np.repeat([item.time for item in frames], 2),
        rank=rank,
        box=boxes,
        score=np.full(4, 0.9),
        type=np.full(4, "car"),
    )
    people = Ragged.from_lengths(np.zeros((0, 4), np.float32), [0, 0])
    vectors = embed(frames, found, HistogramEmbedder())
    store.append(Batch(frames=frames, detections=found, embeddings=vectors, people=people))
    return store


def still(number):
    image = np.full((100, 150, 3), 90 + number, np.uint8)
    image[10:40, 10:50], image[20:60, 80:120] = RED, BLUE
    time = np.datetime64("2026-05-05T13:00:00", "ns") + number * np.timedelta64(1, "m")
    return Frame(image=image, camera="c1", time=time, name=f"c1--2026-05-05--13.0{number}.00", digest=number)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "blue.png"
    cv2.imwrite(str(path), np.full((40, 40, 3), BLUE[::-1], np.uint8))
    return path


def cctview(*words):
    return subprocess.run(
        [sys.executable, "-m", "cctview", *map(str, words)], capture_output=True, text=True, check=False, timeout=120
    )


def test_search_finds_the_car_of_that_colour_and_logs_it(store, picture):
    done = cctview("search", store.path, "--image", picture, "--purpose", "a test", "--top", 2, "--json")
    found = json.loads(done.stdout)["found"]
    assert [row["colour"] for row in found] == ["blue", "blue"]
    assert all("--detections--2--car--" in row["detection"] for row in found)
    entry = store.log()[-1]
    assert (entry.purpose, entry.found) == ("a test", 2)
    one = cctview("search", store.path, "--image", picture, "--purpose", "x", "--before", "2026-05-05T13:00:30")
    assert "13.00.00--detections--2" in one.stdout.splitlines()[0]
    assert "13.01.00" not in one.stdout


def test_search_without_a_purpose_is_misuse(store, picture):
    assert cctview("search", store.path, "--image", picture).returncode == 2
    blank = cctview("search", store.path, "--image", picture, "--purpose", " ")
    assert blank.returncode == 1
    assert "purpose" in blank.stderr


def test_search_for_what_is_no_picture_is_refused(store, tmp_path):
    text = tmp_path / "car.jpg"
    text.write_text("no picture")
    done = cctview("search", store.path, "--image", text, "--purpose", "x")
    assert done.returncode == 1
    assert "not an image" in done.stderr
    assert "no picture here" in cctview("search", store.path, "--image", tmp_path / "none", "--purpose", "x").stderr


def test_a_picture_too_large_is_refused_by_its_declared_size(store):
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x27\x10\x00\x00\x27\x10\x08\x02\x00\x00\x00"
    with pytest.raises(FrameError):
        picture_embedder(store)(header)


def test_vectors_of_an_unknown_model_cannot_be_searched_by_picture(tmp_path, picture):
    empty = create_store(tmp_path / "empty", Policy.default("tests"))
    with pytest.raises(StoreMismatchError, match="nothing yet"):
        picture_embedder(empty)(picture.read_bytes())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_this_machine_needs_no_token(host):
    assert _is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org"])
def test_all_other_addresses_need_one(host):
    assert not _is_loopback(host)


def test_a_port_in_use_says_so():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="another --port"):
        _bound("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(("host", "guarded"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_serve_answers_until_interrupted(store, host, guarded):
    command = [sys.executable, "-m", "cctview", "serve", str(store.path), "--port", "0", "--host", host, "--json"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        said = ""
        while "}" not in said:
            line = server.stdout.readline()
            assert line, said
            said += line
        url = json.loads(said)["open"].replace("0.0.0.0", "127.0.0.1")
        assert bool(re.search(r"token=[\w-]{32}$", url)) == guarded
        plain = httpx.get(url.split("?")[0] + "api/v1/cameras", timeout=60)
        assert plain.status_code == (401 if guarded else 200)
        with httpx.Client(follow_redirects=True, timeout=60) as client:
            assert client.get(url).status_code == 200
            answer = client.get(url.split("?")[0] + "api/v1/cameras")
            assert answer.json()[0]["frames"] == open_store(store.path).summary()["frames"]["rows"]
        server.send_signal(signal.SIGINT)
        assert server.wait(30) in {0, 130}
