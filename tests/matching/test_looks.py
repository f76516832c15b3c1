"""What a distance says, on few numbers that can be followed by hand."""

from dataclasses import replace

import numpy as np
import pytest

from cctview.matching.looks import Cohort, against, cohort_of, first_looks, fit_looks
from cctview.matching.pairs import Meetings, meetings
from cctview.matching.priors import PRIORS
from cctview.matching.sides import Side

COUNT, DIMENSIONS = 600, 16


def side(seed, hub=0.0):
    rng = np.random.default_rng(seed)
    vector = rng.normal(size=(COUNT, DIMENSIONS)) + hub
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    blank = np.full(COUNT, np.nan)
    return Side(
        here=np.arange(COUNT),
        keep=np.arange(COUNT),
        time=np.arange(COUNT) * 5.0,
        kind=np.zeros(COUNT, int),
        vector=vector.astype(np.float32),
        quality=np.linspace(0.3, 1.0, COUNT),
        height=blank,
        lane=blank,
    )


QUERIES, GALLERY = side(1), side(2)
STRANGE = meetings(QUERIES.time, GALLERY.time, 0.0, 100.0, np.arange(COUNT))
COHORT = cohort_of(QUERIES, GALLERY)
FIRST = first_looks(QUERIES, GALLERY, COHORT, STRANGE)


def test_a_distance_is_told_in_spreads_of_both_ends():
    """(0.5 - 0.8) / 0.1 = -3 for the query, (0.5 - 0.6) / 0.2 = -0.5 for the gallery: -1.75 together."""
    cohort = Cohort(query=(np.array([0.8]), np.array([0.1])), gallery=(np.array([0.6]), np.array([0.2])))
    met = Meetings(np.array([0]), np.array([0]), np.array([9.0]))
    assert cohort.score(met, np.array([0.5])) == pytest.approx([-1.75])


@pytest.mark.parametrize("end", ["query", "gallery"])
def test_who_is_near_to_everybody_gains_nothing_at_either_end(end):
    hub = replace(QUERIES, vector=np.vstack([np.ones((1, DIMENSIONS)) / 4, QUERIES.vector[1:]]).astype(np.float32))
    crowd = side(3, hub=0.5)
    sides = (hub, crowd) if end == "query" else (crowd, hub)
    cohort = cohort_of(*sides)
    mean, spread = getattr(cohort, end)
    assert mean[0] < mean[1:].min(), "the hub is near to all"
    met = Meetings(np.zeros(COUNT, int), np.arange(COUNT), np.zeros(COUNT))
    met = met if end == "query" else Meetings(met.g, met.q, met.lag)
    apart = 1 - crowd.vector @ hub.vector[0]
    own = (apart - mean[0]) / spread[0]
    assert abs(own.mean()) < 0.2
    assert own.std() == pytest.approx(1, abs=0.1)


def test_without_normalising_distances_are_only_scaled():
    plain = cohort_of(QUERIES, GALLERY, normalise=False)
    met = Meetings(np.array([0, 1]), np.array([0, 1]), np.zeros(2))
    assert plain.score(met, np.array([1.0, 0.5])).tolist() == [0.0, -2.0]


def ratio_at(looks, score, grade=0):
    place = int(np.clip((score - looks.low) / looks.width, 0, PRIORS.bins - 1))
    return looks.ratio.reshape(PRIORS.grades, PRIORS.bins)[grade, place]


def test_before_anything_is_learnt_the_nearer_is_the_likelier():
    assert ratio_at(FIRST, -3.0) > 3
    assert ratio_at(FIRST, 0.0) < -1
    grades = FIRST.ratio.reshape(PRIORS.grades, PRIORS.bins)
    assert np.all(np.diff(grades, axis=1) <= 1e-9), "never rising with the distance"
    assert np.abs(FIRST.ratio).max() <= PRIORS.looks_most
    assert FIRST.same.sum(axis=1) == pytest.approx(1)
    assert np.exp(FIRST.chance).sum(axis=1) == pytest.approx(1)


def test_a_pair_is_of_the_grade_of_its_worse_end():
    met = Meetings(np.array([0, COUNT - 1, COUNT - 1]), np.array([COUNT - 1, 0, COUNT - 1]), np.zeros(3))
    assert (FIRST.bins(QUERIES, GALLERY, met, np.zeros(3)) // PRIORS.bins).tolist() == [0, 0, PRIORS.grades - 1]


def test_scores_beyond_the_bins_belong_to_the_outermost():
    met = Meetings(np.zeros(2, int), np.zeros(2, int), np.zeros(2))
    assert (FIRST.bins(QUERIES, GALLERY, met, np.array([-99.0, 99.0])) % PRIORS.bins).tolist() == [0, PRIORS.bins - 1]


def test_beliefs_move_what_one_vehicle_looks_like():
    far, near = (np.full(500, int((score - FIRST.low) / FIRST.width)) for score in (-1.0, -4.0))
    weaker, stronger = (fit_looks(FIRST, place, np.ones(500)) for place in (far, near))
    assert ratio_at(weaker, -1.0) > ratio_at(FIRST, -1.0) > ratio_at(stronger, -1.0)
    assert weaker.same.sum(axis=1) == pytest.approx(1)
    assert ratio_at(weaker, -1.0, grade=2) > ratio_at(FIRST, -1.0, grade=2), "grades without beliefs lean on all"
    assert fit_looks(FIRST, far, np.full(500, 1e-4)) is FIRST


def test_strangers_that_look_alike_weaken_a_near_distance():
    place, score = np.full(4000, int((-3.0 - FIRST.low) / FIRST.width)), np.full(4000, -3.0)
    assert ratio_at(against(FIRST, place, score), -3.0) < ratio_at(FIRST, -3.0) - 1


def test_too_few_strangers_leave_a_plain_promise():
    few = Meetings(*(column[:2] for column in STRANGE))
    looks = first_looks(QUERIES, GALLERY, COHORT, few)
    assert looks.grades.tolist() == [0.0, 0.0]
    assert looks.low == pytest.approx(-PRIORS.bins_below)
    assert np.all(np.isfinite(looks.ratio))


def test_what_is_promised_counts_as_sixty_vehicles():
    """Sixty beliefs far off in one grade: all grades lean on a half of each, that one on it as on sixty more."""
    place = np.full(60, int((2.0 - FIRST.low) / FIRST.width))
    same = fit_looks(FIRST, place, np.ones(60)).same
    score = FIRST.low + (np.arange(PRIORS.bins) + 0.5) * FIRST.width
    far = same[:, np.abs(score - 2.0) < 1].sum(axis=1)
    assert far == pytest.approx([0.75, 0.5, 0.5], abs=0.01)


def test_strangers_of_a_grade_without_any_are_those_of_all_grades_and_a_wider_bell():
    score = np.random.default_rng(8).normal(0.5, 0.8, 3000)
    bins = np.clip((score - FIRST.low) / FIRST.width, 0, PRIORS.bins - 1).astype(int)
    chance = np.exp(against(FIRST, bins, score).chance)
    middle = FIRST.low + (np.arange(PRIORS.bins) + 0.5) * FIRST.width
    for grade in range(PRIORS.grades):
        mean = (chance[grade] * middle).sum()
        spread = np.sqrt((chance[grade] * (middle - mean) ** 2).sum())
        assert mean == pytest.approx(0.5, abs=0.05)
        assert spread == pytest.approx(0.8, rel=0.1)
    assert chance[0].max() == pytest.approx(chance[2].max(), rel=0.1)
