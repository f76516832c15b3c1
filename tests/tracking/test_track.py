import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cctview.errors import SettingsError
from cctview.testing import roads
from cctview.tracking import RoadTracker, TrackSettings, track
from cctview.types import Detections, Embeddings, Tracklets


def few(boxes, seconds, *, vectors=None, kinds=None, scores=None, cameras=None):
    """Tables of one camera with one row per box; rows of one second share a still."""
    count = len(boxes)
    stamp = roads.START + (np.array(seconds) * 1e9).astype("timedelta64[ns]")
    detections = Detections(
        id=np.arange(1, count + 1),
        frame=(np.array(seconds) * 10).astype(np.int64) + 100,
        camera=np.array(cameras or ["c1"] * count),
        time=stamp,
        rank=np.arange(1, count + 1, dtype=np.int32),
        box=np.array(boxes, np.float32),
        score=np.array(scores or [0.9] * count, np.float32),
        type=np.array(kinds or ["car"] * count),
    )
    vector = np.tile([1.0, 0.0], (count, 1)) if vectors is None else np.array(vectors, float)
    embeddings = Embeddings(
        detection=detections.id,
        vector=(vector / np.linalg.norm(vector, axis=1, keepdims=True)).astype(np.float32),
        quality=np.linspace(0.2, 0.8, count, dtype=np.float32),
    )
    return detections, embeddings


def membership(tracklets):
    return {tuple(sorted(group)) for group in np.split(tracklets.members.values, tracklets.members.offsets[1:-1])}


def test_nothing_gives_nothing():
    assert len(track(Detections.empty(), Embeddings.empty())) == 0
    assert isinstance(track(Detections.empty(), Embeddings.empty()), Tracklets)


def test_detections_without_embedding_take_no_part():
    detections, embeddings = few([[10, 10, 30, 30], [100, 100, 140, 140]], [0, 1])
    tracklets = track(detections, embeddings[1:])
    assert tracklets.members.values.tolist() == [2]


def test_one_detection_is_one_tracklet():
    detections, embeddings = few([[100, 100, 140, 140]], [0])
    tracklets = track(detections, embeddings)
    assert len(tracklets) == 1
    assert tracklets.members.values.tolist() == [1]
    assert tracklets.heading.tolist() == ["still"]
    assert tracklets.first_time[0] == tracklets.last_time[0] == detections.time[0]
    assert np.array_equal(tracklets.first_box, detections.box)
    assert np.allclose(tracklets.vector, embeddings.vector)
    assert tracklets.spread[0] == pytest.approx(0, abs=1e-6)


def test_two_boxes_of_one_still_are_two_tracklets():
    detections, embeddings = few([[100, 100, 140, 140], [200, 100, 240, 140]], [0, 0])
    assert membership(track(detections, embeddings)) == {(1,), (2,)}


def test_a_weaker_box_of_the_same_vehicle_is_left_out():
    boxes = [[100, 100, 140, 140], [101, 100, 141, 140], [100, 100, 140, 139]]
    detections, embeddings = few(boxes, [0, 0, 0], kinds=["car", "bus", "truck"], scores=[0.5, 0.8, 0.6])
    assert membership(track(detections, embeddings)) == {(2,)}


def test_people_and_bicycles_are_never_tracked():
    kinds = ["person", "bicycle", "motorcycle", "truck"]
    detections, embeddings = few([[10 + 60 * n, 90, 40 + 60 * n, 130] for n in range(4)], [0] * 4, kinds=kinds)
    tracklets = track(detections, embeddings)
    assert tracklets.members.values.tolist() == [4]
    assert tracklets.type.tolist() == ["truck"]


def test_a_resting_vehicle_is_one_tracklet():
    detections, embeddings = few([[100, 100, 140, 140]] * 6, range(6))
    tracklets = track(detections, embeddings)
    assert membership(tracklets) == {(1, 2, 3, 4, 5, 6)}
    assert tracklets.heading.tolist() == ["still"]
    assert tracklets.last_time[0] - tracklets.first_time[0] == np.timedelta64(5, "s")


def test_a_gap_longer_than_allowed_splits_even_a_resting_vehicle():
    detections, embeddings = few([[100, 100, 140, 140]] * 6, [0, 1, 2, 30, 31, 32])
    assert membership(track(detections, embeddings)) == {(1, 2, 3), (4, 5, 6)}


