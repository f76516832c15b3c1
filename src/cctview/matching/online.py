"""Matching as tracklets arrive: each query is settled once, after a delay that the matcher bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import FormatError
from cctview.geometry import passing_time
from cctview.network import CameraNetwork
from cctview.seams import Matcher
from cctview.types import LONG_AGO, Matches, Tracklets, rows_of

__all__ = ["MatchState", "settle"]

_MARK = "cctview match state 1"


@dataclass(frozen=True, eq=False, kw_only=True)
class MatchState:
    """What must be remembered between calls: the tracklets of the last while, and what is settled.

    ``settled`` has for each link, as (origin, target), the time before which all queries are answered. A state
    is a value: whoever holds one may go on from it more than once.
    """

    recent: Tracklets = field(default_factory=Tracklets.empty)
    settled: Mapping[tuple[str, str], np.datetime64] = field(default_factory=dict)

    def dump(self) -> bytes:
        """Return the state as bytes: a line of JSON, then the tracklets as an Arrow stream."""
        settled = [[*link, int(time.astype("datetime64[ns]").astype(np.int64))] for link, time in self.settled.items()]
        header = {"is": _MARK, "rows": len(self.recent), "meta": self.recent.meta, "settled": settled}
        return json.dumps(header).encode() + b"\n" + (_streamed(self.recent) if len(self.recent) else b"")

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Return the state that ``dump`` gave; raise FormatError for anything else."""
        header, _, body = data.partition(b"\n")
        try:
            told = json.loads(header)
            settled = {(origin, target): np.datetime64(time, "ns") for origin, target, time in told["settled"]}
            recent = Tracklets.from_arrow(_read(body)) if told["rows"] else Tracklets.empty(told["meta"])
            known = told["is"] == _MARK and len(recent) == told["rows"]
        except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as error:
            raise FormatError(f"match state: not readable ({error}); make the links anew") from error
        if not known:
            raise FormatError("match state: it is of another version; make the links anew")
        return cls(recent=recent, settled=settled)


def _streamed(tracklets: Tracklets) -> bytes:
    table, sink = tracklets.to_arrow(), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    whole: bytes = sink.getvalue().to_pybytes()
    return whole


def _read(body: bytes) -> Any:
    with pa.ipc.open_stream(body) as stream:
        return stream.read_all()


def settle(
    state: MatchState,
    arrived: Tracklets,
    now: np.datetime64,
    network: CameraNetwork,
    matcher: Matcher,
    *,
    history_s: float = 3600.0,
) -> tuple[MatchState, Matches]:
    """Return the new state, and the matches of queries whose other half must have arrived by ``now``.

    ``arrived`` are tracklets that are complete and that no earlier call had. A query waits as long as the
    matcher says that its link takes, judging from the last ``history_s`` seconds; then it is answered as
    ``match`` would, and not again. One that arrives later than that is answered at once. Memory holds that
    history and the longest wait.
    """
    known = Tracklets.concat([state.recent, arrived]) if len(state.recent) else arrived
    if not len(known):
        return state, Matches.empty()
    matches, waits = matcher(known, network)
    due = {link: now - _seconds(wait) for link, wait in waits.items()}
    settled = {**state.settled, **{link: max(time, state.settled.get(link, LONG_AGO)) for link, time in due.items()}}
    recent = known[known.last_time >= now - _seconds(history_s + max(waits.values(), default=0.0))]
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
        chosen |= on & (asked < end) & (new | (asked >= before.get((origin, target), LONG_AGO)))
    return chosen


def _seconds(value: float) -> np.timedelta64:
    return np.timedelta64(round(value * 1e9), "ns")
