from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cctview.errors import SettingsError
from cctview.matching import MatchSettings, match
from cctview.matching.learning import learn_link
from cctview.matching.sides import expected_heading, side_of
from cctview.matching.travel import first_travel_time
from cctview.metrics.reid import expected_calibration_error
from cctview.network import CameraNetwork, Link
from cctview.road.flow import lane_flow, ways
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Matches, Tracklets

THREE = ("c1", "c2", "c3")
ALL = MatchSettings(min_quality=0.0)


def road(**scenery):
    seen = roads.drive(roads.Scenery(**{"cameras": THREE, "seconds": 300, **scenery}))
    return seen, track(seen.detections, seen.embeddings)


@pytest.fixture(scope="module")
def scene():
    seen, tracklets = road()
    return seen, tracklets, match(tracklets, seen.network, ALL)


def owners(seen, tracklets):
    """The vehicle most members of each tracklet belong to, by tracklet id."""
    order = np.argsort(seen.detections.id)
    rows = order[np.searchsorted(seen.detections.id[order], tracklets.members.values)]
    first = seen.identity[rows][tracklets.members.offsets[:-1]]
    return dict(zip(tracklets.id.tolist(), first.tolist(), strict=True))


def answers(seen, tracklets, matches):
    """Probability and rightness of the first candidate, and whether the right one was there at all."""
    owner = owners(seen, tracklets)
    there = {
        (camera, owner[name]) for camera, name in zip(tracklets.camera.tolist(), tracklets.id.tolist(), strict=True)
    }
    some = matches.candidates.lengths > 0
    first = matches.candidates.offsets[:-1][some]
    best = [owner[name] for name in matches.candidates.values[first].tolist()]
    query = [owner[name] for name in matches.query[some].tolist()]
    right = np.array(best) == np.array(query)
    present = np.array([pair in there for pair in zip(matches.camera[some].tolist(), query, strict=True)])
    return matches.probability.values[first], right, present


def test_nothing_gives_nothing():
    network = roads.network(roads.Scenery(cameras=THREE))
    assert len(match(Tracklets.empty(), network)) == 0
    seen, tracklets = road(cameras=("c1",), seconds=60)
    assert len(match(tracklets, seen.network)) == 0
    assert isinstance(match(tracklets, network), Matches)


def test_vehicles_are_found_again(scene):
    probability, right, present = answers(*scene)
    assert right[present].mean() >= 0.97
    sure = probability >= 0.9
    assert sure.mean() > 0.5
    assert right[sure].mean() >= 0.97


@pytest.mark.parametrize(("noise", "most"), [(1.0, 0.02), (1.5, 0.04), (2.5, 0.15)])
def test_probabilities_mean_what_they_say(noise, most):
    """The errors are 0.7, 2 and 12 % as this is written, the last where looks say nearly nothing."""
    seen, tracklets = road(look_noise=noise, seconds=600)
    probability, right, _ = answers(seen, tracklets, match(tracklets, seen.network))
    assert expected_calibration_error(probability, right) < most


def test_travel_times_are_learnt_without_being_told():
    seen, tracklets = road(spacing_m=1500, seconds=900, look_noise=1.2)
    link = seen.network.links[0]
    plain = MatchSettings()
    ends = (link.origin, link.target)
    sides = [side_of(tracklets, end, expected_heading(seen.network, end, link), plain) for end in ends]
    travel = learn_link(*sides, link, plain).travel
    assert link.max_s > 400
    assert travel.quantile(0.5) == pytest.approx(1500 / 18, rel=0.06)
    assert 60 < travel.quantile(0.05) < travel.quantile(0.95) < 120


def test_strangers_find_nobody():
    """Vehicles of two roads that have nothing in common: the honest answer is "not there"."""
    seen, here = road(cameras=("c1", "c2"), seconds=400)
    other, there = road(cameras=("c1", "c2"), seconds=400, seed=99)
    mixed = Tracklets.concat([here[here.camera == "c1"], there[there.camera == "c2"]])
    matches = match(mixed, seen.network)
    assert matches.p_none.mean() > 0.75
    assert (matches.probability.values > 0.9).sum() < 0.02 * len(matches)
    assert len(other.detections)


