"""Pairs of sightings from different stills, and the bins of what they look like together."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import aligned_iou
from cctview.tracking.priors import TrackPriors
from cctview.tracking.scene import Scene

__all__ = ["OVERLAPS", "Grid", "Moves", "Pairs", "change_bins", "grid_of", "likeness", "moves", "pairs_between"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

OVERLAPS = 4  # ways in which two boxes lie: apart, apart with one cut by the border, touching, on each other
_CHUNK = 8192  # pairs compared at a time, so that they stay in the cache


class Grid(NamedTuple):
    """The bins of the priors, worked out once for all stills.

    Of movement along and across: how far they reach, how wide they are, the last of them, (2,) each; ``log_ground``
    is the logarithm of the ground of each, flat, in units of what the movement is divided by. Of the change of width
    and height: how many to a unit of the logarithm, and the last of them, (2,) each.
    """

    priors: TrackPriors
    reach: Floats
    width: Floats
    last: Ints
    log_ground: Floats
    changes: Floats
    last_change: Ints


def grid_of(priors: TrackPriors) -> Grid:
    """Return the bins of movement and of change.

    The first and the last ones along the road hold all that moved farther: they are far larger than they look.
    """
    reach, count = np.array(priors.motion_reach), np.array(priors.motion_bins)
    width = 2 * reach / count
    sides = [np.log(w * np.cosh((np.arange(n) + 0.5) * w - r)) for w, r, n in zip(width, reach, count, strict=True)]
    sides[0][[0, -1]] += priors.motion_beyond
    changes = np.array(priors.change_bins)
    return Grid(
        priors=priors,
        reach=reach,
        width=width,
        last=count - 1,
        log_ground=np.add.outer(*sides).ravel(),
        changes=changes / (2 * priors.change_reach),
        last_change=changes - 1,
    )


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
    """Flat bins of place and movement, and the logarithm of the ground that each bin covers in square metres."""

    bin: Ints
    log_ground: Floats


def pairs_between(scene: Scene, start: Ints, end: Ints, gap: Floats) -> Pairs:
    """Return all pairs of the sightings of stills ``start`` (K,) and ``end`` (K,)."""
    first, second = scene.crowd[start], scene.crowd[end]
    count = first * second
    which = np.repeat(np.arange(len(start)), count)
    within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    i, j = np.divmod(within, second[which])
    return Pairs(scene.first[start][which] + i, scene.first[end][which] + j, gap[which])


def moves(scene: Scene, pairs: Pairs, grid: Grid) -> Moves:
    """Return how each pair moved along and across the road, from where it started.

    Bins widen with the time between, and with what a pixel makes in metres: of stills a tenth of a
    second apart, far away, the boxes' own trembling is all that can be seen.
    """
    i, j, gap = pairs
    priors, (aside, farther) = grid.priors, grid.priors.motion_aside
    unit = priors.motion_grain * scene.grain[i]
    unit[..., 0] += priors.motion_speed_mps * gap + priors.motion_slack_m
    unit[..., 0] /= priors.motion_fine
    unit[..., 1] += aside + farther * scene.depth[i]
    moved = (np.arcsinh((scene.spot[j] - scene.spot[i]) / unit) + grid.reach) / grid.width
    cell = np.minimum(np.maximum(moved, 0), grid.last).astype(np.intp)
    flat = cell[..., 0] * priors.motion_bins[1] + cell[..., 1]
    log_ground = grid.log_ground[flat] + np.log(unit[..., 0] * unit[..., 1])
    return Moves(scene.bin[i] * len(grid.log_ground) + flat, log_ground)


def change_bins(scene: Scene, pairs: Pairs, grid: Grid) -> tuple[Ints, Ints]:
    """Return flat bins (P,) of the change of width and height relative to the place, and of what both depend on."""
    i, j, _ = pairs
    priors, (touching, staying) = grid.priors, grid.priors.overlaps
    overlap = aligned_iou(scene.box[i], scene.box[j])
    state = np.where(overlap > touching, 2 + (overlap > staying), scene.cut[i] | scene.cut[j])
    given = state * priors.small_bins + np.minimum(scene.small[i], scene.small[j])
    change = (scene.shape[j] - scene.shape[i] + priors.change_reach) * grid.changes
    changed = np.minimum(np.maximum(change, 0), grid.last_change).astype(np.intp)
    widths, heights = priors.change_bins
    return (given * heights + changed[..., 1]) * widths + changed[..., 0], given


def likeness(scene: Scene, pairs: Pairs) -> Floats:
    """Return the cosine distance of each pair (P,)."""
    i, j, _ = pairs
    if i.ndim > 1:
        return 1 - scene.vector[i[:, 0]] @ scene.vector[j[0]].T
    out = np.empty(len(i), np.float32)
    for start in range(0, len(i), _CHUNK):  # pieces that stay in the cache
        part = slice(start, start + _CHUNK)
        out[part] = 1 - np.einsum("nd,nd->n", scene.vector[i[part]], scene.vector[j[part]])
    return out
