"""What is learnt on a link, on vehicles drawn from the very model that is fitted."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cctview.matching import MatchSettings
from cctview.matching.belief import appearance, pairs_of
from cctview.matching.learning import _most, learn_link
from cctview.matching.pairs import strangers
from cctview.matching.priors import PRIORS
from cctview.matching.sides import KINDS, Side
from cctview.network import Link

LINK = Link(origin="a", target="b", direction_deg=0, metres=600, min_s=12, max_s=400)
PLAIN = MatchSettings()
GAP_S = 5.0
DIMENSIONS = 16


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Vehicles at a camera, what share of them comes to the next one, and how well one looks like itself there."""

    vehicles: int = 900
    comes: float = 0.6
    new: float = 0.4
    look_noise: float = 0.8
    travel_s: float = 40.0
    spread: float = 0.12
    together: float = 0.5
    models: int = 0
    seed: int = 1


def side(rng, time, look, trait, noise):
    vector = look + noise * rng.normal(size=look.shape) / np.sqrt(look.shape[1])
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    order = np.argsort(time)
    quality = rng.uniform(0.3, 1, len(time))
    kind = np.searchsorted(np.quantile(quality, np.arange(1, KINDS) / KINDS), quality)
    return Side(
        here=np.arange(len(time)),
        keep=np.arange(len(time)),
        time=time[order],
        kind=kind,
        vector=vector[order].astype(np.float32),
        quality=quality,
        height=trait[order, 0],
        lane=trait[order, 1],
    )


def looks(rng, traffic, count):
    """Every vehicle its own look, or one of a few models that many share."""
    look = rng.normal(size=(traffic.models or count, DIMENSIONS))
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    return look[rng.integers(0, traffic.models, count)] if traffic.models else look


def sides(traffic, lag=None):
    """The two ends of a link; ``lag`` (N,) are the true seconds of all that might come."""
    rng = np.random.default_rng(traffic.seed)
    count = traffic.vehicles
    start = np.sort(rng.uniform(0, count * GAP_S, count))
    look, trait = looks(rng, traffic, count), rng.normal(size=(count, 2))
    if lag is None:
        lag = traffic.travel_s * np.exp(traffic.spread * rng.normal(size=count))
    came = rng.random(count) < traffic.comes
    others = round(came.sum() * traffic.new / (1 - traffic.new))
    again = traffic.together * trait[came] + np.sqrt(1 - traffic.together**2) * rng.normal(size=(came.sum(), 2))
    time = np.concatenate([(start + lag)[came], rng.uniform(0, count * GAP_S, others)])
    seen = np.concatenate([look[came], looks(rng, traffic, others)])
    traits = np.concatenate([again, rng.normal(size=(others, 2))])
    return (
        side(rng, start, look, trait, traffic.look_noise),
        side(rng, time, seen, traits, traffic.look_noise),
        came.mean(),
    )


def share_that_comes(model, queries):
    odds = model.comes.sum(axis=1)
    return (odds / (1 + odds))[queries.kind].mean()


def over_strangers(model, queries, gallery):
    """The pairs that cannot be one vehicle, and what looks and size say of each in nats."""
    unlike = pairs_of(
        model, queries, gallery, strangers(queries.time, gallery.time, *model.window, PRIORS.strangers_near_s)
    )
    return unlike, np.sum(appearance(model, unlike), axis=0)


@pytest.mark.parametrize("look_noise", [0.6, 0.8])
@pytest.mark.parametrize("comes", [0.3, 0.6, 0.85])
def test_how_many_come_when_and_how_alike_is_found(comes, look_noise):
    queries, gallery, truth = sides(Traffic(comes=comes, look_noise=look_noise))
    model = learn_link(queries, gallery, LINK, PLAIN)
    assert share_that_comes(model, queries) == pytest.approx(truth, abs=0.07)
    assert model.travel.quantile(0.5) == pytest.approx(40, rel=0.03)
    assert LINK.min_s < model.window[0] < 30
    assert 53 < model.window[1] < 100
    assert [model.height, model.lane] == pytest.approx([0.5, 0.5], abs=0.15)


@pytest.mark.parametrize("look_noise", [1.2, 2.0])
def test_weak_looks_claim_no_more_than_come(look_noise):
    queries, gallery, truth = sides(Traffic(look_noise=look_noise))
    model = learn_link(queries, gallery, LINK, PLAIN)
    assert 0.2 < share_that_comes(model, queries) < truth + 0.07
    assert model.travel.quantile(0.5) == pytest.approx(40, rel=0.05)


def test_of_strangers_hardly_one_comes():
    queries, _, _ = sides(Traffic())
    _, gallery, _ = sides(Traffic(seed=2))
    assert share_that_comes(learn_link(queries, gallery, LINK, PLAIN), queries) < 0.1


@pytest.mark.parametrize("models", [0, 12, 30], ids=["own looks", "few models", "some models"])
def test_strangers_are_not_taken_for_one_vehicle(models):
    """Density ratios average to 1 over strangers; where many vehicles look the same they do so by their limit."""
    queries, gallery, _ = sides(Traffic(models=models, look_noise=0.3))
    model = learn_link(queries, gallery, LINK, PLAIN)
    _, told = over_strangers(model, queries, gallery)
    assert np.exp(np.minimum(told, model.most)).mean() < 1.01


def test_evidence_counted_twice_is_cut_to_what_strangers_allow():
    queries, gallery, _ = sides(Traffic(look_noise=0.9))
    model = learn_link(queries, gallery, LINK, PLAIN)
    twice = replace(model, looks=replace(model.looks, ratio=2 * model.looks.ratio))
    unlike, told = over_strangers(twice, queries, gallery)
    assert np.exp(told).mean() > 2
    most = _most(twice, unlike)
    assert np.exp(np.minimum(told, most)).mean() == pytest.approx(1, abs=0.05)
    assert _most(twice, unlike.rows(slice(0))) == np.inf


def test_a_window_that_cuts_a_jam_off_is_widened():
    """Vehicles take 35 s, then more and more, at last 65 s."""
    rng = np.random.default_rng(51)
    count = Traffic().vehicles
    usual = np.interp(np.arange(count) / count, [0, 0.4, 0.7, 1], [35, 35, 65, 65])
    lag = usual * np.exp(0.08 * rng.normal(size=count))
    queries, gallery, truth = sides(Traffic(look_noise=0.5), lag)
    model = learn_link(queries, gallery, LINK, PLAIN)
    low, high = np.quantile(lag, [0.01, 0.99])
    assert LINK.min_s < model.window[0] < low < high < model.window[1] < LINK.max_s / 2
    assert share_that_comes(model, queries) == pytest.approx(truth, abs=0.1)
    assert model.travel.quantile(0.9) == pytest.approx(np.quantile(lag, 0.9), rel=0.06)
