"""Passages span by span: nobody is counted twice where spans meet, and nobody is lost."""

from itertools import pairwise

import numpy as np
import pytest

from cctview.testing import roads
from cctview.tracking import track
from cctview.tracking.passages import passages
from cctview.tracking.spanning import Passing, passed
from cctview.types import Breaks, Detections, Passages, Tracklets

SECOND = np.timedelta64(1, "s")


@pytest.mark.parametrize("every_s", [200, 300])
def test_spans_count_what_one_call_counts(every_s):
    seen = roads.drive(roads.Scenery(seconds=600, per_minute=25))
    tracklets = track(seen.detections, seen.embeddings)
    whole = passages(tracklets, seen.detections)
    state, parts = Passing(), []
    bounds = roads.START + np.arange(0, 700 + every_s, every_s) * SECOND
    for after, before in pairwise(bounds):
        ended = tracklets[(tracklets.last_time >= after) & (tracklets.last_time < before)]
        boxes = seen.detections[(seen.detections.time >= after) & (seen.detections.time < before)]
        state, found, _ = passed(state, ended, boxes)
        parts.append(found)
    pieces = Passages.concat(parts)
    assert len(pieces) == pytest.approx(len(whole), rel=0.03)
    seen_before = [set(part.members.values.tolist()) for part in parts]
    assert not any(one & other for number, one in enumerate(seen_before) for other in seen_before[:number])


def test_a_vehicle_that_counted_does_not_count_again():
    seen = roads.drive(roads.Scenery(seconds=240))
    tracklets = track(seen.detections, seen.embeddings)
    state, first, _ = passed(Passing(), tracklets, seen.detections)
    assert len(first) > 30
    state, again, _ = passed(state, Tracklets.empty(tracklets.meta), Detections.empty(seen.detections.meta))
    assert len(again) == 0
    last = state.tracklets.id[state.tracklets.last_time >= tracklets.last_time.max() - 30 * SECOND]
    assert 0 < len(last) < len(state.tracklets) < len(tracklets)
    assert np.isin(state.counted, last).all()


def parted(seconds, at):
    """Return tracklets and boxes of a road that ended before ``at`` seconds, and those after."""
    seen = roads.drive(roads.Scenery(seconds=seconds, per_minute=25))
    tracklets, boxes = track(seen.detections, seen.embeddings), seen.detections
    early, sooner = (time < roads.START + at * SECOND for time in (tracklets.last_time, boxes.time))
    return (tracklets[early], boxes[sooner]), (tracklets[~early], boxes[~sooner])


def test_a_quiet_span_counts_at_the_lines_learnt_before():
    busy, quiet = parted(360, 350)
    before = Passing(tracklets=busy[0][-1:], detections=busy[1][-200:])
    assert len(passed(before, *quiet)[1]) == 0
    state, first, _ = passed(Passing(), *busy)
    state, found, _ = passed(state, *quiet)
    assert len(found) >= 3
    assert not np.isin(found.members.values, first.members.values).any()


def test_who_taught_long_ago_counts_no_more():
    busy, quiet = parted(360, 350)
    state, _, _ = passed(Passing(), *busy)
    forgetful = Passing(tracklets=state.tracklets, detections=state.detections)
    found = passed(forgetful, *quiet)[1]
    members = np.isin(state.tracklets.id, found.members.values)
    assert np.all(state.tracklets.last_time[members] >= busy[0].last_time.max() - 30 * SECOND)


def test_the_last_that_moved_teach_and_no_more_of_them_than_needed():
    seen = roads.drive(roads.Scenery(seconds=900, per_minute=40))
    tracklets = track(seen.detections, seen.embeddings)
    state, _, _ = passed(Passing(), tracklets, seen.detections)
    teachers = state.tracklets[state.tracklets.last_time < tracklets.last_time.max() - 30 * SECOND]
    assert 100 < len(teachers) <= 200
    others = tracklets[~np.isin(tracklets.id, state.tracklets.id) & (tracklets.heading == "towards")]
    assert np.quantile(others.last_time.astype(np.int64), 0.9) < teachers.last_time.min().astype(np.int64)
    assert np.isin(state.tracklets.members.values, state.detections.id).all()


def test_a_turned_camera_forgets_its_lines():
    busy, quiet = parted(360, 350)
    turned = Breaks(camera=np.array(["c1"]), time=np.array([roads.START + 349 * SECOND]), kind=np.array(["turned"]))
    state, _, _ = passed(Passing(), *busy, turned)
    assert len(state.tracklets) == 0
    assert len(passed(state, *quiet)[1]) == 0
    elsewhere = turned.replace(camera=np.array(["c2"]))
    assert len(passed(passed(Passing(), *busy, elsewhere)[0], *quiet)[1]) >= 3


def test_every_tracklet_is_in_a_passage_or_told_with_its_reason_once():
    first, second = parted(300, 150)
    state, early, why_early = passed(Passing(), *first)
    state, late, why_late = passed(state, *second, ending=True)
    many = len(first[0]) + len(second[0])
    assert many == sum(len(table.members.values) for table in (early, late)) + sum((why_early + why_late).values())
    assert all(len(reason) > 20 for reason in why_early + why_late)
    assert 0 < sum(why_early.values()) < sum((why_early + why_late).values())


def test_each_camera_has_a_tail_of_its_own():
    seen = roads.drive(roads.Scenery(seconds=120, cameras=("c1", "c2")))
    tracklets = track(seen.detections, seen.embeddings)
    early = tracklets.camera == "c1"
    late = np.timedelta64(1, "h")
    moved = Tracklets.concat(
        [
            tracklets[early],
            tracklets[~early].replace(
                first_time=tracklets.first_time[~early] + late, last_time=tracklets.last_time[~early] + late
            ),
        ]
    )
    state, _, _ = passed(Passing(), moved, seen.detections)
    assert set(state.tracklets.camera.tolist()) == {"c1", "c2"}
