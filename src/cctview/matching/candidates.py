"""Who may meet whom on a link: in the right direction, forward in time, within the window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import passing_time, turn_deg
from cctview.matching.settings import MatchSettings
from cctview.matching.traits import Trait, height_of, lane_of
from cctview.network import CameraNetwork, Link
from cctview.road.flow import ways
from cctview.types import Tracklets

__all__ = [
    "KINDS",
    "Meetings",
    "Side",
    "distances",
    "expected_heading",
    "meetings",
    "side_of",
    "strangers",
    "with_looks",
]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_OPPOSITE = {"towards": "away", "away": "towards"}
KINDS = 3
_SEED = 20200505
_BLOCK = 256
_STRANGERS_EACH = 40
_NEIGHBOURS = 60
_EDGE_PX = 2.0
_BEST = 0.95


@dataclass(frozen=True, eq=False, kw_only=True)
class Side:
    """The tracklets at one end of a link that may travel it, in time order.

    ``here`` points into the tracklets, at all of the camera's, and ``keep`` at those of ``here`` that
    are on this side; ``time`` (s) is when each was nearest to the camera; ``kind`` is the third of them
    it belongs to by quality; ``vector`` is centred on its camera; ``height`` and ``lane`` are normal
    scores, NaN where not known.
    """

    here: Ints
    keep: Ints
    time: Floats
    kind: Ints
    vector: Floats
    quality: Floats
    height: Floats
    lane: Floats

    def __len__(self) -> int:
        return len(self.keep)

    @property
    def row(self) -> Ints:
        """Where each stands among the tracklets, ``(N,)``."""
        return self.here[self.keep]


class Meetings(NamedTuple):
    """Pairs of query ``q`` and gallery ``g`` (rows of the sides) and the seconds between them."""

    q: Ints
    g: Ints
    lag: Floats


def side_of(tracklets: Tracklets, camera: str, way: str | None, settings: MatchSettings) -> Side:
    """Return the tracklets of ``camera`` that do not go against ``way`` and show enough of a vehicle.

    The least quality is a share of what the camera shows at its best.
    """
    here = np.flatnonzero(tracklets.camera == camera)
    here = here[np.lexsort((tracklets.id[here], passing_time(tracklets[here])))]
    own = tracklets[here]
    least = settings.min_quality * float(np.quantile(own.quality, _BEST)) if len(own) else 0.0
    going = ways(own) if settings.lanes else own.heading
    keep = np.flatnonzero((own.quality >= least) & (going != _OPPOSITE.get(way or "", "")))
    side = Side(
        here=here,
        keep=keep,
        time=passing_time(own[keep]).astype(np.int64) / 1e9,
        kind=_kinds(own.quality[keep]),
        vector=own.vector[keep],
        quality=own.quality[keep].astype(np.float64),
        height=_score(height_of(own), keep),
        lane=_score(lane_of(own[keep]), np.arange(len(keep))),
    )
    return with_looks(side, tracklets.vector, settings)


def with_looks(side: Side, vectors: NDArray[np.float32], settings: MatchSettings) -> Side:
    """Return the side with other vectors, (T, D) for all tracklets, and the rest as it was learnt."""
    vector: Floats = vectors[side.here].astype(np.float64)
    if settings.light:
        vector = _without_the_hour(vector)
    return replace(side, vector=vector[side.keep].astype(np.float32))


def _score(trait: Trait, rows: Ints) -> Floats:
    return np.where(trait.known, trait.score, np.nan)[rows]


def _kinds(quality: NDArray[np.float32]) -> Ints:
    """Return 0 to KINDS - 1 by rising quality, about as many of each."""
    if not len(quality):
        return np.zeros(0, np.intp)
    return np.searchsorted(np.quantile(quality, np.arange(1, KINDS) / KINDS), quality)


def _without_the_hour(vector: Floats) -> Floats:
    """Return unit vectors after what the vehicles of one camera and these minutes share is taken away.

    They are in order of time.
    """
    count = len(vector)
    if count < 3:
        return vector
    total = np.concatenate([np.zeros((1, vector.shape[1])), np.cumsum(vector, axis=0)])
    begin = np.clip(np.arange(count) - _NEIGHBOURS, 0, max(count - 2 * _NEIGHBOURS - 1, 0))
    end = np.minimum(begin + 2 * _NEIGHBOURS + 1, count)
    moved: Floats = vector - (total[end] - total[begin]) / (end - begin)[:, None]
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)


def expected_heading(network: CameraNetwork, camera: str, link: Link) -> str | None:
    """Return how a vehicle on the link looks at a camera: "away", "towards", or None where it crosses."""
    facing = network.heading(camera)
    if facing is None:
        return None
    turn = turn_deg(link.direction_deg, facing)
    return "away" if turn < 75 else "towards" if turn > 105 else None


def meetings(queries: Side, gallery: Side, low: float, high: float, chosen: Ints) -> Meetings:
    """Return all pairs of the chosen queries whose lag lies in ``[low, high]`` seconds, by query and time."""
    start = np.searchsorted(gallery.time, queries.time[chosen] + low, side="left")
    count = np.searchsorted(gallery.time, queries.time[chosen] + high, side="right") - start
    q = np.repeat(chosen, count)
    g = np.arange(len(q)) + np.repeat(start - (np.cumsum(count) - count), count)
    return Meetings(q, g, gallery.time[g] - queries.time[q])


def strangers(queries: Side, gallery: Side, low: float, high: float, reach: float) -> Meetings:
    """Return pairs that cannot be one vehicle: drawn from lags up to ``reach`` seconds outside the window.

    Not from further away, because light and weather make all vehicles of a few minutes look alike.
    """
    rng = np.random.default_rng(_SEED)
    start = np.searchsorted(gallery.time, queries.time + low - reach)
    count = np.searchsorted(gallery.time, queries.time + high + reach) - start
    each = int(np.ceil(_STRANGERS_EACH * (high - low + 2 * reach) / (2 * reach)))
    q = np.repeat(np.arange(len(queries)), np.where(count > 0, each, 0))
    g = start[q] + (rng.random(len(q)) * count[q]).astype(np.intp)
    lag = gallery.time[g] - queries.time[q]
    outside = (lag < low) | (lag > high)
    return Meetings(q[outside], g[outside], lag[outside])


def distances(queries: Side, gallery: Side, met: Meetings) -> Floats:
    """Return cosine distances of the pairs; pairs of one block of queries share one matrix product."""
    out = np.empty(len(met.q), np.float32)
    order = np.argsort(met.q, kind="stable") if np.any(np.diff(met.q) < 0) else np.arange(len(met.q))
    for begin in range(0, len(queries), _BLOCK):
        low, high = np.searchsorted(met.q[order], [begin, begin + _BLOCK])
        pairs = order[low:high]
        if len(pairs):
            g = met.g[pairs]
            first = g.min()
            products = queries.vector[begin : begin + _BLOCK] @ gallery.vector[first : g.max() + 1].T
            out[pairs] = 1 - products[met.q[pairs] - begin, g - first]
    return np.clip(out, 0, 2)
