from __future__ import annotations

import json
from dataclasses import replace

import cv2
import lancedb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import (
    CAMERAS,
    PER_FRAME,
    SECOND,
    START,
    batch,
    breaks,
    detections,
    embeddings,
    frame,
    journeys,
    jpeg,
    matches,
    no_people,
    passages,
    tracklets,
    travel_times,
)

from cctview.errors import InputError, MissingError, PolicyError, SettingsError, StoreError, StoreMismatchError
from cctview.privacy import Policy
from cctview.store import Admitted, Batch, create_store, open_store
from cctview.types import (
    Breaks,
    Cameras,
    Detections,
    Embeddings,
    Frames,
    Journeys,
    Matches,
    Passages,
    Ragged,
    Tracklets,
    TravelTimes,
    rows_of,
)

EVERYTHING = (Frames, Detections, Embeddings)


def test_what_was_appended_is_scanned(store):
    given_rows = batch(range(7))
    admitted = store.append(given_rows)
    assert admitted == Admitted(frames=7, pixels=7, detections=35, embeddings=35)
    assert admitted.counts["detections"] == 35
    frames, found, vectors = (store.scan(table) for table in EVERYTHING)
    assert frames.name.tolist() == [f"still-{n}" for camera in range(3) for n in range(camera, 7, 3)]
    assert frames.width.tolist() == [32] * 7
    assert found == given_rows.detections.sort("camera", "time", "rank")
    order = np.argsort(given_rows.embeddings.detection)
    place = order[np.searchsorted(given_rows.embeddings.detection, found.id, sorter=order)]
    expected = given_rows.embeddings[place]
    assert np.array_equal(vectors.detection, expected.detection)
    assert vectors.vector.dtype == np.float32
    assert np.allclose(vectors.vector, expected.vector, atol=1e-3)
    assert np.allclose(np.linalg.norm(vectors.vector, axis=1), 1, atol=1e-6)
    assert vectors.meta == {"producer": "embedder 1"}


def test_vectors_that_had_a_length_come_back_as_the_model_gave_them(store):
    given_rows = batch(range(4))
    raw = np.random.default_rng(0).normal(0, 3, (len(given_rows.embeddings), 1920)).astype(np.float32)
    length = np.linalg.norm(raw, axis=1)
    store.append(
        replace(given_rows, embeddings=given_rows.embeddings.replace(vector=raw / length[:, None], length=length))
    )
    found = store.scan(Embeddings)
    place = rows_of(given_rows.embeddings.detection, found.detection)
    assert found.vector * found.length[:, None] == pytest.approx(raw[place], rel=1e-6, abs=0)
    assert np.allclose(np.linalg.norm(found.vector, axis=1), 1, atol=1e-6)


def test_a_store_that_kept_no_lengths_is_read_and_goes_on(tmp_path):
    create_store(tmp_path / "s", Policy.default("t")).append(batch(range(2)))
    table = lancedb.connect(tmp_path / "s").open_table("embeddings")
    table.drop_columns(["length"])
    commit = json.loads((tmp_path / "s" / "commit.json").read_text())
    commit["tables"]["embeddings"]["version"] = table.version
    (tmp_path / "s" / "commit.json").write_text(json.dumps(commit))
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


def test_the_same_batch_again_adds_nothing(store):
    store.append(batch(range(5)))
    before = store.summary()
    assert store.append(batch(range(5))) == Admitted(frames_known=5)
    assert store.append(batch([3, 5, 5, 4])).frames == 1
    assert store.summary()["frames"]["rows"] == 6
    assert store.summary()["detections"]["rows"] == before["detections"]["rows"] + PER_FRAME


def test_known_says_which(store):
    store.append(batch(range(3)))
    ids = np.array([frame(number).id for number in (0, 9, 2)])
    assert store.known(ids).tolist() == [True, False, True]
    assert open_store(store.path).known(ids).tolist() == [True, False, True]
    assert store.known(np.zeros(0, np.int64)).shape == (0,)


def test_an_empty_store_answers(store):
    assert len(store.scan(Journeys)) == 0
    assert not store.known(np.arange(3)).any()
    assert store.pixels(np.zeros(0, np.int64)) == []
    assert store.append(batch([])) == Admitted()
    assert store.summary()["frames"]["rows"] == 0
    with pytest.raises(MissingError, match="no frame has the id 5"):
        store.pixels(np.array([5]))


def test_stills_without_detections_are_known(store):
    frames = [frame(1)]
    store.append(
        Batch(frames=frames, detections=Detections.empty(), embeddings=Embeddings.empty(), people=no_people(frames))
    )
    assert store.known(np.array([frames[0].id])).all()
    assert store.append(batch([2])).detections == PER_FRAME


