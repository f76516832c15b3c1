"""What is stored to tracklets, matches, journeys and aggregates: as a whole, or what came since."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.aggregates import travel_times
from cctview.errors import FormatError, StoreChangedError
from cctview.execute import ThreadExecutor
from cctview.journeys import INTERVAL, Arrival, Settled, linked_further
from cctview.matching import BeliefMatcher
from cctview.network import CameraNetwork
from cctview.pipeline.discovering import discovered
from cctview.pipeline.report import Linking, RunReport
from cctview.pipeline.settings import RunSettings
from cctview.pipeline.spans import Span, spans_of
from cctview.pipeline.standing import Counting, Standing, Track, dumped, loaded, made_by
from cctview.progress import silent
from cctview.seams import Executor, Matcher, Progress, Store, Tracker
from cctview.store import Derived
from cctview.tracking import RoadTracker, find_breaks
from cctview.tracking.spanning import passed
from cctview.types import (
    LONG_AGO,
    Breaks,
    Detections,
    Embeddings,
    Frames,
    Journeys,
    Matches,
    Passages,
    Table,
    Tracklets,
    TravelTimes,
)

__all__ = ["Linker", "link"]

_IN_VIEW = np.timedelta64(5, "m")  # a vehicle is in view for less: tracklets that ended earlier have all arrived
_LAST = np.datetime64("2200-01-01", "ns")
_TICK = np.timedelta64(1, "ns")
_LOOK_BACK = np.timedelta64(10, "m")  # what tells where stills that come a minute at a time break
_COUNT_EVERY = np.timedelta64(30, "m")  # so long at least for enough vehicles to show the line that they cross
_KINDS = (Tracklets, Passages, Matches, Journeys, TravelTimes, Breaks)


def link(
    store: Store,
    *,
    tracker: Tracker[Any] | None = None,
    matcher: Matcher | None = None,
    executor: Executor | None = None,
    settings: RunSettings | None = None,
    progress: Progress = silent,
) -> RunReport:
    """Make tracklets, matches, journeys and aggregates anew from all that is stored, with the store's own network.

    They take the place of those before in one step; until then, and when this fails, the store is as it was.
    """
    return Linker(
        store=store,
        tracker=tracker or RoadTracker(),
        matcher=matcher or BeliefMatcher(),
        executor=executor or ThreadExecutor(),
        settings=settings or RunSettings(),
        progress=progress,
    ).whole()


@dataclass(frozen=True, kw_only=True)
class Linker:
    """The store, the methods and the machine that linking works with; ``holding`` keeps the store from expiring."""

    store: Store
    tracker: Tracker[Any]
    matcher: Matcher
    executor: Executor
    settings: RunSettings
    progress: Progress
    holding: Callable[[], AbstractContextManager[object]] = nullcontext

    def whole(self) -> RunReport:
        """Link everything anew, as if the stills ended here, and exchange it in one step.

        Where something was removed meanwhile, what is left is linked again, and nothing expires until that is done.
        Then links are looked for in the data: see ``discovered``.
        """
        report = self._as_it_is()
        return discovered(self.store, report, self._as_it_is) if self.settings.discover else report

    def _as_it_is(self) -> RunReport:
        try:
            return self._whole()
        except StoreChangedError:
            with self.holding():
                return self._whole()

    def _whole(self) -> RunReport:
        start = time.perf_counter()
        stills = stills_of(self.store)
        spans = spans_of(stills.time, _rows(self.store, "detections"))
        passing = Passing(self, Standing(), stills, spans, ending=True)
        self.store.replace(chain((kind.empty() for kind in _KINDS), passing))
        return passing.report(start, whole=True)

    def further(self) -> RunReport:
        """Link what was stored since, from the stored states; where they are of no use, everything, and say why.

        What may still change waits: open tracklets, and queries whose answer may yet come. The states are stored in
        one step with the rows that are final. A still whose time has not come yet waits for it. What is removed
        from the store meanwhile is in none of them: what was left is linked again.
        """
        try:
            return self._further()
        except StoreChangedError:
            with self.holding():
                return self._further()

    def _further(self) -> RunReport:
        start, removals = time.perf_counter(), self.store.removals
        standing, stills, why = self._resumed()
        stills = stills.until(np.datetime64(time.time_ns(), "ns"))
        share = _rows(self.store, "detections") * len(stills.time) // max(_rows(self.store, "frames"), 1)
        spans = spans_of(stills.time, share)
        passing = Passing(self, standing, stills, spans, ending=False)
        if why:
            self.store.replace(chain((kind.empty() for kind in _KINDS), passing))
            self.store.extend([], self._states(passing.standing), removals=removals)
        else:
            for tables in passing.by_span():
                self.store.extend(tables, self._states(passing.standing), removals=removals)
        return passing.report(start, whole=bool(why), why=why)

    def _resumed(self) -> tuple[Standing, Stills, str]:
        """Return where to go on, the stills that came since, and why everything is to be linked anew, if it is."""
        try:
            standing = loaded(self.store.states(), self.tracker, self._made())
            stills = stills_of(self.store, standing)
            _require_known_cameras(standing, stills, self.store.network)
        except FormatError as error:
            return Standing(), stills_of(self.store), str(error)
        return standing, stills, ""

    def _states(self, standing: Standing) -> dict[str, bytes]:
        return dumped(standing, self.tracker, self._made())

    def _made(self) -> dict[str, Any]:
        return made_by(self.tracker, self.matcher, self.settings.journeys, self.store.network)


class Passing(Iterable[Derived]):
    """The derived tables of some spans, made as they are asked for.

    Afterwards ``standing`` is what to remember, and ``report`` says what was made.
    """

    def __init__(
        self, linker: Linker, standing: Standing, stills: Stills, spans: Sequence[Span], *, ending: bool
    ) -> None:
        """Take where to go on; ``ending`` says that nothing comes after the last span."""
        self.standing = replace(standing, stills=standing.stills + len(stills.time))
        self._linker, self._stills, self._spans, self._ending = linker, stills, spans, ending
        self._network = linker.store.network
        self._cameras = sorted({*standing.tracks, *stills.names.tolist()})
        self._present = (self._network or CameraNetwork()).among(self._cameras)
        self._least = linker.store.policy.minimum_group
        self._rows = Counter[type[Table]]()
        self._uncounted = Counter[str]()
        self._seconds: dict[str, float] = {"track": 0.0, "match": 0.0}

    def __iter__(self) -> Iterator[Derived]:
        for tables in self.by_span():
            yield from tables

    def by_span(self) -> Iterator[list[Derived]]:
        """Yield the tables of each span."""
        for number, span in enumerate(self._spans, start=1):
            start = time.perf_counter()
            ending = self._ending and number == len(self._spans)
            arrival, breaks, passages = self._tracked(span, ending=ending)
            self._linker.progress("tracklets", number * len(self._cameras), len(self._spans) * len(self._cameras))
            middle = time.perf_counter()
            tables = [*self._matched(arrival), passages, breaks]
            self._seconds["track"] += middle - start
            self._seconds["match"] += time.perf_counter() - middle
            self._rows.update({type(table): 0 for table in tables})
            for table in tables:
                self._rows[type(table)] += len(table)
            yield tables

    def report(self, start: float, *, whole: bool, why: str = "") -> RunReport:
        """Return what was made, and the time since ``start`` that is not the stages' as the store's."""
        spent = time.perf_counter() - start
        return RunReport(
            seconds=spent,
            stage_seconds={**self._seconds, "store": spent - sum(self._seconds.values())},
            linking=Linking(
                tracklets=self._rows[Tracklets],
                matches=self._rows[Matches],
                journeys=self._rows[Journeys],
                whole=whole,
                late=self._stills.late,
                reason=_reason(self._network, self._present, self._rows),
                unknown=self._network.unknown(self._cameras) if self._network else (),
                unseen=tuple(sorted(set(self._network.cameras.id.tolist()) - {*self._cameras}))
                if self._network
                else (),
                anew={why: 1} if why else {},
                uncounted=self._uncounted,
            ),
        )

    def _tracked(self, span: Span, *, ending: bool) -> tuple[Arrival, Breaks, Passages]:
        """Follow and count the vehicles of every camera through a span, each camera by itself."""
        seeing = self._stills.cameras_in(span)
        cameras = sorted({*self.standing.tracks, *seeing}) if ending else seeing
        pieces = (self._piece(camera, span, seeing=camera in seeing, ending=ending) for camera in cameras)
        found = list(self._linker.executor.map(partial(_followed, tracker=self._linker.tracker), pieces))
        tracks = {**self.standing.tracks, **{camera: part.track for camera, part in zip(cameras, found, strict=True)}}
        self.standing = replace(self.standing, tracks=tracks)
        tracklets = Tracklets.concat([part.ended for part in found]).sort("camera", "first_time", "id")
        passages = Passages.concat([part.passages for part in found])
        self._uncounted = sum((part.uncounted for part in found), self._uncounted)
        if self._network:
            passages = self._network.stamped(self._network.passages_on_one_clock(passages))
        return (
            (tracklets, _LAST if ending else span.before - _IN_VIEW),
            Breaks.concat([part.breaks for part in found]),
            passages,
        )

    def _piece(self, camera: str, span: Span, *, seeing: bool, ending: bool) -> _Piece:
        """Read what a camera saw in a span, and as much before it as counting and breaks need to go on."""
        scan: Callable[..., Any] = self._linker.store.scan if seeing else _nothing
        track = self.standing.tracks.get(camera)
        if track is None:
            counting = Counting(since=span.after)
            track = Track(state=self._linker.tracker.fresh(), until=LONG_AGO, counting=counting)
        after = max(span.after, track.until + _TICK)
        counted = self._ending or bool(span.before - track.counting.since >= _COUNT_EVERY)
        ahead = after if self._ending else min(after - _LOOK_BACK, track.counting.since if counted else after)
        return _Piece(
            track=track,
            after=after,
            before=span.before,
            counted=counted,
            ending=ending,
            frames=scan(Frames, camera=camera, after=ahead, before=span.before),
            detections=scan(Detections, camera=camera, after=ahead, before=span.before),
            embeddings=scan(Embeddings, camera=camera, after=after, before=span.before),
        )

    def _matched(self, arrival: Arrival) -> Iterator[Derived]:
        """Match what arrived, and yield what became final with it, under the network's hash."""
        linker = self._linker
        linking, settled = linked_further(
            self.standing.linking, arrival, self._present, linker.matcher, linker.settings.journeys
        )
        self.standing = replace(self.standing, linking=linking)
        times = self._travel_times(settled)
        for table in (settled.tracklets, settled.matches, settled.journeys, times):
            yield self._network.stamped(table) if self._network else table

    def _travel_times(self, settled: Settled) -> TravelTimes:
        """Return the travel times that became final with a span: no group is smaller than the policy's."""
        times = travel_times(
            settled.likely,
            settled.ends,
            self._present,
            likely=self._linker.settings.journeys.min_probability,
            interval_s=INTERVAL / np.timedelta64(1, "s"),
            least=self._least,
        )
        return times[(times.start >= settled.since) & (times.start < settled.until)]


