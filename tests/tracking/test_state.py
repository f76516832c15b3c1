"""What a tracker remembers of a camera: when it learns anew, what it forgets, how clock and stills count on."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import PRIORS, on_road, sightings

from cctview.tracking import TrackSettings, TrackState
from cctview.tracking import state as rooms
from cctview.tracking.learnt import learnt_of

SETTINGS = TrackSettings(memory=200, rounds=2, sample=1000)
BOX = on_road(30.0, 0.0)


def stills(first, last, step=1.0, per=1):
    """One resting car, or some beside each other, in stills ``first`` to ``last``."""
    number = np.repeat(np.arange(first, last), per)
    boxes = on_road(30.0, np.tile(np.arange(per) * 3.0, last - first))
    rows = sightings(boxes, number, vectors=np.tile(np.eye(per, 2), (last - first, 1)), second=step)
    return replace(rows, id=number * per + np.tile(np.arange(per), last - first) + 1)


def after(*blocks, settings=SETTINGS, priors=PRIORS):
    """The state after these blocks, one after the other, and the labels of the last."""
    state, label = TrackState.fresh(), None
    for block in blocks:
        state, label = state.extended(block, settings, priors)
    return state, label


@pytest.fixture
def taught(monkeypatch):
    """How many sightings each learning was given."""
    counts = []

    def counted(memory, settings, priors):
        counts.append(len(memory))
        return learnt_of(memory, settings, priors)

    monkeypatch.setattr(rooms, "learnt_of", counted)
    return counts


def test_nothing_is_known_before_the_first_still():
    state = TrackState.fresh()
    assert (state.learnt, len(state.memory), len(state.open), state.still, state.clock) == (None, 0, 0, 0, 0.0)
    same, label = state.extended(stills(0, 0), SETTINGS, PRIORS)
    assert same is state
    assert len(label) == 0


def test_a_resting_vehicle_keeps_its_label_from_block_to_block():
    state, label = after(stills(0, 10), stills(10, 13))
    assert label.tolist() == [1, 1, 1]
    assert state.open.tolist() == [1]
    assert state.threads.seen.tolist() == [13]
    assert state.threads.born.tolist() == [0.0]


def test_clock_and_stills_count_on():
    state, _ = after(stills(0, 10, per=2), stills(12, 15, per=2))
    assert state.still == 13
    assert state.clock == pytest.approx(14.0)
    assert state.time == 14 * 10**9
    assert state.threads.still[-4:].tolist() == [12, 12, 13, 13]
    assert state.threads.clock[-4:].tolist() == pytest.approx([13.0, 13.0, 14.0, 14.0])


def test_the_road_is_learnt_anew_when_memory_has_grown_enough(taught):
    priors = replace(PRIORS, growth=1.5, renewed=1e9)
    after(stills(0, 20), stills(20, 29), stills(29, 30), stills(30, 44), stills(44, 45), priors=priors)
    assert taught == [20, 30, 45]


def test_or_when_much_of_a_full_memory_is_new(taught):
    priors = replace(PRIORS, growth=1e9, renewed=0.1)
    after(stills(0, 20), stills(20, 39), stills(39, 40), stills(40, 59), stills(59, 61), priors=priors)
    assert taught == [20, 40, 61]


def test_memory_holds_the_newest_only():
    settings = replace(SETTINGS, memory=100)
    state, _ = after(stills(0, 60), stills(60, 130), settings=settings)
    assert state.memory.id.tolist() == list(range(31, 131))
    assert state.taught == 100


def test_a_block_larger_than_memory_is_remembered_whole():
    settings = replace(SETTINGS, memory=100)
    state, _ = after(stills(0, 10), stills(10, 150), settings=settings)
    assert state.memory.id.tolist() == list(range(11, 151))


def test_learning_counts_from_nothing_again():
    state, _ = after(stills(0, 20))
    assert (state.taught, state.since) == (20, 0)
    state, _ = state.extended(stills(20, 25), SETTINGS, PRIORS)
    assert (state.taught, state.since) == (20, 5)
    state, _ = state.extended(stills(25, 30), SETTINGS, PRIORS)
    assert (state.taught, state.since) == (30, 0)


def test_what_is_learnt_anew_keeps_labels_and_births_but_not_how_vehicles_move():
    state, _ = after(stills(0, 20))
    learnt = learnt_of(state.memory, SETTINGS, PRIORS)
    seen = rooms._seen_through(learnt, state, PRIORS)
    assert seen.label.tolist() == [1]
    assert state.ends.id.tolist() == [20]
    assert seen.born.tolist() == [0.0]
    assert seen.clock.tolist() == state.threads.clock.tolist()
    assert seen.seen.tolist() == [1]
    assert not seen.course[:, 1].any()
    assert state.threads.seen.tolist() == [20]


def test_a_closed_state_goes_on_with_new_labels():
    state, _ = after(stills(0, 10))
    shut = state.closed()
    assert (len(shut.open), len(shut.ends), len(shut.memory)) == (0, 0, 10)
    assert (shut.clock, shut.still, shut.time) == (state.clock, state.still, state.time)
    _, label = shut.extended(stills(10, 12), SETTINGS, PRIORS)
    assert label.tolist() == [11, 11]


def test_a_turned_camera_forgets_what_was_before():
    state, _ = after(stills(0, 10))
    fresh = state.turned(7)
    assert fresh.memory.id.tolist() == [8, 9, 10]
    assert (fresh.learnt, fresh.taught, fresh.since, len(fresh.open)) == (None, 0, 0, 0)


def test_an_end_is_forgotten_when_it_was_not_seen_for_too_long():
    settings = replace(SETTINGS, max_gap_s=5.0)
    state, label = after(stills(0, 10), stills(30, 32), settings=settings)
    assert label.tolist() == [11 + 20] * 2
    assert state.open.tolist() == [31]


def test_a_step_leaves_the_state_before_it_as_it_was():
    state, _ = after(stills(0, 10))
    kept = {name: getattr(state.threads, name).copy() for name in ("label", "seen", "course", "look")}
    state.extended(stills(10, 15), SETTINGS, PRIORS)
    assert all(np.array_equal(getattr(state.threads, name), value) for name, value in kept.items())
    assert len(state.memory) == 10
