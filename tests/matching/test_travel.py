"""The built-in model of travel time, and what every such model must do."""

import numpy as np
import pytest

from cctview.matching.priors import PRIORS
from cctview.matching.travel import REACH_S, TravelTime, first_travel_time
from cctview.network import Link

LINK = Link(origin="a", target="b", direction_deg=0, metres=800, min_s=10, max_s=400)
FIRST = first_travel_time(LINK)
BELIEVED = np.ones(400)


def around(seconds, spread=0.05, count=400, seed=1):
    return seconds * np.exp(spread * np.random.default_rng(seed).normal(size=count))


def mass(model):
    return model.density * np.diff(model.edges)


def test_before_anything_is_known_the_usual_speed_is_likeliest():
    assert mass(FIRST).sum() == pytest.approx(1)
    assert FIRST.quantile(0.5) == pytest.approx(800 / 16, rel=0.1)
    speeds = 800 / np.array([FIRST.quantile(share) for share in (0.1, 0.9)])
    assert speeds[0] > 25
    assert speeds[1] < 9
    assert mass(FIRST).min() > 0.01 * mass(FIRST).max(), "no lag of the link is ruled out"
    middle = np.sqrt(FIRST.edges[1:] * FIRST.edges[:-1])
    assert middle[np.argmax(mass(FIRST))] == pytest.approx(50, rel=0.02)


def test_bins_cover_the_links_lags_and_take_in_what_lies_outside():
    assert FIRST.edges[0] == 10
    assert FIRST.edges[-1] >= 400 > FIRST.edges[-2]
    assert np.allclose(np.diff(np.log(FIRST.edges)), PRIORS.grain)
    assert FIRST.bins(np.array([1.0, 10.0, 10.1, 1e6])).tolist() == [0, 0, 0, len(FIRST.density) - 1]
    inside = np.array([10.3, 47.0, 333.0])
    assert np.all((FIRST.edges[FIRST.bins(inside)] <= inside) & (inside < FIRST.edges[FIRST.bins(inside) + 1]))
    assert first_travel_time(Link(origin="a", target="b", direction_deg=0, metres=1, min_s=0, max_s=0.5)).low == 1


def test_what_is_believed_is_learnt():
    learnt = FIRST.fitted(around(40.0), BELIEVED, 0.0)
    assert mass(learnt).sum() == pytest.approx(1)
    assert learnt.quantile(0.5) == pytest.approx(40, rel=0.02)
    assert 33 < learnt.quantile(0.05) < 38
    assert 42 < learnt.quantile(0.95) < 48
    assert learnt.at(np.array([40.0]))[0] > 20 * learnt.at(np.array([80.0]))[0]
    assert learnt.highest() == learnt.density.max() > FIRST.highest()


def test_an_unbelieved_lag_teaches_nothing():
    lag = np.concatenate([around(40.0), around(200.0)])
    learnt = FIRST.fitted(lag, np.repeat([1.0, 0.0], 400), 0.0)
    assert np.allclose(learnt.density, FIRST.fitted(around(40.0), BELIEVED, 0.0).density)
    for nothing in (FIRST.fitted(lag, np.zeros(800), 0.0), FIRST.fitted(lag[:0], lag[:0], 0.0)):
        assert np.allclose(nothing.density, FIRST.density)


def test_few_beliefs_lean_on_the_first_density_as_on_so_many_vehicles():
    learnt = FIRST.fitted(np.full(5, 200.0), np.ones(5), 0.0)
    far = FIRST.edges[:-1] > 150
    share = PRIORS.travel_pseudo / (PRIORS.travel_pseudo + 5)
    assert mass(learnt)[far].sum() == pytest.approx(1 - share + share * mass(FIRST)[far].sum(), abs=0.02)


