"""Travel times as a result of their own: quantiles by link and interval of departure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError
from cctview.geometry import passing_time
from cctview.types import Matches, Tracklets, TravelTimes, rows_of

__all__ = ["travel_times"]

Floats = NDArray[np.floating[Any]]

_SHARES = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
_SURE = 0.5
_TWO_SIDED_95 = 1.96
_STAMP_S = 0.5


def travel_times(matches: Matches, tracklets: Tracklets, *, interval_s: float = 300.0, least: int = 1) -> TravelTimes:
    """Return the quantiles of the lag of likely matches, by link and interval of departure.

    Each query counts with its best candidate, where that is more likely than not, weighed by its
    probability. Intervals with fewer than ``least`` vehicles are left out. The interval of the
    median is that of the order statistics of a binomial count, and never narrower than half a
    second to each side, because stills carry whole seconds. Raises SettingsError.
    """
    if not interval_s > 0:
        raise SettingsError(f"setting 'interval_s' is {interval_s}: choose a value above 0")
    meta = {"interval_s": str(interval_s), "least": str(least), **matches.meta}
    some = np.flatnonzero(matches.candidates.lengths > 0)
    place = matches.candidates.offsets[some]
    sure = matches.probability.values[place] >= _SURE
    some, place = some[sure], place[sure]
    if not len(some):
        return TravelTimes.empty(meta)
    departed = passing_time(tracklets)[rows_of(tracklets.id, matches.query[some])].astype(np.int64)
    step = round(interval_s * 1e9)
    lag, weight = (column.values[place].astype(np.float64) for column in (matches.lag_s, matches.probability))
    ends, link = np.unique(
        np.stack([matches.query_camera[some], matches.camera[some]], axis=1), axis=0, return_inverse=True
    )
    cells, cell = np.unique(np.stack([link.ravel(), departed // step], axis=1), axis=0, return_inverse=True)
    quantile, count = _quantiles(cell.ravel(), lag, weight, len(cells))
    enough = np.flatnonzero(count >= least)
    names, (p10, p25, p50, p75, p90, low, high) = ends[cells[enough, 0]], quantile[enough].T
    return TravelTimes(
        meta=meta,
        origin=names[:, 0],
        target=names[:, 1],
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


def _quantiles(cell: NDArray[np.intp], lag: Floats, weight: Floats, cells: int) -> tuple[Floats, NDArray[np.int64]]:
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
