"""Passages, what a traffic engineer counts: the pieces of one vehicle joined where it crosses a line over the road.

A tracklet is often a piece of a vehicle, and sometimes of two or of none. Far from the camera they cannot be told
apart, but near it hardly a vehicle is overlooked. So each direction of a camera gets a line there (``gates``), and
each piece that comes near it says when its vehicle crosses. Pieces that follow each other on one course are one
vehicle: one-to-one, by time, place and looks. Nothing is learnt from labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from cctview.geometry import foot
from cctview.priors import fingerprint
from cctview.road.flow import lane_flow, moved, nearest_box, ruling_way, ways
from cctview.road.priors import ROAD
from cctview.tracking.doubles import second_boxes, standing
from cctview.tracking.gates import Gate, GatePriors, learn_gate
from cctview.tracking.led import led_over, ways_led
from cctview.tracking.viewed import Clock, Seen, boxes_seen, views
from cctview.types import Breaks, Detections, Passages, Ragged, Tracklets, row_ids

__all__ = ["Counted", "PassagePriors", "counted", "passages"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Names = NDArray[np.str_]

_VERSION = "2"
_REASONS = np.array(
    [
        "second boxes of a vehicle",
        "seen once, where the same stood before or after",
        "stood, or went no clear way",
        "too few of its direction moved to learn a line",
        "did not drive over the line in a lane while stills came",
    ]
)
_SECOND, _STOOD, _UNCLEAR, _NO_LINE, _NOT_THERE = range(len(_REASONS))
_FREE = 1e-3  # what leaving a piece alone costs more than the least likely pair that may be made


@dataclass(frozen=True, kw_only=True)
class PassagePriors:
    """What is thought of pieces of vehicles before any is seen; "chosen" is on three simulated worlds, one a light."""

    gate: GatePriors = field(default_factory=GatePriors)
    # A piece farther from the line than so many steps between stills says nothing of it; 1.25 to 2 are as good.
    reach_stills: float = 1.5
    # ... nor farther than so many seconds, where stills come fast; not tuned.
    reach_s: float = 1.0
    # Share of the stills within reach that must show a vehicle, at least one still; not tuned.
    least_share: float = 0.25
    # Seconds by which a stamp of whole seconds and a trembling box may be off; flat from 0.4 to 0.7.
    stamp_s: float = 0.6
    # Share by which vehicles drive faster or slower than foreseen; flat from 0.15 to 0.4.
    pace: float = 0.25
    # How far to the side a vehicle moves between two pieces, heights of a vehicle; flat from 0.7 to 1.2.
    aside: float = 1.0
    # Nats that a whole cosine between looks is worth, and the cosine that says nothing; flat from 2 to 5.
    looks: float = 4.0
    looks_even: float = 0.5
    # Nats from which on two pieces are one vehicle: hardly any is overlooked at the line, so the bar is low.
    bar: float = -3.0
    # Seconds by which two pieces of one vehicle may disagree when it crosses; beyond, the bar leaves none.
    apart_s: float = 6.0
    # Where the flow is not clear: so many places that others led over decide, 5 a move, if this share agrees;
    # chosen where vehicles towards the camera are seen once, at its border; worse at 10 and 31, at 0.7 and 0.9.
    led_by: int = 20
    led_clear: float = 0.8
    # Overlap from which on two boxes of a still are one vehicle; flat from 0.25 to 0.5.
    double_iou: float = 0.4
    # Share of the smaller box within the larger from which on they are one vehicle too: a part of it, or its light
    # on a wet road; flat from 0.7 to 0.95.
    double_inside: float = 0.8
    # Share of a tracklet's boxes that must be second boxes of others to leave it out; not tuned.
    double_share: float = 0.5
    # Overlap, cosine of the looks, and stills before or after, by which a lone box is a thing that stands; the
    # cosine is flat from 0.7 to 0.9, the others are chosen by thought. Place alone says nothing where a lane is busy:
    # of real lone boxes as many have one in their place 20 stills later as in the next.
    standing_iou: float = 0.7
    standing_alike: float = 0.8
    standing_stills: int = 3
    # Share of the usual speed from which on a moving chain is a vehicle wherever it drives; chosen by thought.
    brisk: float = 0.3
    # Anything slower, or seen once, must cross where others do: so many heights of a vehicle aside, half a lane,
    # and so large a share of the brisk ones, two at least; chosen where people on the pavement were taken for cars,
    # flat from 0.06 to 0.1.
    lane: float = 0.75
    lane_share: float = 0.06
    # Share of a step that a vehicle may seem to roll back; more, and the piece is cut in two; not tuned.
    back: float = 0.15

    @property
    def meta(self) -> dict[str, str]:
        """What ends in the ``meta`` of the passages: version and hash."""
        return {"passages": _VERSION, "passage_priors": fingerprint(self)}


_PRIORS = PassagePriors()


class _Pieces(NamedTuple):
    """Pieces (K,) of tracklets: rows of the first and the last box, when they cross the line in seconds, their pace.

    ``nearest`` is the row of the box nearest to the line, ``steps`` how far that is, in stills.
    """

    first: Ints
    last: Ints
    nearest: Ints
    crossing: Floats
    pace: Floats
    steps: Floats

    def rows(self, chosen: Any) -> _Pieces:
        return _Pieces(*(column[chosen] for column in self))


class Counted(NamedTuple):
    """Passages, and the ids of the tracklets (U,) that are in none of them with the reason of each (U,)."""

    passages: Passages
    uncounted: NDArray[np.int64]
    reason: Names


class _Crossed(NamedTuple):
    """Vehicles (P,) that crossed a line: seconds, and the rows of their tracklets."""

    seconds: Floats
    members: Ragged[np.int64]


def passages(
    tracklets: Tracklets,
    detections: Detections,
    breaks: Breaks | None = None,
    priors: PassagePriors = _PRIORS,
) -> Passages:
    """Return who drove through the view of each camera, by camera and time; ``counted`` says who did not, and why."""
    return counted(tracklets, detections, breaks, priors).passages


def counted(
    tracklets: Tracklets,
    detections: Detections,
    breaks: Breaks | None = None,
    priors: PassagePriors = _PRIORS,
) -> Counted:
    """Return who drove through the view of each camera, by camera and time, and why other tracklets do not count.

    ``detections`` hold the members of the tracklets; what is missing there is passed over. A vehicle counts once,
    at the moment it crosses the line of its direction, if that lies between the first still and the last; what
    stood all the while does not count, nor do second boxes of a vehicle. A camera that was turned, as ``breaks``
    tell, gets new lines. Only what is tracked can pass: cars, trucks and buses.
    """
    found = [Passages.empty(meta := {**tracklets.meta, **priors.meta})]
    left: list[tuple[Ints, Ints]] = [(tracklets.id[:0], np.zeros(0, np.intp))]
    for view in views(tracklets, breaks):
        seen, clock = boxes_seen(view, detections[detections.camera == view.camera[0]])
        streams, why = _streams(view, seen, priors)
        for heading, mine in streams:
            crossed = _crossed(heading, seen.rows(mine[seen.owner]), clock, view.vector, priors)
            why[mine] = _NO_LINE if crossed is None else _NOT_THERE
            found += [] if crossed is None else [_table(view, heading, crossed, clock.origin, meta)]
        left.append((view.id, why))
    table = Passages.concat(found).sort("camera", "time", "id")
    names, reasons = (np.concatenate(column) for column in zip(*left, strict=True))
    without = ~np.isin(names, table.members.values)
    return Counted(table, names[without], _REASONS[reasons[without]])


def _streams(tracklets: Tracklets, seen: Seen, priors: PassagePriors) -> tuple[list[tuple[str, Mask]], Ints]:
    """Return which tracklets (T,) are of each direction, and why the others are of none, as places of _REASONS (T,).

    Across the view, those to the right go apart from those to the left.
    """
    boxes = tracklets.members.lengths
    weight = boxes[seen.owner].astype(np.float64)
    half = second_boxes(seen.still, seen.box, weight, priors.double_iou, priors.double_inside)
    halves = np.bincount(seen.owner, half, len(tracklets)) >= priors.double_share * boxes
    looks, alike = tracklets.vector[seen.owner], priors.standing_alike
    stood = standing(seen.still, seen.box, looks, priors.standing_iou, alike, priors.standing_stills)
    lone = np.bincount(seen.owner, stood, len(tracklets)) * (boxes == 1) > 0
    way = np.where(halves | lone, "still", _ways(tracklets, seen, priors))
    right = tracklets.last_box[:, 0] > tracklets.first_box[:, 0]
    pair = boxes > 1
    streams = [("towards", way == "towards"), ("away", way == "away")]
    streams += [("across", (way == "across") & pair & side) for side in (right, ~right)]
    return streams, np.select([halves, lone], [_SECOND, _STOOD], _UNCLEAR)


def _ways(tracklets: Tracklets, seen: Seen, priors: PassagePriors) -> Names:
    """Return which way each tracklet goes: with the flow, or where that is not clear as others led over its place."""
    way = ways(tracklets)
    unclear = np.flatnonzero(ruling_way(lane_flow(tracklets), ROAD.clear_share, "") == "")
    led = led_over(seen.box, seen.owner, tracklets.heading[seen.owner])
    place = foot(nearest_box(tracklets)[unclear].astype(np.float64))
    told = ways_led(led, place, unclear, priors.led_by, priors.led_clear)
    way[unclear] = np.where(told == "still", way[unclear], told)
    return way


def _crossed(heading: str, seen: Seen, clock: Clock, looks: Floats, priors: PassagePriors) -> _Crossed | None:
    """Return who crossed the line of a direction, None where too few were seen to move to learn it."""
    n = _moves(heading, seen)
    start, end, seconds = seen.place[n], seen.place[n + 1], seen.seconds[n + 1] - seen.seconds[n]
    gate = learn_gate(heading, seen.place, start, end, seconds, clock.still_s, priors.gate)
    if gate is None:
        return None
    pieces = _pieces(seen, gate, clock.still_s, priors)
    reach = max(priors.reach_stills, priors.reach_s / clock.still_s)
    within = (pieces.crossing >= 0) & (pieces.crossing <= clock.end)
    pieces = pieces.rows(np.flatnonzero(within & (pieces.steps <= reach)))
    vehicle = _joined(seen, pieces, gate, looks, priors)
    return _counted(seen, pieces, vehicle, gate, max(1, round(reach * priors.least_share)), priors)


def _moves(heading: str, seen: Seen) -> Ints:
    """Return the rows from which a tracklet's next box shows that it moved, in the right direction."""
    follows = (seen.owner[1:] == seen.owner[:-1]) & (np.diff(seen.seconds) > 0)
    driven = moved(seen.box[:-1], seen.box[1:])
    away = np.diff(seen.place[:, 1])
    right = {"towards": away < 0, "away": away > 0}.get(heading, np.ones(len(away), np.bool_))
    return np.flatnonzero(follows & driven & right)


