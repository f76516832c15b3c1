"""Boxes, overlap, suppression, and distances on the ground: vectorised, no state."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cctview.types import Tracklets

__all__ = [
    "aligned_iou",
    "area",
    "bearing_deg",
    "centre",
    "clip",
    "foot",
    "ground_distance_m",
    "iou",
    "passing_time",
    "size",
    "suppress",
    "turn_deg",
    "widened",
]

Floats = NDArray[np.floating[Any]]
Angles = TypeVar("Angles", float, NDArray[np.floating[Any]])
_EARTH_RADIUS_M = 6_371_008.8


def size(boxes: Floats) -> Floats:
    """Return width and height of each box: ``(..., 4)`` to ``(..., 2)``."""
    return boxes[..., 2:] - boxes[..., :2]


def centre(boxes: Floats) -> Floats:
    """Return the middle of each box: ``(..., 4)`` to ``(..., 2)``."""
    return (boxes[..., 2:] + boxes[..., :2]) / 2


def area(boxes: Floats) -> Floats:
    """Return the area of each box in square pixels, ``(..., 4)`` to ``(...)``; inverted boxes count 0."""
    extent = np.maximum(size(boxes), 0)
    return extent[..., 0] * extent[..., 1]


def passing_time(tracklets: Tracklets) -> NDArray[np.datetime64]:
    """Return when each tracklet (T,) was nearest to its camera."""
    leaving = area(tracklets.last_box) >= area(tracklets.first_box)
    return np.where(leaving, tracklets.last_time, tracklets.first_time)


def foot(boxes: Floats) -> Floats:
    """Return where each box (N, 4) stands on the ground, ``(N, 2)`` pixels: the middle of its lower edge."""
    return np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])


def clip(boxes: Floats, width: float, height: float) -> Floats:
    """Return the boxes ``(..., 4)`` cut at the borders of an image."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))


def widened(boxes: Floats, margin: float) -> Floats:
    """Return the boxes ``(..., 4)`` grown on each side by ``margin`` times their own size."""
    grow = size(boxes) * margin
    return np.concatenate([boxes[..., :2] - grow, boxes[..., 2:] + grow], axis=-1)


def iou(left: Floats, right: Floats) -> Floats:
    """Return the intersection over union of every pair: ``(..., N, 4), (..., M, 4)`` to ``(..., N, M)``."""
    return aligned_iou(left[..., :, None, :], right[..., None, :, :])


def aligned_iou(left: Floats, right: Floats) -> Floats:
    """Return the intersection over union place by place: ``(..., 4), (..., 4)`` to ``(...)``, broadcasting."""
    overlap = np.minimum(left[..., 2:], right[..., 2:]) - np.maximum(left[..., :2], right[..., :2])
    overlap = np.maximum(overlap, 0)
    shared = overlap[..., 0] * overlap[..., 1]
    union = area(left) + area(right) - shared
    return shared / np.maximum(union, np.finfo(shared.dtype).tiny)


def suppress(boxes: Floats, scores: Floats, threshold: float) -> NDArray[np.bool_]:
    """Return which boxes survive greedy non-maximum suppression: ``(..., K, 4), (..., K)`` to ``(..., K)``.

    Works on whole batches: a box stays unless a better one that stays overlaps it by more than
    ``threshold``. That rule has one solution, and repeating it until nothing changes finds it.
    """
    order = np.argsort(-scores, axis=-1, kind="stable")
    ranked = np.take_along_axis(boxes, order[..., None], axis=-2)
    count = ranked.shape[-2]
    rivals = (iou(ranked, ranked) > threshold) & np.tri(count, k=-1, dtype=np.bool_)
    keep: NDArray[np.bool_] = np.ones(ranked.shape[:-1], np.bool_)
    for _ in range(count):
        unbeaten = np.logical_not(np.any(rivals & keep[..., None, :], axis=-1))
        if np.array_equal(unbeaten, keep):
            break
        keep = unbeaten
    survivors = np.empty_like(keep)
    np.put_along_axis(survivors, order, keep, axis=-1)
    return survivors


def ground_distance_m(lon1: Floats, lat1: Floats, lon2: Floats, lat2: Floats) -> Floats:
    """Return the great-circle distance ``(...)`` in metres between WGS84 points in degrees (haversine)."""
    lam1, phi1, lam2, phi2 = map(np.radians, (lon1, lat1, lon2, lat2))
    chord = np.sin((phi2 - phi1) / 2) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin((lam2 - lam1) / 2) ** 2
    return 2 * _EARTH_RADIUS_M * np.arcsin(np.sqrt(chord))


def bearing_deg(lon1: Floats, lat1: Floats, lon2: Floats, lat2: Floats) -> Floats:
    """Return the initial compass bearing ``(...)`` in degrees from the first point to the second."""
    lam1, phi1, lam2, phi2 = map(np.radians, (lon1, lat1, lon2, lat2))
    east = np.sin(lam2 - lam1) * np.cos(phi2)
    north = np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(lam2 - lam1)
    return np.degrees(np.arctan2(east, north)) % 360


def turn_deg(left: Angles, right: Angles) -> Angles:
    """Return the angle between two directions in degrees, from 0 to 180: numbers, or arrays that broadcast."""
    return abs((left - right + 180) % 360 - 180)
