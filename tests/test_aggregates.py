import numpy as np
import pytest

from cctview.aggregates import LEFT_OUT, counts, first_choices, lag_shares, lanes, stills_span, travel_times
from cctview.errors import SettingsError
from cctview.matching import match
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Counts, Detections, Matches, Passages, Ragged, Tracklets

ROAD = roads.network(roads.Scenery(cameras=("a", "b", "c")))


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
    return matches, seen, ROAD


def test_quantiles_are_those_of_the_lags():
    lags = np.random.default_rng(3).permutation(np.arange(101.0)) + 20
    table = travel_times(*paired(lags, np.full(101, 0.9)))
    assert (table.origin.tolist(), table.target.tolist(), table.count.tolist()) == (["a"], ["b"], [101])
    got = [float(getattr(table, name)[0]) for name in ("p10_s", "p25_s", "median_s", "p75_s", "p90_s")]
    assert got == pytest.approx([30, 45, 70, 95, 110], abs=1.0)
    assert 70 - 12 < table.median_low_s[0] < 64
    assert 76 < table.median_high_s[0] < 70 + 12


def test_intervals_are_counted_by_departure_and_small_ones_left_out():
    matches, seen, road = paired(np.full(660, 40.0), np.full(660, 0.9))
    assert travel_times(matches, seen, road).count.sum() == 660
    table = travel_times(matches, seen, road, least=100)
    assert np.all(table.start.astype(np.int64) % (300 * 10**9) == 0)
    assert table.count.tolist() == [300, 300]
    assert np.all(table.median_high_s - table.median_low_s == 1)


def test_unlikely_matches_do_not_count():
    lags = np.r_[np.full(50, 30.0), np.full(50, 300.0)]
    table = travel_times(*paired(lags, np.r_[np.full(50, 0.9), np.full(50, 0.4)]))
    assert (table.count.tolist(), table.p90_s.tolist()) == ([50], [30])
    assert len(travel_times(*paired(lags, np.full(100, 0.3)))) == 0
    assert len(travel_times(Matches.empty(), Tracklets.empty(), ROAD)) == 0


def test_the_median_of_a_road_is_found():
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=600))
    tracklets = track(seen.detections, seen.embeddings)
    table = travel_times(match(tracklets, seen.network), tracklets, seen.network, least=10)
    assert len(table) >= 4
    assert np.all(np.abs(table.median_s - 400 / 18) < 4)
    assert np.all((table.median_low_s <= table.median_s) & (table.median_s <= table.median_high_s))


def test_an_interval_without_length_is_refused():
    with pytest.raises(SettingsError, match="interval_s"):
        travel_times(Matches.empty(), Tracklets.empty(), ROAD, interval_s=0)


def test_hand_made_quantiles_to_the_last_half_vehicle():
    """Five vehicles of equal weight stand at 10, 30, 50, 70 and 90 % of the way; shares between are interpolated."""
    table = travel_times(*paired(np.array([50.0, 10, 40, 20, 30]), np.full(5, 0.8)))
    got = [float(getattr(table, name)[0]) for name in ("p10_s", "p25_s", "median_s", "p75_s", "p90_s")]
    assert got == pytest.approx([10, 17.5, 30, 42.5, 50], abs=1e-4)
    # Five say little: the interval of the median reaches beyond the outermost ones, 0.44 of them to each side.
    assert (table.median_low_s[0], table.median_high_s[0]) == (10, 50)
    # Of a hundred, 9.8 to each side: the 40.2nd stands between the last of 20 s and the first of 30 s.
    many = travel_times(*paired(np.repeat([10.0, 20, 30, 40, 50], 20), np.full(100, 0.8)))
    assert many.median_s[0] == pytest.approx(30)
    assert (many.median_low_s[0], many.median_high_s[0]) == pytest.approx((27, 33), abs=0.01)


def test_a_likelier_match_weighs_more():
    lags, weight = np.array([10.0, 20, 30]), np.array([0.6, 0.6, 0.8])
    table = travel_times(*paired(lags, weight))
    # Their middles lie at 0.15, 0.45 and 0.8 of the whole weight of 2.
    assert table.median_s[0] == pytest.approx(20 + 10 * 0.05 / 0.35, abs=1e-3)
    assert table.p25_s[0] == pytest.approx(10 + 10 * 0.10 / 0.30, abs=1e-3)
    assert table.p10_s[0] == 10
    assert table.p90_s[0] == 30


def test_only_links_of_the_network_count():
    matches, seen, road = paired(np.full(40, 30.0), np.full(40, 0.9))
    skipping = matches.replace(camera=np.full(40, "c"))
    both = Matches.concat([matches, skipping])
    table = travel_times(both, seen, road)
    assert set(zip(table.origin.tolist(), table.target.tolist(), strict=True)) == {("a", "b")}
    assert table.count.sum() == 40
    assert len(travel_times(skipping, seen, road)) == 0
    assert set(first_choices(both, seen, road, likely=0.5).link.tolist()) == {0}


def test_how_likely_is_likely_is_said_once():
    matches, seen, road = paired(np.r_[np.full(30, 30.0), np.full(30, 90.0)], np.r_[np.full(30, 0.9), np.full(30, 0.5)])
    assert travel_times(matches, seen, road, likely=0.6).count.sum() == 30
    assert travel_times(matches, seen, road, likely=0.5).count.sum() == 60
    assert travel_times(matches, seen, road, likely=0.91).count.sum() == 0
    assert travel_times(matches, seen, road).meta["likely"] == "0.5"


