"""What is learnt on one link, and the beliefs it gives: appearance, travel time, and "not there"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from cctview.match.candidates import Meetings, Side, distances, meetings, strangers
from cctview.match.looks import Cohort, Looks, cohort_of, first_looks, fit_looks
from cctview.match.settings import MatchSettings
from cctview.match.travel import TravelTime, first_travel_time, fit_travel_time
from cctview.network import Link

__all__ = ["LinkModel", "beliefs", "learn_link"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_STRANGERS_EACH = 40
_SCALING_ROUNDS = 8
_HOT, _COOL = 0.4, 0.7
_RATE_S = 30.0


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkModel:
    """Everything learnt about one link.

    ``comes`` (2, 2) is the odds that a tracklet has its other half, by whether the headings of the
    query and of the gallery are sure.
    """

    looks: Looks
    travel: TravelTime
    cohort: Cohort
    comes: Floats
    rate: Floats


def learn_link(queries: Side, gallery: Side, link: Link, settings: MatchSettings) -> LinkModel:
    """Return the model of a link: matching and fitting in turn, from broad priors, without labels."""
    cohort = cohort_of(queries, gallery)
    strange = strangers(queries, gallery, link.min_s, link.max_s, _STRANGERS_EACH)
    model = LinkModel(
        looks=first_looks(queries, gallery, cohort, strange),
        travel=first_travel_time(link),
        cohort=cohort,
        comes=np.full((2, 2), 1.0),
        rate=_rate(gallery),
    )
    stride = 1 + len(queries) // settings.learn_queries
    met = meetings(queries, gallery, link.min_s, link.max_s, np.arange(0, len(queries), stride))
    if not len(met.q):
        return model
    score = cohort.score(met, distances(queries, gallery, met))
    view = model.looks.bins(queries, gallery, met, score)
    sure = (queries.sure[met.q].astype(int), gallery.sure[met.g].astype(int))
    count = np.bincount(queries.sure[::stride].astype(int), minlength=2)
    heat = _HOT
    for _ in range(settings.rounds):
        belief = beliefs(model, queries, gallery, met, view)
        found = np.zeros((2, 2))
        np.add.at(found, sure, belief)
        share = found / np.maximum(count[:, None], 1)
        comes = np.clip(share / np.maximum(1 - share.sum(axis=1, keepdims=True), 0.05), 1e-3, 20)
        heat *= _COOL
        model = LinkModel(
            looks=fit_looks(model.looks, view, belief),
            travel=fit_travel_time(model.travel, met.lag, belief, heat),
            cohort=cohort,
            comes=comes,
            rate=model.rate,
        )
    return model


def beliefs(model: LinkModel, queries: Side, gallery: Side, met: Meetings, view: Ints) -> Floats:
    """Return the probability of each pair; over one query, and over one gallery tracklet, they sum below 1."""
    if not len(met.q):
        return np.zeros(0)
    comes = model.comes[queries.sure[met.q].astype(int), gallery.sure[met.g].astype(int)]
    odds = comes * np.exp(model.looks.ratio[view]) * model.travel.at(met.lag) / model.rate[met.g]
    row, column = np.ones(len(queries)), np.ones(len(gallery))
    for _ in range(_SCALING_ROUNDS):
        row = 1 / (1 + np.bincount(met.q, odds * column[met.g], len(queries)))
        column = 1 / (1 + np.bincount(met.g, odds * row[met.q], len(gallery)))
    row = 1 / (1 + np.bincount(met.q, odds * column[met.g], len(queries)))
    return odds * row[met.q] * column[met.g]


def _rate(gallery: Side) -> Floats:
    """Return how many gallery tracklets of the same kind (sure or not) arrive per second around each one."""
    if not len(gallery):
        return np.zeros(0)
    second = np.floor(gallery.time - gallery.time[0]).astype(int)
    kinds = [np.bincount(second[gallery.sure == kind], minlength=second[-1] + 1) for kind in (False, True)]
    rates = np.stack([gaussian_filter1d(kind.astype(np.float64), _RATE_S, mode="nearest") for kind in kinds])
    return np.maximum(rates[gallery.sure.astype(int), second], 1e-3)
