"""What a link's model believes of each pair: appearance, travel time, lane, order, and "not there"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.assign import soft_assign
from cctview.matching.candidates import KINDS, Meetings, Side, distances, meetings
from cctview.matching.looks import Cohort, Looks
from cctview.matching.settings import MatchSettings
from cctview.matching.traits import agreement
from cctview.matching.travel import TravelTime, pace_evidence

__all__ = ["LinkModel", "Reasons", "Sightings", "appearance", "beliefs", "reasons", "sightings", "sightings_of"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_HOPELESS = 1e-6
_NEVER = 1e-12
_DAMAGED = 0.01
_BEYOND = 0.5
_NOTHING = 0.05


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkModel:
    """Everything learnt about one link.

    ``comes`` (K, K) is the odds that a tracklet has its other half and that it is of that kind, by kind
    of query and of gallery, the kind being how much a tracklet shows; ``rate`` is how many gallery
    tracklets of its kind arrive per second around each one, ``new`` (K,) the share of those that did
    not come by this link; ``window`` are the lags worth looking at; ``height`` and ``lane`` are how far
    those of one vehicle go together (correlations); beyond ``most`` (nats) appearance counts half.
    """

    looks: Looks
    travel: TravelTime
    cohort: Cohort
    comes: Floats
    rate: Floats
    new: Floats
    window: tuple[float, float]
    height: float = 0.3
    lane: float = 0.3
    most: float = np.inf


class Sightings(NamedTuple):
    """Pairs with what speaks for them: distance, bin of appearance, kinds of both ends, traits.

    ``height`` and ``lane`` (P, 2) are the normal scores of both, NaN where not known.
    """

    met: Meetings
    distance: Floats
    view: Ints
    kind: Ints
    height: Floats
    lane: Floats

    def rows(self, chosen: Any) -> Sightings:
        """Return the chosen pairs only."""
        met = Meetings(*(column[chosen] for column in self.met))
        return Sightings(met, *(column[chosen] for column in self[1:]))


class Reasons(NamedTuple):
    """Log-odds (P,) in nats that speak for each pair; their sum is that of the pair against "not there"."""

    looks: Floats
    size: Floats
    timing: Floats
    lane: Floats
    order: Floats
    comes: Floats

    def rows(self, chosen: Any) -> Reasons:
        """Return the chosen pairs only."""
        return Reasons(*(column[chosen] for column in self))

    def odds(self) -> Floats:
        """Return the odds of each pair, before rivals are heard."""
        return np.exp(np.sum(self, axis=0))


def sightings(model: LinkModel, queries: Side, gallery: Side, chosen: Ints) -> Sightings:
    """Return the pairs of the chosen queries within the model's window."""
    return sightings_of(model, queries, gallery, meetings(queries, gallery, *model.window, chosen))


def sightings_of(model: LinkModel, queries: Side, gallery: Side, met: Meetings) -> Sightings:
    """Return these pairs with what speaks for them."""
    distance = distances(queries, gallery, met)
    return Sightings(
        met=met,
        distance=distance,
        view=model.looks.bins(queries, gallery, met, model.cohort.score(met, distance)),
        kind=KINDS * queries.kind[met.q] + gallery.kind[met.g],
        height=np.column_stack([queries.height[met.q], gallery.height[met.g]]),
        lane=np.column_stack([queries.lane[met.q], gallery.lane[met.g]]),
    )


def reasons(model: LinkModel, seen: Sightings) -> Reasons:
    """Return what speaks for each pair, before rivals are heard and without regard to its neighbours.

    Looks and size together count half beyond the model's limit, and some tracklets are damaged, so
    that neither speaks against a pair without limit; both are drawn in alike.
    """
    expected = model.rate[seen.met.g] * model.new[seen.kind % KINDS]
    looks, size = appearance(model, seen)
    both = looks + size
    within = both - _BEYOND * np.maximum(both - model.most, 0)
    told = np.log((1 - _DAMAGED) * np.exp(within) + _DAMAGED)
    share = np.divide(told, both, out=np.ones_like(told), where=np.abs(both) > _NOTHING)
    return Reasons(
        looks=looks * share,
        size=size * share,
        timing=np.log(np.maximum(model.travel.at(seen.met.lag) / expected, _NEVER)),
        lane=agreement(seen.lane, model.lane),
        order=np.zeros(len(seen.view)),
        comes=np.log(model.comes.ravel()[seen.kind]),
    )


def appearance(model: LinkModel, seen: Sightings) -> tuple[Floats, Floats]:
    """Return the log density ratios of looks and of size as they were learnt."""
    return model.looks.ratio[seen.view], agreement(seen.height, model.height)


def beliefs(
    model: LinkModel, seen: Sightings, queries: Side, gallery: Side, settings: MatchSettings
) -> tuple[Sightings, Reasons, Floats]:
    """Return the pairs that are not hopeless, why, and their probabilities.

    Over a query's pairs the probabilities sum below 1. Unless ``settings.order_rounds`` is 0
    the pairs around speak too: vehicles that leave together travel at one pace and keep their order.
    """
    why = reasons(model, seen)
    odds = why.odds()
    kept = odds > _HOPELESS
    seen, why, odds = seen.rows(kept), why.rows(kept), odds[kept]
    met, shape = seen.met, (len(queries), len(gallery))
    belief = soft_assign(met.q, met.g, odds, shape, rivalry=settings.rivalry)
    for _ in range(settings.order_rounds if len(odds) else 0):
        why = why._replace(order=pace_evidence(model.travel, queries.time[met.q], met.lag, belief))
        belief = soft_assign(met.q, met.g, why.odds(), shape, rivalry=settings.rivalry)
    return seen, why, belief
