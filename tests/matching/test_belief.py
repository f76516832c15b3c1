"""How the reasons of a pair become a belief, on a model and pairs written by hand."""

from dataclasses import replace

import numpy as np
import pytest

from cctview.matching import MatchSettings
from cctview.matching.belief import LinkModel, Reasons, appearance, beliefs, pairs_of, reasons
from cctview.matching.looks import Cohort, Looks
from cctview.matching.pairs import Meetings, Pairs
from cctview.matching.priors import PRIORS
from cctview.matching.sides import KINDS, Side
from cctview.matching.traits import agreement
from cctview.matching.travel import first_travel_time
from cctview.network import Link

LINK = Link(origin="a", target="b", direction_deg=0, metres=640, min_s=10, max_s=200)
FLAT = np.zeros((1, 1))
SAID = np.array([2.0, -2.0, 0.0, 8.0])


def model(**other):
    looks = Looks(grades=FLAT[0], low=0.0, width=1.0, chance=FLAT, same=FLAT, promise=FLAT[0], ratio=SAID)
    plain = (np.zeros(3), np.ones(3))
    return LinkModel(
        **{
            "looks": looks,
            "travel": first_travel_time(LINK),
            "cohort": Cohort(query=plain, gallery=plain),
            "comes": np.arange(1.0, KINDS**2 + 1).reshape(KINDS, KINDS) / 20,
            "rate": np.array([0.01, 0.02, 0.04]),
            "new": np.array([1.0, 0.5, 0.25]),
            "window": (10.0, 200.0),
            **other,
        }
    )


def pairs(bins=(0, 1, 2), lag=(40.0, 40.0, 40.0), kind=(0, 1, 2), height=np.nan, g=(0, 1, 2)):
    met = Meetings(np.zeros(3, int), np.array(g), np.array(lag))
    both = np.full((3, 2), height)
    return Pairs(met, np.zeros(3), np.array(bins), np.array(kind), both, np.full((3, 2), np.nan))


def test_looks_count_nearly_whole_and_a_broken_tracklet_is_not_ruled_out():
    """log(0.99 e^x + 0.01): 2 nats stay 1.99, and however unlike two look, not below -4.6."""
    told = reasons(model(), pairs()).looks
    assert told[0] == pytest.approx(np.log(0.99 * np.exp(2) + 0.01))
    assert told[1] == pytest.approx(np.log(0.99 * np.exp(-2) + 0.01))
    assert told[2] == 0
    abyss = reasons(model(looks=replace(model().looks, ratio=np.full(4, -50.0))), pairs())
    assert abyss.looks == pytest.approx(np.full(3, np.log(PRIORS.damaged)), abs=1e-6)


def test_beyond_the_limit_looks_and_size_count_half():
    limited = reasons(model(most=4.0), pairs(bins=(3, 0, 0)))
    assert limited.looks[0] == pytest.approx(np.log(0.99 * np.exp(4 + 0.5 * (8 - 4)) + 0.01), abs=1e-6)
    assert limited.looks[1] == reasons(model(), pairs()).looks[0]


def test_size_and_looks_share_what_is_cut():
    seen = pairs(bins=(3, 3, 3), height=1.5)
    looks, size = appearance(model(), seen)
    assert size == pytest.approx(agreement(seen.height, 0.3))
    told = reasons(model(most=4.0), seen)
    assert told.size / told.looks == pytest.approx(size / looks)
    assert told.size[0] > 0


def test_timing_weighs_the_link_against_those_who_come_anyway():
    """A pair speaks for itself by f(lag) : (arrivals per second x share of newcomers of its kind)."""
    told = reasons(model(), pairs())
    density = model().travel.at(np.full(3, 40.0))
    assert told.timing == pytest.approx(np.log(density / np.array([0.01, 0.02 * 0.5, 0.04 * 0.25])))
    unusual = reasons(model(), pairs(lag=(40.0, 190.0, 12.0))).timing
    assert unusual[0] > unusual[1]
    assert unusual[0] > unusual[2]


def test_how_often_its_kind_comes():
    """By kind of query (thirds) and of gallery (ones)."""
    assert reasons(model(), pairs(kind=(0, 5, 8))).comes == pytest.approx(np.log(np.array([1, 6, 9]) / 20))