def _pieces(seen: Seen, gate: Gate, still_s: float, priors: PassagePriors) -> _Pieces:
    """Return the tracklets, cut where they would have driven backwards, and when each crosses the line."""
    along = gate.along(seen.place)
    back = np.diff(along, prepend=0.0) < -priors.back * gate.step
    begins = np.diff(seen.owner, prepend=-1) != 0
    first = np.flatnonzero(begins | back)
    last = np.append(first[1:], len(along)) - 1
    took = seen.seconds[last] - seen.seconds[first]
    own = (along[last] - along[first]) / np.maximum(took, 1e-9)
    pace = np.where(last > first, np.clip((gate.speed + own) / 2, 0.3 * gate.speed, 2 * gate.speed), gate.speed)
    nearest = np.where(along[last] < 0, last, first)
    crossing = seen.seconds[nearest] - along[nearest] / pace
    steps = np.abs(along[nearest]) / pace / still_s
    piece = np.cumsum(begins | back) - 1
    n = np.flatnonzero((piece[1:] == piece[:-1]) & (along[:-1] < 0) & (along[1:] >= 0))
    share = -along[n] / (along[n + 1] - along[n])
    crossing[piece[n]] = seen.seconds[n] + share * (seen.seconds[n + 1] - seen.seconds[n])
    steps[piece[n]] = 0.0
    return _Pieces(first, last, nearest, crossing, pace, steps)