class TestFilters:
    def test_camera_with_a_quote(self, store):
        store.append(batch(range(9)))
        found = store.scan(Detections, camera=CAMERAS[2])
        assert set(found.camera.tolist()) == {CAMERAS[2]}
        assert len(found) == 3 * PER_FRAME
        assert len(store.scan(Frames, camera="' OR '1'='1")) == 0

    def test_times_are_half_open_to_the_nanosecond(self, store):
        store.append(batch(range(9)))
        tick = np.timedelta64(1, "ns")
        assert len(store.scan(Frames, after=START + 2 * SECOND, before=START + 5 * SECOND)) == 3
        assert len(store.scan(Frames, after=START + 2 * SECOND + tick, before=START + 5 * SECOND + tick)) == 3
        assert len(store.scan(Frames, after=START + 2 * SECOND + tick, before=START + 3 * SECOND)) == 0
        assert len(store.scan(Embeddings, camera="733", before=START + SECOND)) == PER_FRAME

    @pytest.mark.parametrize("strangers", [0, 5000, 20_000])
    def test_lists_of_ids_of_any_length(self, store, strangers):
        store.append(batch(range(9)))
        found = store.scan(Detections)
        ids = np.concatenate([found.id[::3], np.arange(strangers)])
        assert store.scan(Detections, ids=ids) == found[::3]
        assert np.array_equal(
            store.scan(Embeddings, ids=ids, camera="735").detection, found.id[::3][found.camera[::3] == "735"]
        )
        assert len(store.scan(Detections, ids=np.arange(strangers))) == 0

    def test_filters_that_make_no_sense_say_so(self, store):
        with pytest.raises(SettingsError, match="no single camera"):
            store.scan(Journeys, camera="733")
        with pytest.raises(SettingsError, match="no time"):
            store.scan(Matches, after=START)
        with pytest.raises(SettingsError, match="Cameras is not stored"):
            store.scan(Cameras)


class TestProducers:
    def test_other_detectors_are_refused_and_nothing_is_written(self, store):
        store.append(batch([1]))
        frames = [frame(2)]
        found = detections(frames, producer="detector 2")
        with pytest.raises(StoreMismatchError, match=r"detector 1.*detector 2"):
            store.append(Batch(frames=frames, detections=found, embeddings=embeddings(found), people=no_people(frames)))
        assert not store.known(np.array([frames[0].id])).any()

    def test_other_embedders_are_refused(self, store):
        store.append(batch([1]))
        frames = [frame(2)]
        found = detections(frames)
        vectors = embeddings(found, producer="embedder 2")
        with pytest.raises(StoreMismatchError, match=r"embeddings were made by .*embedder 1.*embedder 2"):
            store.append(Batch(frames=frames, detections=found, embeddings=vectors, people=no_people(frames)))
        assert len(store.scan(Detections)) == PER_FRAME


class TestPeople:
    def test_they_are_black_before_the_first_write(self, store):
        image = np.full((48, 64, 3), 220, np.uint8)
        frames = [frame(0, image=image), frame(1, image=image - 9, camera="733")]
        found = detections(frames, per_frame=1, types=("person", "car"))
        handed = Ragged.from_lengths(np.array([[32.0, 32, 48, 48]], np.float32), [1, 0])
        admitted = store.append(Batch(frames=frames, detections=found, embeddings=embeddings(found), people=handed))
        assert admitted.people_redacted == 2
        assert admitted.people_dropped == 1
        assert store.scan(Detections).type.tolist() == ["car"]
        first, second = (
            cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            for data in store.pixels(np.array([item.id for item in frames]))
        )
        assert first[36:44, 36:44].max() < 20
        x1, y1, x2, y2 = found.box[0].astype(int)
        assert first[y1:y2, x1:x2].max() < 30
        assert first[:, 20:28].min() > 190
        assert second.min() > 190
        held = [path.read_bytes() for path in store.path.rglob("*") if path.is_file()]
        assert not any(frames[0].encoded in data for data in held)
        assert any(frames[1].encoded in data for data in held)

    def test_consent_keeps_them(self, tmp_path):
        willing = replace(Policy.default("t"), redact_people=False, consent="the team, today")
        store = create_store(tmp_path / "s", willing)
        frames = [frame(0)]
        handed = Ragged.from_lengths(np.array([[0.0, 0, 9, 9]], np.float32), [1])
        store.append(Batch(frames=frames, detections=Detections.empty(), embeddings=Embeddings.empty(), people=handed))
        assert store.pixels(np.array([frames[0].id])) == [frames[0].encoded]

    def test_boxes_must_align_with_frames(self):
        frames = [frame(0)]
        parts = {"frames": frames, "detections": Detections.empty(), "embeddings": Embeddings.empty()}
        with pytest.raises(InputError, match="people has 0 rows for 1 frames"):
            Batch(people=Ragged.from_lengths(np.zeros((0, 4), np.float32), []), **parts)
        with pytest.raises(InputError, match=r"\(M, 4\)"):
            Batch(people=Ragged.from_lengths(np.zeros(0, np.float32), [0]), **parts)