def test_the_odds_are_those_of_all_reasons_together():
    why = Reasons(*(np.array([float(n)]) for n in (1, 2, -3, 0.5, 0.25, -1)))
    assert why.odds() == pytest.approx(np.exp([-0.25]))
    assert list(why.shown()) == ["looks", "size", "timing", "lane", "order"]


def ends(count):
    blank = np.full(count, np.nan)
    return Side(
        here=np.arange(count),
        keep=np.arange(count),
        time=np.zeros(count),
        kind=np.zeros(count, int),
        vector=np.ones((count, 1), np.float32),
        quality=np.ones(count),
        height=blank,
        lane=blank,
    )


def test_rivals_share_one_query_and_the_hopeless_are_dropped():
    settings = MatchSettings(order_rounds=0)
    only = pairs(kind=(0, 0, 0), bins=(0, 0, 1))
    kept, why, belief = beliefs(model(), only, ends(1), ends(3), settings)
    odds = why.odds()
    assert belief == pytest.approx(odds / (1 + odds.sum()))
    assert belief.sum() < 1
    never = model(comes=np.full((KINDS, KINDS), 1e-12))
    assert len(beliefs(never, only, ends(1), ends(3), settings)[2]) == 0
    assert len(kept.bin) == 3


def test_a_pair_is_of_the_kind_of_its_query_and_of_its_gallery():
    """Kinds of queries count by threes, those of the gallery by ones, as ``comes`` has them."""
    queries, gallery = replace(ends(2), kind=np.array([2, 0])), replace(ends(2), kind=np.array([0, 1]))
    looks = replace(first_looks_of_one(), grades=np.zeros(2))
    found = pairs_of(model(looks=looks), queries, gallery, Meetings(np.array([0, 1]), np.array([1, 0]), np.zeros(2)))
    assert found.kind.tolist() == [2 * KINDS + 1, 0]
    assert found.distance.tolist() == [0, 0]


def first_looks_of_one():
    return replace(model().looks, low=-1.0, width=0.5)


def test_traits_of_both_ends_stand_side_by_side():
    queries = replace(ends(2), height=np.array([0.5, np.nan]), lane=np.array([1.0, 2.0]))
    gallery = replace(ends(2), height=np.array([-1.0, 3.0]), lane=np.array([-4.0, np.nan]))
    met = Meetings(np.array([0, 0, 1]), np.array([0, 1, 1]), np.zeros(3))
    found = pairs_of(model(looks=first_looks_of_one()), queries, gallery, met)
    np.testing.assert_array_equal(found.height, [[0.5, -1.0], [0.5, 3.0], [np.nan, 3.0]])
    np.testing.assert_array_equal(found.lane, [[1.0, -4.0], [1.0, np.nan], [2.0, np.nan]])


def test_those_who_leave_together_make_a_lag_likelier():
    """Three leave within 20 s, two of them are there after 60 s; the third may be there after 60 s or after 30 s."""
    left = np.array([0.0, 10.0, 20.0])
    met = Meetings(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 3]), np.array([60.0, 60.0, 60.0, 30.0]))
    unknown = np.full((4, 2), np.nan)
    seen = Pairs(met, np.zeros(4), np.array([0, 0, 2, 2]), np.zeros(4, int), unknown, unknown)
    learnt = first_travel_time(LINK).fitted(np.repeat([30.0, 60.0], 200), np.ones(400), 0.0)
    road = model(travel=learnt, rate=np.full(4, 0.02), comes=np.full((KINDS, KINDS), 0.2))
    queries = replace(ends(3), time=left)
    _, why, plain = beliefs(road, seen, queries, ends(4), MatchSettings(order_rounds=0))
    _, heard, paced = beliefs(road, seen, queries, ends(4), MatchSettings(order_rounds=1))
    assert not np.any(why.order)
    assert heard.order[2] > 0.2 > -0.2 > heard.order[3]
    assert paced[2] > plain[2] + 0.05
    assert paced[3] < plain[3] - 0.05
    assert paced[2] / paced[3] == pytest.approx(plain[2] / plain[3] * np.exp(heard.order[2] - heard.order[3]), rel=1e-3)
