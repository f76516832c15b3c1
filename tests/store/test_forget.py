from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import CAMERAS, SECOND, START, batch, detections, embeddings, frame, no_people

from cctview.errors import InputError, MissingError, PolicyError, StoreError
from cctview.privacy import Policy
from cctview.store import Batch, create_store, open_store
from cctview.types import Detections, Embeddings, Frames, Journeys, Matches, Passages, Tracklets
from conftest import fill

DAY = np.timedelta64(1, "D")


def held(store):
    """Return every byte of every file of a store."""
    return b"".join(path.read_bytes() for path in store.path.rglob("*") if path.is_file())


def little(value):
    return int(value).to_bytes(8, "little")


def consistent(store):
    """Require that nothing names a row that is not there."""
    found, tracks = store.scan(Detections), store.scan(Tracklets)
    assert np.isin(found.frame, store.scan(Frames).id).all()
    assert np.isin(store.scan(Embeddings).detection, found.id).all()
    assert np.isin(tracks.members.values, found.id).all()
    lists = store.scan(Matches)
    assert np.isin(lists.query, tracks.id).all()
    assert np.isin(lists.candidates.values, tracks.id).all()
    assert lists.candidates.lengths.all()
    assert np.isin(store.scan(Passages).members.values, tracks.id).all()
    assert np.isin(store.scan(Journeys).members.values, tracks.id).all()


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
    consistent(full)
    assert len(full.pixels(full.scan(Frames).id)) == 8


def test_matches_lose_single_candidates(full):
    lists = full.scan(Matches)
    target = lists.candidates.values[0]
    full.forget(ids=np.array([target]))
    after = full.scan(Matches)
    assert np.array_equal(after.query, lists.query)
    assert not np.isin(target, after.candidates.values)
    keep = lists.candidates.values != target
    assert np.array_equal(after.candidates.values, lists.candidates.values[keep])
    assert np.array_equal(after.distance.values, lists.distance.values[keep])
    assert np.array_equal(after.lag_s.values, lists.lag_s.values[keep])
    consistent(full)


def test_what_is_before_goes_and_the_rest_stays_as_it_was(full):
    frames, found = full.scan(Frames), full.scan(Detections)
    stills = full.pixels(frames.id)
    full.forget(before=START + 5 * SECOND)
    late = frames.time >= START + 5 * SECOND
    assert full.scan(Frames) == frames[late]
    assert full.scan(Detections) == found[found.time >= START + 5 * SECOND]
    assert full.pixels(frames.id[late]) == [still for still, kept in zip(stills, late, strict=True) if kept]
    consistent(full)


def test_camera_and_time_are_combined(full):
    full.forget(before=START + 5 * SECOND, camera="733")
    frames = full.scan(Frames)
    assert len(frames) == 10
    assert len(full.scan(Matches)) > 0
    consistent(full)


class TestByIds:
    def test_a_detection_takes_the_pixels_of_its_frame_along(self, full):
        found = full.scan(Detections)
        report = full.forget(ids=found.id[:1])
        assert report.rows["detections"] == 1
        assert report.pixels == 1
        assert "frames" not in report.rows
        assert full.known(found.frame[:1]).all()
        with pytest.raises(PolicyError, match="not kept"):
            full.pixels(found.frame[:1])
        consistent(full)

    def test_a_journey_takes_its_vehicles_along(self, full):
        path = full.scan(Journeys)[:1]
        tracks = full.scan(Tracklets, ids=path.members.values)
        report = full.forget(ids=path.id)
        assert report.rows["tracklets"] == 2
        assert report.rows["detections"] == len(tracks.members.values)
        assert len(full.scan(Detections, ids=tracks.members.values)) == 0
        consistent(full)

    @settings(max_examples=5)
    @given(picks=st.sets(st.integers(0, 11), min_size=1, max_size=6))
    def test_frames(self, tmp_path_factory, picks):
        store = fill(create_store(tmp_path_factory.mktemp("s"), Policy.default("t")))
        frames = store.scan(Frames)
        gone = np.isin(np.arange(12), list(picks))
        report = store.forget(ids=frames.id[gone])
        assert report.rows["frames"] == len(picks)
        assert store.scan(Frames) == frames[~gone]
        assert report.proof.found_before == report.proof.needles > 0
        consistent(store)

    def test_an_unknown_id_removes_nothing(self, full):
        ids = np.array([full.scan(Frames).id[0], 77])
        with pytest.raises(MissingError, match="has the id 77"):
            full.forget(ids=ids)
        assert len(full.scan(Frames)) == 12

    def test_the_request_must_be_clear(self, full):
        with pytest.raises(InputError, match="forget what"):
            full.forget()
        with pytest.raises(InputError, match="not both"):
            full.forget(camera="733", ids=np.arange(1))


