"""What every tracker must do, as tests.

A plug-in's own test module subclasses the suite and says how to make its tracker::

    from cctview.testing.trackers import TrackerContract

    class TestMine(TrackerContract):
        def make(self):
            return MyTracker()

The scenes are small roads with known vehicles (``cctview.testing.roads``); nothing is asked of how well a tracker
follows, only of what its answers and states must always be.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError, InputError
from cctview.seams import Tracker
from cctview.testing.roads import Scenery, Seen, drive
from cctview.tracking.following import follow, track
from cctview.types import Detections, Embeddings, Tracklets, rows_of

__all__ = ["TrackerContract", "membership"]

_PARTS = 5


class TrackerContract:
    """Subclass, and override ``make``; pytest finds the tests."""

    def make(self) -> Tracker[Any]:
        """Return the tracker under test; each call the same."""
        raise NotImplementedError

    def test_nothing_gives_nothing(self) -> None:
        """No detections, no tracklets, and a state that goes on."""
        tracker = self.make()
        state, ended = tracker.step(tracker.fresh(), Detections.empty(), Embeddings.empty())
        assert len(ended) == len(tracker.ending(state)) == 0
        assert len(track(Detections.empty(), Embeddings.empty(), tracker)) == 0

    def test_a_detection_is_in_at_most_one_tracklet_and_a_tracklet_in_a_still_once(self) -> None:
        """Also where stills are handed over in pieces."""
        seen, tracker = _road(), self.make()
        for found in (track(seen.detections, seen.embeddings, tracker), Tracklets.concat(_in_parts(tracker, seen))):
            members = found.members
            assert len(members.values)
            assert len(np.unique(members.values)) == len(members.values)
            still = seen.detections.frame[rows_of(seen.detections.id, members.values)]
            assert len(np.unique(np.stack([members.row, still]), axis=1).T) == len(still)

    def test_rows_tell_of_their_members(self) -> None:
        """First and last time and box, camera and type are those of the members, which stand in order of time."""
        seen = _road()
        found = track(seen.detections, seen.embeddings, self.make())
        rows = seen.detections[rows_of(seen.detections.id, found.members.values)]
        first, last = found.members.offsets[:-1], found.members.offsets[1:] - 1
        assert np.all(np.diff(rows.time)[np.diff(found.members.row) == 0] > np.timedelta64(0, "ns"))
        assert np.array_equal(found.first_time, rows.time[first])
        assert np.array_equal(found.last_time, rows.time[last])
        assert np.array_equal(found.first_box, rows.box[first])
        assert np.array_equal(found.last_box, rows.box[last])
        assert np.all(found.camera == "c1")
        assert np.allclose(np.linalg.norm(found.vector, axis=1), 1, atol=1e-3)

    def test_the_order_of_rows_does_not_matter(self) -> None:
        """Shuffled detections and embeddings give the same tracklets."""
        seen, tracker = _road(), self.make()
        order = np.random.default_rng(1).permutation(len(seen.detections))
        shuffled = track(seen.detections[order], seen.embeddings[order[::-1]], tracker)
        assert track(seen.detections, seen.embeddings, tracker) == shuffled

    def test_people_and_two_wheelers_take_no_part(self) -> None:
        """Nor does anything without an embedding."""
        seen = _road()
        kind = seen.detections.type.astype("U10")
        kind[::5], kind[1::5], kind[2::5] = "person", "bicycle", "motorcycle"
        known = seen.embeddings[np.arange(len(seen.embeddings)) % _PARTS != _PARTS - 2]
        members = track(seen.detections.replace(type=kind), known, self.make()).members.values
        assert np.array_equal(np.unique(members), np.intersect1d(members, seen.detections.id[4::5]))

    def test_a_state_resumes_from_its_bytes(self) -> None:
        """Stored after each piece, the answers are those of a state that was kept."""
        seen, tracker = _road(), self.make()
        kept, stored = _in_parts(tracker, seen), []
        state = tracker.fresh()
        for block in _blocks(seen):
            state, ended = tracker.step(tracker.load(tracker.dump(state)), *block)
            stored.append(ended)
        stored.append(tracker.ending(tracker.load(tracker.dump(state))))
        assert kept == stored

    def test_a_step_leaves_the_state_it_was_given(self) -> None:
        """Two steps from one state are the same, and the state is what it was."""
        seen, tracker = _road(), self.make()
        first, second, *_ = _blocks(seen)
        state, _ = tracker.step(tracker.fresh(), *first)
        before = tracker.ending(state)
        _, once = tracker.step(state, *second)
        _, again = tracker.step(state, *second)
        assert once == again
        assert tracker.ending(state) == before

    def test_what_is_open_goes_on(self) -> None:
        """An open tracklet is told by ``ending``, and ends later with all that it had."""
        seen, tracker = _road(), self.make()
        blocks = list(_blocks(seen))
        state, _ = tracker.step(tracker.fresh(), *blocks[0])
        told = membership(tracker.ending(state))
        later = []
        for block in blocks[1:]:
            state, ended = tracker.step(state, *block)
            later += membership(ended)
        later += membership(tracker.ending(state))
        assert all(any(set(old) <= set(new) for new in later) for old in told)

    def test_a_clock_set_back_ends_what_is_open(self) -> None:
        """Nothing joins what comes after with what was seen before."""
        seen, tracker = _road(), self.make()
        first, second, *_ = _blocks(seen)
        state, before = tracker.step(tracker.fresh(), *first)
        back = second[0].replace(time=second[0].time - np.timedelta64(1, "D"))
        state, ended = tracker.step(state, back, second[1])
        for found in membership(ended) + membership(tracker.ending(state)) + membership(before):
            assert len({bool(np.isin(one, first[0].id)) for one in found}) == 1

    def test_two_cameras_need_two_states(self) -> None:
        """A step with two cameras is refused; ``track`` gives each its own."""
        seen, tracker = _road(("c1", "c2")), self.make()
        try:
            tracker.step(tracker.fresh(), seen.detections, seen.embeddings)
        except InputError:
            pass
        else:
            raise AssertionError("a step with the detections of two cameras must raise InputError")
        assert set(track(seen.detections, seen.embeddings, tracker).camera.tolist()) == {"c1", "c2"}

    def test_bytes_that_are_no_state_are_refused(self) -> None:
        """With FormatError, whatever they are."""
        tracker = self.make()
        for data in (b"", b"PK\x03\x04", tracker.dump(tracker.fresh())[:-30]):
            try:
                tracker.load(data)
            except FormatError:
                continue
            raise AssertionError(f"{data[:8]!r} is no state and must raise FormatError")

    def test_tracklets_say_who_made_them(self) -> None:
        """The tracker's meta and that of the detections stand in every answer, empty ones too."""
        seen, tracker = _road(), self.make()
        detections = Detections.from_arrow(seen.detections.to_arrow().replace_schema_metadata({"detector": "test"}))
        wanted = {**tracker.meta, "detector": "test"}
        assert {"tracker", "tracker_version", "tracker_priors"} <= tracker.meta.keys()
        for part in follow([(detections, seen.embeddings)], tracker):
            assert part.meta == wanted


def membership(tracklets: Tracklets) -> list[tuple[int, ...]]:
    """Return the members of each tracklet, in their order."""
    cut = np.split(tracklets.members.values, tracklets.members.offsets[1:-1]) if len(tracklets) else []
    return [tuple(part.tolist()) for part in cut]


@lru_cache
def _road(cameras: tuple[str, ...] = ("c1",)) -> Seen:
    return drive(Scenery(seconds=60, step_s=0.5, cameras=cameras))


def _blocks(seen: Seen) -> Iterator[tuple[Detections, Embeddings]]:
    """Yield what was seen in pieces that follow each other."""
    part: NDArray[Any]
    for part in np.array_split(np.unique(seen.detections.time), _PARTS):
        inside = np.isin(seen.detections.time, part)
        yield seen.detections[inside], seen.embeddings[inside]


def _in_parts(tracker: Tracker[Any], seen: Seen) -> list[Tracklets]:
    return list(follow(_blocks(seen), tracker))
