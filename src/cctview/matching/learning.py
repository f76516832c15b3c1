"""What is learnt on one link without labels: matching and fitting in turn, from broad priors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from cctview.assign import soft_assign
from cctview.matching.belief import LinkModel, appearance, pairs_of, pairs_within, reasons
from cctview.matching.looks import against, cohort_of, first_looks, fit_looks
from cctview.matching.pairs import Pairs, strangers
from cctview.matching.priors import PRIORS
from cctview.matching.settings import MatchSettings
from cctview.matching.sides import KINDS, Side
from cctview.matching.traits import fit_agreement
from cctview.matching.travel import TravelModel, first_travel_time
from cctview.network import Link

__all__ = ["learn_link"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


def learn_link(queries: Side, gallery: Side, link: Link, settings: MatchSettings) -> LinkModel:
    """Return the model of a link.

    First on a thinned set of queries over the whole window, then on all of them where the travel
    time was found to lie, with more room where that cuts off many.
    """
    strange = strangers(queries.time, gallery.time, link.min_s, link.max_s, PRIORS.strangers_far_s)
    cohort = cohort_of(queries, gallery, normalise=settings.hubs)
    model = LinkModel(
        looks=first_looks(queries, gallery, cohort, strange),
        travel=first_travel_time(link),
        cohort=cohort,
        comes=np.full((KINDS, KINDS), PRIORS.first_comes / KINDS),
        rate=_rate(gallery),
        new=np.ones(KINDS),
        window=(link.min_s, link.max_s),
    )
    for _ in range(2):
        peak = _peak(replace(model, window=(link.min_s, link.max_s)), queries, gallery, settings)
        if peak is None:
            unlike = pairs_of(model, queries, gallery, strange)
            model = _fitted(model, queries, gallery, unlike, settings, PRIORS.heat, 1.0)
        model = replace(model, travel=peak or model.travel)
        model = _within(_widened(model.travel.window(), link), model, queries, gallery, settings)
        if peak is not None:
            break
    for _ in range(PRIORS.widenings):
        window = _uncrowded(model, link)
        if window == model.window:
            break
        model = _within(window, model, queries, gallery, settings)
    return model


def _within(
    window: tuple[float, float], model: LinkModel, queries: Side, gallery: Side, settings: MatchSettings
) -> LinkModel:
    """Return the model fitted to the pairs in a window and the strangers around it."""
    strange = strangers(queries.time, gallery.time, *window, PRIORS.strangers_near_s)
    unlike = pairs_of(model, queries, gallery, strange)
    looks = against(model.looks, unlike.bin, model.cohort.score(strange, unlike.distance))
    model = replace(model, window=window, looks=looks)
    return _fitted(model, queries, gallery, unlike, settings, PRIORS.cool, PRIORS.fewest_new)


def _uncrowded(model: LinkModel, link: Link) -> tuple[float, float]:
    """Return the window with room at each end where many vehicles arrive, as they do when a jam was cut off."""
    low, high = model.window
    rim = np.array(PRIORS.rim)
    most = PRIORS.crowded * model.travel.highest()
    if model.travel.at(low * rim).max() > most:
        low = max(low / PRIORS.room, link.min_s)
    if model.travel.at(high / rim).max() > most:
        high = min(high * PRIORS.room, link.max_s)
    return low, high


def _widened(window: tuple[float, float], link: Link) -> tuple[float, float]:
    """Return the window with room on both sides, still within the link's."""
    return max(window[0] / PRIORS.room, link.min_s), min(window[1] * PRIORS.room, link.max_s)


def _peak(model: LinkModel, queries: Side, gallery: Side, settings: MatchSettings) -> TravelModel | None:
    """Return the travel time seen as a peak over all lags of the link, None where none stands out."""
    pairs = pairs_within(
        model, queries, gallery, _thinned(model, queries, gallery, PRIORS.peak_pairs * settings.learn_pairs)
    )
    odds = np.exp(np.sum(appearance(model, pairs), axis=0))
    return model.travel.peak(pairs.met.lag, odds / (odds + PRIORS.shouting))


