"""What is learnt on one link, and the beliefs it gives: appearance, travel time, and "not there"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from cctview.assign import soft_assign
from cctview.match.candidates import KINDS, Meetings, Side, distances, meetings, strangers
from cctview.match.looks import Cohort, Looks, against, cohort_of, first_looks, fit_looks
from cctview.match.settings import MatchSettings
from cctview.match.travel import TravelTime, first_travel_time, fit_travel_time, pace_evidence, peak_travel_time
from cctview.network import Link

__all__ = ["LinkModel", "Reasons", "Sightings", "beliefs", "learn_link", "reasons", "sightings"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_FAR_S, _NEAR_S = 600.0, 200.0
_HEAT, _COOLING = 0.3, 0.75
_RATE_S = 30.0
_LEAST_ODDS = 1e-4
_FEWEST_NEW = 0.3
_ROOM = 1.2
_PSEUDO_HEIGHTS = 30.0
_WRONG_HEIGHT = 0.1
_FEWEST_GONE = 0.05
_PEAK_PAIRS = 16
_SHOUTING = 100.0
_HOPELESS = 1e-6
_NEVER = 1e-12


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkModel:
    """Everything learnt about one link.

    ``comes`` (K, K) is the odds that a tracklet has its other half and that it is of that kind, by kind
    of query and of gallery, the kind being how much a tracklet shows; ``rate`` is how many gallery
    tracklets of its kind arrive per second around each one, ``new`` (K,) the share of those that did
    not come by this link; ``window`` are the lags worth looking at, ``tall`` how far the heights of one
    vehicle go together.
    """

    looks: Looks
    travel: TravelTime
    cohort: Cohort
    comes: Floats
    rate: Floats
    new: Floats
    window: tuple[float, float]
    tall: float = 0.3


class Sightings(NamedTuple):
    """Pairs with what speaks for them: distance, bin of appearance, kinds of both ends, heights.

    ``tall`` (P, 2) are the heights of both, 0 where one of them is not known.
    """

    met: Meetings
    distance: Floats
    view: Ints
    kind: Ints
    tall: Floats

    def rows(self, chosen: Any) -> Sightings:
        """Return the chosen pairs only."""
        met = Meetings(*(column[chosen] for column in self.met))
        return Sightings(met, self.distance[chosen], self.view[chosen], self.kind[chosen], self.tall[chosen])


class Reasons(NamedTuple):
    """Log-odds (P,) in nats that speak for each pair; their sum is that of the pair against "not there"."""

    looks: Floats
    size: Floats
    timing: Floats
    order: Floats
    comes: Floats

    def rows(self, chosen: Any) -> Reasons:
        """Return the chosen pairs only."""
        return Reasons(*(column[chosen] for column in self))

    def odds(self) -> Floats:
        """Return the odds of each pair, before rivals are heard."""
        return np.exp(np.sum(self, axis=0))


def learn_link(queries: Side, gallery: Side, link: Link, settings: MatchSettings) -> LinkModel:
    """Return the model of a link: matching and fitting in turn, from broad priors, without labels.

    First on a thinned set of queries over the whole window, then on all of them where the travel
    time was found to lie.
    """
    cohort = cohort_of(queries, gallery, normalise=settings.hubs)
    strange = strangers(queries, gallery, link.min_s, link.max_s, _FAR_S)
    model = LinkModel(
        looks=first_looks(queries, gallery, cohort, strange),
        travel=first_travel_time(link),
        cohort=cohort,
        comes=np.full((KINDS, KINDS), 0.5 / KINDS),
        rate=_rate(gallery),
        new=np.ones(KINDS),
        window=(link.min_s, link.max_s),
    )
    for _ in range(2):
        peak = _peak(replace(model, window=(link.min_s, link.max_s)), queries, gallery, settings)
        if peak is None:
            model = _fitted(model, queries, gallery, settings, _HEAT, 1.0)
        model = replace(model, travel=peak or model.travel)
        window = _widened(model.travel.window(), link)
        looks = against(model.looks, queries, gallery, cohort, strangers(queries, gallery, *window, _NEAR_S))
        model = replace(model, window=window, looks=looks)
        model = _fitted(model, queries, gallery, settings, 0.02, _FEWEST_NEW)
        if peak is not None:
            break
    return model


def _widened(window: tuple[float, float], link: Link) -> tuple[float, float]:
    """Return the window with room on both sides, still within the link's."""
    return max(window[0] / _ROOM, link.min_s), min(window[1] * _ROOM, link.max_s)


def _peak(model: LinkModel, queries: Side, gallery: Side, settings: MatchSettings) -> TravelTime | None:
    """Return the travel time seen as a peak over all lags of the link, None where none stands out."""
    seen = sightings(model, queries, gallery, _thinned(model, queries, gallery, _PEAK_PAIRS * settings.learn_pairs))
    odds = np.exp(model.looks.ratio[seen.view] + _height_evidence(seen.tall, model.tall))
    return peak_travel_time(model.travel, seen.met.lag, odds / (odds + _SHOUTING))


