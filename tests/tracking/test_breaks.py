import numpy as np
import pytest

from cctview.testing import roads
from cctview.tracking import RoadTracker, find_breaks, track
from cctview.types import Detections, Embeddings, Frames, Tracklets

SECOND = np.timedelta64(10**9, "ns")


@pytest.fixture(scope="module")
def scene():
    return roads.drive(roads.Scenery(seconds=900, step_s=1.7))


def stills(seconds, digests=None, camera="c1"):
    count = len(seconds)
    return Frames(
        id=np.arange(1, count + 1),
        camera=np.full(count, camera),
        time=roads.START + (np.array(seconds) * 1e9).astype("timedelta64[ns]"),
        time_error_s=np.full(count, 0.5, np.float32),
        name=np.array([f"{camera}-{n}" for n in range(count)]),
        digest=np.arange(1, count + 1) if digests is None else np.array(digests),
        width=np.full(count, 352, np.int32),
        height=np.full(count, 240, np.int32),
    )


def kinds(frames, detections=None):
    breaks = find_breaks(frames, Detections.empty() if detections is None else detections)
    return list(zip(breaks.kind.tolist(), ((breaks.time - roads.START) / SECOND).tolist(), strict=True))


def turned(scene, at_s, move):
    """The scene as seen by a camera that is turned at a second: boxes shifted, cut at the border."""
    late = (scene.detections.time - roads.START) / SECOND > at_s
    box = scene.detections.box + np.where(late[:, None], np.array([*move, *move], np.float32), 0)
    box = np.clip(box, 0, [352, 240, 352, 240])
    keep = (box[:, 2] - box[:, 0] > 4) & (box[:, 3] - box[:, 1] > 4)
    return scene.detections[keep].replace(box=box[keep])


def test_no_stills_no_breaks():
    assert len(find_breaks(Frames.empty(), Detections.empty())) == 0


def test_an_ordinary_camera_has_none(scene):
    assert kinds(stills(np.arange(200) * 1.7), scene.detections) == []


def test_silence_is_a_gap():
    assert kinds(stills([*range(50), *range(500, 550)])) == [("gap", 500.0)]
    assert kinds(stills(np.arange(20) * 40.0)) == []


def test_one_content_three_times_is_frozen():
    assert kinds(stills(range(8), [1, 2, 2, 3, 4, 4, 4, 4])) == [("frozen", 5.0)]


@pytest.mark.parametrize(("times", "found"), [(1, []), (2, []), (3, [("frozen", 3.0)]), (6, [("frozen", 3.0)])])
def test_frozen_from_the_third_time_on(times, found):
    assert kinds(stills(range(6 + times), [1, 2, *[3] * times, 4, 5, 3, 6])) == found


def test_a_camera_may_end_frozen_and_freeze_again():
    assert kinds(stills(range(8), [1, 1, 1, 2, 3, 4, 4, 4])) == [("frozen", 1.0), ("frozen", 6.0)]


def test_a_clock_set_back_tells_time_twice():
    twice = np.sort(np.concatenate([np.arange(600), 300.4 + np.arange(200)]))
    ((kind, second),) = kinds(stills(twice))
    assert kind == "clock"
    assert 280 < second < 330


@pytest.mark.parametrize("move", [(-150, 0), (60, 50)])
def test_a_turned_camera_is_noticed(scene, move):
    ((kind, second),) = kinds(stills(np.arange(200) * 1.7), turned(scene, 450, move))
    assert kind == "turned"
    assert abs(second - 450) < 30


def test_cameras_break_alone():
    frames = Frames.concat([stills([0, 1, 2, 500]), stills([0, 1, 2, 3], camera="c2").replace(id=np.arange(11, 15))])
    breaks = find_breaks(frames, Detections.empty())
    assert breaks.camera.tolist() == ["c1"]


def test_no_tracklet_spans_a_turn(scene):
    detections = turned(scene, 450, (-150, 0))
    tracklets = track(detections, scene.embeddings)
    turn = find_breaks(Frames.concat([stills(np.arange(10))]), detections).time
    assert len(turn) == 1
    assert not np.any((tracklets.first_time < turn) & (tracklets.last_time >= turn))
    assert len(tracklets) < len(detections) / 2


def test_a_turn_is_noticed_still_by_still_too(scene):
    detections = turned(scene, 450, (-150, 0))
    tracker, taught = RoadTracker(), []
    state = tracker.fresh()
    for part in np.array_split(np.unique(detections.time), 60):
        mask = np.isin(detections.time, part)
        state, _ = tracker.step(state, detections[mask], scene.embeddings)
        taught.append(state.taught)
    assert np.any(np.diff(taught) < 0)
    assert (state.memory.time.min() - roads.START.astype(np.int64)) / 1e9 > 400


def frozen(scene, second, repeats):
    """The scene with one still served over and over, a second apart, in place of what came then."""
    clock = (scene.detections.time - roads.START) / SECOND
    moment = np.unique(clock[clock >= second])[0]
    rows = np.flatnonzero(clock == moment)
    gone = (clock > moment) & (clock < moment + repeats + 0.5)
    detections, embeddings = [scene.detections[~gone]], [scene.embeddings[~gone]]
    for n in range(1, repeats + 1):
        copy = scene.detections[rows]
        ids = copy.id // 2 + n
        time = copy.time + n * SECOND
        detections.append(copy.replace(id=ids, frame=copy.frame // 2 + n, time=time))
        embeddings.append(scene.embeddings[rows].replace(detection=ids))
    return (
        Detections.concat(detections),
        Embeddings.concat(embeddings),
        roads.START + np.int64(moment * 1e9) * (SECOND // 10**9),
    )


def test_frozen_stills_take_no_part_and_end_tracklets(scene):
    detections, embeddings, moment = frozen(scene, 300, 30)
    tracklets = track(detections, embeddings)
    repeats = detections.id[(detections.time > moment) & (detections.time <= moment + 30 * SECOND)]
    assert not np.isin(repeats, tracklets.members.values).any()
    assert not np.any((tracklets.first_time <= moment) & (tracklets.last_time > moment))


def test_a_still_served_twice_does_not_split(scene):
    detections, embeddings, moment = frozen(scene, 300, 1)
    tracklets = track(detections, embeddings)
    assert np.any((tracklets.first_time <= moment) & (tracklets.last_time > moment + SECOND))


def test_a_clock_set_back_ends_tracklets(scene):
    clock = (scene.detections.time - roads.START) / SECOND
    early, late = clock < 450, clock >= 450
    back = scene.detections.replace(time=scene.detections.time - 3600 * SECOND)
    tracker = RoadTracker()
    state, before = tracker.step(tracker.fresh(), scene.detections[early], scene.embeddings)
    state, after = tracker.step(state, back[late], scene.embeddings)
    found = Tracklets.concat([before, after, tracker.ending(state)])
    old = np.isin(found.members.values, scene.detections.id[early])
    assert np.array_equal(np.unique(found.members.row[old]), np.setdiff1d(found.members.row, found.members.row[~old]))
    assert len(found) < len(scene.detections) / 2
