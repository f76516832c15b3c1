"""Tracklets, span by span, to matches and journeys; what is final leaves memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from cctview.geometry import passing_time
from cctview.journeys.chains import JourneySettings, chain
from cctview.journeys.priors import PRIORS
from cctview.matching import MatchState, settle
from cctview.network import CameraNetwork
from cctview.seams import Matcher
from cctview.table import RaggedColumn
from cctview.types import LONG_AGO, Journeys, Matches, Ragged, Tracklets, first_choices, rows_of

__all__ = ["INTERVAL", "Arrival", "LinkState", "Settled", "linked", "linked_further"]

Arrival = tuple[Tracklets, np.datetime64]

INTERVAL = np.timedelta64(5, "m")  # what is final is handed over in whole intervals of this length


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkState:
    """What must be remembered between spans: a value that can be stored and resumed.

    ``likely`` are the first choices that may still become part of a journey, one candidate each, and ``ends`` the
    tracklets that they may join, without their looks. Journeys that ended before ``since`` were handed over.
    """

    matching: MatchState = field(default_factory=MatchState)
    likely: Matches = field(default_factory=Matches.empty)
    ends: Tracklets = field(default_factory=Tracklets.empty)
    since: np.datetime64 = LONG_AGO


@dataclass(frozen=True, eq=False, kw_only=True)
class Settled:
    """What a span added, each row once: its tracklets, the matches of queries, and the journeys that are now final.

    Nothing that left a camera before ``until`` changes any more, and what left before ``since`` was final before:
    whoever adds up first choices (``likely``, of ``ends``) takes those in between.
    """

    tracklets: Tracklets
    matches: Matches
    journeys: Journeys
    likely: Matches
    ends: Tracklets
    since: np.datetime64
    until: np.datetime64


def linked(
    arrivals: Iterable[Arrival],
    network: CameraNetwork,
    matcher: Matcher,
    joining: JourneySettings,
    state: LinkState | None = None,
) -> Iterator[Settled]:
    """Yield what each arrival settles, from a fresh state or from where another call ended."""
    state = state or LinkState()
    for arrival in arrivals:
        state, settled = linked_further(state, arrival, network, matcher, joining)
        yield settled


def linked_further(
    state: LinkState, arrival: Arrival, network: CameraNetwork, matcher: Matcher, joining: JourneySettings
) -> tuple[LinkState, Settled]:
    """Return the next state, and what becomes final with an arrival.

    An arrival is the tracklets that ended in a span, and the time before which none is missing any more.
    However long it goes on, a state holds what the matching remembers and the longest journey.
    """
    arrived, complete = _on_one_clock(*arrival, network)
    longest = max((link.max_s for link in (*network.links, *network.skipping())), default=0.0)
    reach = np.timedelta64(round(longest * 1e9), "ns")
    matching, matches = settle(state.matching, arrived, complete, network, matcher, history_s=PRIORS.history_s)
    likely = Matches.concat([state.likely, _first_choices(matches, joining.min_probability)])
    ends = Tracklets.concat([state.ends, _without_looks(arrived)])
    until = _whole(min(matching.settled.values(), default=complete) - reach)
    chains = chain(likely, ends, network, joining)
    left, came = (chains.time.values[place] for place in (chains.time.offsets[:-1], chains.time.offsets[1:] - 1))
    settled = Settled(
        tracklets=arrived,
        matches=matches,
        journeys=chains[(came >= state.since) & (came < until)],
        likely=likely,
        ends=ends,
        since=state.since,
        until=until,
    )
    # Who else may claim an end of an open chain set out up to two links earlier.
    needed = min([until, *left[came >= until]]) - 2 * reach
    passed = passing_time(ends)
    likely = likely[passed[rows_of(ends.id, likely.query)] >= needed]
    return LinkState(matching=matching, likely=likely, ends=ends[passed >= needed], since=until), settled


def _on_one_clock(
    tracklets: Tracklets, complete: np.datetime64, network: CameraNetwork
) -> tuple[Tracklets, np.datetime64]:
    """Return an arrival by the true time; a camera whose clock is ahead makes it complete later."""
    ahead = np.timedelta64(round(network.cameras.clock_s.min(initial=0.0) * 1e9), "ns")
    return network.on_one_clock(tracklets), complete + ahead


def _whole(time: np.datetime64) -> np.datetime64:
    """Return the end of the last whole interval before a time."""
    since = time.astype("datetime64[ns]") - np.datetime64(0, "ns")
    return np.datetime64(0, "ns") + since // INTERVAL * INTERVAL


def _first_choices(matches: Matches, least: float) -> Matches:
    """Return the rows whose best candidate is at least so likely, with that candidate alone."""
    some, best = first_choices(matches)
    asked, sure = matches[some], matches.probability.values[best] >= least
    ones = np.ones(np.count_nonzero(sure), np.int64)
    alone = {
        name: Ragged.from_lengths(getattr(matches, name).values[best[sure]], ones)
        for name, column in Matches.columns.items()
        if isinstance(column, RaggedColumn)
    }
    return asked[sure].replace(**alone)


def _without_looks(tracklets: Tracklets) -> Tracklets:
    """Return the tracklets without their vectors and members, a tenth of their size."""
    rows = len(tracklets)
    nothing = Ragged.from_lengths(np.zeros(0, np.int64), np.zeros(rows, np.int64))
    return tracklets.replace(vector=np.ones((rows, 1), np.float32), members=nothing)
