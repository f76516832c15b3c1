"""Pairs of sightings from different stills, and the bins of what they look like together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import aligned_iou
from cctview.tracking.scene import PLACE, SMALL, Scene

__all__ = ["CHANGE", "LIKENESS", "MOTION", "Moves", "Pairs", "change_bins", "likeness", "moves", "pairs_between"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

MOTION = (*PLACE, 31, 15)
CHANGE = (4, SMALL, 20, 20)
LIKENESS = (4, SMALL, 24)

_REACH = np.array([2.5, 2.3])
_LAST = np.array(MOTION[2:]) - 1
_WIDTH = 2 * _REACH / MOTION[2:]
_SPEED_MPS = 25.0
_CHUNK = 8192
_BEYOND = 7.0


def _log_ground() -> Floats:
    """Return the logarithm of the ground of each bin, flat, in units of what the movement is divided by.

    The first and the last bins along the road hold all that moved farther: they are far larger than they look.
    """
    sides = [
        np.log(width * np.cosh((np.arange(count) + 0.5) * width - reach))
        for width, reach, count in zip(_WIDTH, _REACH, MOTION[2:], strict=True)
    ]
    sides[0][[0, -1]] += _BEYOND
    return np.add.outer(*sides).ravel()


_LOG_GROUND = _log_ground()


class Pairs(NamedTuple):
    """Sighting ``i`` of a still and sighting ``j`` of another one ``gap`` seconds later.

    The three broadcast: (P,) each, or (E, 1), (1, n) and (E, 1).
    """

    i: Ints
    j: Ints
    gap: Floats

    def rows(self, chosen: Any) -> Pairs:
        """Return the chosen pairs only."""
        return Pairs(self.i[chosen], self.j[chosen], self.gap[chosen])


class Moves(NamedTuple):
    """Flat bins of MOTION, and the logarithm of the ground that each bin covers in square metres."""

    bin: Ints
    log_ground: Floats


def pairs_between(scene: Scene, start: Ints, end: Ints, gap: Floats) -> Pairs:
    """Return all pairs of the sightings of stills ``start[n]`` and ``end[n]``."""
    first, second = scene.crowd[start], scene.crowd[end]
    count = first * second
    which = np.repeat(np.arange(len(start)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    i, j = np.divmod(within, second[which])
    return Pairs(scene.first[start][which] + i, scene.first[end][which] + j, gap[which])


def moves(scene: Scene, pairs: Pairs) -> Moves:
    """Return how each pair moved along and across the road, from where it started.

    Bins widen with the time between, and with what a pixel makes in metres: of stills a tenth of a
    second apart, far away, the boxes' own trembling is all that can be seen.
    """
    i, j, gap = pairs
    unit = 2 * scene.grain[i]
    unit[..., 0] += _SPEED_MPS * gap + 0.3
    unit[..., 0] /= 3
    unit[..., 1] += 1.2 + 0.03 * scene.depth[i]
    moved = (np.arcsinh((scene.spot[j] - scene.spot[i]) / unit) + _REACH) / _WIDTH
    cell = np.minimum(np.maximum(moved, 0), _LAST).astype(np.intp)
    flat = cell[..., 0] * MOTION[3] + cell[..., 1]
    return Moves(scene.bin[i] * (MOTION[2] * MOTION[3]) + flat, _LOG_GROUND[flat] + np.log(unit[..., 0] * unit[..., 1]))


def change_bins(scene: Scene, pairs: Pairs) -> tuple[Ints, Ints]:
    """Return flat bins of CHANGE (height and width relative to the place), and of what both depend on."""
    i, j, _ = pairs
    overlap = aligned_iou(scene.box[i], scene.box[j])
    state = np.where(overlap > 0.05, 2 + (overlap > 0.5), scene.cut[i] | scene.cut[j])
    given = state * SMALL + np.minimum(scene.small[i], scene.small[j])
    change = (scene.shape[j] - scene.shape[i] + 1) * (CHANGE[2] / 2)
    changed = np.minimum(np.maximum(change, 0), CHANGE[2] - 1).astype(np.intp)
    return (given * CHANGE[2] + changed[..., 1]) * CHANGE[3] + changed[..., 0], given


def likeness(scene: Scene, pairs: Pairs) -> Floats:
    """Return the cosine distance of each pair."""
    i, j, _ = pairs
    if i.ndim > 1:
        return 1 - scene.vector[i[:, 0]] @ scene.vector[j[0]].T
    out = np.empty(len(i), np.float32)
    for start in range(0, len(i), _CHUNK):  # pieces that stay in the cache
        part = slice(start, start + _CHUNK)
        out[part] = 1 - np.einsum("nd,nd->n", scene.vector[i[part]], scene.vector[j[part]])
    return out
