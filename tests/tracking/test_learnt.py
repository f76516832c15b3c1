"""Which clock a camera's stills are believed to follow."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import PRIORS, on_road, sightings

from cctview.tracking import TrackSettings
from cctview.tracking import learnt as rooms
from cctview.tracking.learnt import learnt_of

SETTINGS = TrackSettings(sample=2000)
STEP_S, SPEED_MPS = 1.7, 12.0


def traffic(true_s, stamps_s, vehicles=40):
    """Cars that come towards the camera one after the other, as stills show them at ``true_s``, stamped otherwise."""
    rows = []
    for n in range(vehicles):
        away = 85 - SPEED_MPS * (true_s - n * true_s[-1] / vehicles)
        shown = np.flatnonzero((away > 15) & (away < 85))
        rows += [(still, away[still], n) for still in shown]
    rows.sort()
    still, away, who = (np.array(column) for column in zip(*rows, strict=True))
    looks = np.random.default_rng(1).normal(size=(vehicles, 8))
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    seen = sightings(on_road(away, 2.0 * (who % 2)), still, vectors=looks[who])
    return replace(seen, time=(stamps_s[still] * 1e9).astype(np.int64))


EVEN = np.arange(80) * STEP_S


def test_whole_seconds_of_an_even_camera_are_not_believed():
    seen = traffic(EVEN, np.floor(EVEN))
    assert learnt_of(seen, SETTINGS, PRIORS).lens.step_s == pytest.approx(STEP_S, rel=0.02)


def test_exact_stamps_are_believed():
    assert learnt_of(traffic(EVEN, EVEN + 0.01), SETTINGS, PRIORS).lens.step_s == 0


def test_the_clock_that_explains_more_is_taken(monkeypatch):
    seen = traffic(EVEN, np.floor(EVEN))
    for better, worse in ((0.0, 1.0), (1.0, 0.0)):
        gains = {True: better, False: worse}
        monkeypatch.setattr(rooms, "_gain", lambda _, lens, *__, told=gains: told[lens.step_s > 0])
        assert (learnt_of(seen, SETTINGS, PRIORS).lens.step_s > 0) == (better > worse)


def test_a_trial_is_short(monkeypatch):
    asked = []

    def noted(scene, rounds, pairs, priors):
        asked.append((rounds, pairs))
        return learn(scene, 1, 500, priors)

    learn = rooms.learn
    monkeypatch.setattr(rooms, "learn", noted)
    priors = replace(PRIORS, trial_rounds=3, trial_pairs=900)
    learnt_of(traffic(EVEN, np.floor(EVEN)), SETTINGS, priors)
    assert asked == [(3, 900), (3, 900), (SETTINGS.rounds, SETTINGS.sample)]


def test_one_sighting_teaches_a_little():
    known = learnt_of(sightings(on_road(30.0, 0.0), [0]), SETTINGS, PRIORS)
    assert known.lens.step_s == 0
    assert np.isfinite(known.motion.same).all()
    assert known.motion.gain == 0
