import numpy as np

from cctview.geometry import passing_time
from cctview.matching import BeliefMatcher, MatchSettings, MatchState, match, settle
from cctview.matching.travel import REACH_S
from cctview.testing import roads
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
