"""What the matcher does around the model of a link: in which order, who competes, how long to wait."""

from dataclasses import replace

import numpy as np
import pytest

from cctview.matching import BeliefMatcher, MatchSettings
from cctview.matching.matcher import _around, _same_way, _upstream_first
from cctview.matching.sides import side_of
from cctview.matching.travel import REACH_S
from cctview.network import Link
from cctview.testing import roads
from cctview.testing.by_hand import tracklets_of
from cctview.types import Tracklets

FOUR = roads.network(roads.Scenery(cameras=("c1", "c2", "c3", "c4")))
SOUTH = [link for link in FOUR.links if link.direction_deg == 180]


def link(origin, target, way=180.0):
    return Link(origin=origin, target=target, direction_deg=way, metres=400, min_s=10, max_s=100)


def names(links):
    return [f"{way.origin}>{way.target}" for way in links]


def test_links_into_a_camera_come_before_those_that_go_on_from_it():
    assert names(_upstream_first(SOUTH[::-1])) == ["c1>c2", "c2>c3", "c3>c4"]
    both = names(_upstream_first(FOUR.links[::-1]))
    assert [name for name in both if name in names(SOUTH)] == names(SOUTH)
    assert [name for name in both if name not in names(SOUTH)] == ["c4>c3", "c3>c2", "c2>c1"]


def test_the_deeper_of_two_ways_counts_and_a_ring_has_an_end():
    joining = [link("d", "e"), link("b", "d"), link("a", "b"), link("c", "d")]
    assert names(_upstream_first(joining))[-1] == "d>e"
    ring = [link("a", "b"), link("b", "c"), link("c", "a")]
    assert sorted(names(_upstream_first(ring))) == ["a>b", "b>c", "c>a"]


@pytest.mark.parametrize(("turn", "same"), [(0, True), (99, True), (101, False), (180, False), (261, True)])
def test_two_links_that_differ_by_less_than_a_hundred_degrees_go_the_same_way(turn, same):
    assert _same_way(link("a", "b", 10.0), link("b", "c", 10.0 + turn)) is same


def test_rivals_are_those_that_left_within_reach_of_the_chunk():
    side = side_of(tracklets_of(["c1"] * 100, 10 * np.arange(100)), "c1", None, MatchSettings(lanes=False))
    assert _around(side, np.arange(40, 51), 35.0).tolist() == list(range(37, 54))
    assert _around(side, np.arange(40, 51), 30.0).tolist() == list(range(37, 54)), "both ends included"
    assert _around(side, np.arange(3), 35.0).tolist() == list(range(6))


def test_where_nothing_is_learnt_the_wait_is_the_longest_lag_and_that_of_the_pace():
    _, waits = BeliefMatcher()(Tracklets.empty(), FOUR)
    assert waits.keys() == {(way.origin, way.target) for way in (*FOUR.links, *FOUR.skipping())}
    for way in (*FOUR.links, *FOUR.skipping()):
        assert waits[way.origin, way.target] == way.max_s + REACH_S
    _, near = BeliefMatcher(MatchSettings(gaps=False))(Tracklets.empty(), FOUR)
    assert near.keys() == {(way.origin, way.target) for way in FOUR.links}


def test_the_wait_is_as_long_as_the_lags_that_were_learnt():
    """Every four seconds one leaves and is at the next camera after 30 s: nobody has to wait for 200 s."""
    seen = tracklets_of(["c1"] * 150 + ["c2"] * 150, np.r_[4.0 * np.arange(150), 4.0 * np.arange(150) + 30])
    look = np.random.default_rng(1).normal(size=(150, 12))
    look = np.tile(look / np.linalg.norm(look, axis=1, keepdims=True), (2, 1)).astype(np.float32)
    road = replace(FOUR, links=(SOUTH[0],))
    matches, waits = BeliefMatcher(MatchSettings(lanes=False))(seen.replace(vector=look), road)
    assert REACH_S + 30 < waits["c1", "c2"] < REACH_S + 50
    best = matches.candidates.values[matches.candidates.offsets[:-1]]
    assert np.mean(best == matches.query + 150) > 0.97