def rules_hold(tracklets, network, matches):
    place = {name: n for n, name in enumerate(tracklets.id.tolist())}
    query = np.array([place[name] for name in matches.query.tolist()])[matches.candidates.row]
    found = np.array([place[name] for name in matches.candidates.values.tolist()], int)
    windows = {(link.origin, link.target): (link.min_s, link.max_s) for link in (*network.links, *network.skipping())}
    ends = list(zip(matches.query_camera.tolist(), matches.camera.tolist(), strict=True))
    low, high = np.array([windows[end] for end in ends])[matches.candidates.row].T
    lag = matches.lag_s.values
    assert np.all((lag >= low - 1e-3) & (lag <= high + 1e-3))
    assert np.all(tracklets.camera[found] == matches.camera[matches.candidates.row])
    assert np.all(tracklets.last_time[found] > tracklets.first_time[query])
    total = np.bincount(matches.candidates.row, matches.probability.values, len(matches)) + matches.p_none
    assert np.all(total <= 1 + 1e-4)
    inside = matches.candidates.row[1:] == matches.candidates.row[:-1]
    assert np.all(np.diff(matches.probability.values)[inside] <= 1e-6)
    used = np.zeros((len(tracklets), len(windows)))
    numbers = {end: n for n, end in enumerate(windows)}
    column = np.array([numbers[end] for end in ends])[matches.candidates.row]
    np.add.at(used, (found, column), matches.probability.values)
    assert used.max(initial=0) <= 1 / MatchSettings().rivalry + 1e-3


def test_rules_of_the_table(scene):
    seen, tracklets, matches = scene
    assert len(matches) > 100
    rules_hold(tracklets, seen.network, matches)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1000))
def test_order_of_rows_and_date_do_not_matter(seed):
    seen, tracklets = road(seed=seed, seconds=90, cameras=("c1", "c2"))
    matches = match(tracklets, seen.network)
    if len(matches):
        rules_hold(tracklets, seen.network, matches)
    shuffle = np.random.default_rng(seed).permutation(len(tracklets))
    again = match(tracklets[shuffle], seen.network)
    assert matches.query.tolist() == again.query.tolist()
    assert np.allclose(matches.p_none, again.p_none, atol=1e-5)
    days = np.timedelta64(2, "D")
    moved = tracklets.replace(first_time=tracklets.first_time + days, last_time=tracklets.last_time + days)
    later = match(moved, seen.network)
    assert np.allclose(matches.p_none, later.p_none, atol=1e-5)


def test_chunks_of_queries_do_not_show(scene):
    seen, tracklets, matches = scene
    pieces = match(tracklets, seen.network, MatchSettings(min_quality=0.0, chunk_queries=17))
    assert matches.query.tolist() == pieces.query.tolist()
    assert np.mean(np.abs(matches.p_none - pieces.p_none)) < 0.005
    assert np.allclose(matches.p_none, pieces.p_none, atol=0.1)


def test_only_vehicles_going_the_links_way_are_asked(scene):
    _, tracklets, matches = scene
    heading = {}
    for camera in THREE:
        here = tracklets[tracklets.camera == camera]
        heading.update(zip(here.id.tolist(), ways(here).tolist(), strict=True))
    south = matches.query_camera < matches.camera
    asked = np.array([heading[name] for name in matches.query.tolist()])
    assert not np.any(asked[south] == "away")
    assert not np.any(asked[~south] == "towards")


@pytest.mark.parametrize(
    ("direction", "facing", "way"),
    [(180, 0, "towards"), (0, 0, "away"), (170, 190, "away"), (10, 200, "towards"), (90, 0, None), (350, 10, "away")],
)
def test_the_way_a_vehicle_goes_through_the_picture(direction, facing, way):
    network = roads.network(roads.Scenery(cameras=("c1", "c2")))
    turned = CameraNetwork(cameras=network.cameras.replace(heading_deg=np.full(2, facing, np.float32)))
    link = Link(origin="c1", target="c2", direction_deg=direction, metres=400, min_s=10, max_s=100)
    assert expected_heading(turned, "c1", link) == way
    assert expected_heading(turned, "nowhere", link) is None


def test_k_limits_the_list(scene):
    seen, tracklets, matches = scene
    short = match(tracklets, seen.network, MatchSettings(min_quality=0.0, k=2))
    assert short.candidates.lengths.max() == 2
    assert np.allclose(short.p_none, matches.p_none)