def _nothing(table: type[Table], **_: Any) -> Table:
    """Return what a camera without stills saw."""
    return table.empty()


class _Piece(NamedTuple):
    """What a camera saw from ``after`` to ``before``, with a look back, and what is remembered of it.

    ``counted`` says that its passages are due, ``ending`` that nothing comes after.
    """

    track: Track
    after: np.datetime64
    before: np.datetime64
    counted: bool
    ending: bool
    frames: Frames
    detections: Detections
    embeddings: Embeddings


class _Followed(NamedTuple):
    track: Track
    ended: Tracklets
    breaks: Breaks
    passages: Passages
    uncounted: Counter[str]


def _followed(piece: _Piece, tracker: Tracker[Any]) -> _Followed:
    """Return what is remembered after a piece, the tracklets that ended, where the stills break, and who passed."""
    new = piece.detections[piece.detections.time >= piece.after]
    state, ended = tracker.step(piece.track.state, new, piece.embeddings)
    if piece.ending:
        ended = Tracklets.concat([ended, tracker.ending(state)])
    breaks = find_breaks(piece.frames, piece.detections)
    breaks = breaks[breaks.time >= piece.after]
    counting, passages, uncounted = _counted(piece, ended, breaks)
    until = piece.frames.time.max() if len(piece.frames) else piece.track.until
    return _Followed(Track(state=state, until=until, counting=counting), ended, breaks, passages, uncounted)


