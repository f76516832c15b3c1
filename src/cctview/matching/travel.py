"""How long a link takes: a density of the lag, learnt from beliefs, starting from length and any speed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, gaussian_filter1d

from cctview.network import Link

__all__ = ["REACH_S", "TravelTime", "first_travel_time", "fit_travel_time", "pace_evidence", "peak_travel_time"]

Floats = NDArray[np.floating[Any]]

_GRAIN = 0.02
_USUAL_SPEED_MPS = 16.0
_SPEED_SPREAD = 0.6
_STAMP_S = 1.0
_PSEUDO = 5.0
_NARROW, _WIDE = 1.5, 15.0
_SIGNIFICANT = 3.5
_FLOOR = 0.03
_SLOT_S, _SLOTS = 4.0, 15
_AROUND_S = 20.0
REACH_S = _SLOTS * _SLOT_S
_OWN_SPREAD = 0.03
_LEAN = 2.0


@dataclass(frozen=True, eq=False, kw_only=True)
class TravelTime:
    """Density per second of the lag on a grid of logarithmic bins between ``low`` and ``high`` seconds."""

    low: float
    edges: Floats
    density: Floats
    prior: Floats

    def at(self, lag: Floats) -> Floats:
        """Return the density (1/s) at each lag."""
        return self.density[self.bins(lag)]

    def bins(self, lag: Floats) -> NDArray[np.intp]:
        """Return the bin of each lag."""
        place = np.log(np.maximum(lag, self.low) / self.low) / _GRAIN
        return np.minimum(place.astype(np.intp), len(self.density) - 1)

    def window(self) -> tuple[float, float]:
        """Return the lags between which nearly all of what was learnt lies."""
        kept = np.flatnonzero(self.density > 0.01 * self.density.max())
        return float(self.edges[kept[0]]), float(self.edges[kept[-1] + 1])

    def quantile(self, share: float) -> float:
        """Return the lag below which this share of the vehicles has arrived."""
        mass = np.cumsum(self.density * np.diff(self.edges))
        return float(np.interp(share, np.concatenate([[0.0], mass / mass[-1]]), self.edges))


def first_travel_time(link: Link) -> TravelTime:
    """Return the broad density that the length alone gives: a log-normal speed around 16 m/s."""
    low = max(link.min_s, 1.0)
    count = max(int(np.ceil(np.log(max(link.max_s, low * 1.1) / low) / _GRAIN)), 1)
    edges = low * np.exp(_GRAIN * np.arange(count + 1))
    middle = np.sqrt(edges[1:] * edges[:-1])
    spread = np.log(link.metres / middle / _USUAL_SPEED_MPS) / _SPEED_SPREAD
    mass = np.exp(-(spread**2) / 2) + 0.02
    mass /= mass.sum()
    return TravelTime(low=low, edges=edges, density=mass / np.diff(edges), prior=mass)


def peak_travel_time(before: TravelTime, lag: Floats, weight: Floats) -> TravelTime | None:
    """Return the density where likely pairs stand out from lags a little shorter and longer, or None.

    ``weight`` says how alike each pair looks, without regard to the lag. What varies slowly with the
    lag, such as the light, cancels; the peak must be significant, given the prior.
    """
    count = len(before.density)
    pairs, total, square = (np.bincount(before.bins(lag), w, count) for w in (None, weight, weight**2))
    usual = float(np.average(before.edges[1:], weights=before.density * np.diff(before.edges)))
    narrow, wide = np.hypot(_NARROW, _STAMP_S / usual / _GRAIN), _WIDE
    here, near, noise = (
        gaussian_filter1d(w.astype(np.float64), narrow, mode="constant") for w in (total, pairs, square)
    )
    around = [gaussian_filter1d(w.astype(np.float64), wide, mode="constant") for w in (total, pairs)]
    excess = here - near * around[0] / np.maximum(around[1], 1e-9)
    sigma = excess / np.sqrt(noise / (2 * np.sqrt(np.pi) * narrow) + 1e-9)
    best = int(np.argmax(sigma + np.log(before.prior / before.prior.max())))
    if sigma[best] < _SIGNIFICANT:
        return None
    below = np.flatnonzero(sigma < sigma[best] / 5)
    first = int(below[below < best].max(initial=-1)) + 1
    last = int(below[below > best].min(initial=count))
    mass = np.zeros(count)
    mass[first:last] = excess[first:last]
    mass = gaussian_filter1d(mass / mass.sum(), narrow, mode="constant") + _FLOOR * before.prior / before.prior.sum()
    mass /= mass.sum()
    return replace(before, density=mass / np.diff(before.edges), prior=mass)


def fit_travel_time(before: TravelTime, lag: Floats, belief: Floats, heat: float) -> TravelTime:
    """Return the density that the beliefs support, smoothed by stamp error, real spread and ``heat``.

    ``heat`` is an extra relative width that shrinks from round to round, so that early beliefs do
    not freeze.
    """
    counts = np.bincount(before.bins(lag), belief, len(before.density))
    total = counts.sum()
    usual = np.exp(np.average(np.log(np.maximum(lag, before.low)), weights=belief + 1e-12)) if len(lag) else 1.0
    width = np.sqrt(heat**2 + 0.02**2 + (_STAMP_S / usual) ** 2) / _GRAIN
    counts = gaussian_filter1d(counts, width, mode="constant") + _PSEUDO * before.prior
    mass = counts / counts.sum() if total > 0 else before.prior
    return TravelTime(low=before.low, edges=before.edges, density=mass / np.diff(before.edges), prior=before.prior)


def pace_evidence(travel: TravelTime, departure: Floats, lag: Floats, belief: Floats) -> Floats:
    """Return for each pair the log ratio of its lag's density among the pairs around to that of all times.

    ``departure`` (P,) and ``lag`` (P,) are seconds. Around means leaving within a minute, but not within
    the same few seconds: no pair speaks for itself. Where few are believed, the ratio leans on 1.
    """
    slot = (departure // _SLOT_S).astype(np.intp)
    slot -= slot.min()
    place = travel.bins(lag)
    shape = int(slot.max()) + 1, len(travel.density)
    seen = np.bincount(slot * shape[1] + place, belief, shape[0] * shape[1]).reshape(shape)
    usual = np.average(np.log(np.maximum(lag, travel.low)), weights=belief + 1e-12)
    width = np.hypot(_OWN_SPREAD, _STAMP_S / np.exp(usual)) / _GRAIN
    offsets = np.arange(-_SLOTS, _SLOTS + 1)
    hollow = np.where(offsets == 0, 0.0, np.exp(-((offsets * _SLOT_S / _AROUND_S) ** 2) / 2))
    around = correlate1d(gaussian_filter1d(seen, width, axis=1, mode="constant"), hollow, axis=0, mode="constant")
    everywhere = travel.density * np.diff(travel.edges)
    everywhere = everywhere / everywhere.sum()
    total = around.sum(axis=1)
    here = (around[slot, place] + _LEAN * everywhere[place]) / (total[slot] + _LEAN)
    return np.log(here / everywhere[place])