def drove(*rows):
    """Return passages of these (camera, second, heading, type)."""
    camera, second, heading, kind = (np.array(column) for column in zip(*rows, strict=True))
    count = len(rows)
    return Passages(
        id=np.arange(1, count + 1),
        camera=camera,
        time=roads.START + (second * 1e9).astype("timedelta64[ns]"),
        heading=heading,
        type=kind,
        members=Ragged.from_lengths(np.arange(count), np.ones(count, int)),
    )


PASSAGES = drove(
    *[("a", second, "away", "car") for second in (0.0, 59.9, 60.0, 61.0)],
    ("a", 30.0, "towards", "car"),
    ("a", 31.0, "away", "truck"),
    ("b", 90.0, "away", "car"),
)
START_S = int(roads.START.astype("datetime64[s]").astype(np.int64))


def span(first, last):
    ends = roads.START + (np.array([first, last]) * 1e9).astype("timedelta64[ns]")
    return ends[0], ends[1]


def told(table):
    second = table.start.astype("datetime64[s]").astype(np.int64) - START_S
    length = (table.end - table.start) / np.timedelta64(1, "s")
    rows = (table.camera, table.direction, second, length, table.type, table.passages, table.whole)
    return list(zip(*(column.tolist() for column in rows), strict=True))


def test_counts_by_camera_direction_bin_and_type():
    table = counts(PASSAGES, {"a": span(0, 119.5), "b": span(0, 119.5)}, every_s=60)
    assert told(table) == [
        ("a", "away", 0, 60, "car", 2, True),
        ("a", "away", 0, 60, "truck", 1, True),
        ("a", "away", 60, 60, "car", 2, True),
        ("a", "towards", 0, 60, "car", 1, True),
        ("b", "away", 60, 60, "car", 1, True),
    ]
    assert table.meta[LEFT_OUT] == "0"


def test_without_bins_each_camera_is_counted_from_its_first_still_to_its_last():
    table = counts(PASSAGES, {"a": span(-3.5, 119.5), "b": span(80, 100)})
    assert told(table) == [
        ("a", "away", -4, 124, "car", 4, True),
        ("a", "away", -4, 124, "truck", 1, True),
        ("a", "towards", -4, 124, "car", 1, True),
        ("b", "away", 80, 21, "car", 1, True),
    ]


def test_a_bin_that_stills_cover_in_part_is_marked():
    marked = {row[:3]: row[-1] for row in told(counts(PASSAGES, {"a": span(10, 119), "b": span(0, 90)}, every_s=60))}
    assert marked[("a", "away", 0)] is False
    assert marked[("a", "away", 60)] is True
    assert marked[("b", "away", 60)] is False


def test_cells_below_the_group_are_left_out_and_counted():
    spans = {"a": span(0, 119), "b": span(0, 119)}
    table = counts(PASSAGES, spans, least=4)
    assert told(table) == [("a", "away", 0, 120, "car", 4, True)]
    assert (table.meta[LEFT_OUT], table.meta["least"]) == ("3", "4")
    assert len(counts(PASSAGES, spans, least=5)) == 0


@pytest.mark.parametrize("every", [0, -60, 0.5, 90.5])
def test_bins_are_whole_seconds(every):
    with pytest.raises(SettingsError, match="whole seconds"):
        counts(PASSAGES, {"a": span(0, 119)}, every_s=every)


def test_no_passages_give_no_counts():
    assert counts(Passages.empty(), {}) == Counts.empty({"least": "1", LEFT_OUT: "0"})


def test_the_span_of_stills_is_by_camera():
    seconds = np.array([5.0, 1, 9, 4])
    found = stills_span(np.array(["a", "b", "a", "a"]), roads.START + (seconds * 1e9).astype("timedelta64[ns]"))
    assert found == {"a": span(4, 9), "b": span(1, 1)}
    assert stills_span(np.zeros(0, "U1"), np.zeros(0, "datetime64[ns]")) == {}


def test_lanes_of_fewer_than_the_group_do_not_leave():
    seen = roads.drive(roads.Scenery(seconds=240))
    tracklets = track(seen.detections, seen.embeddings)
    every = lanes(tracklets, seen.detections)
    size = every.members.lengths
    assert len(every) > 1
    assert lanes(tracklets, seen.detections, least=int(size.max())) == every[size == size.max()]
    assert len(lanes(tracklets, seen.detections, least=int(size.max()) + 1)) == 0
    assert len(lanes(Tracklets.empty(), Detections.empty())) == 0


def test_shares_of_lags_are_those_of_the_table():
    lags, weight = np.array([50.0, 10, 40, 20, 30]), np.full(5, 0.8)
    table = travel_times(*paired(lags, weight))
    columns = [table.p10_s, table.p25_s, table.median_s, table.p75_s, table.p90_s]
    assert lag_shares(lags, weight).tolist() == pytest.approx([float(column[0]) for column in columns])
    assert lag_shares(np.array([7.0]), np.ones(1)).tolist() == [7.0] * 5


@pytest.mark.parametrize(("least", "told"), [(1, True), (5, True), (6, False)])
def test_lags_of_fewer_than_the_group_do_not_leave(least, told):
    assert (lag_shares(np.arange(5.0), np.ones(5), least=least) is not None) is told
    assert lag_shares(np.zeros(0), np.zeros(0), least=0) is None


def test_the_medians_interval_is_no_narrower_than_stamps_are_wrong():
    table = travel_times(*paired(np.full(400, 40.0), np.full(400, 0.9), gap_s=0.5))
    assert (table.median_low_s.tolist(), table.median_high_s.tolist()) == ([39.5], [40.5])
    short = travel_times(*paired(np.full(50, 0.2), np.full(50, 0.9)))
    assert short.median_low_s.tolist() == [0.0], "no lag is below zero"


def test_cameras_without_stills_are_not_counted():
    assert {row[0] for row in told(counts(PASSAGES, {"b": span(0, 119)}))} == {"b"}
