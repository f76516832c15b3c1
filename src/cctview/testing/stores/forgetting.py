"""What is forgotten, or too old, is gone with all that was made from it, and the proof tells the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cctview.errors import InputError, MissingError, PolicyError
from cctview.seams import Store
from cctview.store import Batch, Forgotten
from cctview.testing.samples import CAMERAS, SECOND, START, batch, detections, embeddings, frame, no_people
from cctview.testing.stores.making import POLICY, StoreMaking, raising, require_consistent
from cctview.types import (
    Breaks,
    Detections,
    Embeddings,
    Frame,
    Frames,
    Journeys,
    Matches,
    Passages,
    Table,
    Tracklets,
    TravelTimes,
)

__all__ = ["Forgetting"]

_DAY = np.timedelta64(1, "D")
_KINDS: tuple[type[Table], ...] = (Frames, Detections, Embeddings, Tracklets, Passages, Matches, Journeys)


class Forgetting(StoreMaking):
    """Forget, preview, expire."""

    def test_a_camera_goes_from_every_table(self) -> None:
        """With its stills, its part of every match and journey, its travel times and breaks."""
        store = self.full()
        tracks, chains = store.scan(Tracklets), store.scan(Journeys)
        report = store.forget(camera="735")
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
        assert report.proof is not None
        gone = 4 + 20 + (tracks.camera == "735").sum() + 5 + len(chains)
        assert report.proof.needles == gone + 4
        assert report.proof.found_before == report.proof.needles
        assert report.proof.found == 0
        assert report.proof.bytes > 0
        assert set(store.scan(Frames).camera.tolist()) == {CAMERAS[0], CAMERAS[2]}
        require_consistent(store)
        assert len(store.pixels(store.scan(Frames).id)) == 8

    def test_matches_lose_single_candidates(self) -> None:
        """The other columns of their lists lose the same places."""
        store = self.full()
        lists = store.scan(Matches)
        target = lists.candidates.values[0]
        store.forget(ids=np.array([target]))
        after, keep = store.scan(Matches), lists.candidates.values != target
        assert np.array_equal(after.query, lists.query)
        assert np.array_equal(after.candidates.values, lists.candidates.values[keep])
        assert np.array_equal(after.distance.values, lists.distance.values[keep])
        assert np.array_equal(after.lag_s.values, lists.lag_s.values[keep])
        require_consistent(store)

    def test_what_is_before_goes_and_the_rest_stays_as_it_was(self) -> None:
        """Rows and bytes of stills."""
        store, limit = self.full(), START + 5 * SECOND
        frames, found = store.scan(Frames), store.scan(Detections)
        stills, late = store.pixels(frames.id), frames.time >= limit
        store.forget(before=limit)
        assert store.scan(Frames) == frames[late]
        assert store.scan(Detections) == found[found.time >= limit]
        assert store.pixels(frames.id[late]) == [still for still, kept in zip(stills, late, strict=True) if kept]
        require_consistent(store)

    def test_breaks_and_travel_times_go_by_time_and_camera(self) -> None:
        """A row stays that tells of neither."""
        store, table = self.full(), self.full().scan(Breaks).sort("time")
        store.forget(before=table.time[1])
        assert sorted(store.scan(Breaks).kind.tolist()) == ["frozen", "turned"]
        store.forget(camera=CAMERAS[0])
        assert store.scan(Breaks).kind.tolist() == ["frozen"]
        assert len(store.scan(TravelTimes)) == 0

    def test_camera_and_time_are_combined(self) -> None:
        """Only the camera's older part goes."""
        store = self.full()
        store.forget(before=START + 5 * SECOND, camera="733")
        assert len(store.scan(Frames)) == 10
        assert len(store.scan(Matches)) > 0
        require_consistent(store)

    def test_a_detection_takes_the_pixels_of_its_frame_along(self) -> None:
        """The frame stays known, without a still."""
        store = self.full()
        found = store.scan(Detections)
        report = store.forget(ids=found.id[:1])
        assert (report.rows["detections"], report.pixels) == (1, 1)
        assert "frames" not in report.rows
        assert store.known(found.frame[:1]).all()
        with raising(PolicyError, "not kept"):
            store.pixels(found.frame[:1])
        require_consistent(store)

    def test_a_journey_takes_its_vehicles_along(self) -> None:
        """Its tracklets, and their detections."""
        store = self.full()
        chain = store.scan(Journeys)[:1]
        tracks = store.scan(Tracklets, ids=chain.members.values)
        report = store.forget(ids=chain.id)
        assert report.rows["tracklets"] == 2
        assert report.rows["detections"] == len(tracks.members.values)
        assert len(store.scan(Detections, ids=tracks.members.values)) == 0
        require_consistent(store)

    def test_frames_go_one_by_one(self) -> None:
        """Any choice of them, and no other."""
        for picks in ([0], [3, 4, 11], list(range(0, 12, 2))):
            store = self.full()
            frames, gone = store.scan(Frames), np.isin(np.arange(12), picks)
            report = store.forget(ids=frames.id[gone])
            assert report.rows["frames"] == len(picks)
            assert store.scan(Frames) == frames[~gone]
            assert report.proof is not None
            assert report.proof.found_before == report.proof.needles > 0
            require_consistent(store)

    def test_the_request_must_be_clear(self) -> None:
        """Nothing is removed by one that is not."""
        store = self.full()
        with raising(MissingError, "has the id 77"):
            store.forget(ids=np.array([store.scan(Frames).id[0], 77]))
        with raising(InputError, "forget what"):
            store.forget()
        with raising(InputError, "not both"):
            store.forget(camera="733", ids=np.arange(1))
        assert len(store.scan(Frames)) == 12

    def test_a_preview_removes_nothing_and_says_what_forgetting_does(self) -> None:
        """The same counts, without a proof."""
        store = self.full()
        before = store.summary()
        preview = store.preview(camera=CAMERAS[0])
        assert store.summary() == before
        gone = store.forget(camera=CAMERAS[0])
        assert (preview.rows, preview.pixels) == (gone.rows, gone.pixels)
        assert preview.proof is None

    def test_a_frozen_camera_does_not_spoil_the_proof(self) -> None:
        """Two stills of the same bytes: the one that stays is no trace of the one that goes."""
        store, image = self.make(POLICY), np.random.default_rng(5).integers(0, 255, (24, 32, 3), dtype=np.uint8)
        frames = [frame(0, image=image, camera="a"), frame(1, image=image, camera="a"), frame(2, camera="a")]
        store.append(_all_of(frames))
        report = store.forget(before=START + SECOND)
        assert report.rows["frames"] == 1
        assert report.proof is not None
        assert report.proof.needles == 1 + 5
        assert store.pixels(np.array([frames[1].id])) == [frames[0].encoded]
        report = store.forget(before=START + 2 * SECOND)
        assert report.proof is not None
        assert report.proof.needles == 1 + 5 + 1

    def test_the_proof_searches_what_a_stage_remembered(self) -> None:
        """A state that names what is forgotten is seen before, and gone afterwards."""
        store = self.full()
        kept, doomed = store.scan(Detections)[:4].id, store.scan(Detections)[4:5].id
        strange = np.frombuffer(b"a state!", np.int64)
        store.extend([], {"tracker": strange.tobytes() + doomed.tobytes() + kept.tobytes()})
        report = store.forget(ids=doomed)
        assert report.proof is not None
        assert report.proof.found == 0
        assert store.states() == {}

    def test_forgetting_everything_leaves_a_store_for_another_model(self) -> None:
        """No producer is remembered that made no row."""
        store = self.full()
        assert store.forget(before=START + _DAY).rows["frames"] == 12
        assert [len(store.scan(table)) for table in _KINDS] == [0] * 7
        store.append(_all_of([frame(1)], producer="detector 2"))
        assert store.scan(Detections).meta == {"producer": "detector 2"}

    def test_nothing_to_forget_is_said(self) -> None:
        """With a proof that looked for nothing."""
        store = self.full()
        report = store.forget(camera="no such camera")
        assert report.rows == {}
        assert report.proof is not None
        assert (report.proof.needles, report.proof.found) == (0, 0)
        assert len(store.scan(Frames)) == 12

    def test_what_is_forgotten_may_be_stored_again(self) -> None:
        """Nothing remembers that it was there."""
        store = self.full()
        store.forget(camera="735")
        assert store.append(batch(range(12))).frames == 4

    def test_nothing_young_expires(self) -> None:
        """And then there is nothing to prove."""
        store = self.full()
        report = _aged(store, 2.9)
        assert (report.rows, report.proof) == ({}, None)
        assert len(store.pixels(store.scan(Frames).id)) == 12

    def test_kinds_expire_one_after_the_other(self) -> None:
        """Stills after 3 days, embeddings and what is made from them after 7, the rest after 30."""
        store = self.full()
        assert _aged(store, 3.1).pixels == 12
        assert len(store.scan(Tracklets)) == 30
        report = _aged(store, 7.1)
        assert report.rows == {"embeddings": 60, "tracklets": 30, "passages": 5, "matches": 10, "journeys": 10}
        assert report.pixels == 0
        assert len(store.scan(Detections)) == 60
        assert _aged(store, 30.1).rows == {"frames": 12, "detections": 60}
        assert store.summary()["frames"]["rows"] == 0
        require_consistent(store)

    def test_journeys_may_go_before_embeddings(self) -> None:
        """What is derived has a time of its own."""
        store = self.full(replace(POLICY, journeys_days=1.0))
        assert _aged(store, 2).rows == {"tracklets": 30, "passages": 5, "matches": 10, "journeys": 10}
        assert len(store.scan(Embeddings)) == 60

    def test_capture_time_counts_where_the_policy_says_so(self) -> None:
        """To the second."""
        forever = replace(POLICY, detections_days=None, embeddings_days=None, journeys_days=None)
        policy = replace(forever, expiry_from="capture", frames_days=36_500.0)
        store = self.make(policy)
        store.append(batch(range(6)))
        store.set_policy(replace(policy, frames_days=1.0))
        report = store.expire(START + _DAY + 3 * SECOND)
        assert (report.pixels, report.rows) == (3, {})
        assert len(store.pixels(store.scan(Frames, after=START + 3 * SECOND).id)) == 3

    def test_stills_that_expire_leave_states_and_links(self) -> None:
        """Nothing that was made from them goes with them, so what others made meanwhile still holds."""
        store = self.full()
        store.extend([], {"beliefs": b"x"})
        before = store.removals
        assert _aged(store, 3.1).pixels == 12
        assert (store.states(), store.removals) == ({"beliefs": b"x"}, before)
        assert _aged(store, 7.1).rows["embeddings"] == 60
        assert (store.states(), store.removals) == ({}, before + 1)

    def test_a_policy_that_no_longer_keeps_pixels_removes_them(self) -> None:
        """At the next expiry, and for stills to come."""
        store = self.full()
        store.set_policy(replace(store.policy, keep_frames=False))
        assert store.expire(np.datetime64("now", "ns")).pixels == 12
        assert len(store.scan(Frames)) == 12
        assert store.append(batch([20])).frames_not_kept == 1


def _aged(store: Store, days: float) -> Forgotten:
    return store.expire(np.datetime64("now", "ns") + np.timedelta64(round(days * 24), "h"))


def _all_of(frames: list[Frame], producer: str = "detector 1") -> Batch:
    found = detections(frames, producer=producer)
    return Batch(frames=frames, detections=found, embeddings=embeddings(found), people=no_people(frames))
