"""Pairs of a query and a gallery tracklet: who may meet whom, how far apart they look, and who cannot be one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.matching.priors import PRIORS

__all__ = ["Meetings", "Pairs", "distances", "meetings", "strangers"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_BLOCK = 256  # queries whose products are worked out together, to bound memory


class Meetings(NamedTuple):
    """Pairs of query ``q`` and gallery ``g`` (rows of the sides) and the seconds between them."""

    q: Ints
    g: Ints
    lag: Floats


class Pairs(NamedTuple):
    """Pairs with what speaks for them: distance, bin of appearance, kinds of both ends, traits.

    ``height`` and ``lane`` (P, 2) are the normal scores of both, NaN where not known.
    """

    met: Meetings
    distance: Floats
    bin: Ints
    kind: Ints
    height: Floats
    lane: Floats

    def rows(self, chosen: Any) -> Pairs:
        """Return the chosen pairs only."""
        met = Meetings(*(column[chosen] for column in self.met))
        return Pairs(met, *(column[chosen] for column in self[1:]))


def meetings(left: Floats, came: Floats, low: float, high: float, chosen: Ints) -> Meetings:
    """Return all pairs of the chosen queries whose lag lies in ``[low, high]`` seconds, by query and time.

    ``left`` (Q,) and ``came`` (G,) are the seconds at which queries and gallery passed, each in order of time;
    ``chosen`` are rows of the queries.
    """
    start = np.searchsorted(came, left[chosen] + low, side="left")
    count = np.searchsorted(came, left[chosen] + high, side="right") - start
    q = np.repeat(chosen, count)
    g = np.arange(len(q)) + np.repeat(start - (np.cumsum(count) - count), count)
    return Meetings(q, g, came[g] - left[q])


def strangers(left: Floats, came: Floats, low: float, high: float, reach: float) -> Meetings:
    """Return pairs that cannot be one vehicle: drawn from lags up to ``reach`` seconds outside the window.

    ``left`` (Q,) and ``came`` (G,) as for ``meetings``; the draw is the same every time.
    Not from further away, because light and weather make all vehicles of a few minutes look alike.
    """
    rng = np.random.default_rng(PRIORS.strangers_seed)
    start = np.searchsorted(came, left + low - reach)
    count = np.searchsorted(came, left + high + reach) - start
    each = int(np.ceil(PRIORS.strangers_each * (high - low + 2 * reach) / (2 * reach)))
    q = np.repeat(np.arange(len(left)), np.where(count > 0, each, 0))
    g = start[q] + (rng.random(len(q)) * count[q]).astype(np.intp)
    lag = came[g] - left[q]
    outside = (lag < low) | (lag > high)
    return Meetings(q[outside], g[outside], lag[outside])


def distances(queries: Floats, gallery: Floats, met: Meetings) -> Floats:
    """Return the cosine distances (P,) of pairs of unit vectors (Q, D) and (G, D), each within [0, 2].

    Pairs of one block of queries share one matrix product.
    """
    out = np.empty(len(met.q), np.float32)
    order = np.argsort(met.q, kind="stable") if np.any(np.diff(met.q) < 0) else np.arange(len(met.q))
    for begin in range(0, len(queries), _BLOCK):
        low, high = np.searchsorted(met.q[order], [begin, begin + _BLOCK])
        pairs = order[low:high]
        if len(pairs):
            g = met.g[pairs]
            first = g.min()
            products = queries[begin : begin + _BLOCK] @ gallery[first : g.max() + 1].T
            out[pairs] = 1 - products[met.q[pairs] - begin, g - first]
    return np.clip(out, 0, 2)
