"""Score what a run found against the whole truth about a simulated world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import widened
from cctview.metrics.calibration import count_calibration, count_open_set
from cctview.metrics.detection import ScoredBoxes, TrueBoxes, average_precision, count_detections, operating_point
from cctview.metrics.overlap import TrackedBoxes, same_place, without_ignored
from cctview.metrics.tracking import TrackingCounts, count_tracking
from cctview.sim import Sightings, asked
from cctview.simulated import World
from cctview.store import Store
from cctview.types import PERSON, Detections, Journeys, Matches, Tracklets, TravelTimes, rows_of

__all__ = ["Found", "found_in", "score_world"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Scores = dict[str, float]

_REGION_PX = 2.0
_SAME = 0.4  # overlap from which on a detection shows a vehicle; boxes of few pixels rarely agree better
_SURE = 0.9
_NOBODY = -1


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """What a run stored."""

    detections: Detections
    tracklets: Tracklets
    matches: Matches
    journeys: Journeys
    travel_times: TravelTimes


def found_in(store: Store) -> Found:
    """Read from a store all that is scored."""
    return Found(
        detections=store.scan(Detections),
        tracklets=store.scan(Tracklets),
        matches=store.scan(Matches),
        journeys=store.scan(Journeys),
        travel_times=store.scan(TravelTimes),
    )


def score_world(world: World, found: Found) -> dict[str, Scores]:
    """Return figures for detection, tracking, matches, journeys and travel times.

    Vehicles too small or too hidden to ask for count neither way. A stored detection shows the vehicle whose box it
    overlaps by 0.4, a stored tracklet the one that most of its detections show.
    """
    detections = found.detections[found.detections.type != PERSON]
    still = _stills(world, detections)
    detections, still = detections[still >= 0], still[still >= 0]
    vehicles = world.sightings[world.sightings.type != PERSON]
    who = _shown(vehicles, detections, still)
    owner = _owners(found.tracklets, detections)
    identity = _identities(found.tracklets, owner, who)
    return {
        "detection": _detection(vehicles, detections, still),
        "tracking": _tracking(vehicles, detections, still, owner),
        "matches": _matching(world, found, identity),
        "journeys": _journeys(world, found, identity),
        "travel times": _travel_times(world, found),
    }


def _stills(world: World, detections: Detections) -> Ints:
    """Return the number of the still of each detection, -1 for one that is not in the world."""
    ids = world.tables.frames.id
    return _lookup(ids, np.arange(len(ids)))(detections.frame)


def _shown(vehicles: Sightings, detections: Detections, still: Ints) -> Ints:
    """Return the identity of the vehicle each detection shows, or _NOBODY."""
    truth = TrackedBoxes(frame=vehicles.still, track=vehicles.identity, box=vehicles.box)
    boxes = TrackedBoxes(frame=still, track=np.arange(len(still)), box=detections.box)
    pairs = same_place(truth, boxes)
    matched = pairs.matched(np.where(pairs.overlap >= _SAME, pairs.overlap, 0.0))
    who = np.full(len(detections), _NOBODY)
    who[pairs.right[matched]] = vehicles.identity[pairs.left[matched]]
    return who


def _owners(tracklets: Tracklets, detections: Detections) -> Ints:
    """Return the row of the tracklet each detection belongs to, or -1."""
    row = _lookup(detections.id, np.arange(len(detections)))(tracklets.members.values)
    owner = np.full(len(detections), -1)
    owner[row[row >= 0]] = tracklets.members.row[row >= 0]
    return owner


def _identities(tracklets: Tracklets, owner: Ints, who: Ints) -> Ints:
    """Return the identity that most detections of each tracklet show, or _NOBODY."""
    told = (owner >= 0) & (who != _NOBODY)
    pairs, count = np.unique(np.stack([owner[told], who[told]]), axis=1, return_counts=True)
    order = np.argsort(count, kind="stable")
    identity = np.full(len(tracklets), _NOBODY)
    identity[pairs[0][order]] = pairs[1][order]
    return identity


def _detection(vehicles: Sightings, detections: Detections, still: Ints) -> Scores:
    ignored = ~asked(vehicles)
    counts = count_detections(
        ScoredBoxes(image=still, box=detections.box, score=detections.score),
        TrueBoxes(
            image=vehicles.still,
            box=np.where(ignored[:, None], widened(vehicles.box, _REGION_PX), vehicles.box),
            ignored=ignored,
            crowd=ignored,
        ),
        thresholds=(0.5,),
    )
    precision, recall = operating_point(counts, 0.0)
    return {
        "vehicles asked for": float(counts.truths),
        "AP50": float(average_precision(counts)[0]),
        "precision": float(precision[0]),
        "recall": float(recall[0]),
    }


def _tracking(vehicles: Sightings, detections: Detections, still: Ints, owner: Ints) -> Scores:
    """Return HOTA and the like, added up over cameras."""
    parts: list[TrackingCounts] = []
    for camera in np.unique(vehicles.camera).tolist():
        true, mine = vehicles[vehicles.camera == camera], (detections.camera == camera) & (owner >= 0)
        truth = TrackedBoxes(frame=true.still, track=true.identity, box=true.box)
        ours = TrackedBoxes(frame=still[mine], track=owner[mine], box=detections.box[mine])
        kept, wanted = without_ignored(ours, truth, ~asked(true), threshold=_SAME)
        parts.append(count_tracking(wanted, kept, threshold=_SAME))
    scores = reduce(add, parts).scores() if parts else {}
    return {name: scores[name] for name in ("HOTA", "IDF1", "MOTA", "AssA") if name in scores}


def _matching(world: World, found: Found, identity: Ints) -> Scores:
    """Return how often the first candidate is the same vehicle, where that vehicle did come by and was found."""
    matches, tracklets = found.matches, found.tracklets
    whose = _lookup(tracklets.id, identity)
    asked_for = whose(matches.query)
    size = matches.candidates.lengths
    first = np.minimum(matches.candidates.offsets[:-1], max(len(matches.candidates.values) - 1, 0))
    answer = np.where(size > 0, whose(matches.candidates.values)[first] if size.any() else _NOBODY, _NOBODY)
    probability = np.where(size > 0, matches.probability.values[first] if size.any() else 0.0, 0.0)
    known = asked_for != _NOBODY
    right = known & (answer == asked_for)
    came = known & _came(world, tracklets, identity, asked_for, matches)
    given = probability[known] > matches.p_none[known]
    levels = count_open_set(probability[known], right[known], (_SURE,))
    return {
        "queries that came by": float(came.sum()),
        "rank-1": float(right[came].mean()) if came.any() else float("nan"),
        "answered surely": float(levels.answered[0] / max(levels.questions, 1)),
        "wrong of the sure": float(levels.wrong[0] / max(levels.answered[0], 1)),
        "calibration error": count_calibration(probability[known][given], right[known][given]).error(),
    }


def _came(world: World, tracklets: Tracklets, identity: Ints, asked_for: Ints, matches: Matches) -> NDArray[np.bool_]:
    """Return whether each query's vehicle truly reached the camera and has a stored tracklet there."""
    truth = world.tables
    reached = truth.matches[truth.matches.p_none < _SURE]
    query = rows_of(truth.tracklets.id, reached.query)
    true = _keys(truth.identity[query], reached.query_camera, reached.camera)
    there = _keys(identity, tracklets.camera)
    wanted = np.isin(_keys(asked_for, matches.query_camera, matches.camera), true)
    return wanted & np.isin(_keys(asked_for, matches.camera), there)


