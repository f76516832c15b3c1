"""Matching as tracklets arrive: each query is settled once, after a delay that the link bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import passing_time
from cctview.matching.matcher import match_links
from cctview.matching.settings import MatchSettings
from cctview.matching.travel import REACH_S
from cctview.network import CameraNetwork
from cctview.types import Matches, Tracklets, rows_of

__all__ = ["MatchState", "settle"]

_LONG_AGO = np.datetime64("1900-01-01", "ns")


@dataclass(frozen=True, eq=False, kw_only=True)
class MatchState:
    """What must be remembered between calls: the tracklets of the last while, and what is settled.

    ``settled`` has for each link, as (origin, target), the time before which all queries are answered.
    """

    recent: Tracklets = field(default_factory=Tracklets.empty)
    settled: Mapping[tuple[str, str], np.datetime64] = field(default_factory=dict)


def settle(
    state: MatchState,
    arrived: Tracklets,
    now: np.datetime64,
    network: CameraNetwork,
    settings: MatchSettings = MatchSettings(),  # noqa: B008
    *,
    history_s: float = 3600.0,
) -> tuple[MatchState, Matches]:
    """Return the new state, and the matches of queries whose other half must have arrived by ``now``.

    ``arrived`` are tracklets that are complete and that no earlier call had. A query waits as long as
    the link takes, as learnt from the last ``history_s``, and a minute for the pairs around it; then it
    is answered as ``match`` would, and not again. One that arrives later than that is answered at once.
    Memory holds that history and the longest wait.
    """
    known = Tracklets.concat([state.recent, arrived]) if len(state.recent) else arrived
    if not len(known):
        return state, Matches.empty()
    matches, waits = match_links(known, network, settings)
    due = {end: now - _seconds(wait + REACH_S) for end, wait in waits.items()}
    settled = {**state.settled, **{end: max(time, state.settled.get(end, _LONG_AGO)) for end, time in due.items()}}
    longest = max((wait for wait in waits.values()), default=0.0) + REACH_S
    recent = known[known.last_time >= now - _seconds(history_s + longest)]
    due_now = _newly_due(matches, known, arrived.id, state.settled, settled)
    return MatchState(recent=recent, settled=settled), matches[due_now]


def _newly_due(
    matches: Matches,
    known: Tracklets,
    arrived: NDArray[np.int64],
    before: Mapping[tuple[str, str], np.datetime64],
    after: Mapping[tuple[str, str], np.datetime64],
) -> NDArray[np.bool_]:
    """Return which rows became due with this call, by their time or because they arrived when it had passed."""
    asked = passing_time(known)[rows_of(known.id, matches.query)] if len(matches) else np.zeros(0, "datetime64[ns]")
    new = np.isin(matches.query, arrived)
    chosen = np.zeros(len(matches), np.bool_)
    for (origin, target), end in after.items():
        on = (matches.query_camera == origin) & (matches.camera == target)
        chosen |= on & (asked < end) & (new | (asked >= before.get((origin, target), _LONG_AGO)))
    return chosen


def _seconds(value: float) -> np.timedelta64:
    return np.timedelta64(round(value * 1e9), "ns")
