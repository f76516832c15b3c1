"""How long a way takes, from the pairs of two flows that are each other's best within a window of lags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cctview.discovery.flows import Flow
from cctview.discovery.lags import mutual_lags
from cctview.discovery.priors import DiscoveryPriors

__all__ = ["Timing", "timing_of", "window_of"]

_TWO_SIDED_95 = 1.96
_LEAST = 1e-9  # keeps a quotient finite where nothing is beyond chance
_SHARES = (0.05, 0.1, 0.5, 0.9, 0.95)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Travel times in seconds: quantiles of the vehicles, and the bounds that hold the median with 95 % confidence."""

    p05_s: float
    p10_s: float
    median_s: float
    p90_s: float
    p95_s: float
    low_s: float
    high_s: float


def timing_of(one: Flow, other: Flow, lag_s: float, width_s: float, priors: DiscoveryPriors) -> tuple[Timing, float]:
    """Return the travel times of a way around a lag (s), and how many vehicles were found again beyond chance.

    What chance gives within the window is told by as wide a window before it and one after it. Quantiles are those
    of what is beyond chance; the bounds of the median are those of the order statistics of so many vehicles.
    """
    half = max(width_s, priors.narrowest_s) * priors.around
    low, high = max(lag_s - half, -1.0), lag_s + half
    beside = high - low
    left, came = mutual_lags(one, other, (low - beside, high + beside), priors)
    lag = other.time[came] - one.time[left]
    inside = lag[(lag >= low) & (lag <= high)]
    chance = (len(lag) - len(inside)) / 2
    found = max(len(inside) - chance, 1.0)
    edges = np.arange(np.floor(low), np.ceil(high) + 2) - 0.5  # stamps may be whole seconds
    beyond = np.cumsum(np.histogram(inside, edges)[0] - chance / (len(edges) - 1))
    share = np.concatenate([[0.0], np.maximum.accumulate(np.clip(beyond, 0, None)) / max(float(beyond.max()), _LEAST)])
    p05, p10, median, p90, p95 = np.interp(_SHARES, share, edges).tolist()
    slack = _TWO_SIDED_95 * 0.5 / np.sqrt(found)
    below, above = np.interp(np.clip([0.5 - slack, 0.5 + slack], 0, 1), share, edges).tolist()
    return Timing(p05_s=p05, p10_s=p10, median_s=median, p90_s=p90, p95_s=p95, low_s=below, high_s=above), found


def window_of(timing: Timing, priors: DiscoveryPriors) -> tuple[float, float]:
    """Return the shortest and the longest time in s to look for vehicles, with room for faster ones and for queues."""
    median = max(timing.median_s, 0.5)
    low = timing.p05_s - max(priors.slack_s, priors.slack_share * median)
    return max(0.0, low), max(timing.p95_s, 1.0) + priors.queue_s + priors.queue_share * median