@pytest.mark.parametrize("setting", [{"k": 0}, {"rounds": -1}, {"learn_pairs": float("nan")}, {"chunk_queries": 1}])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(SettingsError, match=next(iter(setting))):
        MatchSettings(**setting)


def test_reasons_add_up_to_the_probability(scene):
    _, _, matches = scene
    total = sum(getattr(matches, name).values for name in ("looks", "size", "timing", "lane", "order", "context"))
    assert np.allclose(1 / (1 + np.exp(-total)), matches.probability.values, atol=1e-3)
    best = matches.candidates.offsets[:-1][matches.candidates.lengths > 1]
    assert np.mean(matches.looks.values[best] > matches.looks.values[best + 1]) > 0.8


SWITCHES = [
    {"lanes": False},
    {"light": False},
    {"hubs": False},
    {"heights": False},
    {"order_rounds": 0},
    {"lane_keeping": False},
    {"rivalry": 1.0},
    {"views": 0.0},
]


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: next(iter(switch)))
def test_every_trick_can_be_switched_off(scene, switch):
    seen, tracklets, matches = scene
    without = match(tracklets, seen.network, replace(ALL, **switch))
    assert without.meta[f"matcher_{next(iter(switch))}"] == str(next(iter(switch.values())))
    probability, right, present = answers(seen, tracklets, without)
    assert right[present].mean() >= 0.9
    assert right[probability >= 0.9].mean() >= 0.95
    assert abs(len(without) - len(matches)) <= 5


def test_a_vehicle_seen_once_goes_the_way_of_its_lane(scene):
    _, tracklets, _ = scene
    here = tracklets[tracklets.camera == "c2"]
    moving = np.isin(here.heading, ("towards", "away"))
    share = lane_flow(here)
    assert np.all((share >= 0) & (share <= 1))
    # A tenth of them are told the wrong way; their lanes know better.
    wrong = np.flatnonzero(moving)[::12]
    told = here.heading.copy()
    told[wrong] = np.where(told[wrong] == "towards", "away", "towards")
    assert np.mean(ways(here.replace(heading=told))[moving] == here.heading[moving]) > 0.97
    assert lane_flow(here[:3]).tolist() == [0.5] * min(3, len(here))


def test_tiny_vehicles_are_left_out(scene):
    seen, tracklets, _ = scene
    strict = match(tracklets, seen.network, MatchSettings(min_quality=0.9))
    asked = np.isin(tracklets.id, strict.query)
    assert 0 < len(strict) < len(tracklets)
    for camera in THREE:
        here = tracklets.camera == camera
        least = 0.9 * np.quantile(tracklets.quality[here], 0.95)
        assert np.all(tracklets.quality[asked & here] >= least)


def test_the_look_before_counts_at_the_next_camera():
    seen, tracklets = road(seconds=300, look_noise=1.0)
    alone, joined = (match(tracklets, seen.network, MatchSettings(views=share)) for share in (0.0, 0.7))
    last = [(table.query_camera == "c2") & (table.camera == "c3") for table in (alone, joined)]
    looks = [table[rows].looks.values for table, rows in zip((alone, joined), last, strict=True)]
    assert not np.array_equal(*looks)
    first = [table[(table.query_camera == "c1") & (table.camera == "c2")] for table in (alone, joined)]
    assert first[0].p_none.tolist() == first[1].p_none.tolist()


def test_the_pace_around_speaks_for_a_lag():
    """Everybody takes 20 s for ten minutes, then 30 s; nobody speaks for itself."""
    travel = first_travel_time(Link(origin="a", target="b", direction_deg=0, metres=400, min_s=5, max_s=200))
    departure = np.repeat(np.arange(0.0, 1200.0, 5.0), 2)
    lag = np.tile([20.0, 30.0], len(departure) // 2)
    usual = np.where(departure < 600, 20.0, 30.0)
    evidence = travel.pace(departure, lag, np.where(lag == usual, 0.9, 0.05))
    steady = np.abs(departure - 600) > 80
    assert evidence[steady & (lag == usual)].min() > evidence[steady & (lag != usual)].max() + 1
    alone = travel.pace(np.array([100.0]), np.array([20.0]), np.array([1.0]))
    assert alone.tolist() == pytest.approx([0.0])
