"""Tracklets, span by span, to matches, journeys and travel times; what is final leaves memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from cctview.aggregates import travel_times
from cctview.geometry import passing_time
from cctview.journeys.chains import JourneySettings, journeys
from cctview.matching import MatchSettings, MatchState, settle
from cctview.network import CameraNetwork
from cctview.table import RaggedColumn
from cctview.types import Journeys, Matches, Ragged, Tracklets, TravelTimes, rows_of

__all__ = ["Arrival", "Linked", "linked"]

Arrival = tuple[Tracklets, np.datetime64]
Linked = Tracklets | Matches | Journeys | TravelTimes

_HISTORY_S = 300.0
_INTERVAL = np.timedelta64(5, "m")
_LIKELY = 0.5
_LONG_AGO = np.datetime64("1900-01-01", "ns")


def linked(
    arrivals: Iterable[Arrival],
    network: CameraNetwork,
    settings: MatchSettings,
    joining: JourneySettings,
    *,
    least: int = 1,
) -> Iterator[Linked]:
    """Yield the tracklets as they come, their matches as they are settled, journeys and travel times as they end.

    An arrival is the tracklets that ended in a span, and the time before which none is missing any more.
    ``least`` is the fewest vehicles that make a travel time. However long it goes on, memory holds one span
    and the longest journey.
    """
    longest = max((link.max_s for link in (*network.links, *network.skipping())), default=0.0)
    reach = np.timedelta64(round(longest * 1e9), "ns")
    state, likely, ends = MatchState(), Matches.empty(), Tracklets.empty()
    since: np.datetime64 = _LONG_AGO
    yield from (kind.empty() for kind in (Tracklets, Matches, Journeys, TravelTimes))
    for arrived, complete in (_on_one_clock(*arrival, network) for arrival in arrivals):
        yield arrived
        state, matches = settle(state, arrived, complete, network, settings, history_s=_HISTORY_S)
        yield matches
        likely = Matches.concat([likely, _first_choices(matches, min(_LIKELY, joining.min_probability))])
        ends = Tracklets.concat([ends, _without_looks(arrived)])
        until = _whole(min(state.settled.values(), default=complete) - reach)
        chains = journeys(likely, ends, network, joining)
        times = travel_times(likely, ends, interval_s=_INTERVAL / np.timedelta64(1, "s"), least=least)
        left, came = (chains.time.values[place] for place in (chains.time.offsets[:-1], chains.time.offsets[1:] - 1))
        yield chains[(came >= since) & (came < until)]
        yield times[(times.start >= since) & (times.start < until)]
        # Who else may claim an end of an open chain set out up to two links earlier.
        needed = min([until, *left[came >= until]]) - 2 * reach
        passed = passing_time(ends)
        likely = likely[passed[rows_of(ends.id, likely.query)] >= needed]
        ends, since = ends[passed >= needed], until


def _on_one_clock(
    tracklets: Tracklets, complete: np.datetime64, network: CameraNetwork
) -> tuple[Tracklets, np.datetime64]:
    """Return an arrival by the true time; a camera whose clock is ahead makes it complete later."""
    ahead = np.timedelta64(round(network.cameras.clock_s.min(initial=0.0) * 1e9), "ns")
    return network.on_one_clock(tracklets), complete + ahead


def _whole(time: np.datetime64) -> np.datetime64:
    """Return the end of the last whole interval before a time."""
    since = time.astype("datetime64[ns]") - np.datetime64(0, "ns")
    return np.datetime64(0, "ns") + since // _INTERVAL * _INTERVAL


def _first_choices(matches: Matches, least: float) -> Matches:
    """Return the rows whose best candidate is at least so likely, with that candidate alone."""
    asked = matches[matches.candidates.lengths > 0]
    best = asked.candidates.offsets[:-1]
    sure = asked.probability.values[best] >= least
    ones = np.ones(np.count_nonzero(sure), np.int64)
    alone = {
        name: Ragged.from_lengths(getattr(asked, name).values[best[sure]], ones)
        for name, column in Matches.columns.items()
        if isinstance(column, RaggedColumn)
    }
    return asked[sure].replace(**alone)


def _without_looks(tracklets: Tracklets) -> Tracklets:
    """Return the tracklets without their vectors and members, a tenth of their size."""
    rows = len(tracklets)
    nothing = Ragged.from_lengths(np.zeros(0, np.int64), np.zeros(rows, np.int64))
    return tracklets.replace(vector=np.ones((rows, 1), np.float32), members=nothing)
