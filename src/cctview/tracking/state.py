"""What a tracker remembers of one camera: a value that can be stored and resumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cctview.tracking.held import Held
from cctview.tracking.learnt import Learnt, learnt_of
from cctview.tracking.link import Threads, linked
from cctview.tracking.priors import TrackPriors
from cctview.tracking.scene import scene_of
from cctview.tracking.settings import TrackSettings
from cctview.tracking.sightings import Sightings

__all__ = ["TrackState"]

Ints = NDArray[np.integer[Any]]

_NEVER = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackState:
    """One camera up to its last still with a vehicle, at ``time`` nanoseconds since 1970.

    ``memory`` holds the newest sightings; ``learnt`` was learnt from ``taught`` of them, ``since``
    sightings ago. ``ends`` are the sightings that may still be followed and ``threads`` their past;
    ``clock`` and ``still`` count on. ``held`` are the detections of the tracklets that have not ended.
    """

    memory: Sightings
    ends: Sightings
    threads: Threads
    held: Held
    learnt: Learnt | None = None
    taught: int = 0
    since: int = 0
    time: int = _NEVER
    clock: float = 0.0
    still: int = 0

    @classmethod
    def fresh(cls) -> Self:
        """Return the state before the first still."""
        return cls(memory=Sightings.none(), ends=Sightings.none(), threads=Threads.none(), held=Held.none())

    @property
    def open(self) -> Ints:
        """The labels (K,) of the tracklets that may still grow."""
        return self.threads.label

    def closed(self) -> Self:
        """Return the state with every tracklet ended."""
        return replace(self, ends=Sightings.none(), threads=Threads.none())

    def turned(self, row: int) -> Self:
        """Return the state with every tracklet ended and all before a row of ``memory`` forgotten."""
        return replace(self.closed(), memory=self.memory.rows(slice(row, None)), learnt=None, taught=0, since=0)

    def extended(self, rows: Sightings, settings: TrackSettings, priors: TrackPriors) -> tuple[TrackState, Ints]:
        """Return the state after later stills, and the label of each of their sightings, ``(N,)``."""
        if not len(rows):
            return self, np.zeros(0, np.int64)
        memory = self.memory.followed_by(rows)
        memory = memory.rows(slice(max(len(memory) - max(settings.memory, len(rows)), 0), None))
        grown = replace(self, memory=memory, since=self.since + len(rows))
        few = len(memory) < priors.growth * self.taught and grown.since < int(priors.renewed * settings.memory)
        if self.learnt is not None and few:
            return _linked(grown, rows, self.learnt, settings, priors)
        learnt = learnt_of(memory, settings, priors)
        grown = replace(grown, learnt=learnt, taught=len(memory), since=0, threads=_seen_through(learnt, self, priors))
        return _linked(grown, rows, learnt, settings, priors)


def _seen_through(learnt: Learnt, state: TrackState, priors: TrackPriors) -> Threads:
    """Return the past of the open ends as far as it holds for what is learnt anew: not how they move."""
    if not len(state.ends):
        return state.threads
    scene = scene_of(state.ends, learnt.lens, priors)
    new = Threads.fresh(scene, state.ends.id, state.threads.clock, state.threads.still, priors)
    return replace(new, label=state.threads.label, born=state.threads.born)


def _linked(
    state: TrackState, rows: Sightings, learnt: Learnt, settings: TrackSettings, priors: TrackPriors
) -> tuple[TrackState, Ints]:
    """Return the state after the rows, and their labels."""
    starts = rows.starts
    times = rows.time[starts]
    seconds = np.diff(times, prepend=state.time if state.still else times[0]) / 1e9
    gaps = learnt.lens.gaps(seconds, priors.even_slack_s) * (seconds > 0)
    count = np.diff(starts, append=len(rows))
    clock = np.repeat(state.clock + np.cumsum(gaps), count)
    still = np.repeat(state.still + 1 + np.arange(len(starts)), count)
    joined = state.ends.followed_by(rows)
    scene = scene_of(joined, learnt.lens, priors)
    threads = state.threads.followed_by(
        Threads.fresh(
            scene,
            joined.id,
            np.append(state.threads.clock, clock),
            np.append(state.threads.still, still),
            priors,
        )
    )
    known = np.arange(len(state.ends))
    ends = linked(replace(scene, vector=threads.look), threads, known, learnt.motion, settings, priors)
    after = replace(
        state,
        ends=joined.rows(ends),
        threads=threads.rows(ends),
        time=int(times[-1]),
        clock=float(clock[-1]),
        still=int(still[-1]),
    )
    return after, threads.label[len(state.ends) :]
