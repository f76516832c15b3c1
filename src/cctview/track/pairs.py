"""Pairs of detections from stills some steps apart, and the bins of what they look like together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import iou
from cctview.track.scene import Scene

__all__ = ["CHANGE", "LIKENESS", "MOTION", "PLACE", "Pairs", "Views", "change_bins", "likeness", "motion_bins"]
__all__ += ["pairs_between", "place_bins"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

PLACE = (8, 14)
MOTION = (*PLACE, 31, 15)
CHANGE = (4, 5, 20, 20)
LIKENESS = (4, 5, 24)

_SPEED_MPS = 25.0


class Pairs(NamedTuple):
    """Detection ``i`` of a still and detection ``j`` of another one ``gap`` seconds later."""

    i: Ints
    j: Ints
    gap: Floats

    def rows(self, chosen: Any) -> Pairs:
        """Return the chosen pairs only."""
        return Pairs(self.i[chosen], self.j[chosen], self.gap[chosen])


class Views(NamedTuple):
    """Flat bin numbers of pairs: how they moved, how the box changed, how alike they look."""

    motion: Ints
    change: Ints
    likeness: Ints


def pairs_between(scene: Scene, start: Ints, end: Ints, gap: Floats) -> Pairs:
    """Return all pairs of the detections of stills ``start[n]`` and ``end[n]``."""
    first, second = np.diff(scene.first)[start], np.diff(scene.first)[end]
    count = first * second
    which = np.repeat(np.arange(len(start)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    i, j = np.divmod(within, second[which])
    return Pairs(scene.first[start][which] + i, scene.first[end][which] + j, gap[which])


def place_bins(scene: Scene) -> Ints:
    """Return the flat bin of each detection's place: how near, and which lane."""
    near = _bins(np.log(scene.scale), np.log(4.0), np.log(100.0), PLACE[0])
    lane = _bins(np.arcsinh(scene.across / 6), -2.1, 2.1, PLACE[1])
    return np.ravel_multi_index((near, lane), PLACE)


def motion_bins(scene: Scene, place: Ints, pairs: Pairs) -> Ints:
    """Return flat bins of MOTION: place, metres along per second and metres across."""
    i, j, gap = pairs
    ahead = (scene.along[j] - scene.along[i]) / (_SPEED_MPS * gap + 0.3)
    aside = (scene.across[j] - scene.across[i]) / (1.2 + 0.03 * scene.depth[i])
    along = _bins(np.arcsinh(3 * ahead), -2.5, 2.5, MOTION[2])
    across = _bins(np.arcsinh(aside), -2.3, 2.3, MOTION[3])
    return (place[i] * MOTION[2] + along) * MOTION[3] + across


def change_bins(scene: Scene, pairs: Pairs) -> tuple[Ints, Ints]:
    """Return flat bins of CHANGE (height and width relative to the place), and of what both depend on."""
    i, j, _ = pairs
    width, height = (scene.box[:, 2:] - scene.box[:, :2]).T
    tall, wide = np.log(height / scene.scale), np.log(width / scene.scale)
    overlap = iou(scene.box[i, None], scene.box[j, None])[:, 0, 0]
    state = np.where(overlap > 0.05, np.where(overlap > 0.5, 3, 2), scene.cut[i] | scene.cut[j])
    small = _bins(np.log(np.minimum(scene.scale[i], scene.scale[j])), np.log(5.0), np.log(40.0), CHANGE[1])
    given = state * CHANGE[1] + small
    up, out = (_bins(change[j] - change[i], -1.0, 1.0, CHANGE[2]) for change in (tall, wide))
    return (given * CHANGE[2] + up) * CHANGE[3] + out, given


def likeness(scene: Scene, pairs: Pairs) -> Floats:
    """Return the cosine distance of each pair, in pieces that stay in the cache."""
    i, j, _ = pairs
    out = np.empty(len(i))
    for start in range(0, len(i), 8192):
        part = slice(start, start + 8192)
        out[part] = 1 - np.einsum("nd,nd->n", scene.vector[i[part]], scene.vector[j[part]])
    return out


def _bins(values: Floats, low: float, high: float, count: int) -> Ints:
    return np.clip((values - low) * (count / (high - low)), 0, count - 1).astype(np.intp)
