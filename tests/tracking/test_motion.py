from dataclasses import replace

import numpy as np
import pytest
from scenes import PRIORS, a_scene, on_road, some_road

from cctview.tracking.motion import _cautious, _chance, _sample, learn
from cctview.tracking.occupancy import places_of
from cctview.tracking.pairs import Pairs, change_bins, grid_of, likeness, moves


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


GRID = grid_of(PRIORS)
LEVELS = len(PRIORS.like_bins) + 1


def with_looks(count=60, per=2, seed=2):
    """Some vehicles in each still, none of which looks like another."""
    boxes = some_road(count * per)
    vectors = np.random.default_rng(seed).normal(size=(count * per, 6))
    return a_scene(boxes, np.repeat(np.arange(count), per), vectors=vectors / np.linalg.norm(vectors, axis=1)[:, None])


def test_the_odd_reach_likeness_too():
    """However unlike two boxes are, they speak no more against one vehicle than the share of the odd allows."""
    wary = replace(PRIORS, odd=0.9)
    assert learn(with_looks(), 2, 10_000, wary).alike.min() >= np.log(0.9)
    assert learn(with_looks(), 2, 10_000, PRIORS).alike.min() < np.log(0.8)


def test_what_speaks_for_a_pair_is_against_chance():
    """Over all that chance pairs look like, the ratios of true to chance average to one, whatever a pair depends on."""
    scene = with_looks()
    sample = _sample(scene, 10_000, PRIORS)
    motion = learn(scene, 2, 10_000, PRIORS)
    for ratio, chance, inner in zip(
        (motion.change, motion.alike), sample.chance, (int(np.prod(PRIORS.change_bins)), LEVELS), strict=True
    ):
        mean = (np.exp(ratio) * np.exp(chance)).reshape(-1, inner).sum(axis=1)
        assert mean.tolist() == pytest.approx([1.0] * len(mean), abs=0.02)


def test_what_is_parked_is_no_chance_pair():
    """One car stands in every still, another one passes: that two boxes on each other look alike is no chance."""
    passing = some_road(100, seed=4)
    boxes = np.empty((200, 4))
    boxes[::2], boxes[1::2] = on_road(30.0, 9.0), passing
    looks = np.random.default_rng(1).normal(size=(200, 6))
    looks[::2] = [1, 0, 0, 0, 0, 0]
    scene = a_scene(boxes, np.repeat(np.arange(100), 2), vectors=looks / np.linalg.norm(looks, axis=1)[:, None])
    alike = np.exp(_sample(scene, 10_000, PRIORS).chance[1]).reshape(-1, PRIORS.small_bins, LEVELS)
    assert alike.sum(axis=-1).ravel().tolist() == pytest.approx([1.0] * (4 * PRIORS.small_bins))
    assert alike[3, scene.small[0], :3].sum() < 3 * 3 / LEVELS
    kept = _sample(scene, 10_000, replace(PRIORS, parked=(1.0, 15)))
    assert np.exp(kept.chance[1]).reshape(alike.shape)[3, scene.small[0], :8].sum() > 0.5


def known(scene):
    """A motion whose numbers differ from place to place and bin to bin."""
    motion = learn(scene, 0, 10_000, PRIORS)
    rising = np.linspace(-2, 2, len(motion.stays))
    return replace(motion, stays=rising, fresh=rising[::-1] - 3, same=np.arange(len(motion.same)) / 1e4)


def test_the_outlook_of_a_sighting_is_that_of_its_place():
    scene = with_looks(per=3)
    motion = known(scene)
    outlook = motion.outlook(scene)
    assert np.array_equal(outlook.stays, motion.stays[scene.bin])
    leaves = 1 - 1 / (1 + np.exp(-outlook.stays))
    assert np.allclose(np.exp(outlook.later), 1 - leaves)
    assert (outlook.later < 0).all()
    density = motion.fresh[scene.bin] + motion.occupancy.at(scene.spot)
    assert np.allclose(outlook.other - density, np.log(3))


def test_the_evidence_of_a_pair():
    scene = with_looks()
    motion, pairs = known(scene), Pairs(np.array([0, 1, 0]), np.array([2, 2, 3]), np.ones(3))
    found = motion.evidence(scene, pairs, GRID)
    place, ground = moves(scene, pairs, GRID)
    assert np.allclose(found.same, motion.same[place] - ground)
    change, given = change_bins(scene, pairs, GRID)
    level = np.searchsorted(motion.edges, likeness(scene, pairs))
    assert np.allclose(found.rest, motion.change[change] + motion.alike[given * LEVELS + level])


def test_vehicles_that_drive_on_are_learnt_to_drive_on():
    """One car after the other comes nearer by the same way each second: that way gains, the way back does not."""
    away = np.concatenate([np.linspace(80, 20, 11)] * 12)
    looks = np.repeat(np.random.default_rng(3).normal(size=(12, 6)), 11, axis=0)
    looks /= np.linalg.norm(looks, axis=1)[:, None]
    scene = a_scene(on_road(away, 2.0), np.arange(132), vectors=looks)
    motion = learn(scene, 6, 10_000, PRIORS)
    onward = motion.evidence(scene, Pairs(np.array([4]), np.array([5]), np.ones(1)), GRID)
    back = motion.evidence(scene, Pairs(np.array([5]), np.array([4]), np.ones(1)), GRID)
    assert onward.same[0] > back.same[0] + 1
    assert onward.rest[0] > 0
    other = motion.evidence(scene, Pairs(np.array([4]), np.array([16]), np.ones(1)), GRID)
    assert onward.rest[0] > other.rest[0] + 1
    assert motion.gain > 0
    assert motion.gain > learn(scene, 0, 10_000, PRIORS).gain


def test_newcomers_and_what_stays_are_shares():
    motion = learn(with_looks(), 3, 10_000, PRIORS)
    stays = 1 / (1 + np.exp(-motion.stays))
    low, high = PRIORS.stays_range
    assert ((stays >= low - 1e-9) & (stays <= high + 1e-9)).all()
    assert (motion.fresh <= 0).all()
    assert (motion.fresh >= np.log(PRIORS.fresh_least) - 1e-9).all()


def test_where_there_is_little_to_learn_from_roads_are_as_usual():
    scene = a_scene(on_road([40.0, 30.0], 0.0), [0, 1])
    motion = learn(scene, 2, 10_000, PRIORS)
    same = np.exp(motion.same).reshape(-1, *PRIORS.motion_bins)
    assert same.sum(axis=(1, 2)).tolist() == pytest.approx([1.0] * len(same))
    usual = same[0]
    assert usual[:, 7].sum() > usual[:, 3].sum() > 0
    assert usual[15, 7] > 5 * usual[0, 7]
    assert np.isfinite(places_of(scene.spot, PRIORS).occupancy(2, PRIORS).log_density).all()
