from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.cli.run import writable
from cctview.errors import PolicyError, SettingsError, StoreError, StoreNotFoundError
from cctview.privacy import Policy
from cctview.store import create_store, open_store
from cctview.store.lance.durable import settle
from cctview.store.lance.folder import Commit, TableState
from cctview.testing.samples import batch, frame
from cctview.types import Detections, Frames

POLICY = Policy.default("tests")


def test_importing_the_store_does_not_load_lancedb():
    code = "import sys, cctview.store; sys.exit('lancedb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestPaths:
    def test_a_file_is_not_a_store(self, tmp_path):
        path = tmp_path / "file"
        path.write_text("hello")
        for open_it in (lambda: create_store(path, POLICY), lambda: open_store(path)):
            with pytest.raises(StoreError, match="this is a file, and a store is a folder; name another path"):
                open_it()
        with pytest.raises(StoreError, match="a part of this path is a file"):
            create_store(path / "store", POLICY)

    def test_a_folder_with_other_things_is_left_alone(self, tmp_path):
        (tmp_path / "holiday.jpg").write_bytes(b"x")
        with pytest.raises(StoreError, match=r"holds other things \(holiday.jpg\); name a new or empty folder"):
            create_store(tmp_path, POLICY)
        with pytest.raises(StoreNotFoundError, match="not a store"):
            open_store(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]

    @pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\x1b[31mb"])
    def test_a_name_that_cannot_be_printed_is_one_sentence(self, tmp_path, name):
        for open_it in (lambda: create_store(tmp_path / name, POLICY), lambda: open_store(tmp_path / name)):
            with pytest.raises(StoreError, match="cannot be printed; name another path") as raised:
                open_it()
            assert str(raised.value).isprintable()

    def test_nothing_there(self, tmp_path):
        with pytest.raises(StoreNotFoundError, match="there is no store here"):
            open_store(tmp_path / "none")
        assert isinstance(StoreNotFoundError("x"), FileNotFoundError)

    @pytest.mark.parametrize("step", range(9))
    def test_a_store_killed_while_it_was_made_is_made_again(self, tmp_path, monkeypatch, step):
        """At every change of the disk: what a kill leaves is an exception's leavings without the tidying up."""
        left, here = [step], tmp_path / "new" / "s"

        class Killed(BaseException):
            pass

        def deadly(real):
            def wrapped(*args, **more):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return real(*args, **more)

            return wrapped

        for name in ("replace", "open", "mkdir"):
            monkeypatch.setattr(Path, name, deadly(getattr(Path, name)))
        monkeypatch.setattr("cctview.store.lance.folder.settle", deadly(settle))
        with contextlib.suppress(Killed):
            create_store(here, POLICY)
        monkeypatch.undo()
        assert writable(here).append(batch([1])).frames == 1
        assert len(open_store(here).scan(Frames)) == 1

    def test_an_empty_folder_and_a_half_made_store_are_taken(self, tmp_path):
        create_store(tmp_path, POLICY)
        (tmp_path / "commit.json").unlink()
        create_store(tmp_path, POLICY).append(batch([1]))
        assert len(open_store(tmp_path).scan(Frames)) == 1

    def test_a_store_that_has_lost_its_commit_file_is_not_taken_for_a_new_one(self, store):
        store.append(batch([1]))
        (store.path / "commit.json").unlink()
        with pytest.raises(StoreError, match=r"has lost its commit\.json; `cctview check .* --repair` takes its copy"):
            writable(store.path)

    def test_the_same_policy_opens_the_store_again(self, store):
        store.append(batch([1]))
        again = create_store(store.path, store.policy)
        assert len(again.scan(Frames)) == 1
        with pytest.raises(PolicyError, match="under another policy"):
            create_store(store.path, replace(store.policy, purpose="selling it"))


class TestPolicyFile:
    def test_it_lies_in_the_folder_and_can_be_changed(self, store):
        assert Policy.from_toml((store.path / "policy.toml").read_text()) == store.policy
        other = replace(store.policy, frames_days=1.0)
        open_store(store.path, write=True).set_policy(other)
        assert store.policy == other

    def test_a_change_holds_for_writers_that_are_already_open(self, store):
        open_store(store.path, write=True).set_policy(replace(store.policy, keep_frames=False))
        assert store.append(batch([1])).frames_not_kept == 1

    @pytest.mark.parametrize("text", ["purpose = ", 'purpose = "x"\n'])
    def test_a_damaged_one_stops_everything(self, store, text):
        (store.path / "policy.toml").write_text(text)
        with pytest.raises(SettingsError, match=r"policy\.toml"):
            store.append(batch([1]))
        with pytest.raises(SettingsError, match=r"policy\.toml"):
            open_store(store.path)
        (store.path / "policy.toml").unlink()
        with pytest.raises(StoreError, match="policy of this store is gone"):
            open_store(store.path)

    def test_the_pseudonym_key_is_secret_and_its_own(self, store, tmp_path):
        assert len(store.pseudonym_key()) == 32
        assert store.pseudonym_key() != create_store(tmp_path / "other", POLICY).pseudonym_key()
        assert (store.path / "pseudonym.key").stat().st_mode & 0o077 == 0


class TestDamage:
    def test_a_newer_format_asks_for_an_upgrade(self, store):
        file = store.path / "commit.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "format": 99}))
        with pytest.raises(StoreError, match=r"newer cctview \(format 99, this one reads 3\); upgrade"):
            open_store(store.path)

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "tables": {}, "packs": {}, "x": 1}']
    )
    def test_a_damaged_commit_file_says_so(self, store, text):
        (store.path / "commit.json").write_text(text)
        with pytest.raises(StoreError, match=r"commit\.json is damaged"):
            open_store(store.path)

    def test_missing_files_say_so(self, store, monkeypatch):
        monkeypatch.setattr("cctview.store.lance.store._PAUSE_S", 0)
        store.append(batch([1]))
        shutil.rmtree(store.path / "detections.lance")
        with pytest.raises(StoreError, match="files of this store are missing"):
            store.scan(Detections)
        with pytest.raises(StoreError, match="files of this store are missing"):
            store.append(batch([2]))

    @given(
        st.builds(
            Commit,
            number=st.integers(0),
            tables=st.dictionaries(st.text(), st.builds(TableState, version=st.integers(0), rows=st.integers(0))),
            packs=st.dictionaries(st.integers(0), st.integers(0)),
            tidying=st.booleans(),
        )
    )
    def test_a_commit_survives_its_text(self, commit):
        assert Commit.from_json(commit.to_json(), Path("x")) == commit


