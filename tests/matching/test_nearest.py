"""The original's rule by hand: of those in the window, the nearest vector."""

import numpy as np
import pytest

from cctview.errors import SettingsError
from cctview.matching import MatchSettings, NearestMatcher, NearestSettings, match
from cctview.network import CameraNetwork, Link
from cctview.testing.by_hand import tracklets_of

LINK = Link(origin="c1", target="c2", direction_deg=180, metres=400, min_s=10, max_s=50)
NETWORK = CameraNetwork(links=(LINK,))


def looking(angles, cameras, seconds):
    turn = np.radians(angles)
    vector = np.column_stack([np.cos(turn), np.sin(turn)]).astype(np.float32)
    return tracklets_of(cameras, seconds).replace(vector=vector)


SEEN = looking([0, 40, 10, 1, 0], ["c1", "c2", "c2", "c2", "c2"], [0, 20, 30, 5, 51])


def test_the_most_alike_within_the_window_comes_first():
    found, waits = NearestMatcher()(SEEN, NETWORK)
    assert found.candidates.values.tolist() == [3, 2], "one is too early, one too late, however alike"
    assert found.distance.values.tolist() == pytest.approx(
        [1 - np.cos(np.radians(10)), 1 - np.cos(np.radians(40))], abs=1e-6
    )
    assert found.lag_s.values.tolist() == [30, 20]
    assert waits == {("c1", "c2"): 50}


def test_a_candidate_at_the_limit_is_as_likely_as_nobody():
    lone = looking([0, 60], ["c1", "c2"], [0, 20])
    found, _ = NearestMatcher(NearestSettings(limit=0.5))(lone, NETWORK)
    assert found.probability.values.tolist() == pytest.approx([0.5], abs=1e-5)
    assert found.p_none.tolist() == pytest.approx([0.5], abs=1e-5)
    further, _ = NearestMatcher(NearestSettings(limit=0.4, scale=0.1))(lone, NETWORK)
    assert further.probability.values[0] / further.p_none[0] == pytest.approx(np.exp(-1), abs=1e-4)
    assert further.looks.values.tolist() == pytest.approx([-1], abs=1e-5)


def test_the_whole_sums_to_one_and_rivals_are_not_heard():
    alone = match(SEEN, NETWORK, NearestMatcher())
    assert alone.probability.values.sum() + alone.p_none[0] == pytest.approx(1, abs=1e-6)
    twice = looking([0, 0, 40, 10], ["c1", "c1", "c2", "c2"], [0, 0, 20, 30])
    both = match(twice, NETWORK, NearestMatcher())
    assert both.probability.values.tolist() == pytest.approx([*alone.probability.values, *alone.probability.values])


def test_links_that_skip_a_camera_can_be_left_out():
    on = Link(origin="c2", target="c3", direction_deg=180, metres=400, min_s=10, max_s=50)
    cameras = tracklets_of(["c1", "c3"], [0, 60])
    three = CameraNetwork(links=(LINK, on))
    assert NearestMatcher(NearestSettings(gaps=False))(cameras, three)[1].keys() == {("c1", "c2"), ("c2", "c3")}


@pytest.mark.parametrize("setting", [{"k": 0}, {"limit": -0.1}, {"limit": float("nan")}, {"scale": 0.0}])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(SettingsError, match=next(iter(setting))):
        NearestSettings(**setting)


def test_settings_stand_in_the_meta():
    found = match(SEEN, NETWORK, NearestMatcher(NearestSettings(k=1)))
    assert (found.meta["matcher"], found.meta["matcher_k"]) == ("nearest", "1")
    assert found.candidates.values.tolist() == [3]
    assert match(SEEN[:0], NETWORK, MatchSettings()).meta["matcher"] == "belief"
