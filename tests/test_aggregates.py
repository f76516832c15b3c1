import numpy as np
import pytest

from cctview.aggregates import travel_times
from cctview.errors import SettingsError
from cctview.matching import match
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Matches, Ragged, Tracklets


def sighted(camera, seconds, first):
    count = len(seconds)
    stamp = roads.START + (np.asarray(seconds) * 1e9).astype("timedelta64[ns]")
    box = np.tile(np.array([10, 10, 30, 30], np.float32), (count, 1))
    return Tracklets(
        id=np.arange(first, first + count),
        camera=np.full(count, camera),
        first_time=stamp,
        last_time=stamp,
        first_box=box,
        last_box=box,
        type=np.full(count, "car"),
        heading=np.full(count, "towards"),
        vector=np.tile(np.array([1, 0], np.float32), (count, 1)),
        spread=np.zeros(count),
        quality=np.ones(count),
        members=Ragged.from_lengths(np.arange(first, first + count), np.ones(count, int)),
    )


def paired(lags, probability, gap_s=1.0):
    """One query each second, matched to a tracklet of the other camera after its lag."""
    count = len(lags)
    asked = np.arange(count) * gap_s
    seen = Tracklets.concat([sighted("a", asked, 1), sighted("b", asked + lags, 1 + count)])
    one = np.ones(count, int)
    zero = Ragged.from_lengths(np.zeros(count, np.float32), one)
    matches = Matches(
        query=np.arange(1, count + 1),
        query_camera=np.full(count, "a"),
        camera=np.full(count, "b"),
        candidates=Ragged.from_lengths(np.arange(1 + count, 1 + 2 * count), one),
        distance=zero,
        probability=Ragged.from_lengths(np.asarray(probability, np.float32), one),
        lag_s=Ragged.from_lengths(np.asarray(lags, np.float32), one),
        **dict.fromkeys(("looks", "size", "timing", "lane", "order", "context"), zero),
        p_none=1 - np.asarray(probability),
    )
    return matches, seen


def test_quantiles_are_those_of_the_lags():
    lags = np.random.default_rng(3).permutation(np.arange(101.0)) + 20
    table = travel_times(*paired(lags, np.full(101, 0.9)))
    assert (table.origin.tolist(), table.target.tolist(), table.count.tolist()) == (["a"], ["b"], [101])
    got = [float(getattr(table, name)[0]) for name in ("p10_s", "p25_s", "median_s", "p75_s", "p90_s")]
    assert got == pytest.approx([30, 45, 70, 95, 110], abs=1.0)
    assert 70 - 12 < table.median_low_s[0] < 64
    assert 76 < table.median_high_s[0] < 70 + 12


def test_intervals_are_counted_by_departure_and_small_ones_left_out():
    matches, seen = paired(np.full(660, 40.0), np.full(660, 0.9))
    assert travel_times(matches, seen).count.sum() == 660
    table = travel_times(matches, seen, least=100)
    assert np.all(table.start.astype(np.int64) % (300 * 10**9) == 0)
    assert table.count.tolist() == [300, 300]
    assert np.all(table.median_high_s - table.median_low_s == 1)


def test_unlikely_matches_do_not_count():
    lags = np.r_[np.full(50, 30.0), np.full(50, 300.0)]
    table = travel_times(*paired(lags, np.r_[np.full(50, 0.9), np.full(50, 0.4)]))
    assert (table.count.tolist(), table.p90_s.tolist()) == ([50], [30])
    assert len(travel_times(*paired(lags, np.full(100, 0.3)))) == 0
    assert len(travel_times(Matches.empty(), Tracklets.empty())) == 0


def test_the_median_of_a_road_is_found():
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=600))
    tracklets = track(seen.detections, seen.embeddings)
    table = travel_times(match(tracklets, seen.network), tracklets, least=10)
    assert len(table) >= 4
    assert np.all(np.abs(table.median_s - 400 / 18) < 4)
    assert np.all((table.median_low_s <= table.median_s) & (table.median_s <= table.median_high_s))


def test_an_interval_without_length_is_refused():
    with pytest.raises(SettingsError, match="interval_s"):
        travel_times(Matches.empty(), Tracklets.empty(), interval_s=0)
