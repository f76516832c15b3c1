"""One camera's detections in coordinates of its road, learnt from the boxes alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import iou, road_scale
from cctview.types import VEHICLE_TYPES, Detections, Embeddings

__all__ = ["Scene", "regular_clock", "scene_of", "vehicles"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_VEHICLE_HEIGHT_M = 1.5
_EDGE_PX = 2.0
_ROBUST_ROUNDS = 15


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """The vehicles of one camera in time order; N detections in F stills.

    ``row`` points into the caller's table; ``still`` numbers the stills, ``first`` (F+1,) is where
    each one starts and ``clock`` (F,) its seconds. ``scale`` is the height in pixels that a car has
    at this place of the image, ``depth``, ``along`` and ``across`` are metres on the ground, good to
    a constant factor: across is the distance from the middle of the road. ``cut`` marks boxes that
    touch the border of the image.
    """

    row: Ints
    box: Floats
    vector: Floats
    still: Ints
    first: Ints
    clock: Floats
    scale: Floats
    depth: Floats
    side: Floats
    along: Floats
    across: Floats
    cut: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)


def vehicles(detections: Detections, embeddings: Embeddings) -> tuple[Ints, Ints]:
    """Return rows of detections and of embeddings that belong together, by camera, time, still and rank."""
    if not len(detections) or not len(embeddings):
        none = np.zeros(0, np.intp)
        return none, none
    order = np.argsort(embeddings.detection, kind="stable")
    place = np.minimum(np.searchsorted(embeddings.detection[order], detections.id), len(order) - 1)
    known = embeddings.detection[order[place]] == detections.id
    rows = np.flatnonzero(known & np.isin(detections.type, VEHICLE_TYPES))
    keys = [getattr(detections, name)[rows] for name in ("id", "rank", "frame", "time", "camera")]
    rows = rows[np.lexsort(keys)]
    return rows, order[place[rows]]


def scene_of(row: Ints, detections: Detections, vectors: Floats, duplicate_iou: float) -> Scene:
    """Return the scene of one camera from its rows in order of time, still and rank."""
    keep = _distinct(detections, row, duplicate_iou)
    row, vectors = row[keep], vectors[keep]
    box = detections.box[row].astype(np.float64)
    starts = np.flatnonzero(np.diff(detections.frame[row], prepend=-1))
    still = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(row)))
    times = detections.time[row[starts]].astype(np.int64)
    middle, bottom = (box[:, 0] + box[:, 2]) / 2, box[:, 3]
    width, height = box[:, 2].max(), bottom.max()
    scale = road_scale(box)
    side, depth = _VEHICLE_HEIGHT_M * (middle - width / 2) / scale, _VEHICLE_HEIGHT_M * width / scale
    along, across = _road(side, depth)
    return Scene(
        row=row,
        box=box,
        vector=_centred(vectors),
        still=still,
        first=np.append(starts, len(row)),
        clock=(times - times[0]) / 1e9,
        scale=scale,
        depth=depth,
        side=side,
        along=along,
        across=across,
        cut=(box[:, 0] < _EDGE_PX) | (box[:, 2] > width - _EDGE_PX) | (bottom > height - _EDGE_PX),
    )


def regular_clock(scene: Scene) -> Scene | None:
    """Return the scene with evenly spaced stills, or None where its stamps are fine enough.

    Stamps of whole seconds say little about stills 1.7 s apart; a constant step with gaps of whole
    steps says more wherever the camera is regular.
    """
    gaps = np.diff(scene.clock)
    if len(gaps) < 8:
        return None
    usual = float(gaps[gaps <= 2 * np.median(gaps)].mean())
    grain = 1.0 if np.array_equal(scene.clock, np.rint(scene.clock)) else 0.0
    if grain < usual / 8:
        return None
    steps = np.where(gaps <= usual + grain, 1, np.rint(gaps / usual))
    return replace(scene, clock=np.concatenate([[0.0], np.cumsum(steps * usual)]))


def _distinct(detections: Detections, row: Ints, limit: float) -> NDArray[np.bool_]:
    """Return which boxes are not a second, weaker box of the same vehicle in the same still."""
    frame, box, score = detections.frame[row], detections.box[row], detections.score[row]
    keep = np.ones(len(row), np.bool_)
    longest = int(np.unique(frame, return_counts=True)[1].max())
    for step in range(1, longest):
        near = np.flatnonzero(frame[step:] == frame[:-step])
        same = np.array([iou(box[near, None], box[near + step, None])]).ravel() > limit
        weaker = np.where(score[near] >= score[near + step], near + step, near)
        keep[weaker[same]] = False
    return keep


def _centred(vectors: Floats) -> Floats:
    """Return unit vectors after the camera's mean is taken away."""
    moved = vectors - vectors.mean(axis=0)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.where(length > 1e-6, moved / np.maximum(length, 1e-6), 0.0)


def _road(side: Floats, depth: Floats) -> tuple[Floats, Floats]:
    """Return metres along the road and across it, from a parabola laid through the vehicles."""
    near = depth <= np.quantile(depth, 0.9)
    points = np.column_stack([side, depth])
    middle = np.median(points[near], axis=0)
    offset = (points - middle) / np.sqrt(depth)[:, None]
    _, _, axes = np.linalg.svd(offset[near] / np.sqrt(1 + (offset[near] / 3) ** 2), full_matrices=False)
    ahead = axes[0] if axes[0, 1] >= 0 else -axes[0]
    along = (points - middle) @ ahead
    across = (points - middle) @ np.array([ahead[1], -ahead[0]])
    reach = np.clip(along, along[near].min(), along[near].max())
    terms = np.column_stack([np.ones_like(reach), reach, reach**2])
    ridge = np.diag([1e-3, 1e1, 1e4]) ** 0.5
    weight = near / depth
    for _ in range(_ROBUST_ROUNDS):
        left = np.concatenate([terms * weight[:, None], ridge])
        curve, *_ = np.linalg.lstsq(left, np.append(across * weight, np.zeros(3)), rcond=None)
        weight = near / depth / np.sqrt(1 + ((across - terms @ curve) / 2) ** 2)
    return along, across - terms @ curve
