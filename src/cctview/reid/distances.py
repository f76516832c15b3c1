"""Distances from images to tracks and from tracks to tracks: MED, MCD and RSCR, and their aggregations.

Roux et al., "Improving vehicle re-identification using CNN latent spaces: metrics comparison and
track-to-track extension" (IET Computer Vision 2021, arXiv 1910.09458). The code published with it
computes something else than its text says, so each distance comes in two definitions:

- ``paper``: each query image has a distance to the track, the least Euclidean (MED) or cosine (MCD)
  distance to any of its images, or the residual of its sparse reconstruction (RSCR); these are
  aggregated over the query's images, ``mean50`` and ``med50`` over the smaller half.
- ``reference-code``: for each test image the *running* minimum over the query images is kept at
  every step, and all of these are aggregated; the "50" keep ``int(n / 2) + 1`` of n values; RSCR is
  the residual of all query images together, whatever the aggregation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError, nearest
from cctview.reid.sparse import reconstruction_residuals
from cctview.table import Ragged

__all__ = [
    "AGGREGATIONS",
    "DEFINITIONS",
    "METRICS",
    "Aggregation",
    "Definition",
    "Metric",
    "cosine_distances",
    "euclidean_distances",
    "image_to_track",
    "pooled",
    "track_to_track",
]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Images = Ragged[Any]

Metric = Literal["MED", "MCD", "RSCR"]
Aggregation = Literal["min", "mean", "med", "mean50", "med50"]
Definition = Literal["paper", "reference-code"]
METRICS: tuple[Metric, ...] = get_args(Metric)
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)
DEFINITIONS: tuple[Definition, ...] = get_args(Definition)

_BLOCK = 4_000_000
_LEAST_NORM = 1e-6
_CLOSE = 1e-6


def euclidean_distances(left: Floats, right: Floats) -> NDArray[np.float64]:
    """Return the Euclidean distance of every pair: ``(N, D), (M, D)`` to ``(N, M)``.

    Taken from one matrix product; pairs so close that digits cancel are done again by their difference.
    """
    a, b = left.astype(np.float64), right.astype(np.float64)
    sizes = np.einsum("nd,nd->n", a, a)[:, None] + np.einsum("md,md->m", b, b)
    squares = np.maximum(sizes - 2 * (a @ b.T), 0)
    rows, columns = np.nonzero(squares < _CLOSE * sizes)
    for part in np.array_split(np.arange(len(rows)), 1 + len(rows) * a.shape[1] // _BLOCK):
        apart = a[rows[part]] - b[columns[part]]
        squares[rows[part], columns[part]] = np.einsum("pd,pd->p", apart, apart)
    return np.sqrt(squares)


def cosine_distances(left: Floats, right: Floats) -> NDArray[np.float64]:
    """Return one minus the cosine of every pair: ``(N, D), (M, D)`` to ``(N, M)``; 1 where a vector is zero."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    return 1 - (a @ b.T) / np.maximum(lengths, _LEAST_NORM)


def pooled(tracks: Images) -> NDArray[np.float64]:
    """Return one unit vector per track, the mean of its images' unit vectors: ``(T, D)``; zero stays zero."""
    vectors = tracks.values.astype(np.float64)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), _LEAST_NORM)
    total = np.add.reduceat(unit, tracks.offsets[:-1], axis=0) if len(tracks) else unit
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), _LEAST_NORM)


def image_to_track(images: Floats, tracks: Images, metric: Metric = "MCD", *, alpha: float = 1.0) -> Floats:
    """Return the distance of each image ``(N, D)`` to each track of T: ``(N, T)``.

    ``tracks`` holds rows of ``(D,)`` vectors, none empty; ``alpha`` is the penalty of RSCR.
    Raises InputError for an unknown metric, an empty track or vectors of another length.
    """
    single = Ragged.from_lengths(images, np.ones(len(images), np.int64))
    return track_to_track(single, tracks, metric, "min", alpha=alpha)