def test_what_stands_for_too_long_is_ended():
    detections, embeddings = few([[100, 100, 140, 140]] * 6, range(6))
    assert membership(track(detections, embeddings, RoadTracker(TrackSettings(max_length_s=2.5)))) == {
        (1, 2, 3),
        (4, 5, 6),
    }


def test_cameras_never_share_a_tracklet():
    detections, embeddings = few([[100, 100, 140, 140]] * 6, range(6), cameras=["a", "b"] * 3)
    assert membership(track(detections, embeddings)) == {(1, 3, 5), (2, 4, 6)}


def test_pooling_weighs_by_quality_and_names_the_commonest_type():
    vectors = [[1, 0], [1, 0.2], [1, 0.1]]
    detections, embeddings = few(
        [[100, 100, 140, 140]] * 3, range(3), vectors=vectors, kinds=["bus", "car", "car"], scores=[0.9, 0.5, 0.6]
    )
    tracklets = track(detections, embeddings)
    weight = embeddings.quality.astype(float) + 0.02
    mean = (embeddings.vector * weight[:, None]).sum(axis=0)
    mean /= np.linalg.norm(mean)
    assert np.allclose(tracklets.vector[0], mean, atol=1e-6)
    assert tracklets.spread[0] == pytest.approx((1 - embeddings.vector @ mean).mean(), abs=1e-6)
    assert tracklets.quality[0] == pytest.approx(0.8)
    assert tracklets.type.tolist() == ["car"]


@pytest.mark.parametrize(
    ("step", "seconds", "recall", "precision"),
    [
        (0.04, 30, 0.99, 0.99),
        (0.1, 60, 0.96, 0.99),
        (0.5, 120, 0.97, 0.99),
        (1.7, 180, 0.97, 0.98),
        (3.0, 300, 0.95, 0.95),
    ],
)
def test_vehicles_are_followed_at_any_rate(step, seconds, recall, precision):
    seen = roads.drive(roads.Scenery(step_s=step, seconds=seconds))
    found, right = roads.link_scores(seen, track(seen.detections, seen.embeddings))
    assert found >= recall
    assert right >= precision


@pytest.mark.parametrize(("step", "recall", "precision"), [(0.1, 0.97, 0.99), (0.5, 0.93, 0.98), (1.7, 0.85, 0.93)])
def test_twenty_seconds_are_enough_to_learn_from(step, recall, precision):
    found, right = np.mean([_short(step, seed) for seed in range(4)], axis=0)
    assert found >= recall
    assert right >= precision


def _short(step, seed):
    seen = roads.drive(roads.Scenery(step_s=step, seconds=20, seed=seed))
    return roads.link_scores(seen, track(seen.detections, seen.embeddings))


def test_a_queue_that_stands_is_not_torn_apart():
    row = [[30 + 60 * n, 90 + 8 * n, 70 + 60 * n, 130 + 8 * n] for n in range(5)]
    rng = np.random.default_rng(1)
    boxes = np.concatenate([row + rng.normal(0, 0.5, (5, 4)) for _ in range(5)])
    vectors = np.tile(np.eye(5) + 0.3, (5, 1)) + rng.normal(0, 0.05, (25, 5))
    detections, embeddings = few(boxes, np.repeat(np.arange(5) * 2.0, 5), vectors=vectors)
    assert membership(track(detections, embeddings)) == {tuple(range(n, 26, 5)) for n in range(1, 6)}


def test_motion_alone_is_enough_to_follow_most():
    seen = roads.drive(roads.Scenery(look_noise=30.0, seconds=600))
    found, right = roads.link_scores(seen, track(seen.detections, seen.embeddings))
    assert found >= 0.85
    assert right >= 0.85


def test_whole_second_stamps_do_no_harm():
    seen = roads.drive(roads.Scenery(whole_seconds=True))
    found, right = roads.link_scores(seen, track(seen.detections, seen.embeddings))
    assert found >= 0.97
    assert right >= 0.98