def test_a_store_opened_for_reading_is_not_written(store):
    reader = open_store(store.path)
    for write in (
        lambda: reader.append(batch([1])),
        lambda: reader.forget(camera="733"),
        lambda: reader.expire(np.datetime64("now", "ns")),
        lambda: reader.set_policy(POLICY),
    ):
        with pytest.raises(StoreError, match="opened for reading"):
            write()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MB of its own, where the machine lets us mount one."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = shutil.which("mount")
    if (
        not mount
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1m", "none", path], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("this machine lets nobody mount a small disk")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_is_one_sentence_and_loses_nothing(small_disk):
    store = create_store(small_disk / "s", POLICY)
    stored = 0
    with pytest.raises(StoreError, match="the disk is full; free some space"):  # noqa: PT012 - it fills up somewhere
        for number in range(60):
            store.append(batch(range(number * 16, number * 16 + 16)))
            stored = number + 1
    assert stored > 0
    assert len(store.scan(Frames)) == stored * 16
    assert len(store.scan(Detections)) == stored * 80
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    store.append(batch(range((stored + 1) * 16)))
    assert len(store.scan(Detections)) == (stored + 1) * 80
    assert len(store.pixels(store.scan(Frames).id)) == (stored + 1) * 16


def test_a_read_only_disk_can_be_read(small_disk):
    store = create_store(small_disk / "s", POLICY)
    store.append(batch([1]))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StoreError, match="may not be written to; change its permissions or name another path"):
        store.append(batch([2]))
    with pytest.raises(StoreError, match="may not be written to"):
        open_store(small_disk / "s", write=True)
    with pytest.raises(StoreError, match="may not be written to"):
        create_store(small_disk / "other", POLICY)
    reader = open_store(small_disk / "s")
    assert reader.pixels(reader.scan(Frames).id) == [frame(1).encoded]


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (OSError(28, "No space left on device"), "the disk is full"),
        (
            RuntimeError("lance error: LanceError(IO): No space left on device (os error 28), /src/x.rs:1"),
            "disk is full",
        ),
        (PermissionError(13, "Permission denied"), "may not be written to"),
        (
            RuntimeError("lance error: LanceError(IO): Read-only file system (os error 30) at path"),
            "may not be written",
        ),
        (
            RuntimeError("lance error: something odd, /src/y.rs:12"),
            r"cannot store a batch \(lance error: something odd\)",
        ),
        (
            RuntimeError("Invalid input, Schema error: No field named lane. Valid fields are `query`."),
            r"knew no 'lane'; run cctview track",
        ),
    ],
)
def test_errors_of_the_disk_are_explained(store, monkeypatch, raised, message):
    def fail(*_):
        raise raised

    monkeypatch.setattr("cctview.store.lance.tables.Transaction.add", fail)
    with pytest.raises(StoreError, match=message):
        store.append(batch([1]))
    monkeypatch.undo()
    assert store.append(batch([1])).frames == 1
