"""What one camera saw between two turns."""

import numpy as np

from cctview.testing import roads
from cctview.tracking import track
from cctview.tracking.viewed import boxes_seen, views
from cctview.types import Breaks, Detections

SECOND = np.timedelta64(1, "s")


def test_views_are_of_one_camera_and_of_one_turn():
    seen = roads.drive(roads.Scenery(seconds=60, cameras=("c1", "c2")))
    tracklets = track(seen.detections, seen.embeddings)
    at = roads.START + 30 * SECOND
    turned = Breaks(camera=np.array(["c1", "c2"]), time=np.array([at, at]), kind=np.array(["turned", "gap"]))
    parts = views(tracklets, turned)
    assert [set(part.camera.tolist()) for part in parts] == [{"c1"}, {"c1"}, {"c2"}]
    assert parts[0].first_time.max() < at <= parts[1].first_time.min()
    assert sum(len(part) for part in parts) == len(tracklets)
    assert len(views(tracklets, None)) == 2


def test_boxes_come_by_tracklet_and_time_with_the_clock():
    seen = roads.drive(roads.Scenery(seconds=60))
    tracklets = track(seen.detections, seen.embeddings)
    boxes, clock = boxes_seen(tracklets, seen.detections)
    assert np.bincount(boxes.owner).tolist() == tracklets.members.lengths.tolist()
    within = np.diff(boxes.owner) == 0
    assert np.all(np.diff(boxes.seconds)[within] > 0)
    assert clock.origin == seen.detections.time.min()
    assert clock.end == boxes.seconds.max()
    times = np.unique(seen.detections.time).astype(np.int64) / 1e9
    assert np.isclose(clock.still_s, np.minimum(np.diff(times), 3 * np.median(np.diff(times))).mean())
    half, _ = boxes_seen(tracklets, seen.detections[seen.detections.time < roads.START + 30 * SECOND])
    assert 0 < len(half.owner) < len(boxes.owner)
    assert boxes.rows(np.arange(3)).owner.tolist() == boxes.owner[:3].tolist()


def test_nothing_seen_has_a_clock():
    seen = roads.drive(roads.Scenery(seconds=20))
    boxes, clock = boxes_seen(track(seen.detections, seen.embeddings), Detections.empty())
    assert len(boxes.owner) == 0
    assert (clock.end, clock.still_s) == (0.0, 1.0)