def test_even_stills_under_coarse_stamps_are_seen_through():
    """Stamps of whole seconds on stills exactly 1.7 s apart: an even clock explains the motion better."""
    coarse = {"whole_seconds": True, "jitter": 0.0, "look_noise": 30.0, "seconds": 900}
    seen = roads.drive(roads.Scenery(**coarse))
    found, right = roads.link_scores(seen, track(seen.detections, seen.embeddings))
    exact = roads.drive(roads.Scenery(**{**coarse, "whole_seconds": False}))
    best, _ = roads.link_scores(exact, track(exact.detections, exact.embeddings))
    assert found >= best - 0.02
    assert right >= 0.8


def test_headings_tell_the_way():
    seen = roads.drive(roads.Scenery(seconds=300))
    tracklets = track(seen.detections, seen.embeddings)
    grown = np.log(
        (tracklets.last_box[:, 3] - tracklets.last_box[:, 1]) / (tracklets.first_box[:, 3] - tracklets.first_box[:, 1])
    )
    clear = np.abs(grown) > 0.3
    assert clear.sum() > 50
    assert np.array_equal(tracklets.heading[clear], np.where(grown[clear] > 0, "towards", "away"))


def test_single_detections_take_the_heading_of_their_place():
    seen = roads.drive(roads.Scenery(seconds=600, missed=0.35))
    tracklets = track(seen.detections, seen.embeddings)
    single = tracklets.members.lengths == 1
    middle = (tracklets.first_box[:, 0] + tracklets.first_box[:, 2]) / 2
    foot = tracklets.first_box[:, 3]
    ahead = roads.FOCAL * roads.RISE / (foot - 60)
    lane = (middle - 260) * ahead / roads.FOCAL - 2
    truth = np.where(lane > -8, "towards", "away")
    known = single & (tracklets.heading != "still")
    assert known.sum() > 0.5 * single.sum() > 10
    assert (tracklets.heading[known] == truth[known]).mean() > 0.95


def same_vehicles(left, right):
    return membership(left) == membership(right) and np.array_equal(np.sort(left.id), np.sort(right.id))


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1000), st.sampled_from([0.5, 1.7]))
def test_every_scene_keeps_the_rules(seed, step):
    seen = roads.drive(roads.Scenery(seed=seed, seconds=60, step_s=step, cameras=("c1", "c2")))
    tracklets = track(seen.detections, seen.embeddings)
    members = tracklets.members
    assert len(np.unique(members.values)) == len(members.values)
    order = np.argsort(seen.detections.id)
    rows = order[np.searchsorted(seen.detections.id[order], members.values)]
    time, camera = seen.detections.time[rows], seen.detections.camera[rows]
    inside = members.row[1:] == members.row[:-1]
    assert np.all(time[1:][inside] > time[:-1][inside])
    assert np.all(camera == tracklets.camera[members.row])
    assert np.all(tracklets.first_time <= tracklets.last_time)
    assert len(np.unique(tracklets.id)) == len(tracklets)

    shuffle = np.random.default_rng(seed).permutation(len(seen.detections))
    assert same_vehicles(tracklets, track(seen.detections[shuffle], seen.embeddings[shuffle[::-1]]))

    later = seen.detections.replace(time=seen.detections.time + np.timedelta64(3, "D"))
    assert same_vehicles(tracklets, track(later, seen.embeddings))


def test_cameras_are_independent():
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=90))
    both = track(seen.detections, seen.embeddings)
    alone = [track(seen.detections[seen.detections.camera == camera], seen.embeddings) for camera in ("c1", "c2")]
    assert membership(both) == membership(alone[0]) | membership(alone[1])


def test_a_higher_bar_links_less():
    seen = roads.drive(roads.Scenery(look_noise=2.0))
    bars = [RoadTracker(TrackSettings(threshold=bar)) for bar in (-2.0, 0.0, 4.0)]
    counts = [len(track(seen.detections, seen.embeddings, tracker)) for tracker in bars]
    assert all(fewer <= more for fewer, more in itertools.pairwise(counts))
    assert counts[0] < counts[-1]


@pytest.mark.parametrize("setting", [{"max_gap_s": -1.0}, {"threshold": float("nan")}, {"sample": 0}, {"rounds": -1}])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(SettingsError, match=next(iter(setting))):
        TrackSettings(**setting)
