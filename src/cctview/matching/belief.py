"""What a link's model believes of each pair: appearance, travel time, lane, order, and "not there"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.assign import soft_assign
from cctview.matching.looks import Cohort, Looks
from cctview.matching.pairs import Meetings, Pairs, distances, meetings
from cctview.matching.priors import PRIORS
from cctview.matching.settings import MatchSettings
from cctview.matching.sides import KINDS, Side
from cctview.matching.traits import agreement
from cctview.matching.travel import TravelModel

__all__ = ["LinkModel", "Reasons", "appearance", "beliefs", "pairs_of", "pairs_within", "reasons"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_NEVER = 1e-12  # densities below are those of lags that nobody takes; keeps the logarithm finite


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
    travel: TravelModel
    cohort: Cohort
    comes: Floats
    rate: Floats
    new: Floats
    window: tuple[float, float]
    height: float = PRIORS.usual_agreement
    lane: float = PRIORS.usual_agreement
    most: float = np.inf


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

    def shown(self) -> dict[str, Floats]:
        """Return the reasons (P,) that a table of matches has a column for; ``comes`` goes into its context."""
        return {name: values for name, values in self._asdict().items() if name != "comes"}

    def odds(self) -> Floats:
        """Return the odds of each pair (P,), before rivals are heard."""
        return np.exp(np.sum(self, axis=0))


def pairs_within(model: LinkModel, queries: Side, gallery: Side, chosen: Ints) -> Pairs:
    """Return the pairs of the chosen queries (K,) within the model's window."""
    return pairs_of(model, queries, gallery, meetings(queries.time, gallery.time, *model.window, chosen))


def pairs_of(model: LinkModel, queries: Side, gallery: Side, met: Meetings) -> Pairs:
    """Return these pairs with what speaks for them."""
    distance = distances(queries.vector, gallery.vector, met)
    return Pairs(
        met=met,
        distance=distance,
        bin=model.looks.bins(queries, gallery, met, model.cohort.score(met, distance)),
        kind=KINDS * queries.kind[met.q] + gallery.kind[met.g],
        height=np.column_stack([queries.height[met.q], gallery.height[met.g]]),
        lane=np.column_stack([queries.lane[met.q], gallery.lane[met.g]]),
    )


def reasons(model: LinkModel, pairs: Pairs) -> Reasons:
    """Return what speaks for each pair, before rivals are heard and without regard to its neighbours.

    Looks and size together count half beyond the model's limit, and some tracklets are damaged, so
    that neither speaks against a pair without limit; both are drawn in alike.
    """
    expected = model.rate[pairs.met.g] * model.new[pairs.kind % KINDS]
    looks, size = appearance(model, pairs)
    both = looks + size
    within = both - PRIORS.beyond * np.maximum(both - model.most, 0)
    told = np.log((1 - PRIORS.damaged) * np.exp(within) + PRIORS.damaged)
    share = np.divide(told, both, out=np.ones_like(told), where=np.abs(both) > PRIORS.nothing)
    return Reasons(
        looks=looks * share,
        size=size * share,
        timing=np.log(np.maximum(model.travel.at(pairs.met.lag) / expected, _NEVER)),
        lane=agreement(pairs.lane, model.lane),
        order=np.zeros(len(pairs.bin)),
        comes=np.log(model.comes.ravel()[pairs.kind]),
    )


def appearance(model: LinkModel, pairs: Pairs) -> tuple[Floats, Floats]:
    """Return the log density ratios (P,) of looks and (P,) of size as they were learnt."""
    return model.looks.ratio[pairs.bin], agreement(pairs.height, model.height)


def beliefs(
    model: LinkModel, pairs: Pairs, queries: Side, gallery: Side, settings: MatchSettings
) -> tuple[Pairs, Reasons, Floats]:
    """Return the pairs that are not hopeless, why, and their probabilities (P,).

    Over a query's pairs the probabilities sum below 1. Unless ``settings.order_rounds`` is 0
    the pairs around speak too: vehicles that leave together travel at one pace and keep their order.
    """
    why = reasons(model, pairs)
    odds = why.odds()
    kept = odds > PRIORS.hopeless
    pairs, why, odds = pairs.rows(kept), why.rows(kept), odds[kept]
    met, shape = pairs.met, (len(queries), len(gallery))
    belief = soft_assign(met.q, met.g, odds, shape, rivalry=settings.rivalry)
    for _ in range(settings.order_rounds if len(odds) else 0):
        why = why._replace(order=model.travel.pace(queries.time[met.q], met.lag, belief))
        belief = soft_assign(met.q, met.g, why.odds(), shape, rivalry=settings.rivalry)
    return pairs, why, belief
