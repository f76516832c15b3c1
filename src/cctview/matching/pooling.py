"""Two views of a vehicle, once joined, say more about a third camera than one does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from cctview.types import Matches, Tracklets, rows_of

__all__ = ["joined_looks"]

Floats = NDArray[np.floating[Any]]


def joined_looks(
    tracklets: Tracklets, vectors: NDArray[np.float32], matches: Matches, share: float
) -> NDArray[np.float32]:
    """Return the vectors (T, D) after each candidate took on the looks of its queries.

    Both are taken as differences from the mean of their camera; a query counts ``share`` times its
    probability.
    """
    if not share or not len(matches.candidates.values):
        return vectors
    source = rows_of(tracklets.id, matches.query)[matches.candidates.row]
    target = rows_of(tracklets.id, matches.candidates.values)
    weight = share * matches.probability.values
    apart = [
        vectors[tracklets.camera == camera].mean(axis=0) for camera in (matches.query_camera[0], matches.camera[0])
    ]
    changed, row = np.unique(target, return_inverse=True)
    mixing = csr_array((weight, (row, source)), shape=(len(changed), len(tracklets)))
    mixed = vectors[changed] - apart[1] + mixing @ (vectors - apart[0]) + apart[1]
    out = vectors.copy()
    out[changed] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)
    return out