def track_to_track(
    queries: Images,
    gallery: Images,
    metric: Metric = "MCD",
    aggregation: Aggregation = "mean50",
    *,
    definition: Definition = "paper",
    alpha: float = 1.0,
) -> NDArray[np.float64]:
    """Return the distance of each query track to each gallery track: ``(Q, T)``.

    Both hold rows of ``(D,)`` vectors, none empty; ``alpha`` is the penalty of RSCR. Tracks are met
    in blocks of equal length, so that memory stays bounded. Raises InputError for an unknown name,
    an empty track or vectors of another length.
    """
    _check(queries, gallery, {metric: METRICS, aggregation: AGGREGATIONS, definition: DEFINITIONS})
    result = np.empty((len(queries), len(gallery)))
    width = queries.values.shape[1]
    for targets, images in _equal_tracks(gallery, max(_BLOCK // width, 1)):
        cost = images[..., 0].size * (images.shape[1] if metric == "RSCR" else 1)
        for rows, asked in _equal_tracks(queries, max(_BLOCK // cost, 1)):
            apart = _image_distances(asked, images, metric, alpha)
            result[np.ix_(rows, targets)] = _joined(apart, metric, aggregation, definition)
    return result


def _check(queries: Images, gallery: Images, names: dict[Any, tuple[Any, ...]]) -> None:
    for given, known in names.items():
        if given not in known:
            raise InputError(f"distance: no {given!r}; {nearest(str(given), known)}")
    for side, tracks in (("query", queries), ("gallery", gallery)):
        if len(tracks) and not tracks.lengths.all():
            raise InputError(f"distance: {side} track {int(np.argmin(tracks.lengths))} has no images; leave it out")
    shapes = queries.values.shape, gallery.values.shape
    if not len(shapes[0]) == len(shapes[1]) == 2 or not shapes[0][1] == shapes[1][1] > 0:
        raise InputError(f"distance: expected vectors (N, D) and (M, D), got {shapes[0]} and {shapes[1]}")


def _equal_tracks(tracks: Images, most: int) -> Iterator[tuple[Ints, Floats]]:
    """Yield row numbers (B,) and images (B, L, D) of tracks of one length L, at most about ``most`` images each."""
    for length in np.unique(tracks.lengths).tolist():
        rows = np.flatnonzero(tracks.lengths == length)
        for part in np.array_split(rows, -(-len(rows) * length // most)):
            if len(part):
                yield part, tracks.values[tracks.offsets[part][:, None] + np.arange(length)].astype(np.float64)


def _image_distances(queries: Floats, gallery: Floats, metric: Metric, alpha: float) -> Floats:
    """Return distances of images: ``(Q, L, D), (T, K, D)`` to ``(Q, L, T, K)``, K = 1 for RSCR."""
    flat = queries.reshape(-1, queries.shape[2])
    shape = (*queries.shape[:2], *gallery.shape[:2])
    if metric == "RSCR":
        return reconstruction_residuals(flat, gallery, alpha).reshape(*shape[:3], 1)
    apart = euclidean_distances if metric == "MED" else cosine_distances
    return apart(flat, gallery.reshape(-1, gallery.shape[2])).reshape(shape)


def _joined(apart: Floats, metric: Metric, aggregation: Aggregation, definition: Definition) -> Floats:
    """Aggregate distances of images ``(Q, L, T, K)`` to distances of tracks ``(Q, T)``."""
    if definition == "paper":
        values = np.swapaxes(apart.min(axis=3), 1, 2)
        return _aggregated(values, aggregation, half=-(-values.shape[2] // 2))
    if metric == "RSCR":
        return np.linalg.norm(apart[..., 0], axis=1)
    running = np.minimum.accumulate(apart, axis=1)
    values = running.transpose(0, 2, 3, 1).reshape(apart.shape[0], apart.shape[2], -1)
    return _aggregated(values, aggregation, half=values.shape[2] // 2 + 1)


def _aggregated(values: Floats, aggregation: Aggregation, half: int) -> Floats:
    """Aggregate the last axis, or its ``half`` smallest values."""
    if aggregation.endswith("50"):
        values = np.sort(values, axis=-1)[..., :half]
    if aggregation == "min":
        return values.min(axis=-1)
    return values.mean(axis=-1) if aggregation.startswith("mean") else np.median(values, axis=-1)
