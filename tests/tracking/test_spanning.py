"""Passages span by span: nobody is counted twice where spans meet, and nobody is lost."""

from itertools import pairwise

import numpy as np
import pytest

from cctview.testing import roads
from cctview.tracking import track
from cctview.tracking.passages import passages
from cctview.tracking.spanning import Passing, passed
from cctview.types import Detections, Passages, Tracklets

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
        state, found = passed(state, ended, boxes)
        parts.append(found)
    pieces = Passages.concat(parts)
    assert len(pieces) == pytest.approx(len(whole), rel=0.03)
    seen_before = [set(part.members.values.tolist()) for part in parts]
    assert not any(one & other for number, one in enumerate(seen_before) for other in seen_before[:number])


def test_a_vehicle_that_counted_does_not_count_again():
    seen = roads.drive(roads.Scenery(seconds=240))
    tracklets = track(seen.detections, seen.embeddings)
    state, first = passed(Passing(), tracklets, seen.detections)
    assert len(first) > 30
    state, again = passed(state, Tracklets.empty(tracklets.meta), Detections.empty(seen.detections.meta))
    assert len(again) == 0
    assert np.all(state.tracklets.last_time >= tracklets.last_time.max() - 30 * SECOND)
    assert 0 < len(state.tracklets) < len(tracklets)
    assert np.isin(state.counted, state.tracklets.id).all()


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
    state, _ = passed(Passing(), moved, seen.detections)
    assert set(state.tracklets.camera.tolist()) == {"c1", "c2"}
