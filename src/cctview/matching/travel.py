"""How long a link takes: what a model of travel time must tell, and the one that is built in.

To model travel time in another way, write a class with the members of ``TravelModel`` and let ``first_travel_time``
return it: nothing else in the program knows what it is made of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, gaussian_filter1d

from cctview.matching.priors import PRIORS
from cctview.network import Link

__all__ = ["REACH_S", "TravelModel", "TravelTime", "first_travel_time"]

Floats = NDArray[np.floating[Any]]

REACH_S = PRIORS.slots * PRIORS.slot_s
"""How far, in seconds of departure, pairs around may speak for a lag; a query waits for them that long."""

_TINY = 1e-9  # keeps quotients of empty bins finite
_UNBELIEVED = 1e-12  # weight of a pair in a mean of lags that nobody believes in


class TravelModel(Protocol):
    """What the matching asks about the lags (s) of one link; a value, learning returns another one.

    Densities are per second. Lags outside of what the link allows may be asked about, and count as its ends.
    """

    def at(self, lag: Floats) -> Floats:
        """Return the density (P,) in 1/s at lags (P,) in s: how likely a vehicle that comes takes so long."""
        ...

    def highest(self) -> float:
        """Return the highest density of any lag, 1/s."""
        ...

    def window(self) -> tuple[float, float]:
        """Return the lags in s between which nearly all vehicles arrive, the only ones at which pairs are looked at."""
        ...

    def quantile(self, share: float) -> float:
        """Return the lag in s below which this share of the vehicles has arrived."""
        ...

    def peak(self, lag: Floats, weight: Floats) -> Self | None:
        """Return the model that alike pairs single out by themselves, or None where none stands out.

        ``lag`` (P,) are seconds of pairs over the whole link, most of them strangers; ``weight`` (P,) in [0, 1]
        says how alike each looks.
        """
        ...

    def fitted(self, lag: Floats, belief: Floats, heat: float) -> Self:
        """Return the model that fits lags (P,) in s, each believed with probability (P,).

        ``heat`` is an extra relative width that shrinks from round to round, so that early beliefs do not freeze.
        """
        ...

    def pace(self, departure: Floats, lag: Floats, belief: Floats) -> Floats:
        """Return nats (P,) that speak for each lag (P,) in s because of the pairs that left about then.

        ``departure`` (P,) are seconds; no pair may speak for itself, and none left more than REACH_S away.
        """
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class TravelTime:
    """A density on a grid of B logarithmic bins of lags, from ``low`` seconds on.

    ``edges`` (B + 1,) are seconds, ``density`` (B,) is per second, ``prior`` (B,) the mass that every round of
    learning leans on: at first what the length of the road says, after ``peak`` the peak.
    """

    low: float
    edges: Floats
    density: Floats
    prior: Floats

    def at(self, lag: Floats) -> Floats:
        """Return the density (P,) in 1/s at lags (P,) in s."""
        return self.density[self.bins(lag)]

    def bins(self, lag: Floats) -> NDArray[np.intp]:
        """Return the bin (P,) of each lag (P,) in s; what lies outside belongs to the first or the last."""
        place = np.log(np.maximum(lag, self.low) / self.low) / PRIORS.grain
        return np.minimum(place.astype(np.intp), len(self.density) - 1)

    def highest(self) -> float:
        """Return the highest density of any lag, 1/s."""
        return float(self.density.max())

    def window(self) -> tuple[float, float]:
        """Return the lags in s between which nearly all of what was learnt lies."""
        kept = np.flatnonzero(self.density > PRIORS.window_share * self.density.max())
        return float(self.edges[kept[0]]), float(self.edges[kept[-1] + 1])

    def quantile(self, share: float) -> float:
        """Return the lag in s below which this share of the vehicles has arrived."""
        mass = np.cumsum(self.density * np.diff(self.edges))
        return float(np.interp(share, np.concatenate([[0.0], mass / mass[-1]]), self.edges))

    def peak(self, lag: Floats, weight: Floats) -> TravelTime | None:
        """Return the density where likely pairs (P,) stand out from lags a little shorter and longer, or None.

        ``weight`` (P,) says how alike each pair of lags (P,) in s looks, without regard to the lag. What varies
        slowly with the lag, such as the light, cancels; the peak must be significant, given the prior.
        """
        usual = float(np.average(self.edges[1:], weights=self.density * np.diff(self.edges)))
        narrow = float(np.hypot(PRIORS.peak_narrow_bins, PRIORS.stamp_s / usual / PRIORS.grain))
        excess, sigma = self._standing_out(lag, weight, narrow)
        best = int(np.argmax(sigma + np.log(self.prior / self.prior.max())))
        if sigma[best] < PRIORS.peak_sigma:
            return None
        below = np.flatnonzero(sigma < sigma[best] * PRIORS.peak_foot)
        first = int(below[below < best].max(initial=-1)) + 1
        last = int(below[below > best].min(initial=len(sigma)))
        mass = np.zeros(len(sigma))
        mass[first:last] = excess[first:last]
        mass = gaussian_filter1d(mass / mass.sum(), narrow, mode="constant")
        mass = mass + PRIORS.peak_floor * self.prior / self.prior.sum()
        mass /= mass.sum()
        return replace(self, density=mass / np.diff(self.edges), prior=mass)

    def _standing_out(self, lag: Floats, weight: Floats, narrow: float) -> tuple[Floats, Floats]:
        """Return the weight (B,) beyond that of the lags around, and in units of its chance spread."""
        count = len(self.density)
        pairs, total, square = (np.bincount(self.bins(lag), w, count) for w in (None, weight, weight**2))
        here, near, noise = (
            gaussian_filter1d(w.astype(np.float64), narrow, mode="constant") for w in (total, pairs, square)
        )
        around = [
            gaussian_filter1d(w.astype(np.float64), PRIORS.peak_wide_bins, mode="constant") for w in (total, pairs)
        ]
        excess = here - near * around[0] / np.maximum(around[1], _TINY)
        return excess, excess / np.sqrt(noise / (2 * np.sqrt(np.pi) * narrow) + _TINY)

    def fitted(self, lag: Floats, belief: Floats, heat: float) -> TravelTime:
        """Return the density that the beliefs (P,) in lags (P,) in s support.

        Smoothed by stamp error, real spread and ``heat``, and leaning on the prior.
        """
        counts = np.bincount(self.bins(lag), belief, len(self.density))
        total = counts.sum()
        usual = self._usual(lag, belief) if len(lag) else 1.0
        width = np.sqrt(heat**2 + PRIORS.own_pace**2 + (PRIORS.stamp_s / usual) ** 2) / PRIORS.grain
        counts = gaussian_filter1d(counts, width, mode="constant") + PRIORS.travel_pseudo * self.prior
        mass = counts / counts.sum() if total > 0 else self.prior
        return replace(self, density=mass / np.diff(self.edges))

    def pace(self, departure: Floats, lag: Floats, belief: Floats) -> Floats:
        """Return for each pair the log ratio of its lag's density among the pairs around to that of all times.

        ``departure`` (P,) and ``lag`` (P,) are seconds. Around means leaving within a minute, but not within
        the same few seconds: no pair speaks for itself. Where few are believed, the ratio leans on 1.
        """
        slot = (departure // PRIORS.slot_s).astype(np.intp)
        slot -= slot.min()
        place = self.bins(lag)
        shape = int(slot.max()) + 1, len(self.density)
        seen = np.bincount(slot * shape[1] + place, belief, shape[0] * shape[1]).reshape(shape)
        width = np.hypot(PRIORS.order_spread, PRIORS.stamp_s / self._usual(lag, belief)) / PRIORS.grain
        around = correlate1d(
            gaussian_filter1d(seen, width, axis=1, mode="constant"), _hollow(), axis=0, mode="constant"
        )
        everywhere = self.density * np.diff(self.edges)
        everywhere = everywhere / everywhere.sum()
        total = around.sum(axis=1)
        here = (around[slot, place] + PRIORS.order_lean * everywhere[place]) / (total[slot] + PRIORS.order_lean)
        return np.log(here / everywhere[place])

    def _usual(self, lag: Floats, belief: Floats) -> float:
        """Return the geometric mean in s of the lags that are believed."""
        return float(np.exp(np.average(np.log(np.maximum(lag, self.low)), weights=belief + _UNBELIEVED)))


def _hollow() -> Floats:
    """Return how much the slots before and after speak for one, which does not speak for itself."""
    offsets = np.arange(-PRIORS.slots, PRIORS.slots + 1)
    return np.where(offsets == 0, 0.0, np.exp(-((offsets * PRIORS.slot_s / PRIORS.around_s) ** 2) / 2))


def first_travel_time(link: Link) -> TravelModel:
    """Return what is believed of a link before anything is learnt: a log-normal speed around 16 m/s."""
    low = max(link.min_s, 1.0)
    count = max(int(np.ceil(np.log(max(link.max_s, low * 1.1) / low) / PRIORS.grain)), 1)
    edges = low * np.exp(PRIORS.grain * np.arange(count + 1))
    middle = np.sqrt(edges[1:] * edges[:-1])
    spread = np.log(link.metres / middle / PRIORS.usual_speed_mps) / PRIORS.speed_spread
    mass = np.exp(-(spread**2) / 2) + PRIORS.speed_floor
    mass /= mass.sum()
    return TravelTime(low=low, edges=edges, density=mass / np.diff(edges), prior=mass)
