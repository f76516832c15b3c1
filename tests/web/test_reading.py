from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest
from road_store import CAMERAS, make

from cctview.aggregates import LEFT_OUT, counts, first_choices, stills_span, travel_times
from cctview.errors import MissingError, PolicyError
from cctview.privacy import Policy
from cctview.types import Detections, Frames, Journeys, Matches, Passages, Tracklets
from cctview.web.model.reading import Reading


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    return make(tmp_path_factory.mktemp("reading") / "store")


@pytest.fixture(scope="module")
def reading(road):
    return Reading(road[0])


@pytest.fixture(scope="module")
def followed(reading):
    """A tracklet that stands at the beginning of a journey."""
    return reading.journeys(limit=1)[0].steps[0].tracklet


def test_cameras_say_what_is_stored_of_them(reading, road):
    cameras = reading.cameras()
    assert [camera.id for camera in cameras] == list(CAMERAS)
    frames = road[0].scan(Frames, camera="c2")
    middle = reading.camera("c2")
    assert middle.frames == len(frames)
    assert middle.interval_s == pytest.approx(1.7, abs=0.2)
    assert reading.frame(middle.last_frame).time == middle.last_time


def test_pages_of_frames_hold_every_frame_once(reading, road):
    found, after = [], None
    while page := reading.frames(after=after, limit=7):
        found += [still.id for still in page]
        after = page[-1].time + timedelta(microseconds=1)
    assert len(found) == len(set(found)) == len(road[0].scan(Frames))


def test_frames_come_newest_first_on_request(reading):
    forward = reading.frames("c1", limit=1000)
    assert reading.frames("c1", limit=3, newest_first=True) == forward[: len(forward) - 4 : -1]


def test_a_frame_knows_its_boxes_and_their_tracklets(reading, road):
    store = road[0]
    tracklets = store.scan(Tracklets)
    chosen = store.scan(Frames, camera="c1")[20:21]
    frame = reading.frame(reading.names.out(chosen.id)[0])
    boxes = store.scan(Detections, camera="c1")
    boxes = boxes[boxes.frame == chosen.id[0]]
    assert np.allclose([box.box for box in frame.detections], boxes.box)
    owner = dict(zip(tracklets.members.values.tolist(), tracklets.id[tracklets.members.row].tolist(), strict=True))
    expected = [reading.names.out(np.array([owner[n]]))[0] if n in owner else None for n in boxes.id.tolist()]
    assert [box.tracklet for box in frame.detections] == expected
    assert any(expected)


def test_readable_names_and_digits_name_the_same(reading):
    frame = reading.frame(reading.frames("c1", limit=1)[0].id)
    assert reading.frame(frame.name) == frame
    box = next(box for box in frame.detections if box.tracklet)
    assert reading.detection(box.name) == reading.detection(box.id) == box


def test_names_are_pseudonyms_where_the_policy_says_so(reading, road):
    stored = {f"{ident:016x}" for ident in road[0].scan(Tracklets).id.tolist()}
    shown = {tracklet.id for tracklet in reading.tracklets(limit=1000)}
    assert len(shown) == len(stored)
    assert not shown & stored


def test_a_tracklet_lists_its_boxes_in_time_order(reading, road, followed):
    sighting = reading.tracklet(followed.id)
    times = [box.time for box in sighting.detections]
    assert times == sorted(times)
    assert times[0] == sighting.tracklet.first_time
    assert times[-1] == sighting.tracklet.last_time
    assert {box.tracklet for box in sighting.detections} == {followed.id}


def test_matches_are_those_of_the_store(reading, road, followed):
    store = road[0]
    ident = reading.names.id(followed.id, "tracklet")
    stored = store.scan(Matches, ids=np.array([ident]))
    answered = [matching for matching in reading.matches(followed.id, top=50) if matching.way == "next"]
    assert [matching.camera for matching in answered] == stored.camera.tolist()
    assert [matching.p_none for matching in answered] == pytest.approx(stored.p_none.tolist())
    found = [candidate for matching in answered for candidate in matching.candidates]
    assert [candidate.tracklet.id for candidate in found] == reading.names.out(stored.candidates.values)
    assert [candidate.probability for candidate in found] == pytest.approx(stored.probability.values.tolist())
    assert [candidate.reasons["looks"] for candidate in found] == pytest.approx(stored.looks.values.tolist())


def test_the_camera_before_is_answered_from_the_other_end(reading, followed):
    first, second = reading.journeys(through=followed.id)[0].steps[:2]
    onward = next(
        m for m in reading.matches(first.tracklet.id) if m.camera == second.tracklet.camera and m.way == "next"
    )
    back = next(m for m in reading.matches(second.tracklet.id) if m.camera == first.tracklet.camera)
    assert back.way == "previous"
    there = next(c for c in onward.candidates if c.tracklet == second.tracklet)
    assert next(c for c in back.candidates if c.tracklet == first.tracklet).probability == there.probability
    assert onward.earliest <= second.tracklet.last_time
    assert onward.latest >= second.tracklet.first_time


def test_top_and_camera_narrow_the_answer(reading, followed):
    every = reading.matches(followed.id, top=50)
    one = reading.matches(followed.id, camera=every[0].camera, top=1)
    assert [matching.camera for matching in one] == [every[0].camera]
    assert one[0].candidates == every[0].candidates[:1]


def test_journeys_are_those_of_the_store_most_probable_first(reading, road):
    stored = road[0].scan(Journeys)
    found = reading.journeys(limit=1000)
    assert [journey.probability for journey in found] == pytest.approx(
        sorted(stored.probability.tolist(), reverse=True)
    )
    assert sum(len(journey.steps) for journey in found) == len(stored.members.values)
    assert reading.journey(found[0].id) == found[0]
    for step in found[0].steps:
        assert found[0] in reading.journeys(through=step.tracklet.id)


