from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cctview.errors import StoreError
from cctview.privacy import Policy
from cctview.store import create_store, open_store
from cctview.store.lance import durable
from cctview.testing.samples import batch, filled
from cctview.types import Detections, Embeddings, Frames, Journeys, Matches, Tracklets

EVERY_WRITE = os.environ.get("CCTVIEW_EVERY_WRITE", "")
HERE = Path(__file__).parent
POLICY = Policy.default("tests")
TABLES = (Frames, Detections, Embeddings, Tracklets, Matches, Journeys)
_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN: the file system stops at once ...
_NO_LOG_FLUSH = 2  # ... and its journal is not written out: what was not synced is gone, as when the power fails
_POWER_CUTS = int(os.environ.get("CCTVIEW_POWER_CUTS", "2"))


def contents(store):
    rows = {table.__name__: store.scan(table) for table in TABLES}
    return {**rows, "pixels": store.pixels(rows["Frames"].id), "states": dict(store.states())}


class TestSettling:
    def test_where_there_is_no_syncfs_every_file_and_folder_is_synced_by_itself(self, tmp_path, monkeypatch):
        synced, real = [], os.fsync
        monkeypatch.setattr(durable, "_syncfs", lambda: None)
        monkeypatch.setattr(
            os, "fsync", lambda number: (synced.append(str(Path(f"/proc/self/fd/{number}").readlink())), real(number))
        )
        store = create_store(tmp_path / "s", POLICY)
        store.append(batch(range(3)))
        files = {str(path) for path in (tmp_path / "s").rglob("*") if path.is_file()}
        left_out = {path for path in files if path.endswith(("write.lock", "hint.json"))}
        assert files - left_out <= set(synced) | {str(tmp_path / "s" / "commit.json")}
        assert {str(path) for path in (tmp_path / "s").rglob("*") if path.is_dir() and any(path.iterdir())} <= set(
            synced
        )

    def test_a_file_system_that_cannot_sync_stops_the_commit(self, full, monkeypatch):
        before = contents(full)
        monkeypatch.setattr(durable, "_syncfs", lambda: lambda _: durable.ctypes.set_errno(5) or -1)
        with pytest.raises(StoreError, match="Input/output error"):
            full.append(batch([40]))
        monkeypatch.undo()
        assert contents(full) == before
        assert full.append(batch([40])).frames == 1

    def test_the_commit_mark_is_exchanged_last(self, full, monkeypatch):
        done = []
        for name in ("settle", "write_atomically"):
            real = getattr(durable, name)
            monkeypatch.setattr(
                f"cctview.store.lance.folder.{name}",
                lambda path, *rest, name=name, real=real: (done.append((name, path.name)), real(path, *rest)),
            )
        full.append(batch([40]))
        assert done == [("settle", "store"), ("write_atomically", "commit.json")]


@pytest.fixture
def disk(tmp_path):
    """A disk with ext4 of its own, where the machine lets us mount one; ``cut`` takes its power away and back."""
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    make = shutil.which("mkfs.ext4")
    if not sys.platform.startswith("linux") or not make:
        pytest.skip("this machine has no mkfs.ext4")
    with image.open("wb") as file:
        file.truncate(48 << 20)
    subprocess.run([make, "-q", "-F", image], check=True, capture_output=True)
    mount = ["mount", "-o", "loop", str(image), str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk image")

    def cut():
        number = os.open(place, os.O_RDONLY)
        try:
            fcntl.ioctl(number, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(number)
        subprocess.run(["umount", place], check=True)
        subprocess.run(mount, check=True)

    yield place, cut
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("seed", range(_POWER_CUTS))
def test_what_is_committed_survives_a_power_cut(disk, seed):
    """More than a few with CCTVIEW_POWER_CUTS=20."""
    place, cut = disk
    chance = np.random.default_rng(seed)
    store = filled(create_store(place / "new" / "s", POLICY))
    store.extend([], {"beliefs": bytes(chance.bytes(2000))})
    start = 12
    for _ in range(3):
        for count in chance.integers(1, 30, chance.integers(1, 4)).tolist():
            store.append(batch(range(start, start + count)))
            start += count
        if chance.random() < 0.5:
            store.forget(ids=store.scan(Frames).id[:1])
        expected = contents(store)
        cut()
        store = open_store(place / "new" / "s", write=True)
        assert contents(store) == expected
    store.append(batch(range(start, start + 5)))
    assert len(store.scan(Frames)) == len(expected["Frames"]) + 5


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """The library that loses one write, built with the C compiler of this machine."""
    compiler = shutil.which("cc")
    if not compiler or not sys.platform.startswith("linux"):
        pytest.skip("this machine has no C compiler to build what loses a write")
    library = tmp_path_factory.mktemp("shim") / "lossy.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "lossy.c", "-ldl"], check=True)
    return library


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO][: 2 if EVERY_WRITE else 1], ids=errno.errorcode.get)
def test_a_lost_write_never_becomes_a_broken_commit(shim, tmp_path, error):
    """A write of an append, a link, a forget or a policy fails once: each of them, with CCTVIEW_EVERY_WRITE=1."""
    done = subprocess.run(
        [sys.executable, HERE / "lossy.py", tmp_path / "lossy", str(error), EVERY_WRITE],
        env={**os.environ, "PYTHONPATH": str(HERE), "LD_PRELOAD": str(shim)},
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert set(told) == {"append", "link", "forget", "policy"}
    assert all(len(ends) > 1 and ends[-1] == "done" for ends in told.values())
    assert "told" in {end for ends in told.values() for end in ends}