def _counted(piece: _Piece, ended: Tracklets, breaks: Breaks) -> tuple[Counting, Passages, Counter[str]]:
    """Return what counting is to remember after a piece, the passages, where they are due, and what is in none."""
    before = piece.track.counting
    ended, breaks = Tracklets.concat([before.ended, ended]), Breaks.concat([before.breaks, breaks])
    if not piece.counted:
        return replace(before, ended=ended, breaks=breaks), Passages.empty(), Counter()
    boxes = piece.detections[piece.detections.time >= min(before.since, piece.after)]
    passing, passages, uncounted = passed(before.passing, ended, boxes, breaks, ending=piece.ending)
    return Counting(since=piece.before, passing=passing, breaks=breaks), passages, uncounted


@dataclass(frozen=True, eq=False)
class Stills:
    """When stills were taken: ``camera`` is the place of each one's camera among the ``names``, both (N,).

    ``late`` more are older than what their camera is linked up to.
    """

    names: NDArray[np.str_]
    camera: NDArray[np.integer[Any]]
    time: NDArray[np.datetime64]
    late: int = 0

    def until(self, now: np.datetime64) -> Stills:
        """Return those whose time has come."""
        come = self.time <= now
        return replace(self, camera=self.camera[come], time=self.time[come])

    def cameras_in(self, span: Span) -> list[str]:
        """Return the cameras with stills in a span, sorted."""
        inside = (self.time >= span.after) & (self.time < span.before)
        return sorted(self.names[np.unique(self.camera[inside])].tolist())


