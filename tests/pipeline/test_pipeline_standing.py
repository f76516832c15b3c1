"""What must be remembered to go on, and its bytes."""

from __future__ import annotations

import numpy as np

from cctview.pipeline.standing import Counting, Standing, Track, dumped, loaded
from cctview.testing import roads
from cctview.tracking import RoadTracker, track
from cctview.tracking.spanning import Passing, passed


def test_lines_learnt_and_who_counted_go_through_bytes() -> None:
    seen = roads.drive(roads.Scenery(seconds=200, per_minute=25))
    tracklets = track(seen.detections, seen.embeddings)
    until, passing = tracklets.last_time.max(), passed(Passing(), tracklets, seen.detections)[0]
    tracker = RoadTracker()
    before = Standing(
        tracks={"c1": Track(state=tracker.fresh(), until=until, counting=Counting(since=until, passing=passing))}
    )
    after = loaded(dumped(before, tracker, {}), tracker, {}).tracks["c1"].counting
    assert after.since == until
    assert len(after.passing.tracklets) > 20
    assert np.array_equal(after.passing.tracklets.id, passing.tracklets.id)
    assert np.array_equal(after.passing.detections.box, passing.detections.box)
    assert np.array_equal(after.passing.counted, passing.counted)
