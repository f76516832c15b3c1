"""Joining sightings of one camera into tracklets: one-to-one, still by still, as they come."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cctview.assign import assign
from cctview.tracking import course
from cctview.tracking.motion import Motion, Outlook
from cctview.tracking.pairs import Grid, Pairs, grid_of
from cctview.tracking.priors import TrackPriors
from cctview.tracking.scene import Scene, unit
from cctview.tracking.settings import TrackSettings

__all__ = ["Threads", "linked"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Threads:
    """What each of N sightings knows of its vehicle's past.

    ``label`` is the id of the first sighting and ``born`` the second of that; ``clock`` is the second
    of this one, ``still`` the number of its still, ``seen`` how many sightings there are so far;
    ``look`` (N, D) is the running mean of their vectors, ``course`` (N, 5, 2) where the vehicle is and
    how fast it goes.
    """

    label: Ints
    born: Floats
    clock: Floats
    still: Ints
    seen: Ints
    look: Floats
    course: Floats

    @classmethod
    def fresh(cls, scene: Scene, ids: Ints, clock: Floats, still: Ints, priors: TrackPriors) -> Self:
        """Return sightings (N,) without a past."""
        return cls(
            label=ids.copy(),
            born=clock.copy(),
            clock=clock,
            still=still,
            seen=np.ones(len(ids), np.int64),
            look=scene.vector,
            course=course.fresh(scene.spot, scene.noise, priors.speed_spread_mps),
        )

    @classmethod
    def none(cls, dimensions: int = 0) -> Self:
        """Return no sightings."""
        ids, seconds = np.zeros(0, np.int64), np.zeros(0)
        look, courses = np.zeros((0, dimensions), np.float32), np.zeros((0, course.SIZE, 2))
        return cls(label=ids, born=seconds, clock=seconds, still=ids, seen=ids, look=look, course=courses)

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, chosen: Any) -> Self:
        """Return the chosen sightings only."""
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def followed_by(self, all_rows: Self) -> Self:
        """Return ``all_rows`` with these in place of its first ones."""
        known = len(self)
        if not known:
            return all_rows
        columns = {
            field.name: np.concatenate([getattr(self, field.name), getattr(all_rows, field.name)[known:]])
            for field in fields(self)
        }
        return type(self)(**columns)

    def follow(self, i: Ints, j: Ints, ahead: Floats, scene: Scene) -> None:
        """Make sightings ``j`` (K,) the next ones of ``i`` (K,), whose courses had led to ``ahead``."""
        self.label[j], self.born[j], self.seen[j] = self.label[i], self.born[i], self.seen[i] + 1
        self.look[j] = unit(self.look[j] + self.look[i])
        self.course[j] = course.met(ahead, scene.spot[j], scene.noise[j])

    def alive(
        self, ends: Ints, clock: float, still: int, settings: TrackSettings, patience: float
    ) -> NDArray[np.bool_]:
        """Return which ends (K,) may still be followed; the next still is tried up to ``patience`` times as long."""
        gap = clock - self.clock[ends]
        next_still = (self.still[ends] == still - 1) & (gap <= patience * settings.max_gap_s)
        near = (gap <= settings.max_gap_s) | next_still
        return near & (clock - self.born[ends] <= settings.max_length_s)


def linked(
    scene: Scene, threads: Threads, ends: Ints, motion: Motion, settings: TrackSettings, priors: TrackPriors
) -> Ints:
    """Carry ``threads`` on through all stills after the ``ends``; return the rows (K,) that are open at last.

    ``threads`` are rows of the scene, of which the ends come first; its ``look`` is the scene's
    ``vector``. They are changed in place.
    """
    outlook, grid = motion.outlook(scene), grid_of(priors)
    bounds = np.unique(np.append(scene.first[scene.first >= len(ends)], len(ends)))
    for begin, end in pairwise(bounds.tolist()):
        ends = ends[threads.alive(ends, threads.clock[begin], threads.still[begin], settings, priors.patience)]
        if len(ends):
            ahead = _ahead(threads, ends, threads.clock[begin], priors)
            odds = _odds(scene, threads, ends, np.arange(begin, end), ahead, motion, outlook, settings, grid)
            left, right = assign(-odds, -settings.threshold)
            threads.follow(ends[left], begin + right, ahead[left], scene)
            ends = np.delete(ends, left)
        ends = np.concatenate([ends, np.arange(begin, end)])
    return ends


def _ahead(threads: Threads, ends: Ints, clock: float, priors: TrackPriors) -> Floats:
    """Return the courses (E, 5, 2) of the ends at a second to come."""
    return course.later(threads.course[ends], clock - threads.clock[ends], priors.acceleration, priors.bend)


def _odds(
    scene: Scene,
    threads: Threads,
    ends: Ints,
    rows: Ints,
    ahead: Floats,
    motion: Motion,
    outlook: Outlook,
    settings: TrackSettings,
    grid: Grid,
) -> Floats:
    """Return the log-odds (E, n) that an end and a row of a still are one vehicle.

    The movement is what the road teaches, mixed with where the vehicle was heading.
    """
    gap = threads.clock[rows[0]] - threads.clock[ends]
    steps = threads.still[rows[0]] - threads.still[ends]
    same, rest = motion.evidence(scene, Pairs(ends[:, None], rows[None], gap[:, None]), grid)
    expected = course.log_density(ahead, scene.spot[rows], scene.noise[rows])
    once, again = grid.priors.inertia_once, grid.priors.inertia
    heeded = np.where(threads.seen[ends] > 1, again, once)[:, None]
    odds = np.logaddexp(np.log1p(-heeded) + same, np.log(heeded) + expected) + rest
    seen = np.where(steps > 1, outlook.later[ends], outlook.stays[ends])
    seen -= settings.gap_penalty * np.log2(np.minimum(steps, 1 + gap * (1 - 1 / steps)))
    return odds + (seen[:, None] - outlook.other[rows])
