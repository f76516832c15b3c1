"""Joining detections of one camera into chains: one-to-one, still by still, short gaps first."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.assign import assign
from cctview.track.motion import Motion
from cctview.track.pairs import Pairs, pairs_between, place_bins
from cctview.track.scene import Scene
from cctview.track.settings import TrackSettings

__all__ = ["chains"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_BLOCK_STILLS = 2048


def chains(scene: Scene, motion: Motion, settings: TrackSettings) -> Ints:
    """Return the chain number of each detection, ``(N,)``, counted by first appearance."""
    place = place_bins(scene)
    follows = np.full(len(scene), -1)
    followed = np.zeros(len(scene), np.bool_)
    for step in _steps(scene, settings):
        bar = settings.threshold + settings.gap_penalty * np.log2(step)
        for pairs in _open_pairs(scene, step, settings.max_gap_s, follows, followed):
            odds = motion.log_odds(scene, place, pairs)
            i, j = _assigned(scene, pairs, odds, float(bar))
            follows[j], followed[i] = i, True
    return _numbered(follows)


def _steps(scene: Scene, settings: TrackSettings) -> list[int]:
    """Return how many stills to look ahead: 1, 2, 3 and then ever wider, as far as time allows."""
    stills = len(scene.first) - 1
    usual = float(np.median(np.diff(scene.clock))) if stills > 1 else 1.0
    most = min(int(settings.max_gap_s / max(usual, 1e-3)), settings.max_gap_steps, stills - 1)
    steps = np.unique(np.rint(np.concatenate([[1, 2, 3], 3 * 1.4 ** np.arange(1, 15)])).astype(int))
    return steps[steps <= max(most, min(1, stills - 1))].tolist()


def _open_pairs(scene: Scene, step: int, most_s: float, follows: Ints, followed: NDArray[np.bool_]) -> list[Pairs]:
    """Return block by block the pairs of chain ends and chain starts that lie ``step`` stills apart."""
    stills = len(scene.first) - 1
    blocks = []
    for begin in range(0, stills - step, _BLOCK_STILLS):
        start = np.arange(begin, min(begin + _BLOCK_STILLS, stills - step))
        gap = scene.clock[start + step] - scene.clock[start]
        near = (gap <= most_s) | (step == 1) & (gap <= 2 * most_s)
        pairs = pairs_between(scene, start[near], start[near] + step, gap[near])
        blocks.append(pairs.rows(~followed[pairs.i] & (follows[pairs.j] < 0)))
    return blocks


def _assigned(scene: Scene, pairs: Pairs, odds: Floats, bar: float) -> tuple[Ints, Ints]:
    """Return the pairs that are made; earlier stills choose first."""
    good = odds > bar
    i, j, odds = pairs.i[good], pairs.j[good], odds[good]
    bounds = np.flatnonzero(np.diff(scene.still[i], prepend=-1, append=-1))
    made: list[tuple[Ints, Ints]] = []
    for begin, end in itertools.pairwise(bounds):
        rows, row = np.unique(i[begin:end], return_inverse=True)
        columns, column = np.unique(j[begin:end], return_inverse=True)
        cost = np.full((len(rows), len(columns)), np.inf)
        cost[row, column] = -odds[begin:end]
        left, right = assign(cost, -bar)
        made.append((rows[left], columns[right]))
    if not made:
        none = np.zeros(0, np.intp)
        return none, none
    return np.concatenate([m[0] for m in made]), np.concatenate([m[1] for m in made])


def _numbered(follows: Ints) -> Ints:
    """Return chain numbers by pointer doubling: every detection jumps back until it meets the first one."""
    root = np.where(follows < 0, np.arange(len(follows)), follows)
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return np.unique(root, return_inverse=True)[1]
        root = further
