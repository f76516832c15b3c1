"""What is true about a simulation, as the project's own tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.network import CameraNetwork, Link
from cctview.sim.sightings import Sightings, asked
from cctview.sim.still import SimFrame
from cctview.table import RaggedColumn
from cctview.types import (
    PERSON,
    Detections,
    Frames,
    Matches,
    Ragged,
    Tracklets,
    row_ids,
)

__all__ = ["TruthTables", "sightings_of", "truth_tables"]

Ints = NDArray[np.integer[Any]]

_META = {"producer": "cctview.sim"}
_NEW_VISIT_S = 60.0  # a vehicle unseen for so long that comes again begins another tracklet
_VECTOR = 16  # dimensions of the vectors that stand for identities


@dataclass(frozen=True, kw_only=True)
class TruthTables:
    """Frames, detections, tracklets and matches as a faultless program would store them.

    ``identity (T,)`` names the vehicle of each tracklet.
    """

    frames: Frames
    detections: Detections
    tracklets: Tracklets
    matches: Matches
    identity: NDArray[np.int64]


def sightings_of(frames: Sequence[SimFrame]) -> Sightings:
    """Return the sightings in drawn stills, with or without pixels."""
    counts = [len(frame.boxes) for frame in frames]

    def repeated(values: Sequence[Any], dtype: Any = None) -> NDArray[Any]:
        return np.repeat(np.array(values, dtype), counts)

    def joined(name: str, blank: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([blank, *(getattr(frame, name) for frame in frames)])

    return Sightings(
        still=np.repeat(np.arange(len(frames)), counts),
        camera=repeated([frame.camera for frame in frames], np.str_),
        time=repeated([frame.time for frame in frames], "datetime64[ns]"),
        at=repeated([frame.at for frame in frames], np.float64),
        identity=joined("identities", np.zeros(0, np.int64)),
        type=joined("types", np.zeros(0, "U1")),
        box=joined("boxes", np.zeros((0, 4), np.float32)),
        whole=joined("whole_boxes", np.zeros((0, 4), np.float32)),
        visibility=joined("visibility", np.zeros(0, np.float32)),
        lane=joined("lanes", np.zeros(0, np.int64)),
        speed=joined("speeds", np.zeros(0, np.float32)),
        towards=joined("towards", np.zeros(0, np.bool_)),
    )


def truth_tables(frames: Frames, sightings: Sightings, network: CameraNetwork) -> TruthTables:
    """Return the tables of vehicles large and visible enough to ask for; ``still`` numbers rows of ``frames``."""
    kept = sightings[asked(sightings) & (sightings.type != PERSON)].sort("still", "identity")
    detections = _detections(frames, kept)
    tracklets, identity = _tracklets(kept, detections)
    matches = _matches(tracklets, identity, network)
    return TruthTables(frames=frames, detections=detections, tracklets=tracklets, matches=matches, identity=identity)


def _detections(frames: Frames, kept: Sightings) -> Detections:
    frame = frames.id[kept.still]
    rank = np.arange(len(kept)) - np.searchsorted(kept.still, kept.still) + 1
    return Detections(
        meta=_META,
        id=row_ids(frame, rank, "cctview.sim"),
        frame=frame,
        camera=kept.camera,
        time=kept.time,
        rank=rank.astype(np.int32),
        box=kept.box,
        score=np.ones(len(kept), np.float32),
        type=kept.type,
    )


def _tracklets(kept: Sightings, detections: Detections) -> tuple[Tracklets, NDArray[np.int64]]:
    """Return one tracklet per visit of a vehicle to a camera, in time order, and whose it is."""
    order = np.lexsort((kept.time, kept.camera, kept.identity))
    who, camera, time = kept.identity[order], kept.camera[order], kept.time[order]
    pause = np.diff(time) > np.timedelta64(round(_NEW_VISIT_S * 1e9), "ns")
    starts = np.flatnonzero(np.append(True, (who[1:] != who[:-1]) | (camera[1:] != camera[:-1]) | pause)[: len(who)])
    ends = np.append(starts[1:], len(who))
    first, last = order[starts], order[ends - 1]
    towards = np.add.reduceat(kept.towards[order].astype(np.int64), starts) * 2 > ends - starts if len(who) else starts
    identity = kept.identity[first]
    vector = np.random.default_rng(0).standard_normal((997, _VECTOR))[identity % 997]
    table = Tracklets(
        meta=_META,
        id=row_ids(detections.id[first], ends - starts, "cctview.sim tracklet"),
        camera=kept.camera[first],
        first_time=kept.time[first],
        last_time=kept.time[last],
        first_box=kept.box[first],
        last_box=kept.box[last],
        type=kept.type[first],
        heading=np.where(towards, "towards", "away"),
        vector=(vector / np.linalg.norm(vector, axis=1, keepdims=True)).astype(np.float32),
        spread=np.zeros(len(first), np.float32),
        quality=np.ones(len(first), np.float32),
        members=Ragged.from_lengths(detections.id[order], ends - starts),
    )
    by_time = np.lexsort((table.id, table.first_time))
    return table[by_time], identity[by_time]


def _matches(tracklets: Tracklets, identity: Ints, network: CameraNetwork) -> Matches:
    """Return, for each tracklet that sets out on a link, the same vehicle at the other end, or that it never came."""
    parts = [_along(tracklets, identity, network, link) for link in network.links]
    parts = [part for part in parts if len(part)]
    return Matches.concat(parts) if parts else Matches.empty(_META)


def _along(tracklets: Tracklets, identity: Ints, network: CameraNetwork, link: Link) -> Matches:
    looks = network.heading(link.origin) or 0.0
    heading = "away" if np.cos(np.deg2rad(link.direction_deg - looks)) > 0 else "towards"
    query = np.flatnonzero((tracklets.camera == link.origin) & (tracklets.heading == heading))
    gallery = np.flatnonzero(tracklets.camera == link.target)
    gallery = gallery[np.lexsort((tracklets.first_time[gallery], identity[gallery]))]
    key = _key(identity[gallery], tracklets.first_time[gallery])
    place = np.searchsorted(key, _key(identity[query], tracklets.first_time[query]), side="right")
    reached = np.minimum(place, len(gallery) - 1)
    found = place < len(gallery)
    found[found] = identity[gallery[reached[found]]] == identity[query[found]]
    answer = gallery[reached[found]]
    lag = (tracklets.first_time[answer] - tracklets.first_time[query[found]]) / np.timedelta64(1, "s")
    ones, one_each = np.ones(len(answer), np.float32), found.astype(np.int64)
    ragged: dict[str, NDArray[Any]] = {
        "candidates": tracklets.id[answer],
        "probability": ones,
        "lag_s": lag.astype(np.float32),
    }
    blank: dict[str, NDArray[Any]] = {
        name: 0 * ones for name, column in Matches.columns.items() if isinstance(column, RaggedColumn)
    }
    return Matches(
        meta=_META,
        query=tracklets.id[query],
        query_camera=tracklets.camera[query],
        camera=np.full(len(query), link.target),
        p_none=1.0 - found.astype(np.float32),
        **{name: Ragged.from_lengths(values, one_each) for name, values in {**blank, **ragged}.items()},
    )


def _key(identity: Ints, time: NDArray[np.datetime64]) -> NDArray[Any]:
    """Return identity and then time as one sortable number each: milliseconds of less than 30 years."""
    since = (time - np.datetime64("2020-01-01", "ns")) / np.timedelta64(1, "ms")
    return identity * 1e12 + since
