"""The only module where the stages meet: frames -> detections -> embeddings -> tracklets -> journeys.

Stills are processed in batches, each on one thread, several side by side; what is stored already is
not done again. Tracklets, matches and journeys are pure functions of what is stored, made anew at
the end of a run: a run that was killed and started again ends where an undisturbed one does.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict, deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from cctview.aggregates import travel_times
from cctview.embed import embed
from cctview.journeys import JourneySettings
from cctview.journeys.spans import INTERVAL, Arrival, Settled, linked
from cctview.matching import BeliefMatcher, MatchSettings
from cctview.network import CameraNetwork
from cctview.progress import silent
from cctview.seams import Detector, Embedder, Progress, Source, Store
from cctview.sources import Known, Skipped
from cctview.store import Batch, Derived
from cctview.tracking import RoadTracker, TrackSettings, find_breaks, follow
from cctview.tracking.spanning import Passing, passed
from cctview.types import (
    PERSON,
    Breaks,
    Detections,
    Embeddings,
    Frame,
    Frames,
    Journeys,
    Matches,
    Passages,
    Ragged,
    Table,
    Tracklets,
    TravelTimes,
    rows_of,
)

__all__ = ["Analysis", "RunReport", "RunSettings", "analyse", "analysed", "ingest", "link", "run", "spans_of"]

T = TypeVar("T")
Seconds = defaultdict[str, float]
_SPAN_DETECTIONS = 400_000
_SPAN = np.timedelta64(1, "h")
_IN_VIEW = np.timedelta64(5, "m")
_LAST = np.datetime64("2200-01-01", "ns")


class _Span(TypedDict):
    after: np.datetime64
    before: np.datetime64


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a run spends the machine, and how its later stages work.

    ``batch`` bounds the stills one thread works on and ``batch_bytes`` their pixels, so that memory
    does not grow with the number or the size of the stills; ``append`` is how many stills are
    stored at a time, which is also what a killed run may have to repeat.
    """

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    batch: int = 32
    batch_bytes: int = 32_000_000
    append: int = 512
    track: TrackSettings = field(default_factory=TrackSettings)
    match: MatchSettings = field(default_factory=MatchSettings)
    journeys: JourneySettings = field(default_factory=JourneySettings)


@dataclass(kw_only=True)
class RunReport:
    """What a run did: the closing summary, and the seconds each stage took (summed over threads)."""

    stills: int = 0
    known: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    detections: int = 0
    people: int = 0
    stored: Counter[str] = field(default_factory=Counter)
    tracklets: int = 0
    matches: int = 0
    journeys: int = 0
    seconds: float = 0.0
    stage_seconds: Seconds = field(default_factory=lambda: Seconds(float))


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """A batch of stills with what was found in them; people are kept apart, for redaction only."""

    frames: Sequence[Frame]
    detections: Detections
    embeddings: Embeddings
    people: Detections
    seconds: Mapping[str, float]


def analyse(frames: Sequence[Frame], detector: Detector, embedder: Embedder) -> Analysis:
    """Detect and embed one batch of stills."""
    start = time.perf_counter()
    found = detector(frames)
    middle = time.perf_counter()
    person = found.type == PERSON
    embeddings = embed(frames, found[~person], embedder)
    seconds = {"detect": middle - start, "embed": time.perf_counter() - middle}
    return Analysis(
        frames=frames, detections=found[~person], embeddings=embeddings, people=found[person], seconds=seconds
    )


def analysed(
    batches: Iterator[Sequence[Frame]], detector: Detector, embedder: Embedder, workers: int
) -> Generator[Analysis]:
    """Analyse batches on ``workers`` threads, keeping their order and at most one more in flight."""
    pending: deque[Future[Analysis]] = deque()
    with ThreadPoolExecutor(workers, "analyse") as pool:
        try:
            for frames in batches:
                pending.append(pool.submit(analyse, frames, detector, embedder))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def ingest(
    source: Source,
    store: Store,
    detector: Detector,
    embedder: Embedder,
    settings: RunSettings,
    report: RunReport,
    progress: Progress,
) -> None:
    """Analyse every still of the source that is not stored yet, and store what was found.

    What was analysed is stored even when the run is interrupted; the same call goes on from there.
    """
    total = source.count()
    buffer: list[Analysis] = []
    results = analysed(_batches(source, store, settings, report), detector, embedder, settings.workers)
    try:
        for analysis in results:
            buffer.append(analysis)
            for stage, spent in analysis.seconds.items():
                report.stage_seconds[stage] += spent
            if sum(len(part.frames) for part in buffer) >= settings.append:
                _append(store, buffer, report)
            progress("stills", report.stills + report.known + len(report.skipped), total)
    finally:
        results.close()
        _append(store, buffer, report)


