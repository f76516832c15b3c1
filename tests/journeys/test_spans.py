"""An hour in pieces. Where spans meet is told with a matcher that learns nothing, so that a piece cannot differ."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from cctview.aggregates import travel_times
from cctview.geometry import passing_time
from cctview.journeys import JourneySettings, chain
from cctview.journeys.spans import linked
from cctview.matching import BeliefMatcher, MatchState, NearestMatcher, match, settle
from cctview.network import CameraNetwork
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Journeys, Matches, Tracklets, TravelTimes, rows_of

KINDS = (Tracklets, Matches, Journeys, TravelTimes)
NEAREST = NearestMatcher()


def tables_of(arrivals, network, least=1):
    """All tables that arrivals settle, the travel times as the pipeline makes them."""
    for part in linked(arrivals, network, NEAREST, JourneySettings()):
        yield from (part.tracklets, part.matches, part.journeys)
        times = travel_times(part.likely, part.ends, network, least=least)
        yield times[(times.start >= part.since) & (times.start < part.until)]


LAST = np.datetime64("2200-01-01", "ns")
SECOND = np.timedelta64(1, "s")


@pytest.fixture(scope="module")
def hour():
    """An hour of three cameras: its tracklets and the network."""
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2", "c3"), seconds=3600, per_minute=8))
    return track(seen.detections, seen.embeddings), seen.network


def arrivals(tracklets, every_s, until_s=3600):
    """Hand over the tracklets as they end, the rest at the end."""
    bounds = roads.START + np.arange(0, until_s + every_s, every_s) * SECOND
    for begin, end in pairwise(bounds):
        last = end == bounds[-1]
        new = (tracklets.last_time >= begin) & ((tracklets.last_time < end) | last)
        yield tracklets[new], LAST if last else end


def together(tracklets, network, every_s):
    """All that comes of it, by kind."""
    tables = list(tables_of(arrivals(tracklets, every_s), network, 2))
    return [kind.concat([table for table in tables if type(table) is kind]) for kind in KINDS]


def best(matches):
    """The likeliest candidate of each query at each camera."""
    asked = matches[matches.candidates.lengths > 0]
    first = asked.candidates.values[asked.candidates.offsets[:-1]]
    return dict(zip(zip(asked.query.tolist(), asked.camera.tolist(), strict=True), first.tolist(), strict=True))


def test_one_span_gives_what_one_call_gives(hour):
    tracklets, network = hour
    _, matches, chains, times = together(tracklets, network, 3600)
    whole = match(tracklets, network, NEAREST)
    assert matches == whole
    assert chains == chain(whole, tracklets, network)
    assert times == travel_times(whole, tracklets, network, least=2)


def test_no_journey_and_no_interval_is_cut_where_spans_meet(hour):
    tracklets, network = hour
    again, matches, chains, times = together(tracklets, network, 300)
    assert again.sort("id") == tracklets.sort("id")
    whole = chain(matches, tracklets, network)
    assert len(chains) > 300
    assert chains.sort("id") == whole.sort("id")
    assert times.sort("origin", "target", "start") == travel_times(matches, tracklets, network, least=2)


def test_half_an_hour_in_pieces_of_five_minutes_is_answered_as_the_whole(hour):
    """The matcher that is built in learns anew from piece to piece, and says nearly the same."""
    tracklets, network = hour
    tracklets = tracklets[tracklets.last_time < roads.START + 1800 * SECOND]
    state, answers, delay = MatchState(), [], []
    stamp = passing_time(tracklets)
    for arrived, now in arrivals(tracklets, 300, 1800):
        state, settled = settle(state, arrived, now, network, BeliefMatcher())
        answers.append(settled)
        if now < LAST and len(settled):
            delay.append((now - stamp[rows_of(tracklets.id, settled.query)].min()) / SECOND)
    online, offline = Matches.concat(answers), match(tracklets, network)
    assert online.meta == offline.meta
    asked = list(zip(online.query.tolist(), online.camera.tolist(), strict=True))
    assert len(set(asked)) == len(asked)
    ours, theirs = best(online), best(offline)
    same = [ours.get(pair) == answer for pair, answer in theirs.items()]
    longest = max(link.max_s for link in (*network.links, *network.skipping()))
    assert np.mean(same) > 0.95
    assert max(delay) <= 300 + longest + 60


def test_memory_holds_what_is_open(hour, monkeypatch):
    tracklets, network = hour
    held = []

    def watched(matches, ends, *rest):
        held.append(len(ends))
        return chain(matches, ends, *rest)

    monkeypatch.setattr("cctview.journeys.spans.chain", watched)
    together(tracklets, network, 300)
    assert len(held) == 12
    assert max(held[8:]) <= 1.1 * min(held[8:]), "it stays as it is once the longest link is over"
    assert max(held) < 0.8 * len(tracklets)


def test_nothing_to_link():
    assert list(linked([], CameraNetwork(), BeliefMatcher(), JourneySettings())) == []


def test_tracklets_without_a_network_make_no_journeys(hour):
    tracklets, _ = hour
    again, *others = together(tracklets[:50], CameraNetwork(), 1200)
    assert len(again) == 50
    assert [len(table) for table in others] == [0, 0, 0]


@pytest.mark.parametrize("clock_s", [60.0, -60.0])
def test_a_clock_that_is_told_is_put_right_before_anything_is_matched(hour, clock_s):
    tracklets, network = hour

    def told(seconds):
        cameras = network.cameras
        return replace(network, cameras=cameras.replace(clock_s=np.where(cameras.id == "c2", seconds, 0.0)))

    said = [(told(-clock_s).on_one_clock(part), complete) for part, complete in arrivals(tracklets, 3600)]
    tables = list(tables_of(said, told(clock_s), 2))
    assert [kind.concat([table for table in tables if type(table) is kind]) for kind in KINDS] == together(
        tracklets, network, 3600
    )


def test_a_camera_whose_clock_is_ahead_makes_an_arrival_complete_later(hour):
    tracklets, network = hour
    ahead = replace(network, cameras=network.cameras.replace(clock_s=np.array([0.0, -1200.0, 5.0])))
    end = roads.START + 1800 * SECOND
    early = tracklets[tracklets.last_time < end]
    answered = []
    for plan in (network, ahead):
        tables = tables_of(iter([(early, end)]), plan)
        matches = Matches.concat([table for table in tables if isinstance(table, Matches)])
        asked = matches.query[matches.query_camera == "c1"]
        answered.append(passing_time(early)[rows_of(early.id, asked)].max())
    assert answered[1] < answered[0] - 1100 * SECOND
