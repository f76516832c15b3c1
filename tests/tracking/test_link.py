from dataclasses import replace

import numpy as np
import pytest
from scenes import PRIORS, a_scene, on_road

from cctview.tracking import TrackSettings, course
from cctview.tracking.link import Threads, _ahead, _odds, linked
from cctview.tracking.motion import Evidence, Outlook
from cctview.tracking.pairs import grid_of

SETTINGS = TrackSettings()


class Known:
    """Motion that has nothing to say but what a test wants it to."""

    def __init__(self, same=-3.0, rest=0.0, stays=0.0, later=0.0, other=-6.0):
        self.told = same, rest, stays, later, other

    def evidence(self, _, pairs, __):
        shape = np.broadcast_shapes(*(np.shape(part) for part in pairs))
        return Evidence(np.full(shape, self.told[0]), np.full(shape, self.told[1]))

    def outlook(self, scene):
        return Outlook(*(np.full(len(scene), value) for value in self.told[2:]))


def threads_of(scene, still, step=1.0):
    still = np.array(still)
    return Threads.fresh(scene, np.arange(1, len(scene) + 1), still * step, still, PRIORS)


def odds(still, *, settings=SETTINGS, motion=None, seen=1, step=1.0, priors=PRIORS, second=(40.0, 0.0)):
    """The log-odds that a vehicle of still 0 is the one of a later still."""
    scene = a_scene(np.concatenate([on_road(40.0, 0.0), on_road(*second)]), [0, still])
    threads = threads_of(scene, [0, still], step)
    threads.seen[0] = seen
    ends, rows, motion = np.array([0]), np.array([1]), motion or Known()
    ahead = _ahead(threads, ends, threads.clock[1], priors)
    return float(
        _odds(scene, threads, ends, rows, ahead, motion, motion.outlook(scene), settings, grid_of(priors))[0, 0]
    )


def test_a_longer_gap_needs_more():
    """Each doubling of the gap costs ``gap_penalty``; the next still costs nothing."""
    costs = [odds(n) - odds(n, settings=replace(SETTINGS, gap_penalty=0.0)) for n in (1, 2, 4, 8)]
    assert costs == pytest.approx([0, -np.log2(2), -np.log2(4), -np.log2(8)])
    double = replace(SETTINGS, gap_penalty=2.0)
    assert odds(4, settings=double) - odds(4) == pytest.approx(-2.0)
    assert odds(4) < odds(2) < odds(1)


def test_where_stills_come_fast_the_gap_is_told_in_seconds():
    free = replace(SETTINGS, gap_penalty=0.0)
    cost = odds(10, step=0.1) - odds(10, settings=free, step=0.1)
    assert cost == pytest.approx(-np.log2(1 + 1.0 * (1 - 1 / 10)))


def test_the_terms_of_the_odds():
    """Evidence and outlook add up; a newcomer's density is what they are against."""
    base = odds(1, motion=Known())
    assert odds(1, motion=Known(rest=1.5)) - base == pytest.approx(1.5)
    assert odds(1, motion=Known(stays=0.7)) - base == pytest.approx(0.7)
    assert odds(1, motion=Known(later=0.7)) - base == pytest.approx(0)
    assert odds(2, motion=Known(later=0.7)) - odds(2) == pytest.approx(0.7)
    assert odds(2, motion=Known(stays=0.7)) - odds(2) == pytest.approx(0)
    assert odds(1, motion=Known(other=-5.0)) - base == pytest.approx(-1.0)


def test_a_vehicle_seen_twice_is_heeded_where_it_goes():
    """Seen once, the road decides alone; seen twice, its own course is mixed in with ``inertia``."""
    once = odds(1, motion=Known(same=-3.0))
    assert once == pytest.approx(-3.0 + 6.0, abs=1e-3)
    heeded = odds(1, motion=Known(same=-50.0), seen=2)
    full = odds(1, motion=Known(same=-50.0), seen=2, priors=replace(PRIORS, inertia=1 - 1e-12))
    assert heeded - full == pytest.approx(np.log(PRIORS.inertia), abs=1e-3)
    assert heeded > odds(1, motion=Known(same=-50.0)) + 10


def test_a_course_that_leads_elsewhere_speaks_against():
    here = odds(1, motion=Known(same=-50.0), seen=2)
    there = odds(1, motion=Known(same=-50.0), seen=2, second=(14.0, 0.0))
    assert there < here


def test_following_makes_the_next_sighting_the_vehicles():
    scene = a_scene(on_road([40.0, 38.0], 0.0), [0, 1], vectors=[[1, 0], [0, 1]])
    threads = threads_of(scene, [0, 1])
    threads.look[:] = [[1, 0], [0, 1]]
    i, j = np.array([0]), np.array([1])
    ahead = _ahead(threads, i, 1.0, PRIORS)
    threads.follow(i, j, ahead, scene)
    assert threads.label.tolist() == [1, 1]
    assert threads.born.tolist() == [0, 0]
    assert threads.seen.tolist() == [1, 2]
    assert np.allclose(threads.look[1], np.sqrt(0.5))
    assert np.array_equal(threads.course[1], course.met(ahead, scene.spot[j], scene.noise[j])[0])


@pytest.mark.parametrize(
    ("gap_s", "still", "alive"),
    [(5.5, 9, True), (5.6, 9, False), (5.6, 1, True), (11.0, 1, True), (11.1, 1, False), (1.0, 3, True)],
)
def test_how_long_an_end_lives(gap_s, still, alive):
    scene = a_scene(on_road([40.0], 0.0), [0])
    assert threads_of(scene, [0]).alive(np.array([0]), gap_s, still, SETTINGS, PRIORS.patience).tolist() == [alive]


def test_what_stands_too_long_is_parked():
    scene = a_scene(on_road([40.0], 0.0), [0])
    threads = threads_of(scene, [1800])
    for born, alive in ((0.0, True), (-0.5, False)):
        threads.born[:] = born
        assert threads.alive(np.array([0]), 1800.0, 1800, SETTINGS, 2.0).tolist() == [alive]


def test_linking_is_one_to_one_above_the_threshold():
    scene = a_scene(on_road([40.0, 40.0, 39.0, 39.0], [-2.0, 2.0, -2.0, 2.0]), [0, 0, 1, 1])
    for threshold, groups in ((2.5, 2), (3.5, 4)):
        threads = threads_of(scene, [0, 0, 1, 1])
        settings = replace(SETTINGS, threshold=threshold)
        ends = linked(scene, threads, np.zeros(0, np.intp), Known(), settings, PRIORS)
        assert len(np.unique(threads.label)) == groups
        assert len(ends) == groups
    assert {len(set(pair)) for pair in threads.label.reshape(2, 2).tolist()} == {2}
