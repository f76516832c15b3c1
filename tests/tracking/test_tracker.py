import dataclasses

import numpy as np
import pytest

from cctview.errors import FormatError, InputError, TableError
from cctview.testing import roads
from cctview.testing.trackers import TrackerContract
from cctview.tracking import RoadTracker, TrackSettings, follow, track
from cctview.types import Detections, Embeddings, Tracklets

SETTLED = RoadTracker(TrackSettings(memory=100_000))


@pytest.fixture(scope="module")
def seen():
    return roads.drive(roads.Scenery(seconds=150, step_s=1.0))


@pytest.fixture(scope="module")
def taught(seen):
    """A state that knows the road, is two hours older than the scene it learnt from, and never learns again."""
    state, _ = SETTLED.step(SETTLED.fresh(), seen.detections, seen.embeddings)
    closed = state.closed()
    return dataclasses.replace(
        closed, held=state.held.rows(np.zeros(len(state.held), bool)), time=state.time - 2 * 3600 * 10**9, taught=10**9
    )


def in_blocks(seen, stills):
    """Masks of the detections of ever so many stills."""
    moments = np.unique(seen.detections.time)
    for part in np.array_split(moments, max(len(moments) // stills, 1)):
        yield np.isin(seen.detections.time, part)


def membership(tracklets):
    return {tuple(sorted(group)) for group in np.split(tracklets.members.values, tracklets.members.offsets[1:-1])}


def followed(tracker, state, seen, stills, *, through_bytes=False):
    parts = []
    for mask in in_blocks(seen, stills):
        state, ended = tracker.step(state, seen.detections[mask], seen.embeddings[mask])
        state = tracker.load(tracker.dump(state)) if through_bytes else state
        parts.append(ended)
    return Tracklets.concat([*parts, tracker.ending(state)])


@pytest.mark.parametrize("stills", [1, 20])
def test_how_stills_are_handed_over_does_not_matter(seen, taught, stills):
    whole = membership(followed(SETTLED, taught, seen, 1000))
    assert whole == membership(followed(SETTLED, taught, seen, stills))
    assert len(whole) < len(seen.detections) / 2


def test_a_state_goes_through_bytes_unchanged(seen, taught):
    plain = followed(SETTLED, taught, seen, 30)
    stored = followed(SETTLED, taught, seen, 30, through_bytes=True)
    assert plain == stored
    fresh = SETTLED.load(SETTLED.dump(SETTLED.fresh()))
    assert fresh.learnt is None
    assert len(fresh.memory) == len(fresh.held) == 0


def test_the_state_of_other_settings_is_refused(taught):
    with pytest.raises(FormatError, match=r"made by.*track anew"):
        RoadTracker().load(SETTLED.dump(taught))


def test_a_step_leaves_the_old_state_as_it_was(seen):
    blocks = list(in_blocks(seen, 50))
    tracker = RoadTracker()
    state, _ = tracker.step(tracker.fresh(), seen.detections[blocks[0]], seen.embeddings)
    before = tracker.dump(state)
    once = tracker.step(state, seen.detections[blocks[1]], seen.embeddings)
    again = tracker.step(state, seen.detections[blocks[1]], seen.embeddings)
    assert tracker.dump(state) == before
    assert once[1] == again[1]
    assert tracker.dump(once[0]) == tracker.dump(again[0])


def test_an_open_tracklet_is_told_without_ending_it(seen):
    tracker = RoadTracker()
    first, second = list(in_blocks(seen, 70))
    state, ended = tracker.step(tracker.fresh(), seen.detections[first], seen.embeddings)
    open_ = tracker.ending(state)
    assert not membership(open_) & membership(ended)
    state, later = tracker.step(state, seen.detections[second], seen.embeddings)
    grown = [set(group) for group in membership(later) | membership(tracker.ending(state))]
    assert all(any(set(group) <= one for one in grown) for group in membership(open_))


def test_what_takes_no_part_is_in_no_tracklet(seen):
    kind = seen.detections.type.copy().astype("U10")
    kind[::7] = "person"
    members = track(seen.detections.replace(type=kind), seen.embeddings).members.values
    assert not np.isin(seen.detections.id[::7], members).any()
    assert np.isin(np.delete(seen.detections.id, np.s_[::7]), members).mean() > 0.95


def test_still_by_still_from_nothing_soon_follows_well():
    seen = roads.drive(roads.Scenery(seconds=300))
    tracker = RoadTracker()
    found = followed(tracker, tracker.fresh(), seen, 1)
    late = seen.detections.time > roads.START + np.timedelta64(150, "s")
    identity = dict(zip(seen.detections.id[late].tolist(), seen.identity[late].tolist(), strict=True))
    owners = [{identity[one] for one in group if one in identity} for group in membership(found)]
    same = [len(owner) == 1 for owner in owners if owner]
    assert np.mean(same) > 0.9
    assert len(same) < 1.5 * len(np.unique(seen.identity[late]))


def test_nothing_leaves_the_state_as_it_is(taught):
    state, ended = SETTLED.step(taught, Detections.empty(), Embeddings.empty())
    assert (state.memory, state.threads, state.learnt) == (taught.memory, taught.threads, taught.learnt)
    assert (state.time, state.clock, state.still) == (taught.time, taught.clock, taught.still)
    assert len(ended) == len(state.held) == 0


def test_two_cameras_need_two_states(seen):
    camera = seen.detections.camera.copy()
    camera[0] = "c2"
    with pytest.raises(InputError, match="one camera"):
        SETTLED.step(SETTLED.fresh(), seen.detections.replace(camera=camera), seen.embeddings)


def test_detections_of_another_model_do_not_join_an_open_tracklet(seen):
    first, second = list(in_blocks(seen, 70))
    other = seen.detections[second]
    other.meta = {"detector": "another"}
    state, _ = SETTLED.step(SETTLED.fresh(), seen.detections[first], seen.embeddings)
    with pytest.raises(TableError, match="different producers"):
        SETTLED.step(state, other, seen.embeddings)


def test_blocks_give_the_tracklets_of_the_whole(seen):
    whole = track(seen.detections, seen.embeddings, SETTLED)
    blocks = [(seen.detections[mask], seen.embeddings[mask]) for mask in in_blocks(seen, 30)]
    parts = list(follow(blocks, SETTLED))
    assert sum(len(part) > 0 for part in parts) > 3
    joined = Tracklets.concat(parts)
    assert np.array_equal(np.sort(joined.members.values), np.sort(whole.members.values))
    assert abs(len(joined) - len(whole)) < 0.1 * len(whole)
    ended = [part.last_time.max() for part in parts if len(part)]
    assert ended == sorted(ended)


class TestRoadTracker(TrackerContract):
    def make(self):
        return RoadTracker()
