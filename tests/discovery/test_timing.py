from __future__ import annotations

import numpy as np
import pytest

from cctview.discovery.flows import Flow
from cctview.discovery.priors import PRIORS
from cctview.discovery.timing import timing_of, window_of


def flow(camera: str, time, vector) -> Flow:
    order = np.argsort(time, kind="stable")
    unit = vector / np.linalg.norm(vector, axis=1, keepdims=True)
    return Flow(camera=camera, way="away", time=time[order], vector=unit[order].astype(np.float32))


def pair(lags, *, strangers: int = 0, seed: int = 0) -> tuple[Flow, Flow]:
    """Two flows whose vehicles take these seconds, among strangers at both."""
    rng = np.random.default_rng(seed)
    count = len(lags)
    time = np.sort(rng.integers(0, 1800, count)).astype(float)
    look = rng.normal(size=(count, 32))
    flows = []
    for camera, at in (("a", time), ("b", time + lags)):
        extra = rng.integers(0, 1800, strangers).astype(float)
        flows.append(
            flow(
                camera,
                np.append(at, extra),
                np.concatenate([look + 0.2 * rng.normal(size=look.shape), rng.normal(size=(strangers, 32))]),
            )
        )
    return flows[0], flows[1]


def test_whole_seconds_are_told_as_they_are() -> None:
    timing, found = timing_of(*pair(np.full(200, 40.0)), 40.0, 6.0, PRIORS)
    assert timing.median_s == pytest.approx(40, abs=0.1)
    assert timing.p90_s - timing.p10_s < 1.5
    assert found == pytest.approx(200, abs=6)


def test_quantiles_and_bounds_of_the_median_are_those_of_the_vehicles() -> None:
    lags = np.round(np.random.default_rng(5).normal(60, 5, 400))
    timing, _ = timing_of(*pair(lags), 60.0, 24.0, PRIORS)
    told = (timing.p05_s, timing.p10_s, timing.median_s, timing.p90_s, timing.p95_s)
    assert told == pytest.approx(np.quantile(lags, [0.05, 0.1, 0.5, 0.9, 0.95]), abs=1.2)
    assert timing.low_s < 60 < timing.high_s
    assert timing.high_s - timing.low_s == pytest.approx(2 * 1.96 * 1.25 * 5 / 20, rel=0.4)


def test_what_chance_gives_is_counted_out() -> None:
    _, alone = timing_of(*pair(np.full(60, 40.0), strangers=0), 40.0, 24.0, PRIORS)
    _, among = timing_of(*pair(np.full(60, 40.0), strangers=600), 40.0, 24.0, PRIORS)
    assert alone == pytest.approx(60, abs=6)
    assert among < 1.25 * alone


def test_a_window_has_room_below_and_more_above() -> None:
    timing, _ = timing_of(*pair(np.full(200, 40.0)), 40.0, 6.0, PRIORS)
    low, high = window_of(timing, PRIORS)
    assert (low, high) == pytest.approx((40 * 0.7, 40 * 1.75 + 20), abs=1)
    near, _ = timing_of(*pair(np.full(200, 1.0)), 1.0, 6.0, PRIORS)
    assert window_of(near, PRIORS)[0] == 0.0
