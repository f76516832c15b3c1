"""From matches to journeys: chains of mutual best matches over cameras, each with a probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError
from cctview.geometry import passing_time, turn_deg
from cctview.journeys.priors import PRIORS
from cctview.network import CameraNetwork, Link
from cctview.priors import fingerprint
from cctview.types import Journeys, Matches, Ragged, Tracklets, first_choices, row_ids, rows_among, rows_of

__all__ = ["JourneySettings", "chain"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_VERSION = "2"
_INSTANT_S = 1e-3  # shorter lags count as this, so that a speed is finite


@dataclass(frozen=True, kw_only=True)
class JourneySettings:
    """How sure a link must be to become part of a journey; raises SettingsError."""

    min_probability: float = 0.5

    def __post_init__(self) -> None:
        value = self.min_probability
        if not (math.isfinite(value) and 0 < value <= 1):
            raise SettingsError(f"setting 'min_probability' is {value}: choose a value above 0, up to 1")


def chain(
    matches: Matches,
    tracklets: Tracklets,
    network: CameraNetwork,
    settings: JourneySettings = JourneySettings(),
) -> Journeys:
    """Return the chains of two and more tracklets that choose one another, most probable first.

    A link counts when either end is the other's best and its probability reaches the setting; where
    a vehicle would turn back at a camera, the less probable link goes. A chain's probability is the
    product over its links. A link may pass one camera that missed the vehicle.
    """
    made = {"journeys_version": _VERSION, "journeys_priors": fingerprint(PRIORS)}
    meta = {**matches.meta, **made, **{key: str(value) for key, value in asdict(settings).items()}}
    steps = _onwards(_mutual(matches, tracklets, network, settings.min_probability))
    if not len(steps.origin):
        return Journeys.empty(meta)
    follows = np.full(len(tracklets), -1)
    sure, speed = np.ones(len(tracklets)), np.zeros(len(tracklets))
    follows[steps.target], sure[steps.target] = steps.origin, steps.probability
    speed[steps.target] = steps.metres / np.maximum(steps.seconds, _INSTANT_S)
    time = passing_time(tracklets)
    number, member = _chains(follows, time)
    size = np.bincount(number)
    starts = np.cumsum(size) - size
    pace = speed[member]
    pace[starts] = pace[starts + 1]
    lon, lat = _places(tracklets, network)
    ids = tracklets.id[member]
    table = Journeys(
        meta=meta,
        id=row_ids(ids[starts], np.add.reduceat(ids, starts), "journey"),
        probability=np.multiply.reduceat(sure[member], starts).astype(np.float32),
        members=Ragged.from_lengths(ids, size),
        time=Ragged.from_lengths(time[member], size),
        lon=Ragged.from_lengths(lon[member], size),
        lat=Ragged.from_lengths(lat[member], size),
        speed=Ragged.from_lengths(pace.astype(np.float32), size),
    )
    return table[np.lexsort((table.id, -table.probability))]


class _Steps(NamedTuple):
    """Pairs of tracklet rows that belong together, and the stretch of road between them."""

    origin: Ints
    target: Ints
    probability: Floats
    seconds: Floats
    metres: Floats
    direction: Floats

    def rows(self, chosen: Any) -> _Steps:
        return _Steps(*(column[chosen] for column in self))


def _mutual(matches: Matches, tracklets: Tracklets, network: CameraNetwork, least: float) -> _Steps:
    """Return the pairs that are each other's best in both directions.

    Ends that no direct link joins may be joined across a camera that missed the vehicle.
    """
    direct = _favourites(_first_choices(matches, tracklets, network.links), least)
    across = _first_choices(matches, tracklets, network.skipping())
    free = ~np.isin(across.origin, direct.origin) & ~np.isin(across.target, direct.target)
    gaps = _favourites(across.rows(free), least)
    return _Steps(*(np.concatenate(columns) for columns in zip(direct, gaps, strict=True)))


def _first_choices(matches: Matches, tracklets: Tracklets, links: Sequence[Link]) -> _Steps:
    """Return each query's likeliest candidate on these links."""
    ends = np.strings.add(np.strings.add(matches.query_camera, ">"), matches.camera)
    names = np.array([f"{link.origin}>{link.target}" for link in links], np.str_)
    some, place = first_choices(matches)
    on = np.isin(ends[some], names)
    some, place = some[on], place[on]
    link = rows_among(names, ends[some])
    metres, direction = (
        np.array(column, np.float64)
        for column in ([one.metres * one.measured for one in links], [one.direction_deg for one in links])
    )
    return _Steps(
        origin=rows_of(tracklets.id, matches.query[some]),
        target=rows_of(tracklets.id, matches.candidates.values[place]),
        probability=matches.probability.values[place].astype(np.float64),
        seconds=matches.lag_s.values[place].astype(np.float64),
        metres=metres[link],
        direction=direction[link],
    )


def _favourites(steps: _Steps, least: float) -> _Steps:
    """Return the steps that are the likeliest of both of their ends and likely enough."""
    best = np.lexsort((steps.target, -steps.probability))
    favourite = np.ones(len(best), np.bool_)
    for end in (steps.origin, steps.target):
        first = np.zeros(len(best), np.bool_)
        first[np.unique(end[best], return_index=True)[1]] = True
        favourite &= first
    chosen = steps.rows(best[favourite])
    return chosen.rows(chosen.probability >= least)


def _onwards(steps: _Steps) -> _Steps:
    """Return the steps without the weaker one of two between which a vehicle would have turned back."""
    order = np.argsort(steps.origin, kind="stable")
    if not len(order):
        return steps
    place = np.minimum(np.searchsorted(steps.origin[order], steps.target), len(order) - 1)
    after = order[place]
    joined = steps.origin[after] == steps.target
    turn = turn_deg(steps.direction[after], steps.direction)
    back = np.flatnonzero(joined & (turn > PRIORS.turned_back_deg))
    weaker = np.where(steps.probability[back] < steps.probability[after[back]], back, after[back])
    return steps.rows(~np.isin(np.arange(len(order)), weaker))


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


def _places(tracklets: Tracklets, network: CameraNetwork) -> tuple[Floats, Floats]:
    """Return longitude and latitude of each tracklet's camera; 0 for cameras that are on no link."""
    place = rows_among(network.cameras.id, tracklets.camera)
    return np.append(network.cameras.lon, 0.0)[place], np.append(network.cameras.lat, 0.0)[place]