def link(store: Store, network: CameraNetwork, settings: RunSettings, report: RunReport, progress: Progress) -> None:
    """Make tracklets, matches and journeys anew from all that is stored, and exchange them in one step."""
    start, spent = time.perf_counter(), Seconds(float)
    store.replace(_timed(_derived(store, network, settings, report, progress, spent), spent, "all"))
    report.stage_seconds["track"] += spent["track"]
    report.stage_seconds["match"] += spent["all"] - spent["track"]
    report.stage_seconds["store"] += time.perf_counter() - start - spent["all"]


def _derived(
    store: Store,
    network: CameraNetwork,
    settings: RunSettings,
    report: RunReport,
    progress: Progress,
    spent: Seconds,
) -> Iterator[Derived]:
    """Yield every derived table, in parts as they become final."""
    cameras = sorted(store.columns(Frames, ["camera"])["camera"].unique().to_pylist())
    breaks, counted = [Breaks.empty()], [Passages.empty()]
    arrivals = _timed(_arrivals(store, cameras, settings, breaks, counted, progress), spent, "track")
    rows = Counter[type[Table]]()
    present, least = network.among(cameras), store.policy.minimum_group
    yield from (kind.empty() for kind in (Tracklets, Passages, Matches, Journeys, TravelTimes))
    for settled in linked(arrivals, present, BeliefMatcher(settings.match), settings.journeys):
        times = _travel_times(settled, present, settings, least)
        for table in (settled.tracklets, settled.matches, settled.journeys, times):
            rows[type(table)] += len(table)
            yield table
    yield Breaks.concat(breaks)
    yield network.passages_on_one_clock(Passages.concat(counted))
    report.tracklets, report.matches, report.journeys = rows[Tracklets], rows[Matches], rows[Journeys]


def _travel_times(settled: Settled, network: CameraNetwork, settings: RunSettings, least: int) -> TravelTimes:
    """Return what adds up over vehicles and became final with a span: no group is smaller than ``least``."""
    likely, interval_s = settings.journeys.min_probability, INTERVAL / np.timedelta64(1, "s")
    times = travel_times(settled.likely, settled.ends, network, likely=likely, interval_s=interval_s, least=least)
    return times[(times.start >= settled.since) & (times.start < settled.until)]


def _arrivals(
    store: Store,
    cameras: Sequence[str],
    settings: RunSettings,
    breaks: list[Breaks],
    counted: list[Passages],
    progress: Progress,
) -> Iterator[Arrival]:
    """Yield the tracklets of all cameras that ended in each span, and add breaks of stills and passages to lists."""
    state = Passing()
    spans = _spans(store)
    found: list[list[Breaks]] = [[] for _ in cameras]
    tracker = RoadTracker(settings.track)
    tracks = [follow(_blocks(store, camera, spans, own), tracker) for camera, own in zip(cameras, found, strict=True)]
    with ThreadPoolExecutor(settings.workers, "track") as pool:
        for number, span in enumerate(spans, start=1):
            last = number == len(spans)
            ended = pool.map(lambda track, rest=last: list(track if rest else islice(track, 1)), tracks)
            tracklets = Tracklets.concat([part for parts in ended for part in parts])
            progress("tracklets", number * len(cameras), len(spans) * len(cameras))
            broken = Breaks.concat([Breaks.empty(), *(part for own in found for part in own)])
            state, new = passed(state, tracklets, store.scan(Detections, **span), broken)
            counted.append(new)
            yield tracklets.sort("camera", "first_time", "id"), _LAST if last else span["before"] - _IN_VIEW
    breaks += [part for own in found for part in own]


def _blocks(
    store: Store, camera: str, spans: Sequence[_Span], breaks: list[Breaks]
) -> Iterator[tuple[Detections, Embeddings]]:
    """Yield what a camera saw in each span, and add to ``breaks`` where its stills break."""
    for span in spans:
        detections = store.scan(Detections, camera=camera, **span)
        breaks.append(find_breaks(store.scan(Frames, camera=camera, **span), detections))
        yield detections, store.scan(Embeddings, camera=camera, **span)


