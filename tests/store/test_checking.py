"""Damage of every kind is found, named, and taken out by a repair that leaves a store to go on with."""

from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import replace

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from commits import committed, said

from cctview.errors import StoreError, StoreNotFoundError
from cctview.privacy import Policy
from cctview.store import check_store, create_store, open_store
from cctview.store.lance.packs import PackWriter
from cctview.store.memory import MemoryStore
from cctview.testing.samples import batch, filled
from cctview.testing.stores.keeping import NETWORK
from cctview.types import Detections, Embeddings, Frames, Tracklets

POLICY = Policy.default("tests")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store with all there is in one: rows of several commits, stills, network, states, searches."""
    store = filled(create_store(tmp_path_factory.mktemp("whole") / "s", POLICY))
    store.set_network(NETWORK)
    store.append(batch(range(12, 20)))
    store.append(batch(range(20, 40)))
    for number in range(3):
        vector = np.eye(16, dtype=np.float32)[number]
        store.search(vector, purpose=f"look {number}", subject="a picture")
    store.extend([], {"beliefs": b"x" * 300})
    return store.path


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def halved(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path):
    path.write_bytes(b"")


def missing(path):
    path.unlink()


DAMAGES = {"flip": flipped, "cut": halved, "empty": emptied, "missing": missing}
FILES = {
    "commit": ("commit", "commit.json"),
    "copy": ("copy", "commit.copy.json"),
    "policy": ("policy", "policy.toml"),
    "key": ("key", "pseudonym.key"),
    "log": ("log", "searches.log"),
    "network": ("network", "attached/*.toml"),
    "states": ("states", "attached/*.state"),
    "sums": ("sums", "attached/*.sums"),
    "pack": ("still", "pixels/*.pack"),
    **{
        f"{table} {part}": ("file", f"{table}.lance/{where}")
        for table in ("frames", "detections", "embeddings", "journeys")
        for part, where in (
            ("data", "data/*"),
            ("manifest", "_versions/*.manifest"),
            ("transaction", "_transactions/*"),
        )
    },
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("what", FILES)
def test_a_damaged_file_is_found_and_named(whole, tmp_path, what, damage):
    kind, where = FILES[what]
    place = shutil.copytree(whole, tmp_path / "s")
    file = min(place.glob(where))
    DAMAGES[damage](file)
    found = check_store(place).findings
    name = file.relative_to(place).as_posix()
    assert (kind, name) in {(finding.kind, finding.where) for finding in found}
    assert all(finding.remedy and finding.problem for finding in found)


TOGETHER = {
    "small files": {"commit": flipped, "key": flipped, "log": flipped, "network": flipped, "sums": flipped},
    "no small files": {"copy": missing, "policy": missing, "states": missing},
    "data": {"pack": flipped, "detections data": flipped, "journeys data": flipped},
    "no data": {"pack": missing, "frames data": missing, "embeddings data": emptied},
    "manifests": {"frames manifest": flipped, "detections manifest": missing, "embeddings transaction": halved},
}


@pytest.mark.parametrize("which", TOGETHER)
def test_a_repair_leaves_a_store_that_reads_and_goes_on(whole, tmp_path, which):
    place = shutil.copytree(whole, tmp_path / "s")
    for what, damage in TOGETHER[which].items():
        damage(min(place.glob(FILES[what][1])))
    mended = check_store(place, repair=True)
    assert mended.findings == ()
    assert mended.lost
    assert check_store(place).whole
    store = open_store(place, write=True)
    frames = store.scan(Frames)
    assert np.isin(store.scan(Detections).frame, frames.id).all()
    assert np.isin(store.scan(Embeddings).detection, store.scan(Detections).id).all()
    assert len(store.log()) in (2, 3)
    store.append(batch(range(45)))
    assert len(store.scan(Frames)) == 45
    assert check_store(place).whole


def test_nothing_is_found_in_a_store_that_is_whole(whole):
    checked = check_store(whole)
    assert checked.findings == checked.notes == checked.lost == ()
    assert (checked.counts["stills"], checked.counts["log entries"]) == (40, 3)
    assert checked.counts["rows"] > 40 + 200 + 200
    assert checked.counts["files"] > 20


def test_only_what_cannot_be_read_is_taken_out(whole, tmp_path):
    """The rows of one commit of three; the stills of the others stay as they were."""
    place = shutil.copytree(whole, tmp_path / "s")
    before = open_store(place).scan(Detections)
    files = sorted((place / "detections.lance" / "data").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    flipped(files[1])
    mended = check_store(place, repair=True)
    after = open_store(place).scan(Detections)
    assert len(before) - len(after) == 40
    assert "detections: 40 rows could not be read and were taken out" in mended.lost
    assert "embeddings: 40 rows named detections that are gone, and were taken out" in mended.lost
    assert after == before[np.isin(before.id, after.id)]


def test_one_still_is_taken_out_and_its_row_stays(whole, tmp_path):
    place = shutil.copytree(whole, tmp_path / "s")
    store = open_store(place)
    frames = store.scan(Frames)
    kept = store.pixels(frames.id)
    flipped(place / "pixels" / "000001.pack")
    with pytest.raises(StoreError, match="a still in it is damaged; see which with `cctview check"):
        store.pixels(frames.id)
    assert [len(finding.ids) for finding in check_store(place).findings] == [1]
    mended = check_store(place, repair=True)
    assert mended.lost[-1] == "1 stills were damaged and were taken out; their rows stay"
    again = open_store(place)
    assert again.scan(Frames) == frames
    held = np.array(again.columns(Frames, ["id"], ids=frames.id)["id"])
    assert len(held) == 40
    assert sum(still in kept for still in _kept(again, frames)) == 39


def _kept(store, frames):
    for frame in frames.id:
        try:
            yield store.pixels(np.array([frame]))[0]
        except PermissionError:
            continue


def swapped(place):
    """Exchange two stills of one length in a pack."""
    data = bytearray((place / "pixels" / "000001.pack").read_bytes())
    (place / "pixels" / "000001.pack").write_bytes(bytes(data[::-1]))


def looser(place):
    (place / "policy.toml").write_text(replace(POLICY, frames_days=20.0).to_toml())


def other_key(place):
    (place / "pseudonym.key").write_bytes(bytes(32))


def short_key(place):
    (place / "pseudonym.key").write_bytes(b"short")


def garbage(place):
    (place / "searches.log").write_bytes(b"\xff\xfe garbage\n" + (place / "searches.log").read_bytes())


def cut_log(place):
    lines = (place / "searches.log").read_bytes().splitlines(keepends=True)
    (place / "searches.log").write_bytes(b"".join(lines[:-1]))


def changed_entry(place):
    text = (place / "searches.log").read_text()
    (place / "searches.log").write_text(text.replace("look 1", "look 9"))


def digit(place):
    """Change a number in the commit, and nothing else."""
    text = (place / "commit.json").read_text()
    (place / "commit.json").write_text(text.replace('"rows": 40', '"rows": 41', 1))


def grown(place):
    with next((place / "frames.lance" / "data").iterdir()).open("ab") as file:
        file.write(b"more")


KINDS = {
    "stills moved": (swapped, "still"),
    "policy looser by hand": (looser, "policy"),
    "another key": (other_key, "key"),
    "short key": (short_key, "key"),
    "garbage in the log": (garbage, "log"),
    "log cut": (cut_log, "log"),
    "entry changed": (changed_entry, "log"),
    "a digit of the commit": (digit, "commit"),
    "a file grown": (grown, "file"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_damage_that_leaves_files_readable_is_found_and_mended(whole, tmp_path, kind):
    place = shutil.copytree(whole, tmp_path / "s")
    change, name = KINDS[kind]
    change(place)
    assert name in {finding.kind for finding in check_store(place).findings}
    mended = check_store(place, repair=True)
    assert mended.whole
    assert mended.lost
    assert open_store(place).policy == POLICY


def test_a_stricter_policy_by_hand_is_taken_on(whole, tmp_path):
    place = shutil.copytree(whole, tmp_path / "s")
    stricter = replace(POLICY, frames_days=1.0, minimum_group=9)
    (place / "policy.toml").write_text(stricter.to_toml())
    assert [finding.kind for finding in check_store(place).findings] == ["policy"]
    assert check_store(place, repair=True).whole
    assert open_store(place).policy == stricter


@pytest.mark.parametrize(
    ("table", "column", "repaired"),
    [("detections", "frame", True), ("embeddings", "detection", True), ("frames", "id", True)],
)
def test_rows_that_name_what_is_not_there_are_found(tmp_path, table, column, repaired):
    """As a writer with a fault of its own would leave them: with checksums that fit."""
    place = filled(create_store(tmp_path / "s", POLICY)).path
    kept = lancedb.connect(place).open_table(table)
    rows = kept.search().to_arrow()
    ids = np.array(rows.column(column)).copy()
    ids[0] += 1
    kept.add(rows.set_column(rows.schema.get_field_index(column), column, pa.array(ids)), mode="overwrite")
    tables = said(place)["tables"]
    tables[table]["version"] = kept.version
    committed(place, tables=tables, sums="")
    shutil.copy(place / "commit.json", place / "commit.copy.json")
    found = check_store(place).findings
    assert {finding.kind for finding in found} & {"reference", "rows"}
    assert all(len(finding.ids) for finding in found if finding.kind == "reference")
    assert check_store(place, repair=True).whole is repaired
    assert len(open_store(place).scan(Tracklets)) == 0


def test_a_store_of_an_earlier_version_is_checked_as_far_as_that_goes(tmp_path, monkeypatch):
    monkeypatch.setattr("cctview.store.lance.packs._CRC", 0)
    monkeypatch.setattr("cctview.store.lance.packs._sealed", lambda item: item.still)
    monkeypatch.setattr(PackWriter, "_append", lambda self, path, start, entries: _plainly(path, entries))
    place = create_store(tmp_path / "s", POLICY).path
    open_store(place, write=True).append(batch(range(5)))
    monkeypatch.undo()
    new = ("states", "sums", "unsealed", "policies", "key", "searches", "seal")
    committed(place, left_out=new)
    (place / "commit.copy.json").unlink()
    checked = check_store(place)
    assert checked.whole
    assert [note.split()[0] for note in checked.notes] == ["an", "5"]
    store = open_store(place, write=True)
    stills = store.pixels(store.scan(Frames).id)
    store.append(batch(range(5, 9)))
    assert check_store(place).whole
    assert [note.split()[0] for note in check_store(place).notes] == ["5"]
    assert store.pixels(store.scan(Frames, before=store.scan(Frames).time.min() + 5).id)
    assert set(stills) <= set(store.pixels(store.scan(Frames).id))
    store.forget(ids=store.scan(Frames).id[:1])
    assert (check_store(place).whole, check_store(place).notes) == (True, ())


def _plainly(path, entries):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(entries))


def test_a_store_in_memory_is_checked_too(policy):
    held = filled(MemoryStore.create("checked", policy))
    assert check_store("memory:checked").whole
    assert check_store("memory:checked").counts["stills"] == 12
    detections = held._shelf.contents.tables["detections"]
    held._shelf.contents = held._shelf.contents.with_rows("detections", detections.arrow.slice(5), detections.meta)
    assert {finding.table for finding in check_store("memory:checked").findings} == {"embeddings", "tracklets"}


def test_where_there_is_no_store_that_is_said(tmp_path):
    with pytest.raises(StoreNotFoundError):
        check_store(tmp_path)
    with pytest.raises(StoreNotFoundError):
        check_store(tmp_path / "none", repair=True)


def test_a_commit_and_a_copy_that_are_both_damaged_cannot_be_mended(whole, tmp_path):
    place = shutil.copytree(whole, tmp_path / "s")
    (place / "commit.json").write_text("{")
    (place / "commit.copy.json").write_text(json.dumps({"format": 3, "crc": zlib.crc32(b"")}))
    for repair in (False, True):
        (finding,) = check_store(place, repair=repair).findings
        assert (finding.kind, "its copy is damaged too" in finding.remedy) == ("commit", True)
