"""Height and lane as scores that two cameras can compare."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from cctview.matching.traits import agreement, fit_agreement, height_of, lane_of
from cctview.table import Ragged
from cctview.testing import roads
from cctview.types import Tracklets

LANE_M = 3.5
GRID = np.linspace(-8, 8, 129)


def passing(rightness, *, towards, near=(12.0, 40.0), far=60.0, tall=1.5, broad=1.8, seed=0):
    """Vehicles of one camera that drive towards it or away; ``rightness`` (T,) is the lane, as drivers count."""
    rng = np.random.default_rng(seed)
    count = len(rightness)
    side = np.asarray(rightness, float) * (-1 if towards else 1)
    across = LANE_M * side - 2 + rng.normal(0, 0.2, count)
    tall, broad = np.broadcast_to(tall, count), np.broadcast_to(broad, count)
    ahead = rng.uniform(*near, count), np.full(count, far)
    boxes = [roads.project(distance, across, tall, broad).astype(np.float32) for distance in ahead]
    first, last = reversed(boxes) if towards else boxes
    start = roads.START + (10e9 * np.arange(count)).astype("timedelta64[ns]")
    vector = np.eye(4, dtype=np.float32)[rng.integers(0, 4, count)]
    return Tracklets(
        id=np.arange(count),
        camera=np.full(count, "c"),
        first_time=start,
        last_time=start + np.timedelta64(3, "s"),
        first_box=first,
        last_box=last,
        type=np.full(count, "car"),
        heading=np.full(count, "towards" if towards else "away"),
        vector=vector,
        spread=np.zeros(count, np.float32),
        quality=np.ones(count, np.float32),
        members=Ragged.from_lengths(np.arange(count), np.ones(count, int)),
    )


def three_lanes(count=300, seed=3):
    return np.random.default_rng(seed).integers(-1, 2, count)


@pytest.mark.parametrize("towards", [True, False], ids=["from the front", "from behind"])
def test_right_is_right_as_the_drivers_have_it(towards):
    lane = three_lanes()
    score, known = lane_of(passing(lane, towards=towards))
    assert known.mean() > 0.95
    left, middle, right = (score[known & (lane == place)].mean() for place in (-1, 0, 1))
    assert (left, middle, right) == pytest.approx((-0.97, 0, 0.97), abs=0.2)
    assert np.corrcoef(score[known], lane[known])[0, 1] > 0.75


def test_lanes_agree_between_a_view_of_the_front_and_one_of_the_back():
    """One in ten changes lanes between the cameras; the others are told by it."""
    rng = np.random.default_rng(5)
    before = three_lanes()
    after = np.where(rng.random(len(before)) < 0.1, rng.permutation(before), before)
    front, back = lane_of(passing(before, towards=True)).score, lane_of(passing(after, towards=False, seed=1)).score
    pairs = np.column_stack([front, back])
    assert fit_agreement(pairs, np.ones(len(pairs))) > 0.5
    strangers = np.column_stack([front, rng.permutation(back)])
    assert agreement(pairs, 0.6).mean() > 0.1 > -0.1 > agreement(strangers, 0.6).mean()


def test_a_lane_is_unknown_where_too_few_are_beside():
    assert not lane_of(passing(three_lanes(10), towards=True)).known.any()
    crowd = passing(three_lanes(60), towards=True, near=(12.0, 14.0))
    loner = passing([0], towards=True, near=(30.0, 30.0), far=70.0)
    known = lane_of(Tracklets.concat([crowd, loner])).known
    assert known[:-1].mean() > 0.95
    assert not known[-1]


def test_nobody_who_moves_tells_no_lane():
    still = passing(three_lanes(40), towards=True)
    still = still.replace(first_box=still.last_box)
    for trait in (lane_of(still), lane_of(still[:0])):
        assert not trait.known.any()
        assert np.all(trait.score == 0)


def test_height_is_told_whatever_the_distance():
    rng = np.random.default_rng(7)
    tall = rng.normal(1.55, 0.15, 400)
    seen = passing(three_lanes(400), towards=True, near=(14.0, 35.0), far=60.0, tall=tall)
    score, known = height_of(seen)
    assert known.mean() > 0.95
    assert np.corrcoef(score[known], norm.ppf(norm.cdf(tall, 1.55, 0.15))[known])[0, 1] > 0.9
    distance = 1 / (seen.last_box[:, 3] - 60)
    assert abs(np.corrcoef(score[known], distance[known])[0, 1]) < 0.2
    assert abs(score[known].mean()) < 0.02
    assert score[known].std() == pytest.approx(1, abs=0.05)


def test_a_height_is_unknown_where_the_vehicle_is_cut_off():
    seen = passing(three_lanes(100), towards=True)
    first, last = seen.first_box.copy(), seen.last_box.copy()
    first[:3], last[:3] = [0, 80, 40, 120], [1, 100, 60, 160]
    last[3] = [0, 100, 60, 160]
    known = height_of(seen.replace(first_box=first, last_box=last)).known
    assert not known[:3].any()
    assert known[3], "seen whole before it was cut off"
    assert len(height_of(seen[:0]).score) == 0


@given(st.floats(0, 0.85))
def test_agreement_is_a_density_ratio(together):
    """Over independent pairs a likelihood ratio averages to 1; over dependent ones its log to what one tells."""
    pairs = np.stack(np.meshgrid(GRID, GRID), axis=-1).reshape(-1, 2)
    mass = norm.pdf(pairs).prod(axis=1) * (GRID[1] - GRID[0]) ** 2
    told = agreement(pairs, together)
    assert (mass * np.exp(told)).sum() == pytest.approx(1, abs=1e-6)
    assert (mass * np.exp(told) * told).sum() == pytest.approx(-np.log(1 - together**2) / 2, abs=1e-4)


def test_agreement_is_that_of_the_normal_distribution():
    pairs = np.random.default_rng(11).normal(size=(50, 2))
    both, alone = (multivariate_normal(cov=[[1, r], [r, 1]]).logpdf(pairs) for r in (0.6, 0.0))
    np.testing.assert_allclose(agreement(pairs, 0.6), both - alone, atol=1e-12)


def test_what_is_not_known_speaks_neither_way():
    pairs = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, np.nan], [1.0, 1.0]])
    assert agreement(pairs, 0.7)[:3].tolist() == [0, 0, 0]
    assert agreement(pairs, 0.7)[3] > 0


def drawn(together, count, seed=13):
    return np.random.default_rng(seed).multivariate_normal([0, 0], [[1, together], [together, 1]], count)


@pytest.mark.parametrize("together", [0.0, 0.3, 0.6, 0.8])
def test_a_known_correlation_is_found_among_strangers(together):
    pairs = np.concatenate([drawn(together, 4000), drawn(0.0, 4000)])
    belief = np.repeat([0.9, 0.0], 4000)
    assert fit_agreement(pairs, belief) == pytest.approx(together, abs=0.03)


def test_a_correlation_leans_on_the_usual_one_and_stays_within_bounds():
    assert fit_agreement(np.zeros((0, 2)), np.zeros(0)) == pytest.approx(0.3)
    few = drawn(0.8, 10)
    assert 0.3 < fit_agreement(few, np.ones(10)) < 0.6
    assert fit_agreement(drawn(-0.8, 3000), np.ones(3000)) == 0
    assert fit_agreement(drawn(0.99, 3000), np.ones(3000)) == pytest.approx(0.85)
    unknown = np.array([[np.nan, 3.0], [3.0, np.nan]])
    assert fit_agreement(np.concatenate([few, unknown]), np.ones(12)) == fit_agreement(few, np.ones(10))
