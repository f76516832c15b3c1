from __future__ import annotations

import numpy as np

from cctview.types import Tracklets
from cctview.web.flow import flows, heights


def tracklets(starts, ends):
    count = len(starts)
    size = np.array([-5, -5, 5, 5], np.float32)
    return Tracklets.empty()._with({
        **Tracklets.empty()._data,
        "first_box": np.tile(starts, 2).astype(np.float32) + size,
        "last_box": np.tile(ends, 2).astype(np.float32) + size * 2,
        "id": np.arange(count),
    })  # fmt: skip


def test_arrows_point_where_vehicles_drive():
    starts = np.array([[100.0, 100 + n] for n in range(5)])
    arrows, counts = flows(tracklets(starts, starts + np.array([40, 0])), 352, 240)
    assert len(arrows)
    assert (arrows[:, 2] > arrows[:, 0]).all()
    assert np.allclose(arrows[:, 3], arrows[:, 1], atol=1e-3)
    assert counts.max() >= 5


def test_ways_that_disagree_have_no_arrow():
    starts = np.array([[99.0, 100.0]] * 8)
    ends = starts + np.array([(6, 0), (-6, 0)] * 4)
    arrows, _ = flows(tracklets(starts, ends), 352, 240)
    assert len(arrows) == 0


def test_vehicles_that_stand_say_nothing():
    starts = np.array([[100.0, 100.0]] * 8)
    assert len(flows(tracklets(starts, starts + 1), 352, 240)[0]) == 0


def test_no_tracklets_no_arrows():
    arrows, counts = flows(Tracklets.empty(), 352, 240)
    assert arrows.shape == (0, 4)
    assert len(counts) == 0


def test_the_larger_box_tells_the_height():
    starts = np.array([[100.0, 100.0]])
    assert heights(tracklets(starts, starts)) == [20.0]