def _thinned(model: LinkModel, queries: Side, gallery: Side, most: int) -> Ints:
    """Return every n-th query, so that about ``most`` pairs fall into the window."""
    span = max(float(gallery.time[-1] - gallery.time[0]), 1.0) if len(gallery) else 1.0
    expected = len(queries) * len(gallery) * (model.window[1] - model.window[0]) / span
    return np.arange(0, len(queries), 1 + int(expected // most))


def _fitted(
    model: LinkModel, queries: Side, gallery: Side, settings: MatchSettings, heat: float, fewest: float
) -> LinkModel:
    """Return the model after some rounds of belief and fit over its window."""
    chosen = _thinned(model, queries, gallery, settings.learn_pairs)
    seen = sightings(model, queries, gallery, chosen)
    count = np.bincount(queries.kind[chosen], minlength=KINDS)
    others = np.bincount(gallery.kind, minlength=KINDS) * len(chosen) / max(len(queries), 1)
    for turn in range(settings.rounds):
        odds = reasons(model, seen).odds()
        if turn >= 2:
            seen, odds = seen.rows(odds > _LEAST_ODDS), odds[odds > _LEAST_ODDS]
        belief = soft_assign(seen.met.q, seen.met.g, odds, (len(queries), len(gallery)))
        found = np.bincount(seen.kind, belief, KINDS**2).reshape(KINDS, KINDS)
        share = (found + 1) / (count[:, None] + 10)
        heat *= _COOLING
        model = replace(
            model,
            looks=fit_looks(model.looks, seen.view, belief),
            travel=fit_travel_time(model.travel, seen.met.lag, belief, heat),
            comes=share / np.maximum(1 - share.sum(axis=1, keepdims=True), _FEWEST_GONE),
            tall=_fit_heights(seen.tall, belief) if settings.heights else 0.0,
            new=np.clip(1 - (found.sum(axis=0) + 1) / (others + 4), fewest, 1.0),
        )
    return model


def sightings(model: LinkModel, queries: Side, gallery: Side, chosen: Ints) -> Sightings:
    """Return the pairs of the chosen queries within the model's window."""
    met = meetings(queries, gallery, *model.window, chosen)
    distance = distances(queries, gallery, met)
    view = model.looks.bins(queries, gallery, met, model.cohort.score(met, distance))
    known = queries.whole[met.q] & gallery.whole[met.g]
    tall = np.column_stack([queries.tall[met.q], gallery.tall[met.g]]) * known[:, None]
    kind = KINDS * queries.kind[met.q] + gallery.kind[met.g]
    return Sightings(met, distance, view, kind, tall)


def reasons(model: LinkModel, seen: Sightings) -> Reasons:
    """Return what speaks for each pair, before rivals are heard and without regard to its neighbours."""
    expected = model.rate[seen.met.g] * model.new[seen.kind % KINDS]
    return Reasons(
        looks=model.looks.ratio[seen.view],
        size=_height_evidence(seen.tall, model.tall),
        timing=np.log(np.maximum(model.travel.at(seen.met.lag) / expected, _NEVER)),
        order=np.zeros(len(seen.view)),
        comes=np.log(model.comes.ravel()[seen.kind]),
    )


def beliefs(
    model: LinkModel, seen: Sightings, queries: Side, gallery: Side, settings: MatchSettings
) -> tuple[Sightings, Reasons, Floats]:
    """Return the pairs that are not hopeless, why, and their probabilities.

    Over either end's pairs the probabilities sum below 1. With ``settings.order`` the pairs around
    speak too: vehicles that leave together travel at one pace and keep their order.
    """
    why = reasons(model, seen)
    odds = why.odds()
    kept = odds > _HOPELESS
    seen, why, odds = seen.rows(kept), why.rows(kept), odds[kept]
    met, shape = seen.met, (len(queries), len(gallery))
    belief = soft_assign(met.q, met.g, odds, shape)
    for _ in range(settings.order_rounds if len(odds) else 0):
        why = why._replace(order=pace_evidence(model.travel, queries.time[met.q], met.lag, belief))
        belief = soft_assign(met.q, met.g, why.odds(), shape)
    return seen, why, belief


def _height_evidence(tall: Floats, together: float) -> Floats:
    """Return the log density ratio of two standard normal heights with this correlation against none."""
    x, y = tall.T
    free = 1 - together**2
    evidence = (2 * together * x * y - together**2 * (x**2 + y**2)) / (2 * free) - np.log(free) / 2
    evidence = np.log((1 - _WRONG_HEIGHT) * np.exp(evidence) + _WRONG_HEIGHT)
    return np.where((x == 0) | (y == 0), 0.0, evidence)


def _fit_heights(tall: Floats, belief: Floats) -> float:
    """Return the correlation of heights among pairs believed to be one vehicle, leaning towards 0.3."""
    x, y = tall.T
    both = float((belief * x * y).sum()) + _PSEUDO_HEIGHTS * 0.3
    alone = float((belief * (x**2 + y**2)).sum()) / 2 + _PSEUDO_HEIGHTS
    return float(np.clip(both / alone, 0.0, 0.7))


def _rate(gallery: Side) -> Floats:
    """Return how many gallery tracklets of its kind arrive per second around each one."""
    if not len(gallery):
        return np.zeros(0)
    second = np.floor(gallery.time - gallery.time[0]).astype(int)
    arrivals = [np.bincount(second[gallery.kind == kind], minlength=second[-1] + 1) for kind in range(KINDS)]
    rates = np.stack([gaussian_filter1d(part.astype(np.float64), _RATE_S, mode="nearest") for part in arrivals])
    return np.maximum(rates[gallery.kind, second], 1e-3)