def _spans(store: Store) -> list[_Span]:
    times = np.asarray(store.columns(Frames, ["time"])["time"]).astype("datetime64[ns]")
    detections = store.versions().get("detections", (0, 0))[1]
    return [_Span(after=after, before=before) for after, before in spans_of(times, detections)]


def spans_of(times: NDArray[np.datetime64], detections: int) -> list[tuple[np.datetime64, np.datetime64]]:
    """Return the times that are linked one after another, as (from, before), so that all stills' ``(F,)`` lie in them.

    Stretches of stills more than an hour apart are spans of their own, and the time between them is in none. Within a
    stretch spans follow each other and are of equal length. None is longer than an hour, so that travel times follow
    the day, nor has it on average more detections than memory should hold.
    """
    times = np.sort(times)
    edges = np.flatnonzero(np.diff(times) > _SPAN) + 1
    spans = []
    for stretch in np.split(times, edges) if len(times) else []:
        first, last = stretch[0], stretch[-1]
        share = detections * len(stretch) // len(times)
        count = 1 + max(share // _SPAN_DETECTIONS, int((last - first) // _SPAN))
        bounds = first + (last - first) // count * np.arange(count + 1)
        bounds[-1] = last + np.timedelta64(1, "ns")
        spans += list(pairwise(bounds))
    return spans


def run(
    source: Source,
    store: Store,
    network: CameraNetwork,
    detector: Detector,
    embedder: Embedder,
    *,
    settings: RunSettings | None = None,
    progress: Progress = silent,
    report: RunReport | None = None,
) -> RunReport:
    """Take a source of stills to journeys in a store, and say what was done.

    What the policy no longer allows is removed first.

    Pass a ``report`` to see how far a run came that ends in an exception.
    """
    settings = settings or RunSettings()
    report = report if report is not None else RunReport()
    start = time.perf_counter()
    try:
        expired = store.expire(np.datetime64("now", "ns"))
        report.stored.update({f"expired_{name}": count for name, count in expired.rows.items() if count})
        ingest(source, store, detector, embedder, settings, report, progress)
        link(store, network, settings, report, progress)
    finally:
        report.seconds = time.perf_counter() - start
    return report


def _batches(source: Source, store: Store, settings: RunSettings, report: RunReport) -> Iterator[list[Frame]]:
    """Yield bounded batches of stills that are neither stored nor seen before in this run."""
    stored = np.sort(np.asarray(store.columns(Frames, ["id"])["id"], np.int64))
    seen: set[int] = set()

    def known(frame: int) -> bool:
        place = int(np.searchsorted(stored, frame))
        return frame in seen or (place < len(stored) and int(stored[place]) == frame)

    batch: list[Frame] = []
    pixels = 0
    for item in _timed(source.frames(known), report.stage_seconds, "decode"):
        if isinstance(item, Skipped):
            report.skipped.append(item)
        elif isinstance(item, Known):
            report.known += 1
        else:
            seen.add(item.id)
            batch.append(item)
            pixels += item.image.nbytes
        if len(batch) >= settings.batch or pixels >= settings.batch_bytes:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _timed(items: Iterator[T], seconds: Seconds, stage: str) -> Iterator[T]:
    """Yield the items, and add what it takes to make them to the seconds of a stage."""
    while True:
        start = time.perf_counter()
        item = next(items, None)
        seconds[stage] += time.perf_counter() - start
        if item is None:
            return
        yield item


def _append(store: Store, buffer: list[Analysis], report: RunReport) -> None:
    """Store what is in the buffer and empty it."""
    if not buffer:
        return
    start = time.perf_counter()
    parts, buffer[:] = list(buffer), []
    admitted = store.append(_joined(parts))
    report.stage_seconds["store"] += time.perf_counter() - start
    report.stills += sum(len(part.frames) for part in parts)
    report.detections += sum(len(part.detections) for part in parts)
    report.people += sum(len(part.people) for part in parts)
    report.stored += admitted.counts


def _joined(parts: Sequence[Analysis]) -> Batch:
    frames = [frame for part in parts for frame in part.frames]
    people = Detections.concat([part.people for part in parts])
    ids = np.array([frame.id for frame in frames], np.int64)
    return Batch(
        frames=frames,
        detections=Detections.concat([part.detections for part in parts]),
        embeddings=Embeddings.concat([part.embeddings for part in parts]),
        people=Ragged.grouped(people.box, rows_of(ids, people.frame), len(frames)),
    )
