"""From matches to journeys: chains of mutual best matches over cameras, each with a probability."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError
from cctview.geometry import area
from cctview.network import CameraNetwork
from cctview.types import Journeys, Matches, Ragged, Tracklets, row_ids

__all__ = ["JourneySettings", "journeys"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True)
class JourneySettings:
    """How sure a link must be to become part of a journey; raises SettingsError."""

    min_probability: float = 0.5

    def __post_init__(self) -> None:
        value = self.min_probability
        if not (math.isfinite(value) and 0 < value <= 1):
            raise SettingsError(f"setting 'min_probability' is {value}: choose a value above 0, up to 1")


def journeys(
    matches: Matches,
    tracklets: Tracklets,
    network: CameraNetwork,
    settings: JourneySettings = JourneySettings(),
) -> Journeys:
    """Return the chains of two and more tracklets that choose one another, most probable first.

    A link counts when either end is the other's best and its probability reaches the setting; a
    chain's probability is the product over its links.
    """
    meta = {**matches.meta, **{key: str(value) for key, value in asdict(settings).items()}}
    origin, target, probability, seconds = _mutual(matches, tracklets, settings.min_probability)
    if not len(origin):
        return Journeys.empty(meta)
    follows, sure, speed = _steps(origin, target, probability, seconds, tracklets, network)
    chain, member = _chains(follows, _passing_time(tracklets))
    size = np.bincount(chain)
    starts = np.cumsum(size) - size
    first = np.zeros(len(member), np.bool_)
    first[starts] = True
    lon, lat = _places(tracklets, network)
    ids = tracklets.id[member]
    pace = speed[member]
    pace[starts] = pace[starts + 1]
    table = Journeys(
        meta=meta,
        id=row_ids(ids[starts], np.add.reduceat(ids, starts), "journey"),
        probability=np.multiply.reduceat(np.where(first, 1.0, sure[member]), starts).astype(np.float32),
        members=Ragged.from_lengths(ids, size),
        time=Ragged.from_lengths(_passing_time(tracklets)[member], size),
        lon=Ragged.from_lengths(lon[member], size),
        lat=Ragged.from_lengths(lat[member], size),
        speed=Ragged.from_lengths(pace.astype(np.float32), size),
    )
    return table[np.lexsort((table.id, -table.probability))]


def _mutual(matches: Matches, tracklets: Tracklets, least: float) -> tuple[Ints, Ints, Floats, Floats]:
    """Return tracklet rows, probability and lag of the pairs that are each other's best in both directions."""
    some = np.flatnonzero(matches.candidates.lengths > 0)
    place = matches.candidates.offsets[some]
    order = np.argsort(tracklets.id, kind="stable")
    ends = (matches.query[some], matches.candidates.values[place])
    origin, target = (order[np.searchsorted(tracklets.id[order], end)] for end in ends)
    probability = matches.probability.values[place].astype(np.float64)
    best = np.lexsort((target, -probability))
    for end in (origin, target):
        best = best[np.sort(np.unique(end[best], return_index=True)[1])]
    best = best[probability[best] >= least]
    return origin[best], target[best], probability[best], matches.lag_s.values[place][best].astype(np.float64)


def _steps(
    origin: Ints, target: Ints, probability: Floats, seconds: Floats, tracklets: Tracklets, network: CameraNetwork
) -> tuple[Ints, Floats, Floats]:
    """Return for each tracklet its predecessor (-1: none), how sure that is, and the speed since then."""
    follows = np.full(len(tracklets), -1)
    sure, speed = np.ones(len(tracklets)), np.zeros(len(tracklets))
    follows[target], sure[target] = origin, probability
    metres = np.zeros(len(origin))
    for link in network.links:
        on = (tracklets.camera[origin] == link.origin) & (tracklets.camera[target] == link.target)
        metres[on] = link.metres
    speed[target] = metres / np.maximum(seconds, 1e-3)
    return follows, sure, speed


def _chains(follows: Ints, time: NDArray[np.datetime64]) -> tuple[Ints, Ints]:
    """Return chain numbers and tracklet rows, chain by chain in order of travel."""
    root = np.where(follows < 0, np.arange(len(follows)), follows)
    steps = (follows >= 0).astype(int)
    while np.any(root[root] != root):
        steps, root = steps + steps[root], root[root]
    count = np.bincount(root, minlength=len(root))
    member = np.flatnonzero(count[root] > 1)
    member = member[np.lexsort((steps[member], root[member], time[root[member]]))]
    turn = np.flatnonzero(np.diff(root[member], prepend=-1))
    return np.repeat(np.arange(len(turn)), np.diff(turn, append=len(member))), member


def _passing_time(tracklets: Tracklets) -> NDArray[np.datetime64]:
    """Return when each tracklet was nearest to its camera."""
    leaving = area(tracklets.last_box) >= area(tracklets.first_box)
    return np.where(leaving, tracklets.last_time, tracklets.first_time)


def _places(tracklets: Tracklets, network: CameraNetwork) -> tuple[Floats, Floats]:
    """Return longitude and latitude of each tracklet's camera; 0 for cameras that are on no link."""
    order = np.argsort(network.cameras.id, kind="stable")
    known = np.isin(tracklets.camera, network.cameras.id)
    place = np.zeros(len(tracklets), np.intp)
    place[known] = order[np.searchsorted(network.cameras.id[order], tracklets.camera[known])]
    lon, lat = network.cameras.lon, network.cameras.lat
    if not len(lon):
        return np.zeros(len(tracklets)), np.zeros(len(tracklets))
    return np.where(known, lon[place], 0.0), np.where(known, lat[place], 0.0)