def stills_of(store: Store, standing: Standing | None = None) -> Stills:
    """Return the stills in a store, without those that are linked already or come too late for it."""
    reached = standing.reached if standing else {}
    columns = store.columns(Frames, ["camera", "time"], after=min(reached.values(), default=None))
    coded = columns["camera"].cast(pa.string()).combine_chunks().dictionary_encode()
    names, camera = coded.dictionary.to_pylist(), np.asarray(coded.indices)
    taken = np.asarray(columns["time"].cast(pa.int64())).astype("datetime64[ns]")
    until = np.array([reached.get(name, LONG_AGO) for name in names], "datetime64[ns]")
    new = taken > until[camera]
    kept, place = np.unique(camera[new], return_inverse=True)
    late = _rows(store, "frames") - (standing.stills if standing else 0) - int(np.count_nonzero(new))
    return Stills(np.array(names, np.str_)[kept], place, taken[new], late)


def _require_known_cameras(standing: Standing, stills: Stills, network: CameraNetwork | None) -> None:
    """Raise FormatError where the first stills of a camera change which links there are."""
    new = set(stills.names.tolist()) & set(network.cameras.id.tolist() if network else ()) - standing.tracks.keys()
    if new:
        raise FormatError(f"camera {min(new)!r} has its first stills, so other links hold")


def _rows(store: Store, name: str) -> int:
    return store.versions().get(name, (0, 0))[1]


def _reason(network: CameraNetwork | None, present: CameraNetwork, rows: Mapping[type[Table], int]) -> str:
    """Return why there are no journeys; empty where there are some."""
    if rows[Journeys]:
        return ""
    if network is None or not network.links:
        return "no camera network with links is known"
    if not present.links:
        return "no two cameras that a link joins have stills"
    return "no vehicle was found again at a second camera" if rows[Tracklets] else "no vehicle could be followed"