def _joined(seen: Seen, pieces: _Pieces, gate: Gate, looks: Floats, priors: PassagePriors) -> Ints:
    """Return the number of the vehicle that each piece belongs to, (K,)."""
    count = len(pieces.first)
    if not count:
        return np.zeros(0, np.intp)
    before, after = _candidates(seen, pieces, gate, priors)
    odds = _odds(seen, pieces, gate, looks, before, after, priors) - priors.bar
    before, after, odds = before[odds > 0], after[odds > 0], odds[odds > 0]
    # A matching must be full: each piece may also be followed by a nobody of its own.
    alone = np.arange(count)
    dear = 1.0 + float(odds.max(initial=0.0))
    cost = np.concatenate([dear - odds, np.full(count, dear + _FREE)])
    ends = tuple(np.concatenate(side).astype(np.int32) for side in ([before, alone], [after, count + alone]))
    row, column = min_weight_full_bipartite_matching(coo_array((cost, ends), shape=(count, 2 * count)).tocsr())
    row, column = row[column < count], column[column < count]
    graph = coo_array((np.ones(len(row)), (row, column)), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.intp)


def _candidates(seen: Seen, pieces: _Pieces, gate: Gate, priors: PassagePriors) -> tuple[Ints, Ints]:
    """Return the pairs of pieces of which the second begins later and farther on, and crosses at about one time."""
    order = np.argsort(pieces.crossing, kind="stable")
    ranked = pieces.crossing[order]
    low = np.searchsorted(ranked, ranked - priors.apart_s)
    count = np.searchsorted(ranked, ranked + priors.apart_s, side="right") - low
    left = np.repeat(np.arange(len(ranked)), count)
    right = np.arange(len(left)) - np.repeat(np.cumsum(count) - count - low, count)
    before, after = order[left], order[right]
    along = gate.along(seen.place)
    later = seen.seconds[pieces.last[before]] < seen.seconds[pieces.first[after]]
    onward = along[pieces.first[after]] > along[pieces.last[before]] - priors.back * gate.step
    return before[later & onward], after[later & onward]


