"""From labelled detections to the table of tracklets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.tracking.headings import headings
from cctview.tracking.road import Road
from cctview.types import Detections, Embeddings, Ragged, Tracklets, row_ids

__all__ = ["tracklets_of"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


def tracklets_of(
    detections: Detections, embeddings: Embeddings, label: Ints, road: Road, meta: dict[str, str]
) -> Tracklets:
    """Return one row per label, in order of first appearance.

    The tables align row by row and are in order of time; ``label`` is (N,).
    """
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
    vector, spread = _pooled(embeddings.vector, embeddings.quality, chain, order, starts)
    return Tracklets(
        meta=meta,
        id=row_ids(ids[first], np.add.reduceat(ids[order], starts), "tracklet"),
        camera=detections.camera[first],
        first_time=detections.time[first],
        last_time=detections.time[last],
        first_box=detections.box[first],
        last_box=detections.box[last],
        type=_common_type(detections.type, detections.score, chain, count),
        heading=headings(road, detections.box.astype(np.float64), chain, first, last),
        vector=vector,
        spread=spread,
        quality=np.maximum.reduceat(embeddings.quality[order], starts),
        members=Ragged.grouped(ids, chain, count),
    )


def _pooled(vectors: Floats, quality: Floats, chain: Ints, order: Ints, starts: Ints) -> tuple[Floats, Floats]:
    """Return the unit mean of each chain, weighted by quality, and the mean cosine distance from it."""
    weight = quality + np.float32(0.02)
    total = np.add.reduceat((vectors * weight[:, None])[order], starts, axis=0)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    mean = np.where(length > 1e-6, total / np.maximum(length, 1e-6), vectors[order[starts]])
    apart = np.maximum(1 - np.einsum("nd,nd->n", vectors, mean[chain]), 0)
    return mean, (np.bincount(chain, apart) / np.bincount(chain)).astype(np.float32)


def _common_type(kind: NDArray[np.str_], score: Floats, chain: Ints, count: int) -> NDArray[np.str_]:
    """Return the type with the largest sum of scores in each chain."""
    names, code = np.unique(kind, return_inverse=True)
    votes = np.bincount(chain * len(names) + code, score, count * len(names)).reshape(count, -1)
    return names[votes.argmax(axis=1)]
