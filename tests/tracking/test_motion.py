from dataclasses import replace

import numpy as np
import pytest
from scenes import PRIORS, a_scene, on_road, some_road

from cctview.tracking.motion import _cautious, _chance, learn


def test_no_single_box_can_veto():
    assert _cautious(np.array([-50.0, 0.0]), 0.02) == pytest.approx([np.log(0.02), 0.0])
    assert _cautious(np.array([2.0]), 0.02) == pytest.approx([np.log(0.98 * np.exp(2) + 0.02)])


def test_chance_pairs_are_far_apart_or_of_one_still():
    scene = a_scene(some_road(200), np.repeat(np.arange(100), 2))
    start = np.arange(99)
    far = _chance(scene, start, np.ones(99), PRIORS)
    apart = np.abs(scene.still[far.j] - scene.still[far.i] - 1)
    assert np.minimum(apart, 100 - apart).min() >= 25
    short = a_scene(some_road(20), np.repeat(np.arange(10), 2))
    near = _chance(short, np.arange(9), np.ones(9), PRIORS)
    assert np.array_equal(short.still[near.i], short.still[near.j])
    assert np.all(near.i != near.j)
    assert len(near.i) == 18


def test_the_odd_reach_what_is_learnt():
    scene = a_scene(on_road(np.linspace(80, 15, 40), 2.0), np.arange(40))
    motion = learn(scene, 3, 10_000, PRIORS)
    assert motion.change.min() >= np.log(PRIORS.odd)
    assert motion.alike.min() >= np.log(PRIORS.odd)
    assert learn(scene, 3, 10_000, replace(PRIORS, odd=0.2)).change.min() >= np.log(0.2)
