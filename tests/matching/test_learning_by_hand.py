"""The steps of learning one by one, on numbers that can be worked out on paper."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from cctview.matching import MatchSettings
from cctview.matching.belief import LinkModel
from cctview.matching.learning import _comes, _fitted, _found, _most, _rate, _thinned, _uncrowded, _widened
from cctview.matching.looks import Cohort, Looks
from cctview.matching.pairs import Meetings, Pairs
from cctview.matching.priors import PRIORS
from cctview.matching.sides import KINDS, Side
from cctview.matching.travel import TravelTime, first_travel_time
from cctview.network import Link

LINK = Link(origin="a", target="b", direction_deg=0, metres=640, min_s=10, max_s=200)
RATIOS = np.log([0.1, 0.5, 2.0, 4.0, 20.0])


def side(time, kind=None):
    count = len(time)
    blank = np.full(count, np.nan)
    return Side(
        here=np.arange(count),
        keep=np.arange(count),
        time=np.asarray(time, float),
        kind=np.zeros(count, int) if kind is None else np.asarray(kind),
        vector=np.ones((count, 1), np.float32),
        quality=np.ones(count),
        height=blank,
        lane=blank,
    )


def model(**other):
    nothing, plain = np.zeros((PRIORS.grades, PRIORS.bins)), (np.zeros(1000), np.ones(1000))
    promise = np.full(PRIORS.bins, 1 / PRIORS.bins)
    looks = Looks(
        grades=np.zeros(PRIORS.grades - 1),
        low=-1.0,
        width=0.1,
        chance=nothing - np.log(PRIORS.bins),
        same=np.exp(nothing) / PRIORS.bins,
        promise=promise,
        ratio=RATIOS,
    )
    told = {
        "looks": looks,
        "travel": first_travel_time(LINK),
        "cohort": Cohort(query=plain, gallery=plain),
        "comes": np.full((KINDS, KINDS), 0.5),
        "rate": np.full(1000, 0.1),
        "new": np.array([1.0, 0.5, 0.25]),
        "window": (10.0, 200.0),
    }
    return LinkModel(**{**told, **other})


def pairs(bins, kind=None, lag=40.0):
    count = len(bins)
    met = Meetings(np.zeros(count, int), np.arange(count), np.full(count, lag))
    unknown = np.full((count, 2), np.nan)
    return Pairs(
        met, np.zeros(count), np.array(bins, int), np.zeros(count, int) if kind is None else kind, unknown, unknown
    )


def test_before_anything_is_found_one_in_ten_of_a_kind_comes():
    """1 of 10 for each of three kinds: 0.1 to the 0.7 that stay away."""
    assert _comes(np.zeros((KINDS, KINDS)), np.zeros(KINDS, int)) == pytest.approx(np.full((KINDS, KINDS), 0.1 / 0.7))


def test_what_was_found_counts_against_those_asked():
    """(29 + 1) / (90 + 10) = 0.3 come as the first kind and 0.01 as each other: the rest is 0.68."""
    odds = _comes(np.array([[29.0, 0, 0]] * KINDS), np.full(KINDS, 90))
    assert odds[0] == pytest.approx(np.array([0.3, 0.01, 0.01]) / 0.68)


def test_one_in_ten_never_comes_however_many_were_found():
    odds = _comes(np.full((KINDS, KINDS), 1000.0), np.full(KINDS, 100))
    assert odds.sum(axis=1) == pytest.approx(np.full(KINDS, 9.0))


def test_each_pair_is_judged_by_itself_as_of_a_link_that_brings_some_of_its_kind():
    """Odds 4 of a kind with new 0.5 whose queries stay away 0.4 times: 0.8 against 1."""
    found = _found(model(), pairs([0], np.array([KINDS * 2 + 1])), np.array([4.0]))
    assert found[2, 1] == pytest.approx(4 * 0.5 * 0.4 / (1 + 4 * 0.5 * 0.4))
    assert found.sum() == found[2, 1]


def test_arrivals_are_counted_by_kind():
    """Every two seconds one of the first kind, every ten one of the last."""
    time = np.r_[np.arange(0, 600, 2.0), np.arange(1, 600, 10.0)]
    kind = np.repeat([0, 2], [300, 60])
    order = np.argsort(time)
    rate = _rate(side(time[order], kind[order]))
    assert rate[kind[order] == 0][50:-50] == pytest.approx(np.full(200, 0.5), rel=0.02)
    assert rate[kind[order] == 2][10:-10] == pytest.approx(np.full(40, 0.1), rel=0.02)
    assert len(_rate(side([]))) == 0
    lone = _rate(side([0.0, 5000.0]))
    assert np.all(lone >= PRIORS.rate_least)


def test_about_so_many_pairs_are_looked_at():
    """1000 queries, 500 of the gallery in 1000 s, a window of 100 s: 50,000 pairs; every third query for 20,000."""
    queries, gallery = side(np.arange(1000.0)), side(np.linspace(0, 1000, 500))
    chosen = _thinned(model(window=(100.0, 200.0)), queries, gallery, 20_000)
    assert np.unique(np.diff(chosen)).tolist() == [3]
    assert len(_thinned(model(window=(100.0, 200.0)), queries, gallery, 60_000)) == 1000
    assert len(_thinned(model(), queries, side([]), 100)) == 1000


def test_a_window_gets_a_fifth_more_room_within_the_link():
    assert _widened((60.0, 100.0), LINK) == pytest.approx((50.0, 120.0))
    assert _widened((11.0, 190.0), LINK) == (10.0, 200.0)


def boxed(low, high, elsewhere=0.0):
    """A density between two lags (s), and what is elsewhere."""
    first = first_travel_time(LINK)
    middle = np.sqrt(first.edges[1:] * first.edges[:-1])
    return replace(first, density=np.where((middle > low) & (middle < high), 1.0, elsewhere))


@pytest.mark.parametrize(
    ("travel", "window"),
    [
        (boxed(55, 75), (50.0, 80.0)),
        (boxed(45, 75), (50 / 1.2, 80.0)),
        (boxed(55, 85), (50.0, 96.0)),
        (boxed(45, 85), (50 / 1.2, 96.0)),
        (boxed(55, 75, 0.09), (50.0, 80.0)),
        (boxed(55, 75, 0.11), (50 / 1.2, 96.0)),
    ],
)
def test_a_window_that_is_crowded_at_an_end_is_widened_there(travel, window):
    assert _uncrowded(model(window=(50.0, 80.0), travel=travel), LINK) == pytest.approx(window)
    wide = model(window=(10.5, 195.0), travel=boxed(1, 300))
    assert _uncrowded(wide, LINK) == (10.0, 200.0)


def test_the_limit_is_where_strangers_average_to_one():
    """0.1 and 0.5 six times, 2, 4, 20: cut at 2 they average to 0.93, cut at 4 to 1.2."""
    unlike = pairs([0] * 6 + [1] * 6 + [2, 3, 4])
    ratio = np.exp(RATIOS[unlike.bin])
    limit = _most(model(), unlike)
    assert ratio.mean() > 1
    assert limit == pytest.approx(np.log(4))
    assert np.minimum(ratio, np.exp(limit)).mean() < 1 < np.minimum(ratio, 20).mean()


def test_where_strangers_average_below_one_there_is_no_limit():
    assert _most(model(), pairs([0, 1, 1])) == np.inf
    assert _most(model(), pairs([])) == np.inf


@dataclass(frozen=True, eq=False, kw_only=True)
class Watching(TravelTime):
    """A travel time that notes how hot it was fitted."""

    heats: list[float] = field(default_factory=list)

    def fitted(self, lag, belief, heat):
        self.heats.append(heat)
        return self


def some_sides(count=60):
    time = 10.0 * np.arange(count)
    return side(time), side(time + 40.0)


def fitted_heats(rounds, heat):
    first = first_travel_time(LINK)
    watching = Watching(low=first.low, edges=first.edges, density=first.density, prior=first.prior)
    looks = replace(model().looks, ratio=np.zeros(PRIORS.grades * PRIORS.bins))
    queries, gallery = some_sides()
    start = model(travel=watching, looks=looks)
    _fitted(start, queries, gallery, pairs([0, 1]), MatchSettings(rounds=rounds), heat, 0.1)
    return watching.heats


def test_each_round_is_cooler_by_a_quarter():
    assert fitted_heats(4, 0.4) == pytest.approx([0.3, 0.225, 0.16875, 0.1265625])
    assert fitted_heats(0, 0.4) == []


def test_without_a_round_the_model_stays_and_with_them_kinds_and_traits_follow_the_settings():
    queries, gallery = some_sides()
    looks = replace(model().looks, ratio=np.zeros(PRIORS.grades * PRIORS.bins))
    start = model(looks=looks)
    assert _fitted(start, queries, gallery, pairs([0]), MatchSettings(rounds=0), 0.3, 0.1) is start
    plain = MatchSettings(rounds=3, heights=False, lane_keeping=False)
    learnt = _fitted(start, queries, gallery, pairs([0]), plain, 0.0, 0.1)
    assert (learnt.height, learnt.lane) == (0.0, 0.0)
    usual = _fitted(start, queries, gallery, pairs([0]), MatchSettings(rounds=3), 0.0, 0.1)
    assert usual.height == pytest.approx(PRIORS.usual_agreement), "nothing is known of heights here"
    assert np.all((usual.new >= 0.1) & (usual.new <= 1))
    assert usual.travel is not start.travel