class TestPixels:
    def test_untouched_stills_keep_their_bytes_in_the_order_asked_for(self, store):
        given_rows = batch(range(6))
        store.append(given_rows)
        order = [4, 0, 5, 4]
        ids = np.array([given_rows.frames[n].id for n in order])
        assert store.pixels(ids) == [given_rows.frames[n].encoded for n in order]

    def test_frames_that_never_were_jpeg_are_encoded(self, store):
        frames = [frame(0, encoded=False, image=np.full((16, 16, 3), (200, 30, 60), np.uint8))]
        store.append(
            Batch(frames=frames, detections=Detections.empty(), embeddings=Embeddings.empty(), people=no_people(frames))
        )
        data = store.pixels(np.array([frames[0].id]))[0]
        read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert np.abs(read.astype(int) - frames[0].image).max() < 8

    def test_a_policy_without_pixels_keeps_none(self, tmp_path):
        store = create_store(tmp_path / "s", replace(Policy.default("t"), keep_frames=False))
        admitted = store.append(batch(range(3)))
        assert (admitted.frames, admitted.pixels, admitted.frames_not_kept) == (3, 0, 3)
        with pytest.raises(PolicyError, match="are not kept"):
            store.pixels(store.scan(Frames).id)
        held = b"".join(path.read_bytes() for path in store.path.rglob("*") if path.is_file())
        assert jpeg(frame(0).image)[100:160] not in held

    def test_what_is_too_old_never_arrives(self, tmp_path):
        store = create_store(tmp_path / "s", replace(Policy.default("t"), expiry_from="capture", frames_days=0.001))
        past = [frame(0)]
        past[0] = replace(past[0], time=np.datetime64("2020-01-01", "ns"))
        found = detections(past)
        admitted = store.append(
            Batch(frames=past, detections=found, embeddings=embeddings(found), people=no_people(past))
        )
        assert admitted == Admitted(frames_expired=1)


class TestDerived:
    def test_they_come_back_and_are_replaced_as_a_whole(self, full):
        tracks = tracklets(full.scan(Detections), full.scan(Embeddings))
        read = full.scan(Tracklets)
        assert np.array_equal(np.sort(read.id), np.sort(tracks.id))
        assert read.members == tracks[np.argsort(tracks.id)[np.searchsorted(np.sort(tracks.id), read.id)]].members
        assert np.allclose(np.linalg.norm(read.vector, axis=1), 1, atol=1e-6)
        assert full.scan(Matches).meta == {"producer": "matcher 1"}
        full.replace([tracks[:3]])
        assert len(full.scan(Tracklets)) == 3
        full.replace([Tracklets.empty()])
        assert len(full.scan(Tracklets)) == 0
        full.replace([tracks])
        assert full.scan(Tracklets) == read

    def test_filters(self, full):
        tracks = full.scan(Tracklets)
        assert set(full.scan(Tracklets, camera="735").camera.tolist()) == {"735"}
        assert full.scan(Tracklets, before=START + 3 * SECOND) == tracks[tracks.first_time < START + 3 * SECOND]
        paths = full.scan(Journeys)
        starts = paths.time.values[paths.time.offsets[:-1]]
        assert np.all(np.diff(starts) >= np.timedelta64(0))
        assert len(full.scan(Journeys, after=starts[1])) == (starts >= starts[1]).sum()
        assert len(full.scan(Matches, camera="735")) == 0
        query = full.scan(Matches).query[:2]
        assert np.array_equal(full.scan(Matches, ids=query).query, query)

    def test_rows_made_from_what_is_gone_are_refused(self, full):
        tracks, found = full.scan(Tracklets), full.scan(Matches)
        full.forget(camera="735")
        with pytest.raises(StoreError, match="Tracklets name detections that are not stored"):
            full.replace([tracks])
        with pytest.raises(StoreError, match="Matches name tracklets that are not stored"):
            full.replace([found])

    def test_new_rows_are_checked_against_the_tracklets_they_come_with(self, full):
        tracks, found = full.scan(Tracklets), full.scan(Matches)
        with pytest.raises(StoreError, match="Matches name tracklets that are not stored"):
            full.replace([found, tracks[:1]])
        assert full.scan(Tracklets) == tracks
        full.replace([Matches.empty(), tracks[:1]])
        assert (len(full.scan(Tracklets)), len(full.scan(Matches))) == (1, 0)

    @pytest.mark.parametrize("in_memory", [1, 1 << 20])
    def test_parts_become_visible_in_one_step_and_hinder_no_one_before(self, full, monkeypatch, in_memory):
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

    def test_an_exchange_that_breaks_off_changes_nothing(self, full, monkeypatch):
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

    def test_a_store_opened_for_reading_refuses_before_anything_is_made(self, full):
        with pytest.raises(StoreError, match="open it with write=True"):
            open_store(full.path).replace(pytest.fail(f"part {n} was made") for n in range(1))

    def test_only_derived_tables_are_replaced(self, full):
        with pytest.raises(InputError, match="use append"):
            full.replace([full.scan(Frames)])

    def test_journeys_without_points_are_refused(self, full):
        one = full.scan(Journeys)[:1]
        none = {name: getattr(one, name)[:0] for name in ("members", "time", "lon", "lat", "speed")}
        empty = {name: Ragged.from_lengths(value.values, [0]) for name, value in none.items()}
        with pytest.raises(InputError, match="needs a point"):
            full.replace([one.replace(**empty)])