def _keys(identity: Ints, *names: NDArray[np.str_]) -> NDArray[np.str_]:
    key = identity.astype(np.str_)
    for name in names:
        key = np.strings.add(np.strings.add(key, "|"), name)
    return key


def _lookup(ids: Ints, values: Ints) -> Any:
    """Return a function from ids, in any order, to their values, _NOBODY (-1) for an unknown one."""
    order = np.argsort(ids)

    def of(wanted: Ints) -> Ints:
        if not len(order):
            return np.full(len(wanted), _NOBODY)
        place = np.minimum(np.searchsorted(ids[order], wanted), len(order) - 1)
        return np.where(ids[order][place] == wanted, values[order[place]], _NOBODY)

    return of


def _journeys(world: World, found: Found, identity: Ints) -> Scores:
    """Return how many steps of journeys stay with one vehicle, and how many true steps were found."""
    steps = _steps(found.journeys, found.tracklets, identity)
    true = _steps(world.journeys, world.tables.tracklets, world.tables.identity)
    same = (steps[0] == steps[1]) & (steps[0] != _NOBODY)
    mine, wanted = (_keys(side[0], side[2], side[3]) for side in (steps, true))
    whole = _whole(found.journeys, found.tracklets, identity)
    return {
        "journeys": float(len(found.journeys)),
        "true journeys": float(len(world.journeys)),
        "steps right": float(same.mean()) if len(same) else float("nan"),
        "true steps found": float(np.isin(wanted, mine[same]).mean()) if len(wanted) else float("nan"),
        "journeys wholly right": float(whole.mean()) if len(whole) else float("nan"),
    }


def _steps(chains: Journeys, tracklets: Tracklets, identity: Ints) -> tuple[Ints, Ints, Any, Any]:
    """Return identity before and after each step, and the cameras it joins."""
    rows = rows_of(tracklets.id, chains.members.values)
    inside = np.flatnonzero(np.diff(chains.members.row) == 0)
    one, two = rows[inside], rows[inside + 1]
    return identity[one], identity[two], tracklets.camera[one], tracklets.camera[two]


def _whole(chains: Journeys, tracklets: Tracklets, identity: Ints) -> NDArray[np.bool_]:
    if not len(chains):
        return np.zeros(0, np.bool_)
    members = _lookup(tracklets.id, identity)(chains.members.values)
    first = members[chains.members.offsets[:-1]][chains.members.row]
    return np.logical_and.reduceat((members == first) & (members != _NOBODY), chains.members.offsets[:-1])


def _travel_times(world: World, found: Found) -> Scores:
    """Return how far the found medians of links and intervals are from the true ones."""
    mine, true = found.travel_times, world.travel_times
    ours, theirs = (_keys(side.start.astype(np.int64), side.origin, side.target) for side in (mine, true))
    _, a, b = np.intersect1d(ours, theirs, return_indices=True)
    solid = (mine.count[a] >= 3) & (true.count[b] >= 3)
    off = np.abs(mine.median_s[a][solid] - true.median_s[b][solid])
    return {
        "links and intervals": float(solid.sum()),
        "median error s": float(np.median(off)) if len(off) else float("nan"),
        "median error share": float(np.median(off / true.median_s[b][solid])) if len(off) else float("nan"),
    }
