"""A run: from a source of stills to journeys in a store.

Stills are worked on in batches, several side by side; what is stored already is not done again. What links them is
made anew at the end: a run that was killed and started again ends where an undisturbed one does. A source that never
ends is linked as it goes, from stored states.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from cctview.errors import CctviewError
from cctview.execute import ThreadExecutor
from cctview.matching import BeliefMatcher
from cctview.network import CameraNetwork
from cctview.pipeline.analysing import Analysis, Arrival, Seen, analyse, batches, clocked, joined
from cctview.pipeline.discovering import said_by_somebody
from cctview.pipeline.linking import Linker
from cctview.pipeline.report import RunReport, Told, took
from cctview.pipeline.settings import RunSettings
from cctview.progress import silent
from cctview.seams import Detector, Embedder, Executor, Matcher, Progress, Source, Store, Tracker
from cctview.sources.source import noticed_by
from cctview.store import Expiry
from cctview.tracking import RoadTracker
from cctview.types import Frame, Frames

__all__ = ["Run", "run"]


def run(
    source: Source,
    store: Store,
    network: CameraNetwork | None,
    detector: Detector,
    embedder: Embedder,
    *,
    tracker: Tracker[Any] | None = None,
    matcher: Matcher | None = None,
    executor: Executor | None = None,
    settings: RunSettings | None = None,
    progress: Progress = silent,
) -> RunReport:
    """Take a source of stills to journeys in a store, and say what was done.

    What the policy no longer allows is removed first, and within a minute of its time while the run lasts. A
    ``network`` takes the place of the store's; without one that one holds, and where there is none the source's own.
    When the run is interrupted or fails, what is there is linked before the error goes on; see ``Run`` for a run
    whose report so far can be asked for.
    """
    return Run(
        source,
        store,
        network,
        detector,
        embedder,
        tracker=tracker,
        matcher=matcher,
        executor=executor,
        settings=settings,
        progress=progress,
    ).driven()


class Run:
    """A run under way: iterate over it to drive it; each step yields the part of the report that it added.

    ``report`` is the sum of them so far, also after the run was broken off.
    """

    def __init__(
        self,
        source: Source,
        store: Store,
        network: CameraNetwork | None,
        detector: Detector,
        embedder: Embedder,
        *,
        tracker: Tracker[Any] | None = None,
        matcher: Matcher | None = None,
        executor: Executor | None = None,
        settings: RunSettings | None = None,
        progress: Progress = silent,
    ) -> None:
        """See ``run``; nothing is done before the first step."""
        self._source, self._store, self._network = source, store, network
        self._work = partial(analyse, detector=detector, embedder=embedder)
        self._settings = settings or RunSettings()
        self._executor = executor or ThreadExecutor()
        self._progress = progress
        self._expiry = Expiry(store)
        self._linker = Linker(
            store=store,
            tracker=tracker or RoadTracker(),
            matcher=matcher or BeliefMatcher(),
            executor=self._executor,
            settings=self._settings,
            progress=progress,
            holding=self._expiry.held,
        )
        self._report = RunReport()
        self._waiting: list[Analysis] = []
        self._told = Told[list[Frame]](())
        self._mark = time.perf_counter()
        self._ending = False

    @property
    def report(self) -> RunReport:
        """What was done so far."""
        return self._report

    def driven(self, *, broken: Callable[[BaseException], None] | None = None) -> RunReport:
        """Drive the run to its end and return the report.

        When it is interrupted or fails, ``broken`` is told, what is there is stored and linked, and the error goes
        on. An interruption of that ends it at once.
        """
        try:
            for _ in self:
                pass
        except (KeyboardInterrupt, Exception) as error:
            if broken:
                broken(error)
            self._halted(error)
            raise
        return self._report

    def __iter__(self) -> Iterator[RunReport]:
        self._mark = time.perf_counter()
        yield self._added(self._opened())
        with self._expiry:
            yield from self._ingested()
            self._ending = True
            yield self._added(self._linked_at_the_end())
        yield self._added(RunReport(stored=self._expiry.counts))

    def _opened(self) -> RunReport:
        """Remove what the policy no longer allows, and settle which camera network holds."""
        expired = self._store.expire(np.datetime64("now", "ns"))
        if self._network is not None:
            self._store.set_network(self._network)
        elif self._source.network is not None and not said_by_somebody(self._store.network):
            self._store.set_network(self._source.network)
        return RunReport(stored={f"expired_{name}": count for name, count in expired.rows.items() if count})

    def _ingested(self) -> Iterator[RunReport]:
        """Analyse every still that is not stored yet and store what was found; link in between what never ends."""
        total = self._source.count()
        seen = Seen(np.asarray(self._store.columns(Frames, ["id"])["id"], np.int64))
        arrivals = clocked(iter(self._source.frames(seen)))
        for first in arrivals:
            for part in self._period(chain([first], arrivals), seen):
                yield self._added(part)
                self._progress("stills", self._report.seen + sum(len(one.frames) for one in self._waiting), total)
            yield self._added(self._appended())
            seen.packed()
            if self._source.live:
                yield self._added(self._linker.further())

    def _period(self, arrivals: Iterator[Arrival], seen: Seen) -> Iterator[RunReport]:
        """Work through what arrives until it is time to link."""
        start = time.monotonic()
        due = partial(_passed, start, self._settings.link_every_s) if self._source.live else _never
        self._told = Told(batches(arrivals, seen, self._settings, due))
        with _ended(self._executor.map(self._work, self._told)) as results:
            for analysis in results:
                self._waiting.append(analysis)
                yield self._told.taken() + RunReport(stage_seconds=analysis.seconds)
                if sum(len(part.frames) for part in self._waiting) >= self._settings.append:
                    yield self._appended()
        yield self._told.taken()

    def _appended(self) -> RunReport:
        """Store what waits, and tell what the source noticed."""
        told = RunReport(noticed=noticed_by(self._source))
        if not self._waiting:
            return told
        start = time.perf_counter()
        parts, self._waiting = self._waiting, []
        admitted = self._store.append(joined(parts))
        return (
            told
            + RunReport(
                stills=sum(len(part.frames) for part in parts),
                detections=sum(len(part.detections) for part in parts),
                people=sum(len(part.people) for part in parts),
                stored=admitted.counts,
            )
            + took("store", time.perf_counter() - start)
        )

    def _linked_at_the_end(self) -> RunReport:
        """Link everything, or of a large store that was linked as it went only what came last."""
        large = self._store.versions().get("detections", (0, 0))[1] >= self._settings.whole_below
        return self._linker.further() if self._source.live and large else self._linker.whole()

    def _halted(self, error: BaseException) -> None:
        """Store and link what is there after an error; where that fails too, say so beside the error."""
        try:
            self._added(self._told.taken() + self._appended())
            if self._report.stills and not self._ending:
                self._added(self._linked_at_the_end())
        except CctviewError as second:
            error.add_note(f"what is there could not be linked: {second}")

    def _added(self, part: RunReport) -> RunReport:
        """Add a part to the report, with the seconds since the one before."""
        now = time.perf_counter()
        part, self._mark = replace(part, seconds=now - self._mark), now
        self._report += part
        return part


@contextmanager
def _ended(results: Iterator[Analysis]) -> Iterator[Iterator[Analysis]]:
    """Lend the results of an executor, and end its work when they are not wanted any more."""
    try:
        yield results
    finally:
        close = getattr(results, "close", None)
        if close is not None:
            close()


def _never() -> bool:
    return False


def _passed(start: float, seconds: float) -> bool:
    return time.monotonic() - start >= seconds
