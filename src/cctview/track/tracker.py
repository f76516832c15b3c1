"""From detections and their appearance to tracklets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.track.headings import headings
from cctview.track.link import chains
from cctview.track.motion import learn
from cctview.track.scene import Scene, regular_clock, scene_of, vehicles
from cctview.track.settings import TrackSettings
from cctview.types import Detections, Embeddings, Ragged, Tracklets, row_ids

__all__ = ["track"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


def track(detections: Detections, embeddings: Embeddings, settings: TrackSettings = TrackSettings()) -> Tracklets:  # noqa: B008
    """Return the tracklets of all cameras.

    Only cars, trucks and buses with an embedding take part, each detection in at most one tracklet,
    each still with at most one detection in a tracklet. Motion is learnt per camera from these
    detections alone. The result does not depend on the order of the rows.
    """
    rows, places = vehicles(detections, embeddings)
    meta = {"tracker": "road", **{key: str(value) for key, value in asdict(settings).items()}, **detections.meta}
    if not len(rows):
        return Tracklets.empty(meta)
    bounds = np.flatnonzero(np.append(True, detections.camera[rows][1:] != detections.camera[rows][:-1]))
    parts = []
    for group in np.split(np.arange(len(rows)), bounds[1:]):
        scene = scene_of(rows[group], detections, embeddings.vector[places[group]], settings.duplicate_iou)
        kept = group[np.isin(rows[group], scene.row)]
        scene, chain = _linked(scene, settings)
        parts.append(_table(scene, chain, places[kept], detections, embeddings, meta))
    return Tracklets.concat(parts).sort("camera", "first_time", "id")


def _linked(scene: Scene, settings: TrackSettings) -> tuple[Scene, Ints]:
    """Return the scene under the clock that explains its motion best, and its chains."""
    motion = learn(scene, settings)
    steady = regular_clock(scene)
    if steady is not None:
        other = learn(steady, settings)
        if other.gain > motion.gain:
            scene, motion = steady, other
    return scene, chains(scene, motion, settings)


def _table(
    scene: Scene, chain: Ints, place: Ints, detections: Detections, embeddings: Embeddings, meta: dict[str, str]
) -> Tracklets:
    """Return one row per chain; ``place`` are rows of embeddings, aligned with the scene."""
    count = int(chain.max()) + 1
    order = np.argsort(chain, kind="stable")
    size = np.bincount(chain, minlength=count)
    starts = np.cumsum(size) - size
    first, last = order[starts], order[starts + size - 1]
    quality = embeddings.quality[place]
    ids = detections.id[scene.row]
    vector, spread = _pooled(embeddings.vector[place], quality, chain, order, starts)
    return Tracklets(
        meta=meta,
        id=row_ids(ids[first], np.add.reduceat(ids[order], starts), "tracklet"),
        camera=detections.camera[scene.row[first]],
        first_time=detections.time[scene.row[first]],
        last_time=detections.time[scene.row[last]],
        first_box=detections.box[scene.row[first]],
        last_box=detections.box[scene.row[last]],
        type=_common_type(detections.type[scene.row], detections.score[scene.row], chain, count),
        heading=headings(scene, chain, first, last),
        vector=vector,
        spread=spread,
        quality=np.maximum.reduceat(quality[order], starts),
        members=Ragged.grouped(ids, chain, count),
    )


def _pooled(vectors: Floats, quality: Floats, chain: Ints, order: Ints, starts: Ints) -> tuple[Floats, Floats]:
    """Return the unit mean of each chain, weighted by quality, and the mean cosine distance from it."""
    weight = (quality.astype(np.float64) + 0.02)[:, None]
    total = np.add.reduceat((vectors * weight)[order], starts, axis=0)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    best = vectors[order[starts]]
    mean = np.where(length > 1e-6, total / np.maximum(length, 1e-6), best)
    apart = np.maximum(1 - np.einsum("nd,nd->n", vectors, mean[chain]), 0)
    spread = np.bincount(chain, apart) / np.bincount(chain)
    return mean.astype(np.float32), spread.astype(np.float32)


def _common_type(kind: NDArray[np.str_], score: Floats, chain: Ints, count: int) -> NDArray[np.str_]:
    """Return the type with the largest sum of scores in each chain."""
    names, code = np.unique(kind, return_inverse=True)
    votes = np.bincount(chain * len(names) + code, score, count * len(names)).reshape(count, -1)
    return names[votes.argmax(axis=1)]