def test_many_appends_stay_in_few_files(store, monkeypatch):
    monkeypatch.setattr("cctview.store.lance.tables._LOOSE", 3)
    monkeypatch.setattr("cctview.store.lance.tables._READERS_FINISH", __import__("datetime").timedelta(milliseconds=1))
    for number in range(8):
        store.append(batch([number]))
    assert len(list((store.path / "detections.lance" / "data").iterdir())) <= 4
    assert len(store.scan(Detections)) == 8 * PER_FRAME
    assert len(store.pixels(store.scan(Frames).id)) == 8


def test_the_summary_counts(full):
    summary = full.summary()
    assert summary["detections"]["rows"] == 60
    assert summary["detections"]["producer"] == {"producer": "detector 1"}
    assert summary["frames"]["oldest"] == "2026-05-05T13:00:00.000000000Z"
    assert summary["frames"]["newest"] == "2026-05-05T13:00:11.000000000Z"
    assert summary["frames"]["pixel_bytes"] == sum(len(frame(n).encoded) for n in range(12))
    assert summary["matches"]["oldest"] is None
    assert all(summary[name]["bytes"] > 0 for name in summary)


def test_matches_and_journeys_survive(full):
    tracks = tracklets(full.scan(Detections), full.scan(Embeddings))
    assert full.scan(Matches) == matches(tracks, *CAMERAS[:2]).sort("query_camera", "query", "camera")
    expected = journeys(tracks, *CAMERAS[:2])
    starts = expected.time.values[expected.time.offsets[:-1]]
    assert full.scan(Journeys) == expected[np.lexsort([expected.id, starts])]


def test_passages_survive_and_are_found_by_camera_and_time(full):
    tracks = tracklets(full.scan(Detections), full.scan(Embeddings))
    table = passages(tracks, CAMERAS[1]).sort("camera", "time", "id")
    assert full.scan(Passages) == table
    assert full.scan(Passages, camera=CAMERAS[1], before=table.time[1]) == table[:1]
    assert len(full.scan(Passages, camera=CAMERAS[0])) == 0
    full.forget(ids=table.members.values[:1])
    assert full.scan(Passages) == table[1:]


def test_travel_times_survive_and_are_found_by_departure(full):
    table = travel_times(*CAMERAS[:2])
    assert full.scan(TravelTimes) == table.sort("origin", "target", "start")
    late = full.scan(TravelTimes, camera=CAMERAS[0], after=table.start.max())
    assert (late.origin.tolist(), late.target.tolist()) == ([CAMERAS[0]], [CAMERAS[1]])
    with pytest.raises(SettingsError, match="no ids"):
        full.scan(TravelTimes, ids=np.array([1]))


def test_breaks_survive_and_are_found_by_camera_and_time(full):
    first, second = CAMERAS[:2]
    table = breaks(first, second)
    assert full.scan(Breaks) == table.sort("camera", "time", "kind")
    assert full.scan(Breaks, camera=first, after=table.time[1]).kind.tolist() == ["turned"]
    full.forget(before=table.time[1])
    assert sorted(full.scan(Breaks).kind.tolist()) == ["frozen", "turned"]
    full.forget(camera=first)
    assert full.scan(Breaks).kind.tolist() == ["frozen"]