def test_traffic_is_what_the_table_of_travel_times_says(reading, road):
    store, network = road
    matches, tracklets = store.scan(Matches), store.scan(Tracklets)
    chosen = first_choices(matches, tracklets, network)
    link = next(n for n, way in enumerate(network.links) if (way.origin, way.target) == ("c1", "c2"))
    mine = chosen.link == link
    table = travel_times(matches, tracklets, network, interval_s=1e7)
    row = table[(table.origin == "c1") & (table.target == "c2")]
    traffic = reading.traffic("c1", "c2")
    assert traffic.vehicles == row.count[0] == mine.sum() >= 5
    told = (traffic.p10_s, traffic.median_s, traffic.p90_s)
    assert told == pytest.approx((row.p10_s[0], row.median_s[0], row.p90_s[0]), abs=1e-3)
    crossings = reading.crossings("c1", "c2")
    assert sorted(crossings.seconds) == pytest.approx(sorted(chosen.lag_s[mine].tolist()))
    departed = sorted(chosen.departed[mine].astype("datetime64[us]").tolist())
    assert [time.replace(tzinfo=None) for time in crossings.departures] == departed
    assert next(link for link in reading.links(3600) if (link.origin, link.target) == ("c1", "c2")).now == traffic


def test_nothing_is_told_of_too_few(tmp_path):
    store, _ = make(tmp_path / "store", Policy(purpose="tests", minimum_group=500))
    reading = Reading(store)
    assert reading.traffic("c1", "c2") is None
    assert reading.crossings("c1", "c2").seconds == ()
    told = reading.counts("c3", width_s=60)
    assert told.counts == {}
    assert told.left_out > 0
    assert reading.camera("c3").passages is None


def test_counts_are_those_of_the_export(reading, road):
    store = road[0]
    passages = store.scan(Passages, camera="c3")
    assert reading.camera("c3").passages == len(passages) > 20
    stills = store.scan(Frames)
    least = store.policy.minimum_group
    table = counts(passages, stills_span(stills.camera, stills.time), every_s=60, least=least)
    told = reading.counts("c3", width_s=60)
    assert sum(map(sum, told.counts.values())) == table.passages.sum() > 0
    assert told.left_out == int(table.meta[LEFT_OUT])
    assert all(len(row) == len(told.times) for row in told.counts.values())
    assert told.times[0].timestamp() % 60 == 0


def test_gaps_are_the_long_pauses(reading):
    assert reading.gaps("c1") == ()
    assert len(reading.gaps("c1", 0.1)) == reading.camera("c1").frames - 1


def test_pictures_show_what_they_say(reading, followed):
    frame = reading.frames(followed.camera, after=followed.first_time, limit=1)[0]
    plain, drawn = reading.image(frame.id), reading.image(frame.id, boxes=True)
    assert plain != drawn
    assert cv2.imdecode(np.frombuffer(plain, np.uint8), 1).shape == (240, 352, 3)
    enlarged = cv2.imdecode(np.frombuffer(reading.crop(followed.id, side=200), np.uint8), 1)
    assert max(enlarged.shape) == 200
    box = reading.tracklet(followed.id).detections[0]
    own = cv2.imdecode(np.frombuffer(reading.crop(box.name), np.uint8), 1)
    width, height = box.box[2] - box.box[0], box.box[3] - box.box[1]
    assert width <= own.shape[1] <= 1.12 * width + 2
    assert height <= own.shape[0] <= 1.12 * height + 2


def test_the_vector_of_a_box_is_the_stored_one(reading, followed):
    box = reading.tracklet(followed.id).detections[0]
    assert np.linalg.norm(reading.vector(box.id)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", ["", "0", "zz" * 8, "0" * 16, "../../etc/passwd", "f" * 16, "٣" * 16, "a" * 5000])
def test_strange_names_are_missing(reading, name):
    for ask in (reading.frame, reading.detection, reading.tracklet, reading.journey, reading.matches, reading.image):
        with pytest.raises(MissingError):
            ask(name)


def test_an_empty_store_has_answers_too(tmp_path, road):
    from cctview.store import create_store

    store = create_store(tmp_path / "empty", Policy.default("tests"))
    store.set_network(road[1])
    reading = Reading(store)
    assert reading.span() is None
    assert [camera.frames for camera in reading.cameras()] == [0, 0, 0]
    assert all(link.now is None for link in reading.links())
    assert reading.frames() == reading.tracklets() == reading.journeys() == ()
    assert reading.counts().counts == {}


def test_stills_that_are_not_kept_are_refused_without_a_path(tmp_path):
    store, _ = make(tmp_path / "store", Policy(purpose="tests", keep_frames=False))
    reading = Reading(store)
    with pytest.raises(PolicyError, match="not kept") as caught:
        reading.image(reading.frames(limit=1)[0].id)
    assert str(tmp_path) not in str(caught.value)


def test_lanes_are_learnt_once_until_the_store_changes(tmp_path):
    store, _ = make(tmp_path / "store")
    reading = Reading(store)
    found = reading.lanes("c1")
    assert len(found) > 0
    assert reading.lanes("c1") is found
    least = int(np.median(found.members.lengths)) + 1
    store.set_policy(replace(store.policy, minimum_group=least))
    reading.refresh()
    kept = reading.lanes("c1")
    assert len(kept) < len(found)
    assert (kept.members.lengths >= least).all()
