from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cctview.discovery.flows import flows_of
from cctview.discovery.lags import Lags, alike_lags, best_peak, mutual_lags, peaks_of
from cctview.discovery.priors import PRIORS


def counted(peaks=(), *, reach: int = 300, rate: float = 0.2, pairs: float = 100.0, seed: int = 0) -> Lags:
    """Weights of chance at a rate by lag, and at each peak (lag, width, weight) so much more."""
    rng = np.random.default_rng(seed)
    alike = rng.poisson(rate, 2 * reach + 1).astype(float)
    for lag, width, weight in peaks:
        alike[lag + reach - width // 2 : lag + reach - width // 2 + width] += weight / width
    return Lags(alike, np.full(2 * reach + 1, pairs))


def free(lags: Lags):
    return np.ones(len(lags.alike), np.bool_)


def test_a_peak_is_found_at_its_lag_with_its_sign_and_about_its_width() -> None:
    for lag in (120, -120, 0, 290):
        lags = counted([(lag, 12, 60.0)])
        peak = best_peak(lags, free(lags), PRIORS)
        assert abs(peak.lag_s - lag) <= 3
        assert peak.width_s == 12
        assert peak.p < 1e-12
        assert peak.z > 10


def test_the_p_value_of_chance_is_hardly_ever_small() -> None:
    found = [best_peak(lags, free(lags), PRIORS) for lags in (counted(seed=seed) for seed in range(200))]
    p = np.array([1.0 if peak is None else peak.p for peak in found])
    assert np.sum(p < 0.05) <= 16
    assert np.sum(p < 0.005) <= 3


def test_more_pairs_at_a_lag_make_no_peak_of_what_they_hold_by_chance() -> None:
    lags = counted([(100, 20, 40.0)])
    dense = np.where(np.abs(lags.lag_s - 100) <= 10, 100 * (1 + 40 / 20 / 0.2), 100.0)
    peak = best_peak(Lags(lags.alike, dense), free(lags), PRIORS)
    assert peak is None or peak.p > 0.01


def test_a_slow_change_of_the_rate_is_no_peak() -> None:
    lags = counted(rate=1.0)
    light = 1 + np.exp(-((lags.lag_s / 150) ** 2))
    rng = np.random.default_rng(3)
    peak = best_peak(Lags(rng.poisson(light).astype(float), lags.pairs), free(lags), PRIORS)
    assert peak is None or peak.p > 0.01


def test_lags_that_vary_more_than_counts_do_need_more_to_stand_out() -> None:
    rng = np.random.default_rng(1)
    calm, wild = rng.poisson(2.0, 601).astype(float), rng.poisson(0.4, 601) * 5.0
    for lags in (calm, wild):
        lags[390:411] = 2.0
        lags[397:403] += 5.0
    first, other = (best_peak(Lags(lags, np.full(601, 100.0)), np.ones(601, np.bool_), PRIORS) for lags in (calm, wild))
    assert (first.lag_s, first.width_s) == (100.0, 6.0)
    assert first.p < 1e-3
    assert other is None or other.p > 100 * first.p


def test_lags_that_are_not_free_hold_no_peak() -> None:
    lags = counted([(-50, 6, 50.0), (80, 6, 20.0)])
    assert best_peak(lags, free(lags), PRIORS).lag_s == pytest.approx(-50, abs=2)
    assert best_peak(lags, lags.lag_s > 0, PRIORS).lag_s == pytest.approx(80, abs=2)


def test_peaks_come_by_evidence_and_apart() -> None:
    lags = counted([(40, 6, 60.0), (150, 6, 40.0)])
    first, second, *rest = peaks_of(lags, free(lags), PRIORS)
    assert [first.lag_s, second.lag_s] == pytest.approx([40, 150], abs=2)
    assert all(peak.p > 0.01 for peak in rest)


@pytest.fixture(scope="module")
def flows(drive):
    by = {(flow.camera, flow.way): flow for flow in flows_of(drive({"a": 0.0, "b": 40.0}), PRIORS)}
    return by["a", "towards"], by["b", "towards"]


def test_lags_are_positive_where_the_other_saw_it_later(flows) -> None:
    one, other = flows
    lags, back = alike_lags(one, other, 200, PRIORS), alike_lags(other, one, 200, PRIORS)
    assert lags.lag_s[np.argmax(lags.alike)] == pytest.approx(40, abs=4)
    assert back.lag_s[np.argmax(back.alike)] == pytest.approx(-40, abs=4)


def test_every_pair_within_reach_is_counted_once(flows) -> None:
    one, other = flows
    apart = np.rint(other.time[None] - one.time[:, None])
    lags = alike_lags(one, other, 200, PRIORS)
    assert lags.pairs.tolist() == [np.sum(apart == lag) for lag in range(-200, 201)]


def test_weights_vary_as_much_as_counts_of_their_size(flows) -> None:
    one, other = flows
    heavy = replace(PRIORS, heaviest=0.01)
    plain = alike_lags(one, other, 200, heavy).alike
    within = alike_lags(one, other, 200, heavy).pairs.sum() / (len(one) * len(other))
    assert plain.sum() == pytest.approx(PRIORS.alike_each * max(len(one), len(other)) * within, rel=0.4)
    weighed = alike_lags(one, other, 200, PRIORS).alike
    assert 0.4 < weighed.sum() / plain.sum() < 0.8


def test_mutual_pairs_are_each_others_best_and_mostly_right(flows) -> None:
    one, other = flows
    left, came = mutual_lags(one, other, (20, 60), PRIORS)
    assert len(np.unique(left)) == len(left)
    assert len(np.unique(came)) == len(came)
    lag = other.time[came] - one.time[left]
    assert (lag >= 20).all()
    assert (lag <= 60).all()
    assert np.mean(np.abs(lag - 40) < 6) > 0.9
    assert len(mutual_lags(one, other, (-90, -50), PRIORS)[0]) < len(left) / 2