def test_heat_makes_it_wider_and_short_lags_are_as_wide_as_stamps_are_wrong():
    def width(model):
        return np.log(model.quantile(0.8) / model.quantile(0.2))

    cold, hot = (FIRST.fitted(around(60.0, 0.01), BELIEVED, heat) for heat in (0.0, 0.3))
    assert width(hot) > 4 * width(cold)
    near = FIRST.fitted(around(15.0, 0.001), BELIEVED, 0.0)
    assert width(near) == pytest.approx(2 * 0.84 * np.hypot(1 / 15, PRIORS.own_pace), rel=0.15)


def test_the_window_leaves_out_what_is_a_hundred_times_less_likely():
    low, high = FIRST.fitted(around(60.0, 0.02, 4000), np.ones(4000), 0.0).window()
    assert 10 <= low < 55
    assert 65 < high <= FIRST.edges[-1]
    box = TravelTime(low=1.0, edges=np.arange(1.0, 6.0), density=np.array([0.001, 0.5, 0.49, 0.009]), prior=np.ones(4))
    assert box.window() == (2.0, 5.0)
    assert box.quantile(0.501) == pytest.approx(3.0)
    assert box.quantile(0.0) == 1.0


def crowd(seed=2, count=20_000):
    """Lags of strangers, evenly over the link, of whom few look alike."""
    rng = np.random.default_rng(seed)
    return rng.uniform(10, 400, count), 0.1 * rng.random(count)


def test_a_peak_of_alike_pairs_is_found_without_labels():
    lag, weight = crowd()
    lag, weight = np.concatenate([lag, around(90.0, 0.03)]), np.concatenate([weight, np.full(400, 0.8)])
    found = FIRST.peak(lag, weight)
    assert mass(found).sum() == pytest.approx(1)
    assert found.quantile(0.5) == pytest.approx(90, rel=0.03)
    assert np.allclose(found.prior, mass(found)), "what follows leans on the peak"
    assert mass(found).min() >= 0.5 * PRIORS.peak_floor * mass(FIRST).min()


def test_where_none_stands_out_there_is_no_peak():
    """Chance makes none, and neither does light that changes slowly with the lag."""
    lag, weight = crowd()
    assert FIRST.peak(lag, weight) is None
    assert FIRST.peak(lag, weight * np.exp(-lag / 200)) is None
    assert FIRST.peak(lag[:0], weight[:0]) is None


def test_the_higher_of_two_peaks_is_taken():
    lag, weight = crowd()
    lag = np.concatenate([lag, around(60.0, 0.02, 150), around(150.0, 0.02, 600)])
    found = FIRST.peak(lag, np.concatenate([weight, np.full(750, 0.8)]))
    assert found.quantile(0.5) == pytest.approx(150, rel=0.03)


def test_who_leaves_about_then_speaks_for_a_lag():
    """One in two takes 40 s and the others 60 s, but in this minute all take 60 s."""
    departure = np.array([0.0, 8.0, 16.0, 24.0, 32.0, 1000.0, 1000.0])
    lag = np.array([60.0, 60.0, 60.0, 60.0, 60.0, 40.0, 60.0])
    learnt = FIRST.fitted(np.repeat([40.0, 60.0], 200), BELIEVED, 0.0)
    told = learnt.pace(departure, lag, np.ones(7))
    assert told[2] > 0.3
    assert told[2] > told[0] > 0, "those in the middle hear more of the others"
    assert told[5:].tolist() == pytest.approx([0, 0], abs=1e-9), "nobody speaks for itself, nor does its slot"
    against = learnt.pace(np.append(departure, 20.0), np.append(lag, 40.0), np.ones(8))
    assert against[-1] < -0.3


def test_nobody_speaks_over_more_than_the_reach():
    assert REACH_S == 60
    learnt = FIRST.fitted(np.repeat([40.0, 60.0], 200), BELIEVED, 0.0)
    near, far = (learnt.pace(np.array([0.0, gap]), np.array([60.0, 60.0]), np.ones(2)) for gap in (20.0, 64.0))
    assert near.min() > 0.1
    assert far.tolist() == pytest.approx([0, 0], abs=1e-9)
    doubted = learnt.pace(np.array([0.0, 20.0]), np.array([60.0, 60.0]), np.array([0.1, 0.1]))
    assert 0 < doubted[0] < near[0]