def test_a_frozen_camera_does_not_spoil_the_proof(store):
    """Two stills of the same bytes: the one that stays is no trace of the one that goes."""
    image = np.random.default_rng(5).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    frames = [frame(0, image=image, camera="a"), frame(1, image=image, camera="a"), frame(2, camera="a")]
    found = detections(frames)
    store.append(Batch(frames=frames, detections=found, embeddings=embeddings(found), people=no_people(frames)))
    report = store.forget(before=START + SECOND)
    assert report.rows["frames"] == 1
    assert report.proof.needles == 1 + 5
    assert store.pixels(np.array([frames[1].id])) == [frames[0].encoded]
    report = store.forget(before=START + 2 * SECOND)
    assert report.proof.needles == 1 + 5 + 1
    assert frames[0].encoded not in held(store)


def test_forgetting_everything_leaves_a_store_for_another_model(full):
    assert full.forget(before=START + DAY).rows["frames"] == 12
    assert [len(full.scan(table)) for table in (Frames, Detections, Embeddings, Tracklets)] == [0, 0, 0, 0]
    assert not list(full.path.glob("*.lance"))
    frames = [frame(1)]
    found = detections(frames, producer="detector 2")
    full.append(Batch(frames=frames, detections=found, embeddings=embeddings(found), people=no_people(frames)))
    assert full.scan(Detections).meta == {"producer": "detector 2"}


def test_nothing_to_forget_is_said(full):
    report = full.forget(camera="no such camera")
    assert report.rows == {}
    assert report.proof.found == 0
    assert len(full.scan(Frames)) == 12


def test_what_is_forgotten_may_be_stored_again(full):
    full.forget(camera="735")
    assert full.append(batch(range(12))).frames == 4


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


def test_a_trace_that_is_left_is_an_error(full, monkeypatch):
    (full.path / "stray.bin").write_bytes(b"xyz" + little(full.scan(Detections).id[0]))
    with pytest.raises(StoreError, match=r"not everything is gone: 0 rows, 1 ids or stills"):
        full.forget(ids=full.scan(Detections).id[:1])


class TestExpiry:
    def aged(self, store, days):
        return store.expire(np.datetime64("now", "ns") + np.timedelta64(round(days * 24), "h"))

    def test_nothing_young_goes(self, full):
        report = self.aged(full, 2.9)
        assert report.rows == {}
        assert report.proof is None
        assert len(full.pixels(full.scan(Frames).id)) == 12

    def test_kinds_go_one_after_the_other(self, full):
        assert self.aged(full, 3.1).pixels == 12
        assert len(full.scan(Tracklets)) == 30
        report = self.aged(full, 7.1)
        assert report.rows == {"embeddings": 60, "tracklets": 30, "passages": 5, "matches": 10, "journeys": 10}
        assert report.pixels == 0
        assert len(full.scan(Detections)) == 60
        assert self.aged(full, 30.1).rows == {"frames": 12, "detections": 60}
        assert full.summary()["frames"]["rows"] == 0
        consistent(full)

    def test_journeys_may_go_before_embeddings(self, tmp_path):
        store = fill(create_store(tmp_path / "s", replace(Policy.default("t"), journeys_days=1.0)))
        assert self.aged(store, 2).rows == {"tracklets": 30, "passages": 5, "matches": 10, "journeys": 10}
        assert len(store.scan(Embeddings)) == 60

    def test_capture_time_counts_where_the_policy_says_so(self, tmp_path):
        forever = dict.fromkeys(("detections_days", "embeddings_days", "journeys_days"))
        policy = replace(Policy.default("t"), expiry_from="capture", frames_days=36_500.0, **forever)
        store = create_store(tmp_path / "s", policy)
        store.append(batch(range(6)))
        store.set_policy(replace(policy, frames_days=1.0))
        report = store.expire(START + DAY + 3 * SECOND)
        assert (report.pixels, report.rows) == (3, {})
        assert len(store.pixels(store.scan(Frames, after=START + 3 * SECOND).id)) == 3

    def test_a_policy_that_no_longer_keeps_pixels_removes_them(self, full):
        stills = full.pixels(full.scan(Frames).id)
        full.set_policy(replace(full.policy, keep_frames=False))
        assert full.expire(np.datetime64("now", "ns")).pixels == 12
        assert not any(still[-42:-2] in held(full) for still in stills)
        assert len(full.scan(Frames)) == 12
        assert full.append(batch([20])).frames_not_kept == 1
