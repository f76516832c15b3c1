"""Distances made better by their neighbourhood: what cannot be the same leaves, hubs lose their pull.

All are pure functions of distance matrices; each may be used alone or after another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from cctview.errors import InputError
from cctview.table import Ragged

__all__ = ["csls", "k_reciprocal", "local_scaling", "seen_together"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_BLOCK = 4_000_000
_EXPANDED = 2 / 3


def seen_together(queries: Ragged[np.int64], gallery: Ragged[np.int64]) -> NDArray[np.bool_]:
    """Return which query and gallery tracks share a still, ``(Q, T)``: two boxes of one still are two vehicles.

    Rows are the ids of the stills each track was seen in.
    """
    stills, column = np.unique(np.concatenate([queries.values, gallery.values]), return_inverse=True)
    split = len(queries.values)
    left = _incidence(queries.row, column[:split], (len(queries), len(stills)))
    right = _incidence(gallery.row, column[split:], (len(gallery), len(stills)))
    return (left @ right.T).toarray() > 0


def csls(distance: Floats, k: int = 10) -> Floats:
    """Return distances less what each end has to its ``k`` nearest on the other side, ``(Q, G)``.

    Cross-domain similarity local scaling (Conneau et al., Word translation without parallel data,
    ICLR 2018): a gallery entry that is near to everybody stops winning. Values may be negative.
    """
    own, other = (_nearest_mean(distance, k, axis) for axis in (1, 0))
    return 2 * distance - own - other


def local_scaling(distance: Floats, k: int = 7) -> Floats:
    """Return ``1 - exp(-d^2 / (s_q s_g))``, ``(Q, G)``, s being each end's distance to its k-th neighbour.

    Zelnik-Manor, Perona: Self-tuning spectral clustering (NIPS 2004), between two sides.
    """
    if not distance.size:
        return distance.astype(np.float64)
    own, other = (
        np.expand_dims(np.partition(distance, min(k, size) - 1, axis=axis).take(min(k, size) - 1, axis=axis), axis)
        for axis, size in ((1, distance.shape[1]), (0, distance.shape[0]))
    )
    return 1 - np.exp(-(distance**2) / np.maximum(own * other, np.finfo(np.float64).tiny))


def k_reciprocal(
    between: Floats, queries: Floats, gallery: Floats, *, k1: int = 20, k2: int = 6, original_share: float = 0.3
) -> NDArray[np.float64]:
    """Return re-ranked distances ``(Q, G)`` from those between the sides and within each.

    Zhong et al., Re-ranking person re-identification with k-reciprocal encoding (CVPR 2017):
    ``k1`` neighbours are taken for alike when each has the other among them, sets are averaged over
    ``k2`` neighbours, and their Jaccard distance is mixed with the original one. Raises InputError
    when the shapes do not fit.
    """
    count = len(queries)
    if (
        queries.shape != (count, count)
        or between.shape != (count, len(gallery))
        or gallery.shape != (len(gallery),) * 2
    ):
        raise InputError(
            f"re-ranking: expected (Q, G), (Q, Q) and (G, G), got {between.shape}, {queries.shape}, {gallery.shape}"
        )
    if not between.size:
        return between.astype(np.float64)
    apart = np.block([[queries, between], [between.T, gallery]]).astype(np.float64) ** 2
    apart /= np.maximum(apart.max(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    order = np.argsort(apart, axis=1, kind="stable")
    weight = _encoded(apart, order, k1)
    if k2 > 1:
        weight = csr_array(_neighbours(order, k2) @ weight)
        weight.data /= min(k2, len(order))
    jaccard = _jaccard(weight[:count], weight[count:])
    return (1 - original_share) * jaccard + original_share * apart[:count, count:]


def _incidence(row: Ints, column: Ints, shape: tuple[int, int]) -> csr_array[np.float64]:
    return csr_array((np.ones(len(row)), (row, column)), shape=shape)


def _nearest_mean(distance: Floats, k: int, axis: int) -> Floats:
    kept = min(k, distance.shape[axis])
    nearest = np.partition(distance, max(kept - 1, 0), axis=axis).take(range(kept), axis=axis) if kept else distance
    return nearest.mean(axis=axis, keepdims=True) if kept else np.zeros((1, 1))


def _neighbours(order: Ints, k: int) -> csr_array[np.float64]:
    """Return an ``(N, N)`` matrix with 1 where the column is among the k nearest of the row."""
    nearest = order[:, :k]
    return _incidence(np.repeat(np.arange(len(order)), nearest.shape[1]), nearest.ravel(), (len(order), len(order)))


def _encoded(apart: Floats, order: Ints, k1: int) -> csr_array[np.float64]:
    """Return each row's k-reciprocal neighbours, expanded by theirs, with weights that sum to 1."""
    wide, narrow = (_mutual(order, k + 1) for k in (k1, int(np.around(k1 / 2))))
    common = wide.multiply(wide @ narrow.T).tocoo()
    kin = common.data > _EXPANDED * narrow.sum(axis=1)[common.col]
    expanded = (wide + _incidence(common.row[kin], common.col[kin], wide.shape) @ narrow).tocoo()
    weight = np.exp(-apart[expanded.row, expanded.col])
    total = np.bincount(expanded.row, weight, len(apart))
    return csr_array((weight / total[expanded.row], (expanded.row, expanded.col)), shape=wide.shape)


def _mutual(order: Ints, k: int) -> csr_array[np.float64]:
    """Return an ``(N, N)`` matrix with 1 where each is among the k nearest of the other."""
    near = _neighbours(order, k)
    return csr_array(near.multiply(near.T))


def _jaccard(queries: csr_array[np.float64], gallery: csr_array[np.float64]) -> NDArray[np.float64]:
    """Return the Jaccard distance of weighted sets whose weights sum to 1: ``(Q, N), (G, N)`` to ``(Q, G)``."""
    holders = gallery.tocsc()
    shared = np.zeros((queries.shape[0], gallery.shape[0]))
    entries = queries.tocoo()
    count = np.diff(holders.indptr)[entries.col]
    for part in np.array_split(np.arange(len(count)), 1 + int(count.sum()) // _BLOCK):
        entry = np.repeat(part, count[part])
        place = np.arange(len(entry)) - np.repeat(np.cumsum(count[part]) - count[part], count[part])
        place += holders.indptr[entries.col[entry]]
        least = np.minimum(entries.data[entry], holders.data[place])
        np.add.at(shared, (entries.row[entry], holders.indices[place]), least)
    return 1 - shared / (2 - shared)