def _odds(
    seen: Seen, pieces: _Pieces, gate: Gate, looks: Floats, before: Ints, after: Ints, priors: PassagePriors
) -> Floats:
    """Return the log-odds (P,), to a constant, that the second piece of each pair carries on the first."""
    a, b = pieces.last[before], pieces.first[after]
    known = np.where(pieces.last > pieces.first, pieces.pace, 0.0)
    pace = np.where(known[before] > 0, known[before], np.where(known[after] > 0, known[after], gate.speed))
    foreseen = (gate.along(seen.place[b]) - gate.along(seen.place[a])) / pace
    late = seen.seconds[b] - seen.seconds[a] - foreseen
    aside = gate.across(seen.place[b]) - gate.across(seen.place[a])
    alike = np.einsum("nd,nd->n", looks[seen.owner[a]], looks[seen.owner[b]])
    variance = priors.stamp_s**2 + (priors.pace * foreseen) ** 2
    motion = -0.5 * (late**2 / variance + (aside / priors.aside) ** 2)
    odds: Floats = motion + priors.looks * (alike - priors.looks_even)
    return odds


def _counted(seen: Seen, pieces: _Pieces, vehicle: Ints, gate: Gate, least: int, priors: PassagePriors) -> _Crossed:
    """Return the vehicles with at least so many boxes that moved, or were seen once where others drive."""
    count = int(vehicle.max(initial=-1)) + 1
    order = np.lexsort((seen.seconds[pieces.first], vehicle))
    begin = np.searchsorted(vehicle[order], np.arange(count))
    first, last = pieces.first[order[begin]], pieces.last[order[np.append(begin[1:], len(order)) - 1]]
    boxes = np.bincount(vehicle, pieces.last - pieces.first + 1, count)
    nearest = np.lexsort((pieces.steps, vehicle))[begin]
    driven = moved(seen.box[first], seen.box[last])
    went = gate.along(seen.place[last]) - gate.along(seen.place[first])
    brisk = driven & (went >= priors.brisk * gate.speed * (seen.seconds[last] - seen.seconds[first]))
    aside = gate.across(seen.place[pieces.nearest[nearest]])
    real = (boxes >= least) & (brisk | ((driven | (boxes == 1)) & _in_lane(aside, brisk, priors)))
    number = np.where(real, np.cumsum(real) - 1, -1)[vehicle[order]]
    kept = order[number >= 0]
    members = _each_once(number[number >= 0], seen.owner[pieces.first[kept]], int(real.sum()))
    return _Crossed(pieces.crossing[nearest[real]], members)


def _in_lane(aside: Floats, brisk: Mask, priors: PassagePriors) -> Mask:
    """Return which of the places aside (P,) have enough brisk vehicles about them."""
    others = np.sort(aside[brisk])
    low, high = (np.searchsorted(others, aside + way * priors.lane) for way in (-1, 1))
    needed = np.maximum(2, priors.lane_share * len(others))
    found: Mask = high - low >= needed
    return found


def _each_once(group: Ints, value: Ints, groups: int) -> Ragged[np.int64]:
    """Return the values of each group in their order, without what comes a second time."""
    first = np.unique(np.stack([group, value]), axis=1, return_index=True)[1]
    kept = np.sort(first)
    return Ragged.grouped(value[kept].astype(np.int64), group[kept], groups)


def _table(
    tracklets: Tracklets, heading: str, crossed: _Crossed, origin: np.datetime64, meta: dict[str, str]
) -> Passages:
    rows, members = crossed.members.values, crossed.members
    count = len(crossed.seconds)
    time = origin + np.round(crossed.seconds * 1e9).astype("timedelta64[ns]")
    names, code = np.unique(tracklets.type[rows], return_inverse=True)
    votes = np.bincount(members.row * len(names) + code, tracklets.members.lengths[rows], count * len(names))
    first = tracklets.id[rows[members.offsets[:-1]]]
    return Passages(
        meta=meta,
        id=row_ids(first, np.round(crossed.seconds * 1000).astype(np.int64), f"passage {heading}"),
        camera=np.full(count, tracklets.camera[0]),
        time=time,
        heading=np.full(count, heading),
        type=names[votes.reshape(count, -1).argmax(axis=1)] if count else np.zeros(0, "U1"),
        members=Ragged.from_lengths(tracklets.id[rows], members.lengths),
    )
