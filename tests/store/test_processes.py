"""Real processes, really killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cctview.privacy import Policy
from cctview.store import create_store, open_store
from cctview.testing.samples import batch, frame
from cctview.types import Detections, Embeddings, Frames

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the victims are forked")
HERE = Path(__file__).parent
TABLES = (Frames, Detections, Embeddings)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Run all scenes in one process, because importing LanceDB is slow: the folder, and how the children ended."""
    folder = tmp_path_factory.mktemp("scenes")
    done = subprocess.run(
        [sys.executable, HERE / "victims.py", folder],
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    store = create_store(tmp_path_factory.mktemp("undisturbed"), Policy.default("tests"))
    store.append(batch(range(12)))
    return store


def require_same(store, expected):
    for table in TABLES:
        assert store.scan(table) == expected.scan(table)
        assert store.summary()[table.__name__.lower()]["rows"] == len(expected.scan(table))
    ids = store.scan(Frames).id
    assert store.pixels(ids) == expected.pixels(ids)


def test_killed_at_every_step_of_an_append(scenes, undisturbed):
    folder, deaths = scenes[0] / "killed_at_steps", scenes[1]["killed_at_steps"]
    assert deaths[-1] == 0
    assert set(deaths[:-1]) == {signal.SIGKILL}
    assert len(deaths) > 15
    for place in folder.iterdir():
        require_same(open_store(place), undisturbed)


def test_killed_at_random_moments(scenes, undisturbed):
    folder, deaths = scenes[0] / "killed_at_random", scenes[1]["killed_at_random"]
    assert deaths[-1] == 0
    assert signal.SIGKILL in deaths
    require_same(open_store(folder), undisturbed)


def test_a_forget_killed_at_every_step_leaves_nothing_once_it_is_repeated(scenes, undisturbed):
    folder, deaths = scenes[0] / "forget_killed", scenes[1]["forget_killed"]
    assert deaths[-1] == 0
    assert set(deaths[:-1]) == {signal.SIGKILL}
    gone = [frame(number) for number in range(12) if frame(number).camera == "733"]
    traces = [*(item.encoded for item in gone), *(item.id.to_bytes(8, "little") for item in gone)]
    expected = undisturbed.scan(Detections)
    for place in folder.iterdir():
        files = [path.read_bytes() for path in place.rglob("*") if path.is_file()]
        assert not any(trace in data for trace in traces for data in files), place
        store = open_store(place)
        assert store.scan(Detections) == expected[expected.camera != "733"]
        assert len(store.pixels(store.scan(Frames).id)) == len(store.scan(Frames)) == 8


def test_writers_and_a_reader_at_once(scenes, undisturbed):
    assert scenes[1]["together"] == [0, 0, 0, 0, 0, signal.SIGKILL]
    require_same(open_store(scenes[0] / "together"), undisturbed)


def test_threads_of_one_process(tmp_path, undisturbed):
    from concurrent.futures import ThreadPoolExecutor

    store = create_store(tmp_path / "s", Policy.default("tests"))
    chunks = np.array_split(np.arange(12), 5) * 2
    with ThreadPoolExecutor(4) as pool:
        admitted = list(pool.map(lambda chunk: store.append(batch(chunk.tolist())), chunks))
    assert sum(item.frames for item in admitted) == 12
    assert sum(item.frames_known for item in admitted) == 12
    require_same(store, undisturbed)
