"""What is true of the store in a folder of LanceDB tables only: its files, its spool, its indexes, its versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import lancedb
import numpy as np
import pytest
from commits import committed, said
from hypothesis import given, settings
from hypothesis import strategies as st

from cctview.errors import MissingError, StoreError
from cctview.network import parse_network
from cctview.privacy import Policy
from cctview.store import Batch, create_store, open_store
from cctview.testing.samples import CAMERAS, PER_FRAME, START, batch, detections, embeddings, filled, frame
from cctview.testing.stores.keeping import NETWORK
from cctview.types import Detections, Embeddings, Frames, Journeys, Passages, Ragged, Tracklets

EVERYTHING = (Frames, Detections, Embeddings)


def held(store):
    """Return every byte of every file of a store."""
    return b"".join(path.read_bytes() for path in store.path.rglob("*") if path.is_file())


def little(value):
    return int(value).to_bytes(8, "little")


def test_a_store_that_kept_no_lengths_is_read_and_goes_on(tmp_path):
    create_store(tmp_path / "s", Policy.default("t")).append(batch(range(2)))
    table = lancedb.connect(tmp_path / "s").open_table("embeddings")
    table.drop_columns(["length"])
    tables = said(tmp_path / "s")["tables"]
    tables["embeddings"]["version"] = table.version
    committed(tmp_path / "s", tables=tables)
    store = open_store(tmp_path / "s", write=True)
    assert store.scan(Embeddings).length.tolist() == [1.0] * 10
    more = batch(range(2, 4))
    store.append(replace(more, embeddings=more.embeddings.replace(length=np.full(10, 5.0))))
    assert sorted(store.scan(Embeddings).length.tolist()) == [1.0] * 10 + [5.0] * 10


@settings(max_examples=6)
@given(order=st.permutations(range(6)), size=st.integers(1, 6))
def test_order_and_size_of_batches_do_not_matter(tmp_path_factory, order, size):
    one, other = (create_store(tmp_path_factory.mktemp("s"), Policy.default("t")) for _ in range(2))
    one.append(batch(range(6)))
    for start in range(0, 6, size):
        other.append(batch(order[start : start + size]))
    assert all(one.scan(table) == other.scan(table) for table in EVERYTHING)


def test_a_redacted_still_lies_in_no_file_as_it_was_taken(store):
    frames = [frame(0), frame(1)]
    found = detections(frames, per_frame=1, types=("person", "car"))
    none = Ragged.from_lengths(np.zeros((0, 4), np.float32), [0, 0])
    store.append(Batch(frames=frames, detections=found, embeddings=embeddings(found), people=none))
    assert frames[0].encoded not in held(store)
    assert frames[1].encoded in held(store)


def test_a_policy_without_pixels_leaves_no_byte_of_them(tmp_path):
    store = create_store(tmp_path / "s", replace(Policy.default("t"), keep_frames=False))
    store.append(batch(range(3)))
    assert frame(0).encoded[100:160] not in held(store)


@pytest.mark.parametrize("in_memory", [1, 1 << 20])
def test_parts_become_visible_in_one_step_and_hinder_no_one_before(full, monkeypatch, in_memory):
    monkeypatch.setattr("cctview.store.lance.spool._IN_MEMORY", in_memory)
    other = open_store(full.path, write=True)
    tracks = full.scan(Tracklets)

    def parts():
        yield tracks[:2]
        yield Tracklets.empty()
        assert other.scan(Tracklets) == tracks
        assert other.append(batch([40])).frames == 1
        yield tracks[2:4]

    full.replace(parts())
    assert other.scan(Tracklets).sort("id") == tracks[:4].sort("id")
    assert len(full.scan(Frames)) == 13


def test_an_exchange_that_breaks_off_changes_nothing(full, monkeypatch):
    monkeypatch.setattr("cctview.store.lance.spool._IN_MEMORY", 1)
    before = sorted(full.path.rglob("*"))
    tracks = full.scan(Tracklets)

    def broken_off():
        yield tracks[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        full.replace(broken_off())
    assert full.scan(Tracklets) == tracks
    assert sorted(full.path.rglob("*")) == before


def test_a_store_opened_for_reading_refuses_before_anything_is_made(full):
    with pytest.raises(StoreError, match="open it with write=True"):
        open_store(full.path).replace(pytest.fail(f"part {n} was made") for n in range(1))


def test_many_appends_stay_in_few_files(store, monkeypatch):
    monkeypatch.setattr("cctview.store.lance.tables._LOOSE", 3)
    monkeypatch.setattr("cctview.store.lance.tables._READERS_FINISH", timedelta(milliseconds=1))
    for number in range(8):
        store.append(batch([number]))
    assert len(list((store.path / "detections.lance" / "data").iterdir())) <= 4
    assert len(store.scan(Detections)) == 8 * PER_FRAME
    assert len(store.pixels(store.scan(Frames).id)) == 8


def test_a_camera_goes_from_every_table_and_every_file(full):
    frames, found, tracks, paths = (full.scan(table) for table in (Frames, Detections, Tracklets, Journeys))
    gone = [frames.id[frames.camera == "735"], found.id[found.camera == "735"], tracks.id[tracks.camera == "735"]]
    ids = np.concatenate([*gone, full.scan(Passages, camera="735").id, paths.id])
    stills = full.pixels(gone[0])
    assert all(little(value) in held(full) for value in ids)
    report = full.forget(camera="735")
    assert report.rows == {
        "frames": 4,
        "detections": 20,
        "embeddings": 20,
        "tracklets": 10,
        "passages": 5,
        "matches": 10,
        "journeys": 10,
        "travel_times": 4,
        "breaks": 1,
    }
    assert report.pixels == 4
    left = held(full)
    assert not any(little(value) in left for value in ids)
    assert not any(still[-42:-2] in left for still in stills)
    assert report.proof.needles == len(ids) + len(stills)
    assert report.proof.found_before == report.proof.needles
    assert report.proof.found == 0
    assert report.proof.bytes == len(left)
    assert set(full.scan(Frames).camera.tolist()) == {CAMERAS[0], CAMERAS[2]}
    assert len(full.pixels(full.scan(Frames).id)) == 8


@settings(max_examples=5)
@given(picks=st.sets(st.integers(0, 11), min_size=1, max_size=6))
def test_any_choice_of_frames_goes_from_every_file(tmp_path_factory, picks):
    store = filled(create_store(tmp_path_factory.mktemp("s"), Policy.default("t")))
    frames = store.scan(Frames)
    gone = np.isin(np.arange(12), list(picks))
    report = store.forget(ids=frames.id[gone])
    assert store.scan(Frames) == frames[~gone]
    assert report.proof.found_before == report.proof.needles > 0
    assert not any(little(value) in held(store) for value in frames.id[gone])


def test_forgetting_everything_leaves_no_table(full):
    full.forget(before=START + np.timedelta64(1, "D"))
    assert not list(full.path.glob("*.lance"))


def test_a_reader_caught_by_a_forget_reads_again(full, monkeypatch):
    reader = open_store(full.path)
    stale = reader._current()
    full.forget(camera="733")
    views = [stale, stale]
    fresh = reader._current
    monkeypatch.setattr(reader, "_current", lambda: views.pop() if views else fresh())
    assert len(reader.scan(Detections)) == 40
    assert views == []
    assert len(reader.pixels(reader.scan(Frames).id)) == 8


def test_a_reader_caught_by_tidying_reads_again(full):
    """While versions change, what was read counts only if the commit is still the one it was read under."""
    before, seen = said(full.path)["number"], []
    committed(full.path, number=before + 1, tidying=True)
    reader = open_store(full.path)

    def read(view):
        seen.append(view.commit.tidying)
        committed(full.path, number=before + 2, tidying=False)
        return len(seen)

    assert reader._reading(read) == 2
    assert seen == [True, False]


def test_what_is_read_while_nobody_finishes_tidying_counts(full):
    """A writer that died while it tidied must not stop readers: rows do not change meanwhile."""
    committed(full.path, number=said(full.path)["number"] + 1, tidying=True)
    assert len(open_store(full.path).scan(Detections)) == 60


def test_a_trace_that_is_left_is_an_error(full, monkeypatch):
    (full.path / "stray.bin").write_bytes(b"xyz" + little(full.scan(Detections).id[0]))
    with pytest.raises(StoreError, match=r"not everything is gone: 0 rows, 1 ids or stills"):
        full.forget(ids=full.scan(Detections).id[:1])


def test_pixels_a_policy_no_longer_keeps_leave_every_file(full):
    stills = full.pixels(full.scan(Frames).id)
    full.set_policy(replace(full.policy, keep_frames=False))
    full.expire(np.datetime64("now", "ns"))
    assert not any(still[-42:-2] in held(full) for still in stills)


def test_indexed_tables_forget_and_find_as_others_do(full, monkeypatch):
    monkeypatch.setattr("cctview.store.lance.tables._MANY_ROWS", 1)
    full.append(batch(range(40, 44)))
    full.replace([full.scan(Tracklets)])
    boxes = full.scan(Detections)
    chosen = boxes[::5]
    again = open_store(full.path).scan(Detections, ids=chosen.id)
    assert sorted(again.id.tolist()) == sorted(chosen.id.tolist())
    assert any((full.path / "detections.lance" / "_indices").iterdir())
    gone = full.forget(ids=chosen.id[:3])
    assert gone.proof.found == 0
    assert gone.proof.found_before > 0
    left = full.scan(Detections)
    assert not np.isin(chosen.id[:3], left.id).any()
    assert len(left) == len(boxes) - 3


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.replace([Tracklets.empty(), Passages.empty(), Journeys.empty()]),
        lambda store: store.forget(camera=CAMERAS[0]),
        lambda store: store.expire(np.datetime64("2126-01-01", "ns")),
        lambda store: store.set_policy(replace(store.policy, purpose="another")),
        lambda store: store.set_network(replace(NETWORK, links=())),
        lambda store: store.extend([], {}),
    ],
    ids=["replace", "forget", "expire", "policy", "network", "extend"],
)
def test_the_files_of_states_go_with_them(full, change):
    full.set_network(NETWORK)
    full.extend([], {"tracker": b"a very long secret"})
    files = [path for path in full.path.rglob("*") if path.is_file() and b"a very long secret" in path.read_bytes()]
    assert len(files) == 1
    change(full)
    assert not files[0].exists()
    assert b"a very long secret" not in held(full)


def test_the_proof_searches_the_files_of_states_too(full):
    doomed = full.scan(Journeys).id
    full.replace([Journeys.empty()])
    full.extend([], {"tracker": b"state" + full.scan(Detections).id[:1].tobytes()})
    assert little(full.scan(Detections).id[0]) in held(full)
    gone = full.forget(ids=full.scan(Detections).id[:1])
    assert gone.proof.found == 0
    assert not any(little(value) in held(full) for value in doomed)


def test_what_a_killed_writer_attached_is_swept(full):
    (full.path / "attached").mkdir(exist_ok=True)
    (full.path / "attached" / "0123.state").write_bytes(b"half a state")
    full.append(batch([50]))
    assert b"half a state" not in held(full)


def test_a_store_made_before_networks_were_kept_opens(full):
    new = ("network", "states", "sums", "unsealed", "policies", "key", "searches", "seal")
    committed(full.path, left_out=new, format=1)
    old = open_store(full.path, write=True)
    assert old.network is None
    assert old.states() == {}
    assert len(old.scan(Tracklets)) > 0
    old.set_network(NETWORK)
    assert open_store(full.path).network == NETWORK


def test_the_network_lies_in_the_folder_as_a_file_of_networks(store):
    store.set_network(NETWORK)
    (file,) = (store.path / "attached").glob("*.toml")
    assert parse_network(file.read_text()) == NETWORK
    store.set_network(replace(NETWORK, links=()))
    assert not file.exists()


def test_a_forget_that_was_killed_before_its_sweep_is_finished_by_the_next_who_opens(full, monkeypatch):
    gone = full.scan(Detections).id[:1]

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    monkeypatch.setattr("cctview.store.lance.tables.Transaction._compacted", killed)
    with pytest.raises(Killed):
        full.forget(ids=gone)
    monkeypatch.undo()
    assert little(gone[0]) in held(full)
    again = open_store(full.path, write=True)
    assert little(gone[0]) not in held(full)
    with pytest.raises(MissingError, match="nothing was removed"):
        again.forget(ids=gone)
