"""When a camera was turned: vehicles are suddenly somewhere else in the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.geometry import aligned_iou, centre
from cctview.tracking.priors import TrackPriors
from cctview.tracking.sightings import Sightings

__all__ = ["turns"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


def turns(sightings: Sightings, priors: TrackPriors) -> Ints:
    """Return the rows (K,) at which a new view begins, in rising order.

    Places and sizes of the next vehicles are compared with those of the last ones by the
    Jensen-Shannon divergence (0 the same, 1 bit nothing in common) every few seconds; a turn is
    where it peaks. Vehicles that stand still count once.
    """
    grid, before, after, limit = priors.turn_grid, priors.turn_before, priors.turn_after, priors.turn_divergence
    rows = _arrivals(sightings, priors)
    marks = np.zeros((len(rows) + 1, int(np.prod(grid))), np.int32)
    marks[np.arange(len(rows)) + 1, _cells(sightings.box[rows].astype(np.float64), priors)] = 1
    sums = np.cumsum(marks, axis=0)
    frame = sightings.frame[rows]
    starts = np.flatnonzero(frame[1:] != frame[:-1]) + 1
    found: list[int] = []
    begin = 0
    while True:
        asked = starts[(starts >= begin + after) & (starts <= len(rows) - after)]
        was, now = sums[asked] - sums[np.maximum(asked - before, begin)], sums[asked + after] - sums[asked]
        apart = _divergence(was, now, priors)
        if not (apart > limit).any():
            return rows[np.array(found, np.intp)]
        over = int(np.argmax(apart > limit))
        near = slice(over, int(np.searchsorted(asked, asked[over] + 2 * after)))
        begin = int(asked[near][apart[near].argmax()])
        found.append(begin)


def _arrivals(sightings: Sightings, priors: TrackPriors) -> Ints:
    """Return the rows, a few seconds apart, of vehicles that were not there the time before."""
    starts = sightings.starts
    time = sightings.time[starts]
    bucket = (time - time[:1]) // int(priors.turn_thin_s * 1e9)
    kept = np.flatnonzero(np.diff(bucket, prepend=-1) > 0)
    count = np.diff(starts, append=len(sightings))[kept]
    rows = np.repeat(starts[kept] - np.cumsum(count) + count, count) + np.arange(count.sum())
    before = np.append(0, count[:-1])
    pairs = np.repeat(before, count)
    row = np.repeat(np.arange(len(rows)), pairs)
    other = np.repeat(np.repeat(np.cumsum(before) - before, count), pairs)
    other += np.arange(len(row)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    box = sightings.box[rows]
    stays = np.bincount(row, aligned_iou(box[row], box[other]) > priors.turn_stays, len(rows)) > 0
    return rows[~stays]


def _cells(box: Floats, priors: TrackPriors) -> Ints:
    """Return the flat cell of each vehicle: where it is in the image, and how high."""
    grid, octaves = np.array(priors.turn_grid), priors.turn_octaves
    extent = np.array([box[:, 2].max(initial=1), box[:, 3].max(initial=1)])
    place = np.column_stack([centre(box)[:, 0], box[:, 3]]) / extent
    tall = np.log2(np.maximum(box[:, 3] - box[:, 1], 1) / extent[1] * 2**octaves) / octaves
    cell = np.clip(np.column_stack([place, tall]) * grid, 0, grid - 1).astype(np.intp)
    flat: Ints = np.ravel_multi_index(tuple(cell.T), priors.turn_grid)
    return flat


def _divergence(left: Ints, right: Ints, priors: TrackPriors) -> Floats:
    """Return the Jensen-Shannon divergence in bits of rows of counts."""
    p, q = _density(left, priors), _density(right, priors)
    middle = (p + q) / 2
    return (_relative(p, middle) + _relative(q, middle)) / 2


def _density(counts: Ints, priors: TrackPriors) -> Floats:
    """Return densities after each count was shared with the neighbouring cells."""
    grid = gaussian_filter(
        counts.reshape(-1, *priors.turn_grid).astype(np.float64), (0.0, *[priors.turn_smooth] * 3), mode="nearest"
    )
    flat = grid.reshape(len(counts), int(np.prod(priors.turn_grid)))
    return flat / np.maximum(flat.sum(axis=1, keepdims=True), 1e-9)


def _relative(p: Floats, q: Floats) -> Floats:
    return (p * np.log2(np.maximum(p, 1e-300) / np.maximum(q, 1e-300))).sum(axis=1)
