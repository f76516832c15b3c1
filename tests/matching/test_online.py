import numpy as np
import pytest

from cctview.errors import FormatError
from cctview.geometry import passing_time
from cctview.matching import BeliefMatcher, MatchSettings, MatchState, match, settle
from cctview.matching.travel import REACH_S
from cctview.testing import roads
from cctview.testing.by_hand import matches_of, tracklets_of
from cctview.tracking import track
from cctview.types import Matches, Tracklets

ALL = MatchSettings(min_quality=0.0)
SECOND = np.timedelta64(1, "s")


def fed(tracklets, network, every_s, until_s, **history):
    """Hand over the tracklets as they are complete, and return what each call settled."""
    state, answers, done = MatchState(), [], np.zeros(len(tracklets), np.bool_)
    for second in range(every_s, until_s + 1, every_s):
        now = roads.START + second * SECOND
        new = (tracklets.last_time < now) & ~done
        done |= new
        state, settled = settle(state, tracklets[new], now, network, BeliefMatcher(ALL), **history)
        answers.append((now, settled))
    return state, answers


def test_each_query_is_answered_once_and_as_it_would_be_offline():
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=400))
    tracklets = track(seen.detections, seen.embeddings)
    state, answers = fed(tracklets, seen.network, 80, 640)
    online = Matches.concat([table for _, table in answers if len(table)])
    pairs = list(zip(online.query.tolist(), online.camera.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    offline = match(tracklets, seen.network, ALL)
    assert set(pairs) == set(zip(offline.query.tolist(), offline.camera.tolist(), strict=True))
    best = [
        dict(zip(zip(t.query.tolist(), t.camera.tolist(), strict=True), top(t), strict=True)) for t in (online, offline)
    ]
    assert np.mean([best[0][pair] == best[1][pair] for pair in best[1]]) > 0.9
    assert len(state.recent) == len(tracklets)


def top(matches):
    """The first candidate of each row, -1 where there is none."""
    first = np.minimum(matches.candidates.offsets[:-1], max(len(matches.candidates.values) - 1, 0))
    return np.where(matches.candidates.lengths > 0, matches.candidates.values[first], -1).tolist()


def test_the_wait_is_bounded_by_the_link_and_memory_by_the_history():
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=400))
    tracklets = track(seen.detections, seen.embeddings)
    state, answers = fed(tracklets, seen.network, 200, 800, history_s=100.0)
    stamp = dict(zip(tracklets.id.tolist(), passing_time(tracklets), strict=True))
    longest = max(link.max_s for link in seen.network.links) + REACH_S
    before = roads.START
    for now, settled in answers:
        asked = np.array([stamp[name] for name in settled.query.tolist()], "datetime64[ns]")
        assert np.all(asked + np.timedelta64(round(REACH_S), "s") <= now)
        assert np.all(asked >= before - np.timedelta64(round(longest + 200), "s"))
        before = now
    assert len(state.recent) < len(tracklets)


def test_nothing_arrived_nothing_settled():
    network = roads.network(roads.Scenery(cameras=("c1", "c2")))
    state, settled = settle(MatchState(), Tracklets.empty(), roads.START, network, BeliefMatcher())
    assert len(settled) == 0
    assert not state.settled


def told(second):
    return roads.START + second * SECOND


def fixed(tracklets, network):
    """A matcher that answers each query of c1 with nobody, and asks to wait 50 s."""
    asked = tracklets.id[tracklets.camera == "c1"].tolist()
    rows = [(query, "c1", "c2", [], [], []) for query in asked]
    return (matches_of(rows) if rows else Matches.empty()), {("c1", "c2"): 50.0}


fixed.meta = {"matcher": "fixed"}
SEEN = tracklets_of(["c1", "c1", "c1", "c2"], [0, 20, 40, 30])


def settled_at(state, arrived, second, **more):
    state, found = settle(state, arrived, told(second), roads.network(roads.Scenery()), fixed, **more)
    return state, found.query.tolist()


def test_a_query_is_settled_when_its_wait_is_over_and_not_again():
    state, found = settled_at(MatchState(), SEEN, 60)
    assert found == [1]
    assert state.settled == {("c1", "c2"): told(10)}
    state, found = settled_at(state, SEEN[:0], 90)
    assert found == [2], "not the one at 40 s, which waits until after 90 s"
    assert settled_at(state, SEEN[:0], 91)[1] == [3]
    assert settled_at(state, SEEN[:0], 90)[1] == []


def test_one_that_arrives_late_is_settled_at_once():
    state, _ = settled_at(MatchState(), SEEN[[1, 2, 3]], 95)
    late = SEEN[[0]].replace(id=np.array([9]))
    assert settled_at(state, late, 95)[1] == [9]


def test_time_that_goes_back_settles_nothing_twice():
    state, found = settled_at(MatchState(), SEEN, 95)
    assert found == [1, 2, 3]
    back, found = settled_at(state, SEEN[:0], 60)
    assert found == []
    assert back.settled == state.settled


def test_memory_holds_the_history_and_the_wait():
    state, _ = settled_at(MatchState(), SEEN, 100, history_s=25.0)
    assert state.recent.id.tolist() == [3, 4], "what ended 75 s ago or later"
    edge, _ = settled_at(MatchState(), SEEN, 95, history_s=25.0)
    assert edge.recent.id.tolist() == [2, 3, 4]


def test_a_state_goes_to_bytes_and_back():
    state, _ = settled_at(MatchState(), SEEN, 60)
    again = MatchState.load(state.dump())
    assert again.recent == state.recent
    assert again.settled == state.settled
    empty = MatchState.load(MatchState().dump())
    assert len(empty.recent) == 0
    assert not empty.settled


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"nonsense", b"[1]\n", MatchState().dump().replace(b"state 1", b"state 0")]
)
def test_other_bytes_are_no_state(data):
    with pytest.raises(FormatError, match="match state"):
        MatchState.load(data)


def test_a_state_that_was_cut_short_is_no_state():
    state, _ = settled_at(MatchState(), SEEN, 60)
    with pytest.raises(FormatError, match="make the links anew"):
        MatchState.load(state.dump()[:-200])
