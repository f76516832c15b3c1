"""Stills to detections and embeddings: bounded batches, worked on side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cctview.embed import embed
from cctview.pipeline.report import RunReport
from cctview.pipeline.settings import RunSettings
from cctview.seams import Detector, Embedder
from cctview.sources import Known, Skipped
from cctview.store import Batch
from cctview.types import PERSON, Detections, Embeddings, Frame, Ragged, rows_of

__all__ = ["Analysis", "Arrival", "Seen", "analyse", "batches", "clocked", "joined"]

_REST = 32  # what is no new still is told of after so many times as many

Arrival = tuple[Frame | Skipped | Known, float]


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


def clocked(items: Iterator[Frame | Skipped | Known]) -> Iterator[Arrival]:
    """Yield the items with the seconds that each took to come."""
    while True:
        start = time.perf_counter()
        item = next(items, None)
        if item is None:
            return
        yield item, time.perf_counter() - start


class Seen:
    """Which frames are stored, with ids (N,), or came before in this run; call it with an id."""

    def __init__(self, stored: NDArray[np.int64]) -> None:
        self._stored = np.sort(stored)
        self._new: set[int] = set()

    def __call__(self, frame: int) -> bool:
        """Return whether this frame is known."""
        place = int(np.searchsorted(self._stored, frame))
        return frame in self._new or (place < len(self._stored) and int(self._stored[place]) == frame)

    def add(self, frame: int) -> None:
        """Remember a frame."""
        self._new.add(frame)

    def packed(self) -> None:
        """Keep what was added since in 8 bytes each, for a source may never end."""
        self._stored = np.union1d(self._stored, np.fromiter(self._new, np.int64, len(self._new)))
        self._new = set()


def batches(
    arrivals: Iterable[Arrival], seen: Seen, settings: RunSettings, due: Callable[[], bool]
) -> Iterator[list[Frame] | RunReport]:
    """Yield bounded batches of stills, each after what is to be told of the items up to it; stop when ``due``."""
    batch, rest = [], []
    pixels, spent = 0, 0.0
    for item, seconds in arrivals:
        spent += seconds
        if isinstance(item, Frame):
            seen.add(item.id)
            batch.append(item)
            pixels += item.image.nbytes
        else:
            rest.append(item)
        ended = due()
        if ended or max(len(batch), len(rest) // _REST) >= settings.batch or pixels >= settings.batch_bytes:
            yield from _filled(batch, rest, spent)
            batch, rest, pixels, spent = [], [], 0, 0.0
        if ended:
            return
    yield from _filled(batch, rest, spent)


def _filled(batch: list[Frame], rest: list[Skipped | Known], spent: float) -> Iterator[list[Frame] | RunReport]:
    skipped = tuple(item for item in rest if isinstance(item, Skipped))
    yield RunReport(skipped=skipped, known=len(rest) - len(skipped), stage_seconds={"decode": spent})
    if batch:
        yield batch


def joined(parts: Sequence[Analysis]) -> Batch:
    """Return what was found in some batches as one for the store."""
    frames = [frame for part in parts for frame in part.frames]
    people = Detections.concat([part.people for part in parts])
    ids = np.array([frame.id for frame in frames], np.int64)
    return Batch(
        frames=frames,
        detections=Detections.concat([part.detections for part in parts]),
        embeddings=Embeddings.concat([part.embeddings for part in parts]),
        people=Ragged.grouped(people.box, rows_of(ids, people.frame), len(frames)),
    )
