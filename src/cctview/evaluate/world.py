"""Score what a run found against the whole truth about a simulated world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.evaluate.journeys import Steps, count_steps, steps_of
from cctview.evaluate.links import tracklet_rows
from cctview.geometry import widened
from cctview.metrics.calibration import Answers
from cctview.metrics.detection import ScoredBoxes, TrueBoxes, average_precision, count_detections, operating_point
from cctview.metrics.journeys import RIGHT, WRONG
from cctview.metrics.overlap import TrackedBoxes, majority, shown_tracks, without_ignored
from cctview.metrics.tracking import TrackingCounts, count_tracking
from cctview.seams import Store
from cctview.sim import Sightings, asked
from cctview.simulated import World
from cctview.types import PERSON, Detections, Journeys, Matches, Tracklets, TravelTimes, rows_among, rows_of

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
    still = rows_among(world.tables.frames.id, detections.frame)
    detections, still = detections[still >= 0], still[still >= 0]
    vehicles = world.sightings[world.sightings.type != PERSON]
    boxes = TrackedBoxes(frame=still, track=np.arange(len(still)), box=detections.box)
    owner = tracklet_rows(found.tracklets, detections)
    identity = majority(owner, shown_tracks(boxes, _true_boxes(vehicles), threshold=_SAME), len(found.tracklets))
    return {
        "detection": _detection(vehicles, detections, still),
        "tracking": _tracking(vehicles, detections, still, owner),
        "matches": _matching(world, found, identity),
        "journeys": _journeys(world, found, identity),
        "travel times": _travel_times(world, found),
    }


def _true_boxes(vehicles: Sightings) -> TrackedBoxes:
    return TrackedBoxes(frame=vehicles.still, track=vehicles.identity, box=vehicles.box)


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
        ours = TrackedBoxes(frame=still[mine], track=owner[mine], box=detections.box[mine])
        kept, wanted = without_ignored(ours, _true_boxes(true), ~asked(true), threshold=_SAME)
        parts.append(count_tracking(wanted, kept, threshold=_SAME))
    scores = reduce(add, parts).scores() if parts else {}
    return {name: scores[name] for name in ("HOTA", "IDF1", "MOTA", "AssA") if name in scores}


def _matching(world: World, found: Found, identity: Ints) -> Scores:
    """Return how often the first candidate is the same vehicle, where that vehicle did come by and was found."""
    matches, tracklets = found.matches, found.tracklets
    asked_for, whose = (_identities(tracklets, identity, ids) for ids in (matches.query, matches.candidates.values))
    first = np.where(matches.candidates.lengths > 0, matches.candidates.offsets[:-1], -1)
    probability = np.append(matches.probability.values, 0.0)[first]
    known = asked_for != _NOBODY
    right = known & (np.append(whose, _NOBODY)[first] == asked_for)
    came = known & _came(world, tracklets, identity, asked_for, matches)
    given = known & (probability > matches.p_none)
    sure = Answers(probability=probability[known], right=right[known]).open_set((_SURE,))[f"{_SURE:g}"]
    return {
        "queries that came by": float(came.sum()),
        "rank-1": float(right[came].mean()) if came.any() else float("nan"),
        "answered surely": sure["share"],
        "wrong of the sure": sure["wrong share"],
        "calibration error": Answers(probability=probability[given], right=right[given]).error(),
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


def _identities(tracklets: Tracklets, identity: Ints, ids: Ints) -> Ints:
    """Return the identity (N,) of the tracklets with these ids, _NOBODY for an unknown one."""
    return np.append(identity, _NOBODY)[rows_among(tracklets.id, ids)]


def _journeys(world: World, found: Found, identity: Ints) -> Scores:
    """Return how many steps of journeys stay with one vehicle, and how many true steps were found."""
    steps = steps_of(found.journeys, found.tracklets)
    true_steps = steps_of(world.journeys, world.tables.tracklets)
    mine = _step_keys(steps, found.tracklets, identity)
    true = _step_keys(true_steps, world.tables.tracklets, world.tables.identity)
    same = (identity[steps.origin] == identity[steps.target]) & (identity[steps.origin] != _NOBODY)
    kind = np.where(same, RIGHT, WRONG).astype(np.int8)
    again = int(np.isin(true, mine[same]).sum())
    counts = count_steps(found.journeys, steps, kind, found=again, true=len(true)).scores()
    return {
        "journeys": float(len(found.journeys)),
        "true journeys": float(len(world.journeys)),
        "steps right": counts["step precision"] if len(same) else float("nan"),
        "true steps found": counts["step recall"] if len(true) else float("nan"),
        "journeys wholly right": counts["journey precision"] if len(found.journeys) else float("nan"),
    }


def _step_keys(steps: Steps, tracklets: Tracklets, identity: Ints) -> NDArray[np.str_]:
    """Return whose step it is and the cameras it joins."""
    return _keys(identity[steps.origin], tracklets.camera[steps.origin], tracklets.camera[steps.target])


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