def _thinned(model: LinkModel, queries: Side, gallery: Side, most: int) -> Ints:
    """Return every n-th query, so that about ``most`` pairs fall into the window."""
    span = max(float(gallery.time[-1] - gallery.time[0]), 1.0) if len(gallery) else 1.0
    expected = len(queries) * len(gallery) * (model.window[1] - model.window[0]) / span
    return np.arange(0, len(queries), 1 + int(expected // most))


def _fitted(
    model: LinkModel,
    queries: Side,
    gallery: Side,
    unlike: Pairs,
    settings: MatchSettings,
    heat: float,
    fewest_new: float,
) -> LinkModel:
    """Return the model after some rounds of belief and fit over its window; ``unlike`` are strangers."""
    chosen = _thinned(model, queries, gallery, settings.learn_pairs)
    pairs = pairs_within(model, queries, gallery, chosen)
    asked = np.bincount(queries.kind[chosen], minlength=KINDS)
    there = np.bincount(gallery.kind, minlength=KINDS) * len(chosen) / max(len(queries), 1)
    for turn in range(settings.rounds):
        odds = reasons(model, pairs).odds()
        if turn >= PRIORS.prune_after:
            pairs, odds = pairs.rows(odds > PRIORS.least_odds), odds[odds > PRIORS.least_odds]
        shape = len(queries), len(gallery)
        belief = soft_assign(pairs.met.q, pairs.met.g, odds, shape, rivalry=settings.rivalry)
        found = _found(model, pairs, odds)
        heat *= PRIORS.cooling
        model = replace(
            model,
            looks=fit_looks(model.looks, pairs.bin, belief),
            travel=model.travel.fitted(pairs.met.lag, belief, heat),
            comes=_comes(found, asked),
            new=np.clip(1 - (found.sum(axis=0) + PRIORS.comes_found) / (there + PRIORS.new_there), fewest_new, 1.0),
            height=fit_agreement(pairs.height, belief) if settings.heights else 0.0,
            lane=fit_agreement(pairs.lane, belief) if settings.lane_keeping else 0.0,
        )
        model = replace(model, most=_most(model, unlike))
    return model


def _found(model: LinkModel, pairs: Pairs, odds: Floats) -> Floats:
    """Return how many pairs are of one vehicle, by kind of query and of gallery (K, K).

    Each pair is judged by itself, as a draw from a mixture. Judged among rivals, those that do not
    find their place would count as vehicles that never came, and the next round would find still
    fewer.
    """
    gone = 1 / (1 + model.comes.sum(axis=1))
    alone = odds * model.new[pairs.kind % KINDS] * gone[pairs.kind // KINDS]
    found = np.bincount(pairs.kind, alone / (1 + alone), KINDS**2)
    return found.reshape(KINDS, KINDS).astype(np.float64)


def _comes(found: Floats, asked: Ints) -> Floats:
    """Return the odds (K, K) of kinds that come among those asked for (K,), some of whom always leave."""
    share = (found + PRIORS.comes_found) / (asked[:, None] + PRIORS.comes_asked)
    share *= np.minimum(1, (1 - PRIORS.fewest_gone) / share.sum(axis=1, keepdims=True))
    return share / (1 - share.sum(axis=1, keepdims=True))


def _most(model: LinkModel, unlike: Pairs) -> float:
    """Return the limit (nats) under which looks and size together average to odds of 1 over strangers.

    Likelihood ratios do so by nature; what goes beyond has counted something twice, or has taken
    look-alikes for one vehicle.
    """
    ratio = np.sort(np.exp(np.sum(appearance(model, unlike), axis=0)))
    if not len(ratio) or ratio.mean() <= 1:
        return np.inf
    above = len(ratio) - np.arange(len(ratio))
    mean = (np.cumsum(ratio) - ratio + above * ratio) / len(ratio)  # with all above cut to this one
    return float(np.log(ratio[max(int(np.searchsorted(mean, 1.0)) - 1, 0)]))


def _rate(gallery: Side) -> Floats:
    """Return how many gallery tracklets of its kind arrive per second around each one."""
    if not len(gallery):
        return np.zeros(0)
    second = np.floor(gallery.time - gallery.time[0]).astype(int)
    arrivals = [np.bincount(second[gallery.kind == kind], minlength=second[-1] + 1) for kind in range(KINDS)]
    rates = np.stack([gaussian_filter1d(part.astype(np.float64), PRIORS.rate_s, mode="nearest") for part in arrivals])
    return np.maximum(rates[gallery.kind, second], PRIORS.rate_least)
