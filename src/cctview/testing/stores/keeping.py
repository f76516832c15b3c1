"""What is appended is given back: rows, filters, stills, policy, network, summary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cctview.errors import (
    CctviewError,
    MissingError,
    NetworkFileError,
    PolicyError,
    SettingsError,
    StoreError,
    StoreMismatchError,
)
from cctview.network import CameraNetwork, parse_network
from cctview.store import Admitted, Batch
from cctview.testing.samples import (
    CAMERAS,
    PER_FRAME,
    SECOND,
    START,
    batch,
    detections,
    embeddings,
    frame,
    no_people,
)
from cctview.testing.stores.making import POLICY, StoreMaking, raising
from cctview.types import Cameras, Detections, Embeddings, Frame, Frames, Journeys, Matches, rows_of

__all__ = ["NETWORK", "OTHER", "Keeping"]

EVERYTHING = (Frames, Detections, Embeddings)
NETWORK = parse_network("""
timezone = "America/New_York"
[[camera]]
id = "733"
lat = 40.75
lon = -73.96
heading = "N"
[[camera]]
id = "735"
lat = 40.74
lon = -73.97
heading = 200
[[link]]
from = "733"
to = "735"
""")
OTHER = replace(NETWORK, links=())


class Keeping(StoreMaking):
    """Append, scan, columns, stream, known, pixels, policy, network, summary."""

    def test_what_was_appended_is_scanned(self) -> None:
        """Every row, in the order of its table, vectors of unit length to half precision."""
        store, given = self.make(POLICY), batch(range(7))
        assert store.append(given) == Admitted(frames=7, pixels=7, detections=35, embeddings=35)
        frames, found, vectors = store.scan(Frames), store.scan(Detections), store.scan(Embeddings)
        assert frames.name.tolist() == [f"still-{n}" for camera in range(3) for n in range(camera, 7, 3)]
        assert frames.width.tolist() == [32] * 7
        assert frames.height.tolist() == [24] * 7
        assert found == given.detections.sort("camera", "time", "rank")
        expected = given.embeddings[rows_of(given.embeddings.detection, found.id)]
        assert np.array_equal(vectors.detection, expected.detection)
        assert vectors.vector.dtype == np.float32
        assert np.allclose(vectors.vector, expected.vector, atol=1e-3)
        assert np.allclose(np.linalg.norm(vectors.vector, axis=1), 1, atol=1e-6)
        assert np.array_equal(vectors.quality, expected.quality)
        assert vectors.meta == {"producer": "embedder 1"}

    def test_vectors_that_had_a_length_come_back_as_the_model_gave_them(self) -> None:
        """Direction and length to single precision."""
        store, given = self.make(POLICY), batch(range(4))
        raw = np.random.default_rng(0).normal(0, 3, (len(given.embeddings), 192)).astype(np.float32)
        length = np.linalg.norm(raw, axis=1)
        store.append(replace(given, embeddings=given.embeddings.replace(vector=raw / length[:, None], length=length)))
        found = store.scan(Embeddings)
        place = rows_of(given.embeddings.detection, found.detection)
        assert np.allclose(found.vector * found.length[:, None], raw[place], rtol=1e-6, atol=1e-7)
        assert np.allclose(np.linalg.norm(found.vector, axis=1), 1, atol=1e-6)

    def test_order_and_size_of_batches_do_not_matter(self) -> None:
        """The same stills, one by one, in pairs and all at once, forwards and backwards."""
        whole = self.make(POLICY)
        whole.append(batch(range(6)))
        for order, size in (((0, 1, 2, 3, 4, 5), 2), ((5, 3, 1, 0, 2, 4), 1), ((4, 5, 0, 1, 3, 2), 4)):
            parts = self.make(POLICY)
            for start in range(0, 6, size):
                parts.append(batch(order[start : start + size]))
            assert all(whole.scan(table) == parts.scan(table) for table in EVERYTHING)

    def test_the_same_batch_again_adds_nothing(self) -> None:
        """Known stills are counted, whether they were stored before or come twice in a batch."""
        store = self.make(POLICY)
        store.append(batch(range(5)))
        assert store.append(batch(range(5))) == Admitted(frames_known=5)
        assert store.append(batch([3, 5, 5, 4])) == Admitted(
            frames=1, pixels=1, detections=PER_FRAME, embeddings=PER_FRAME, frames_known=3
        )
        assert store.summary()["frames"]["rows"] == 6
        assert store.summary()["detections"]["rows"] == 6 * PER_FRAME

    def test_known_says_which(self) -> None:
        """To the writer and to whoever opens the store."""
        store = self.make(POLICY)
        store.append(batch(range(3)))
        ids = np.array([frame(number).id for number in (0, 9, 2)])
        assert store.known(ids).tolist() == [True, False, True]
        assert self.again(store).known(ids).tolist() == [True, False, True]
        assert store.known(np.zeros(0, np.int64)).shape == (0,)

    def test_an_empty_store_answers(self) -> None:
        """Nothing is no error, but an id that is not there is one."""
        store = self.make(POLICY)
        assert len(store.scan(Journeys)) == 0
        assert not store.known(np.arange(3)).any()
        assert store.pixels(np.zeros(0, np.int64)) == []
        assert store.append(batch([])) == Admitted()
        assert store.summary()["frames"]["rows"] == 0
        assert store.versions() == {}
        assert store.columns(Frames, ["id"]).num_rows == 0
        assert list(store.stream(Frames, ["id"])) == []
        with raising(MissingError, "no frame has the id 5"):
            store.pixels(np.array([5]))

    def test_stills_without_detections_are_known(self) -> None:
        """And are not looked at again."""
        store = self.make(POLICY)
        store.append(_of([frame(1)], Detections.empty(), Embeddings.empty()))
        assert store.known(np.array([frame(1).id])).all()
        assert store.append(batch([2])).detections == PER_FRAME

    def test_other_producers_are_refused_and_nothing_is_written(self) -> None:
        """Boxes of another detector and vectors of another embedder cannot be compared."""
        store, frames = self.make(POLICY), [frame(2)]
        store.append(batch([1]))
        found = detections(frames)
        other = detections(frames, producer="detector 2")
        with raising(StoreMismatchError, "detector 1.*detector 2"):
            store.append(_of(frames, other, embeddings(other)))
        with raising(StoreMismatchError, "embedder 1.*embedder 2"):
            store.append(_of(frames, found, embeddings(found, producer="embedder 2")))
        assert not store.known(np.array([frames[0].id])).any()
        assert len(store.scan(Detections)) == PER_FRAME

    def test_a_camera_is_named_as_it_is(self) -> None:
        """A quote in a name is a letter, not a word of a query."""
        store = self.make(POLICY)
        store.append(batch(range(9)))
        found = store.scan(Detections, camera=CAMERAS[2])
        assert set(found.camera.tolist()) == {CAMERAS[2]}
        assert len(found) == 3 * PER_FRAME
        assert len(store.scan(Frames, camera="' OR '1'='1")) == 0

    def test_times_are_half_open_to_the_nanosecond(self) -> None:
        """``after`` is part of the span, ``before`` is not."""
        store, tick = self.make(POLICY), np.timedelta64(1, "ns")
        store.append(batch(range(9)))
        assert len(store.scan(Frames, after=START + 2 * SECOND, before=START + 5 * SECOND)) == 3
        assert len(store.scan(Frames, after=START + 2 * SECOND + tick, before=START + 5 * SECOND + tick)) == 3
        assert len(store.scan(Frames, after=START + 2 * SECOND + tick, before=START + 3 * SECOND)) == 0
        assert len(store.scan(Embeddings, camera="733", before=START + SECOND)) == PER_FRAME

    def test_lists_of_ids_of_any_length(self) -> None:
        """Ids that are not there are passed over."""
        store = self.make(POLICY)
        store.append(batch(range(9)))
        found = store.scan(Detections)
        for strangers in (0, 5000, 20_000):
            ids = np.concatenate([found.id[::3], np.arange(strangers)])
            assert store.scan(Detections, ids=ids) == found[::3]
            of_camera = store.scan(Embeddings, ids=ids, camera="735").detection
            assert np.array_equal(of_camera, found.id[::3][found.camera[::3] == "735"])
            assert len(store.scan(Detections, ids=np.arange(strangers))) == 0

    def test_filters_that_make_no_sense_say_so(self) -> None:
        """A table without cameras, one without times, and one that is not stored."""
        store = self.make(POLICY)
        with raising(SettingsError, "no single camera"):
            store.scan(Journeys, camera="733")
        with raising(SettingsError, "no time"):
            store.scan(Matches, after=START)
        with raising(SettingsError, "Cameras is not stored"):
            store.scan(Cameras)

    def test_columns_and_streams_are_the_rows_that_scan_gives(self) -> None:
        """By camera, by time, by ids of another column, and only what was stored since."""
        store = self.make(POLICY)
        store.append(batch(range(6)))
        found = store.scan(Detections)
        some = store.columns(Detections, ["id", "camera"], camera="735", before=START + 4 * SECOND)
        assert sorted(some["id"].to_pylist()) == sorted(found.id[(found.camera == "735")][:PER_FRAME].tolist())
        assert set(some["camera"].to_pylist()) == {"735"}
        of_frame = store.columns(Detections, ["id"], ids=found.frame[:1], by="frame")
        assert sorted(of_frame["id"].to_pylist()) == sorted(found.id[found.frame == found.frame[0]].tolist())
        streamed = [row for part in store.stream(Detections, ["id"]) for row in part.column("id").to_pylist()]
        assert sorted(streamed) == sorted(found.id.tolist())
        late = store.stream(Detections, ["id"], imported_after=np.datetime64("2100-01-01", "ns"))
        assert sum(part.num_rows for part in late) == 0

    def test_versions_change_with_the_rows(self) -> None:
        """A table that nobody touched keeps its version."""
        store = self.full()
        before = store.versions()
        assert {name: rows for name, (_, rows) in before.items()}["detections"] == 60
        store.replace([self.tracks(store)[:3]])
        after = store.versions()
        assert after["tracklets"] != before["tracklets"]
        assert after["tracklets"][1] == 3
        assert after["detections"] == before["detections"]

    def test_untouched_stills_keep_their_bytes_in_the_order_asked_for(self) -> None:
        """A still may be asked for twice."""
        store, given = self.make(POLICY), batch(range(6))
        store.append(given)
        order = [4, 0, 5, 4]
        ids = np.array([given.frames[n].id for n in order])
        assert store.pixels(ids) == [given.frames[n].encoded for n in order]

    def test_a_policy_without_pixels_keeps_none(self) -> None:
        """The rows are there, and asking for pixels says why there are none."""
        store = self.make(replace(POLICY, keep_frames=False))
        admitted = store.append(batch(range(3)))
        assert (admitted.frames, admitted.pixels, admitted.frames_not_kept) == (3, 0, 3)
        with raising(PolicyError, "are not kept"):
            store.pixels(store.scan(Frames).id)

    def test_what_is_too_old_never_arrives(self) -> None:
        """Counted, not stored."""
        store = self.make(replace(POLICY, expiry_from="capture", frames_days=0.001))
        past = [replace(frame(0), time=np.datetime64("2020-01-01", "ns"))]
        found = detections(past)
        assert store.append(_of(past, found, embeddings(found))) == Admitted(frames_expired=1)
        assert len(store.scan(Frames)) == 0

    def test_a_reader_writes_nothing(self) -> None:
        """Every way of writing says how to open the store instead."""
        store = self.full()
        reader = self.again(store)
        for write in (
            lambda: reader.append(batch([1])),
            lambda: reader.forget(camera="733"),
            lambda: reader.expire(START),
            lambda: reader.set_policy(POLICY),
            lambda: reader.set_network(NETWORK),
            lambda: reader.extend([], {}),
            lambda: reader.replace([]),
        ):
            with raising(StoreError, "opened for reading"):
                write()
        assert reader.scan(Frames) == store.scan(Frames)

    def test_the_policy_can_be_changed_and_holds_for_writers_that_are_open(self) -> None:
        """Whoever asks is told the policy now in force."""
        store = self.make(POLICY)
        other = replace(POLICY, keep_frames=False)
        self.again(store, write=True).set_policy(other)
        assert store.policy == other
        assert store.append(batch([1])).frames_not_kept == 1

    def test_the_pseudonym_key_is_its_own(self) -> None:
        """Stable, and not that of another store."""
        store = self.make(POLICY)
        assert len(store.pseudonym_key()) == 32
        assert store.pseudonym_key() == self.again(store).pseudonym_key()
        assert store.pseudonym_key() != self.make(POLICY).pseudonym_key()

    def test_the_network_is_given_back_as_it_was(self) -> None:
        """None before it is set; the last one afterwards, to everybody."""
        store = self.make(POLICY)
        known: list[CameraNetwork | None] = [store.network]
        for network in (NETWORK, OTHER, CameraNetwork()):
            store.set_network(network)
            known.append(store.network)
            assert self.again(store).network == network
        assert known == [None, NETWORK, OTHER, CameraNetwork()]

    def test_an_impossible_network_is_not_stored(self) -> None:
        """The one before stays."""
        store = self.make(POLICY)
        store.set_network(NETWORK)
        with raising(NetworkFileError, "lat"):
            store.set_network(CameraNetwork(cameras=NETWORK.cameras.replace(lat=np.array([400.0, 0.0]))))
        assert store.network == NETWORK

    def test_the_summary_counts(self) -> None:
        """Rows, times, bytes and producers of every table."""
        summary = self.full().summary()
        assert summary["detections"]["rows"] == 60
        assert summary["detections"]["producer"] == {"producer": "detector 1"}
        assert summary["frames"]["oldest"] == "2026-05-05T13:00:00.000000000Z"
        assert summary["frames"]["newest"] == "2026-05-05T13:00:11.000000000Z"
        assert summary["frames"]["pixel_bytes"] == sum(len(frame(n).encoded) for n in range(12))
        assert summary["matches"]["oldest"] is None
        assert all(summary[name]["bytes"] > 0 for name in summary)

    def test_a_vector_of_another_length_is_refused(self) -> None:
        """By an error of this program, whatever the store does with vectors."""
        store = self.full()
        with raising(CctviewError, "."):
            store.search(np.ones(7, np.float32), purpose="a test", subject="a vector")


def _of(frames: list[Frame], found: Detections, vectors: Embeddings) -> Batch:
    return Batch(frames=frames, detections=found, embeddings=vectors, people=no_people(frames))
