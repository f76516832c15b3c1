"""A baseline: SORT, which follows boxes by where they were going and by nothing else.

Bewley, Ge, Ott, Ramos, Upcroft: Simple online and realtime tracking, ICIP 2016. A constant-velocity Kalman filter
predicts each box, and the Hungarian method pairs predicted and found boxes by intersection over union. Here
predictions know how much time went by, so that stills may come at any and uneven rates; noise is counted in heights
of the box, as in DeepSORT; the logarithm of the area is filtered, so that no box turns inside out; and a vehicle is
a tracklet from its first detection on.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cctview.assign import assign
from cctview.errors import InputError
from cctview.geometry import centre, foot, iou, size
from cctview.priors import fingerprint
from cctview.road.flow import moved
from cctview.tracking import course
from cctview.tracking.held import NO_TRACKLET, Held, held_of
from cctview.tracking.priors import SORT_VERSION, SortPriors
from cctview.tracking.saving import packed, unpacked
from cctview.tracking.settings import SortSettings
from cctview.tracking.sightings import Sightings, sightings_of
from cctview.tracking.tracklets import tracklets_of
from cctview.types import Detections, Embeddings, Tracklets

__all__ = ["SortState", "SortTracker"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_NEVER = int(np.iinfo(np.int64).min)
_AXES = 4  # middle to the right and down, logarithms of area and of aspect ratio


@dataclass(frozen=True, eq=False, kw_only=True)
class Boxes:
    """T open vehicles: the id of the first detection, when (ns) and in which still last found, and their course.

    ``course`` is (T, 5, 4), as in ``cctview.tracking.course``, for the four numbers of a box.
    """

    label: Ints
    time: Ints
    still: Ints
    course: Floats

    @classmethod
    def none(cls) -> Self:
        """Return no vehicles."""
        ids = np.zeros(0, np.int64)
        return cls(label=ids, time=ids, still=ids, course=np.zeros((0, course.SIZE, _AXES)))

    def rows(self, chosen: Any) -> Self:
        """Return the chosen vehicles only."""
        return type(self)(**{each.name: getattr(self, each.name)[chosen] for each in fields(self)})

    def followed_by(self, other: Self) -> Self:
        """Return these vehicles and then the others."""
        names = [each.name for each in fields(self)]
        return type(self)(**{name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names})


@dataclass(frozen=True, eq=False, kw_only=True)
class SortState:
    """One camera up to its last still with a vehicle: at ``time`` ns since 1970, the ``still``-th one."""

    boxes: Boxes
    held: Held
    time: int = _NEVER
    still: int = 0


@dataclass(frozen=True)
class SortTracker:
    """Follow vehicles by the overlap of their boxes with where a Kalman filter expects them.

    Knows nothing of roads and looks: what any other tracker should surpass. Only cars, trucks and buses with an
    embedding take part, as for every tracker; stills in pieces give the tracklets of the whole.
    """

    settings: SortSettings = field(default_factory=SortSettings)
    priors: SortPriors = field(default_factory=SortPriors)

    @property
    def meta(self) -> dict[str, str]:
        """The method, its version, settings and hash of its priors, as they end in the ``meta`` of the tracklets."""
        told = {"tracker": "sort", "tracker_version": SORT_VERSION, "tracker_priors": fingerprint(self.priors)}
        return told | {key: str(value) for key, value in asdict(self.settings).items()}

    def fresh(self) -> SortState:
        """Return the state before the first still of a camera."""
        return SortState(boxes=Boxes.none(), held=Held.none())

    def step(self, state: SortState, detections: Detections, embeddings: Embeddings) -> tuple[SortState, Tracklets]:
        """Follow the vehicles of one camera through stills that come after those of ``state``.

        Returns the next state and the tracklets that ended. Stills that are older than the state end every
        tracklet. Raises InputError when there is more than one camera, TableError when other models made the
        detections of an open tracklet.
        """
        if np.any(detections.camera[1:] != detections.camera[:-1]):
            raise InputError("step: one state follows one camera; give the detections of each camera its own state")
        rows, place = sightings_of(detections, embeddings, self.settings.duplicate_iou, self.priors)
        label = np.full(len(detections), NO_TRACKLET, np.int64)
        after, label[place] = self._through(state, rows)
        held = state.held.followed_by(held_of(detections, embeddings, label))
        open_ = np.isin(held.label, after.boxes.label)
        return replace(after, held=held.rows(open_)), self._ended(held.rows(~open_))

    def ending(self, state: SortState) -> Tracklets:
        """Return the tracklets that are still open, as if the stills ended here."""
        return self._ended(state.held)

    def dump(self, state: SortState) -> bytes:
        """Return a state as bytes that hold nothing that could be executed."""
        return packed(state, self.meta)

    def load(self, data: bytes) -> SortState:
        """Return the state that ``dump`` gave; raise FormatError for anything else, and for another tracker's."""
        return unpacked(SortState, data, self.meta)

    def _ended(self, held: Held) -> Tracklets:
        meta = {**self.meta, **held.detections.meta}
        return tracklets_of(held, self._headings, self.priors.pooling_least, meta)

    def _headings(self, box: Floats, _: Ints, first: Ints, last: Ints) -> NDArray[np.str_]:
        """Return which way vehicles go in the image: what comes down comes nearer."""
        right, down = (foot(box[last]) - foot(box[first])).T
        way = np.where(down > 0, "towards", "away")
        way = np.where(np.abs(right) > self.priors.across * np.abs(down), "across", way)
        return np.where(moved(box[first], box[last], self.priors.road), way, "still").astype(np.str_)

    def _through(self, state: SortState, rows: Sightings) -> tuple[SortState, Ints]:
        """Return the state after the rows, and the label of each."""
        if not len(rows):
            return state, np.zeros(0, np.int64)
        if rows.time[0] < state.time:
            state = replace(state, boxes=Boxes.none())
        boxes, label, bounds = state.boxes, rows.id.copy(), [*rows.starts.tolist(), len(rows)]
        for still, (begin, end) in enumerate(pairwise(bounds), start=state.still + 1):
            boxes, label[begin:end] = self._met(boxes, rows.rows(slice(begin, end)), still)
        return replace(state, boxes=boxes, time=int(rows.time[-1]), still=still), label

    def _met(self, boxes: Boxes, rows: Sightings, still: int) -> tuple[Boxes, Ints]:
        """Return the open vehicles after one more still, and the label of each of its rows."""
        seconds = (rows.time[0] - boxes.time) / 1e9
        near = (seconds <= self.settings.max_gap_s) | (still - boxes.still <= self.settings.max_gap_stills)
        boxes, ahead = boxes.rows(near), self._ahead(boxes.course[near], seconds[near])
        found = rows.box.astype(np.float64)
        left, right = assign(1 - iou(_corners(ahead[:, 0]), found), 1 - self.settings.min_iou)
        new = self._fresh(rows, still)
        new.label[right] = boxes.label[left]
        new.course[right] = course.met(ahead[left], _shape(found[right]), self._noise(found[right]))
        lost = np.delete(np.arange(len(boxes.label)), left)
        return boxes.rows(lost).followed_by(new), new.label

    def _fresh(self, rows: Sightings, still: int) -> Boxes:
        """Return the vehicles of a still as if seen for the first time."""
        found = rows.box.astype(np.float64)
        speed = _scaled(found, self.priors.speed, self.priors.growth)
        courses = course.fresh(_shape(found), self._noise(found), speed)
        return Boxes(label=rows.id.copy(), time=rows.time, still=np.full(len(found), still), course=courses)

    def _ahead(self, courses: Floats, seconds: Floats) -> Floats:
        """Return the courses (T, 5, 4) so many seconds (T,) later."""
        return course.later(
            courses, seconds, _scaled(_corners(courses[:, 0]), self.priors.jerk, self.priors.swell), bend=0.0
        )

    def _noise(self, boxes: Floats) -> Floats:
        """Return the variance (N, 4) with which boxes (N, 4) are found."""
        deviation = _scaled(boxes, self.priors.place, self.priors.shape)
        deviation[:, 3] = self.priors.shape
        return deviation**2


def _scaled(boxes: Floats, place: float, area: float) -> Floats:
    """Return deviations (N, 4): of the middle in heights, of the area as it is, of the aspect ratio none."""
    tall = size(boxes)[:, 1]
    return np.column_stack([place * tall, place * tall, np.full(len(tall), area), np.zeros(len(tall))])


def _shape(boxes: Floats) -> Floats:
    """Return the four numbers that are filtered of boxes (N, 4): middle, and logarithms of area and aspect ratio."""
    wide, tall = np.maximum(size(boxes), 1.0).T
    return np.column_stack([centre(boxes), np.log(wide * tall), np.log(wide / tall)])


def _corners(shape: Floats) -> Floats:
    """Return the boxes (N, 4) of such numbers."""
    half = np.exp((shape[:, 2:3] + shape[:, 3:4] * np.array([1.0, -1.0])) / 2) / 2
    return np.concatenate([shape[:, :2] - half, shape[:, :2] + half], axis=1)
