"""All that is told of more than one vehicle: counts, travel times, lanes; the one place of the minimum group.

Nothing smaller than the group that a policy asks for leaves: such rows are left out, and counts say how many.
Passages are counted per camera and never summed over cameras: one vehicle passes many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError
from cctview.geometry import passing_time
from cctview.network import CameraNetwork
from cctview.road.lanes import learn_lanes
from cctview.types import (
    Breaks,
    Counts,
    Detections,
    Lanes,
    Matches,
    Passages,
    Tracklets,
    TravelTimes,
    rows_of,
)

__all__ = [
    "LEFT_OUT",
    "LIKELY",
    "FirstChoices",
    "counts",
    "first_choices",
    "lag_shares",
    "lanes",
    "stills_span",
    "travel_times",
]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]
Span = tuple[np.datetime64, np.datetime64]

LIKELY = 0.5  # from here on a best candidate is more likely the vehicle than not
LEFT_OUT = "left out"  # the key of meta that says how many rows were too small to be told
_SHARES = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
_TWO_SIDED_95 = 1.96  # standard deviations
_STAMP_S = 0.5  # a stamp of whole seconds may be off by as much to each side


class FirstChoices(NamedTuple):
    """The likely best candidates (N,) on links of the network: row of ``links``, departure, lag s, probability."""

    link: Ints
    departed: NDArray[np.datetime64]
    lag_s: Floats
    weight: Floats


def stills_span(camera: NDArray[np.str_], time: NDArray[np.datetime64]) -> dict[str, Span]:
    """Return the times of the first and the last of the stills (N,) of each camera."""
    names, code = np.unique(camera, return_inverse=True)
    stamps = time.astype("datetime64[ns]").astype(np.int64)
    first, last = np.full(len(names), np.iinfo(np.int64).max), np.zeros(len(names), np.int64)
    np.minimum.at(first, code, stamps)
    np.maximum.at(last, code, stamps)
    ends = np.stack([first, last], axis=1).astype("datetime64[ns]")
    return {str(name): (begin, end) for name, (begin, end) in zip(names, ends, strict=True)}


def counts(passages: Passages, spans: Mapping[str, Span], *, every_s: float | None = None, least: int = 1) -> Counts:
    """Return how many passages each camera saw, by direction, bin of time and type, in this order of columns.

    ``spans`` are the first and the last still of each camera (``stills_span``). Bins are ``every_s`` whole seconds
    long and begin at multiples of it; without it there is one bin for each camera, from its first still to its
    last in whole seconds. Cells of fewer than ``least`` passages are left out; ``meta`` has their number under
    LEFT_OUT. Raises SettingsError.
    """
    if every_s is not None and not (every_s >= 1 and every_s == int(every_s)):
        raise SettingsError(f"setting 'every' is {every_s:g} s: choose whole seconds, 1 or more")
    known = passages[np.isin(passages.camera, list(spans))]
    names, code = np.unique(known.camera, return_inverse=True)
    bounds = np.array([spans[name] for name in names.tolist()], "datetime64[ns]").astype(np.int64).reshape(-1, 2)
    first = bounds[:, 0] // 10**9
    last = bounds[:, 1] // 10**9 + 1
    step = int(every_s) if every_s is not None else 0
    seconds = known.time.astype(np.int64) // 10**9
    start = seconds // step * step if step else first[code]
    cells, number = np.unique(
        np.stack([code.astype(np.str_), known.heading, start.astype(np.str_), known.type], axis=1),
        axis=0,
        return_counts=True,
    )
    told = number >= least
    camera, begin = cells[told, 0].astype(np.int64), cells[told, 2].astype(np.int64)
    end = begin + step if step else last[camera]
    table = Counts(
        meta={**passages.meta, "least": str(least), LEFT_OUT: str(int(np.sum(~told)))},
        camera=names[camera],
        direction=cells[told, 1],
        start=_instants(begin),
        end=_instants(end),
        type=cells[told, 3],
        passages=number[told],
        whole=(begin >= first[camera]) & (end <= last[camera]),
    )
    return table.sort("camera", "direction", "start", "type")


def _instants(seconds: Ints) -> NDArray[np.datetime64]:
    return seconds.astype("datetime64[s]").astype("datetime64[ns]")


def lanes(tracklets: Tracklets, detections: Detections, breaks: Breaks | None = None, *, least: int = 1) -> Lanes:
    """Return the lanes of all cameras that at least ``least`` tracklets took; the others are left out."""
    found = learn_lanes(tracklets, detections, breaks)
    return found[found.members.lengths >= least]


def first_choices(
    matches: Matches, tracklets: Tracklets, network: CameraNetwork, *, likely: float = LIKELY
) -> FirstChoices:
    """Return the best candidate of each query, where it is at least so ``likely``, on links of the network only.

    Links that skip a camera are none: a vehicle of 3 -> 2 -> 1 does not count again as 3 -> 1. ``link`` is the row of
    the network's links.
    """
    some = np.flatnonzero(matches.candidates.lengths > 0)
    place = matches.candidates.offsets[some]
    sure = matches.probability.values[place] >= likely
    some, place = some[sure], place[sure]
    link = np.full(len(some), -1, np.int64)
    for number, way in enumerate(network.links):
        link[(matches.query_camera[some] == way.origin) & (matches.camera[some] == way.target)] = number
    some, place, link = some[link >= 0], place[link >= 0], link[link >= 0]
    departed = passing_time(tracklets)[rows_of(tracklets.id, matches.query[some])] if len(some) else _instants(link)
    lag, weight = (column.values[place].astype(np.float64) for column in (matches.lag_s, matches.probability))
    return FirstChoices(link, departed, lag, weight)


def travel_times(
    matches: Matches,
    tracklets: Tracklets,
    network: CameraNetwork,
    *,
    likely: float = LIKELY,
    interval_s: float = 300.0,
    least: int = 1,
) -> TravelTimes:
    """Return the quantiles of the lag of likely matches, by link of the network and interval of departure.

    Each query counts with its best candidate, where that is at least so ``likely``, weighed by its
    probability. Intervals with fewer than ``least`` vehicles are left out.
    The interval of the median is that of the order statistics of a binomial count, and never narrower than half a
    second to each side, because stills carry whole seconds. Raises SettingsError.
    """
    if not interval_s > 0:
        raise SettingsError(f"setting 'interval_s' is {interval_s}: choose a value above 0")
    meta = {"interval_s": str(interval_s), "least": str(least), "likely": str(likely), **matches.meta}
    chosen = first_choices(matches, tracklets, network, likely=likely)
    if not len(chosen.link):
        return TravelTimes.empty(meta)
    step = round(interval_s * 1e9)
    bins = chosen.departed.astype(np.int64) // step
    cells, cell = np.unique(np.stack([chosen.link, bins], axis=1), axis=0, return_inverse=True)
    quantile, count = _quantiles(cell.ravel(), chosen.lag_s, chosen.weight, len(cells))
    enough = np.flatnonzero(count >= least)
    p10, p25, p50, p75, p90, low, high = quantile[enough].T
    ends = np.array([(link.origin, link.target) for link in network.links], np.str_)[cells[enough, 0]].reshape(-1, 2)
    table = TravelTimes(
        meta=meta,
        origin=ends[:, 0],
        target=ends[:, 1],
        start=(cells[enough, 1] * step).astype("datetime64[ns]"),
        count=count[enough],
        p10_s=p10,
        p25_s=p25,
        median_s=p50,
        p75_s=p75,
        p90_s=p90,
        median_low_s=np.minimum(low, p50 - _STAMP_S).clip(0),
        median_high_s=np.maximum(high, p50 + _STAMP_S),
    )
    return table.sort("origin", "target", "start")


def lag_shares(lag_s: Floats, weight: Floats, *, least: int = 1) -> Floats | None:
    """Return 10, 25, 50, 75 and 90 % of lags (N,), weighed by (N,), as ``travel_times`` has them: (5,).

    None where there are fewer than ``least``.
    """
    if len(lag_s) < max(least, 1):
        return None
    shares: Floats = _quantiles(np.zeros(len(lag_s), np.intp), lag_s, weight, 1)[0][0, : len(_SHARES)]
    return shares


def _quantiles(cell: NDArray[np.intp], lag: Floats, weight: Floats, cells: int) -> tuple[Floats, Ints]:
    """Return five quantiles and the ends of the median's interval ``(cells, 7)``, and counts ``(cells,)``."""
    order = np.lexsort((lag, cell))
    cell, lag, weight = cell[order], lag[order], weight[order]
    count = np.bincount(cell, minlength=cells)
    total = np.bincount(cell, weight, cells)
    before = np.cumsum(weight) - weight / 2 - (np.cumsum(total) - total)[cell]
    slack = _TWO_SIDED_95 * 0.5 / np.sqrt(total**2 / np.bincount(cell, weight**2, cells))
    shares = np.concatenate([np.tile(_SHARES, (cells, 1)), 0.5 + np.outer(slack, [-1, 1])], axis=1)
    # All cells lie one after another on one line, each as long as 1, so that one look-up serves all.
    line = cell + before / total[cell]
    wanted = np.arange(cells)[:, None] + np.clip(shares, 1e-9, 1 - 1e-9)
    right = np.searchsorted(line, wanted)
    first = (np.cumsum(count) - count)[:, None]
    high = np.clip(right, first, first + count[:, None] - 1)
    low = np.clip(right - 1, first, first + count[:, None] - 1)
    span = np.where(high > low, line[high] - line[low], 1.0)
    share = np.where(high > low, (wanted - line[low]) / span, 0.0)
    return lag[low] + share * (lag[high] - lag[low]), count
