"""From labelled detections to the table of tracklets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.tracking.held import Held
from cctview.tracking.scene import NO_LENGTH
from cctview.types import Ragged, Tracklets, row_ids

__all__ = ["Headings", "tracklets_of"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


# Of all boxes (N, 4), their chains (N,), and the rows of the first and the last box of each chain (T,): (T,) headings.
Headings = Callable[[Floats, Ints, Ints, Ints], NDArray[np.str_]]


def tracklets_of(held: Held, headings: Headings, pooling_least: float, meta: dict[str, str]) -> Tracklets:
    """Return one row per label, in order of first appearance; each label's rows are in order of time.

    ``headings`` says which way each goes. Vectors are averaged by quality, ``pooling_least`` being the weight of
    quality 0.
    """
    detections, embeddings, label = held.detections, held.embeddings, held.label
    if not len(detections):
        return Tracklets.empty(meta)
    _, begin, chain = np.unique(label, return_index=True, return_inverse=True)
    chain = np.argsort(np.argsort(begin))[chain]
    count = len(begin)
    order = np.argsort(chain, kind="stable")
    size = np.bincount(chain, minlength=count)
    starts = np.cumsum(size) - size
    first, last = order[starts], order[starts + size - 1]
    ids = detections.id
    vector, spread = _pooled(embeddings.vector, embeddings.quality + np.float32(pooling_least), chain, order, starts)
    return Tracklets(
        meta=meta,
        id=row_ids(ids[first], np.add.reduceat(ids[order], starts), "tracklet"),
        camera=detections.camera[first],
        first_time=detections.time[first],
        last_time=detections.time[last],
        first_box=detections.box[first],
        last_box=detections.box[last],
        type=_common_type(detections.type, detections.score, chain, count),
        heading=headings(detections.box.astype(np.float64), chain, first, last),
        vector=vector,
        spread=spread,
        quality=np.maximum.reduceat(embeddings.quality[order], starts),
        members=Ragged.grouped(ids, chain, count),
    )


def _pooled(vectors: Floats, weight: Floats, chain: Ints, order: Ints, starts: Ints) -> tuple[Floats, Floats]:
    """Return the unit mean of each chain, weighted, and the mean cosine distance from it."""
    total = np.add.reduceat((vectors * weight[:, None])[order], starts, axis=0)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    mean = np.where(length > NO_LENGTH, total / np.maximum(length, NO_LENGTH), vectors[order[starts]])
    apart = np.maximum(1 - np.einsum("nd,nd->n", vectors, mean[chain]), 0)
    return mean, (np.bincount(chain, apart) / np.bincount(chain)).astype(np.float32)


def _common_type(kind: NDArray[np.str_], score: Floats, chain: Ints, count: int) -> NDArray[np.str_]:
    """Return the type with the largest sum of scores in each chain."""
    names, code = np.unique(kind, return_inverse=True)
    votes = np.bincount(chain * len(names) + code, score, count * len(names)).reshape(count, -1)
    return names[votes.argmax(axis=1)]
