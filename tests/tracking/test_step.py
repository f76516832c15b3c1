import dataclasses

import numpy as np
import pytest

import roads
from cctview.errors import FormatError, InputError
from cctview.tracking import NO_TRACKLET, TrackSettings, TrackState, dump, follow, load, step, track
from cctview.types import Detections, Embeddings, Tracklets

SETTLED = TrackSettings(memory=100_000)


@pytest.fixture(scope="module")
def seen():
    return roads.drive(roads.Scenery(seconds=150, step_s=1.0))


@pytest.fixture(scope="module")
def taught(seen):
    """A state that knows the road, is two hours older than the scene it learnt from, and never learns again."""
    state, _ = step(TrackState.fresh(), seen.detections, seen.embeddings, SETTLED)
    return dataclasses.replace(state.closed(), time=state.time - 2 * 3600 * 10**9, learnt=10**9)


def in_blocks(seen, stills):
    """Masks of the detections of ever so many stills."""
    moments = np.unique(seen.detections.time)
    for part in np.array_split(moments, max(len(moments) // stills, 1)):
        yield np.isin(seen.detections.time, part)


def labels_in_blocks(state, seen, stills, *, through_bytes=False):
    label = np.zeros(len(seen.detections), np.int64)
    for mask in in_blocks(seen, stills):
        state, label[mask] = step(state, seen.detections[mask], seen.embeddings[mask], SETTLED)
        state = load(dump(state)) if through_bytes else state
    return label


@pytest.mark.parametrize("stills", [1, 20])
def test_how_stills_are_handed_over_does_not_matter(seen, taught, stills):
    whole = labels_in_blocks(taught, seen, 1000)
    assert np.array_equal(whole, labels_in_blocks(taught, seen, stills))
    assert len(np.unique(whole)) < len(whole) / 2


def test_a_state_goes_through_bytes_unchanged(seen, taught):
    assert np.array_equal(labels_in_blocks(taught, seen, 30), labels_in_blocks(taught, seen, 30, through_bytes=True))
    fresh = load(dump(TrackState.fresh()))
    assert fresh.view is None
    assert len(fresh.memory) == 0


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 damaged", b"\x93NUMPY"])
def test_bytes_that_are_no_state_are_refused(data):
    with pytest.raises(FormatError, match="tracker state"):
        load(data)


def test_the_bytes_of_another_kind_of_state_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", format=np.array("a sandwich"))
    with pytest.raises(FormatError, match="sandwich"):
        load((tmp_path / "other.npz").read_bytes())


def test_labels_name_the_first_detection_of_a_tracklet(seen):
    _, label = step(TrackState.fresh(), seen.detections, seen.embeddings)
    assert np.isin(label, [NO_TRACKLET, *seen.detections.id]).all()
    first = np.isin(seen.detections.id, label)
    assert np.array_equal(seen.detections.id[first], label[first])
    for one in np.unique(label[label != NO_TRACKLET])[:20]:
        mine = seen.detections.time[label == one]
        assert mine.min() == seen.detections.time[seen.detections.id == one][0]


def test_what_takes_no_part_has_no_label(seen):
    kind = seen.detections.type.copy().astype("U10")
    kind[::7] = "person"
    _, label = step(TrackState.fresh(), seen.detections.replace(type=kind), seen.embeddings)
    assert np.all(label[::7] == NO_TRACKLET)
    assert np.mean(np.delete(label, np.s_[::7]) != NO_TRACKLET) > 0.95


def test_still_by_still_from_nothing_soon_follows_well():
    seen = roads.drive(roads.Scenery(seconds=300))
    state = TrackState.fresh()
    label = np.zeros(len(seen.detections), np.int64)
    for mask in in_blocks(seen, 1):
        state, label[mask] = step(state, seen.detections[mask], seen.embeddings[mask])
    late = seen.detections.time > roads.START + np.timedelta64(150, "s")
    same = [len(np.unique(seen.identity[late & (label == one)])) == 1 for one in np.unique(label[late])]
    assert np.mean(same) > 0.9
    assert len(same) < 1.5 * len(np.unique(seen.identity[late]))


def test_nothing_leaves_the_state_as_it_is(taught):
    state, label = step(taught, Detections.empty(), Embeddings.empty())
    assert state is taught
    assert len(label) == 0


def test_two_cameras_need_two_states(seen):
    camera = seen.detections.camera.copy()
    camera[0] = "c2"
    with pytest.raises(InputError, match="one camera"):
        step(TrackState.fresh(), seen.detections.replace(camera=camera), seen.embeddings)


def test_blocks_give_the_tracklets_of_the_whole(seen):
    whole = track(seen.detections, seen.embeddings, SETTLED)
    blocks = [(seen.detections[mask], seen.embeddings[mask]) for mask in in_blocks(seen, 30)]
    parts = list(follow(blocks, SETTLED))
    assert sum(len(part) > 0 for part in parts) > 3
    joined = Tracklets.concat(parts)
    members = np.sort(joined.members.values)
    assert np.array_equal(members, np.sort(whole.members.values))
    assert abs(len(joined) - len(whole)) < 0.1 * len(whole)
    ended = [part.last_time.max() for part in parts if len(part)]
    assert ended == sorted(ended)
