"""What a camera's tracklets tell about its view: where the lanes run, and which way vehicles drive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import centre
from cctview.types import Tracklets

__all__ = ["flows", "heights"]

Floats = NDArray[np.floating]
_COLUMNS, _ROWS = 16, 11
_LEAST_MOVE_PX = 5.0
_LEAST_VEHICLES = 4
_AGREEMENT = 0.7


def flows(paths: Tracklets, width: int, height: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return arrows (M, 4) from x, y to x, y where vehicles agree on a way, and how many did (M,).

    The view is cut into cells; each tracklet's move counts in the cell of its middle and where it
    began and ended. A cell has an arrow when the moves in it point the same way.
    """
    start, end = centre(paths.first_box), centre(paths.last_box)
    moved = np.hypot(*(end - start).T) >= _LEAST_MOVE_PX
    start, end = start[moved], end[moved]
    way = (end - start) / np.hypot(*(end - start).T)[:, None]
    places = np.concatenate([start, (start + end) / 2, end])
    size = np.array([width / _COLUMNS, height / _ROWS])
    cell = np.clip(places // size, 0, (_COLUMNS - 1, _ROWS - 1)).astype(np.int64) @ (1, _COLUMNS)
    count = np.bincount(cell, minlength=_COLUMNS * _ROWS)
    sums = np.stack([_summed(cell, column) for column in (*np.tile(way, (3, 1)).T, *places.T)], axis=1)
    mean = sums / np.maximum(count, 1)[:, None]
    strong = (count >= _LEAST_VEHICLES) & (np.hypot(mean[:, 0], mean[:, 1]) >= _AGREEMENT)
    half = mean[strong, :2] / np.hypot(mean[strong, 0], mean[strong, 1])[:, None] * size.min() * 0.42
    middle = mean[strong, 2:]
    return np.concatenate([middle - half, middle + half], axis=1), count[strong]


def heights(paths: Tracklets) -> NDArray[np.float32]:
    """Return how tall each tracklet's larger box is, in pixels (T,)."""
    tall = np.stack([box[:, 3] - box[:, 1] for box in (paths.first_box, paths.last_box)])
    return tall.max(axis=0)


def _summed(cell: NDArray[np.int64], values: Floats) -> NDArray[np.float64]:
    return np.bincount(cell, values, _COLUMNS * _ROWS).astype(np.float64, copy=False)
