"""Weighted box fusion (Solovyev et al. 2021) of several looks at one still."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.detector.net import GROUPS

Array = NDArray[np.float32]
Seen = tuple[Array, Array]
"""What a look found: box (N, 4) xyxy and scores (N, 6)."""


def iou(a: Array, b: Array) -> Array:
    """Return the overlap of every box of (N, 4) with every one of (M, 4), (N, M)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clip(0).prod(-1)
    sizes = [(x[:, 2:] - x[:, :2]).prod(-1) for x in (a, b)]
    return np.asarray(shared / np.maximum(sizes[0][:, None] + sizes[1][None] - shared, 1e-6), np.float32)


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How far a look is to be trusted with an object, by the object's side in the look's own pixels.

    Full trust lies between `small` and `large`, `least` is left far outside; `absent` is the weight
    of a look that saw nothing there, as a share of what it would have had.
    """

    small: float
    large: float
    least: float
    absent: float

    def __call__(self, side: Array) -> Array:
        """Return the trust in objects of these sides, of the same shape."""
        falling = (self.large / side).clip(self.least, 1) ** 1.5
        return np.asarray((side / self.small).clip(self.least, 1) * falling, np.float32)


TEACHER = Trust(small=24, large=60, least=0.1, absent=0.5)
STUDENT = Trust(small=16, large=75, least=0.05, absent=1.0)


def fuse(looks: list[Seen], scales: list[float], trust: Trust, overlap: float = 0.55) -> Seen:
    """Join looks (box (N, 4), scores (N, 6)) taken at several scales; return box and scores.

    A cluster gathers round its most trusted member; its box is the weighted mean of its members,
    its score the weighted mean over all looks.
    """
    parts = [_fuse_group(looks, np.array(scales, np.float32), group, trust, overlap) for group in GROUPS]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _fuse_group(looks: list[Seen], scales: Array, group: slice, trust: Trust, overlap: float) -> Seen:
    best = [s[:, group].max(1, initial=0) for _, s in looks]
    mine = [(b > 0) & (b >= s.max(1, initial=0)) for b, (_, s) in zip(best, looks, strict=True)]
    box = np.concatenate([b[m] for (b, _), m in zip(looks, mine, strict=True)])
    score = np.concatenate([s[m] for (_, s), m in zip(looks, mine, strict=True)])
    look = np.concatenate([np.full(m.sum(), i) for i, m in enumerate(mine)])
    trusts = trust(_side(box) * scales[look])
    weight = score[:, group].max(1, initial=0) * trusts
    order = np.argsort(-weight, kind="stable")
    owner = np.full(len(box), -1)
    owner[order] = _clusters(box[order], look[order], overlap)
    kept = owner >= 0
    share = np.zeros((int(owner.max(initial=-1)) + 1, len(box)), np.float32)
    share[owner[kept], np.flatnonzero(kept)] = 1
    mean = share @ (box * weight[:, None]) / np.maximum(share @ weight, 1e-9)[:, None]
    seen = share @ trusts
    unseen = trust(_side(mean)[:, None] * scales).sum(1) - seen
    total = np.maximum(seen + trust.absent * unseen.clip(0), 1e-9)
    return mean.astype(np.float32), np.asarray(share @ (score * trusts[:, None]) / total[:, None], np.float32)


def _side(box: Array) -> Array:
    return np.asarray(np.sqrt((box[:, 2:] - box[:, :2]).prod(1).clip(1)), np.float32)


def _clusters(box: Array, look: NDArray[np.intp], overlap: float) -> NDArray[np.intp]:
    """Give boxes in order of weight to the cluster they overlap most, one of a look to each; -1 is a spare."""
    shares, owner = iou(box, box), np.full(len(box), -1)
    seeds: list[int] = []
    taken: set[tuple[int, int]] = set()
    for i in range(len(box)):
        near = [j for j in np.argsort(-shares[i, seeds]) if shares[i, seeds[j]] > overlap]
        free = [int(j) for j in near if (j, look[i]) not in taken]
        if not near:
            free = [len(seeds)]
            seeds.append(i)
        if free:
            owner[i] = free[0]
            taken.add((free[0], int(look[i])))
    return owner


def overlap_of_smaller(a: Array, b: Array) -> Array:
    """Return how much of the smaller of each pair of boxes (N, 4) and (M, 4) both share, (N, M)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    sizes = [(x[:, 2:] - x[:, :2]).prod(-1) for x in (a, b)]
    smaller = np.minimum(sizes[0][:, None], sizes[1][None])
    return np.asarray((high - low).clip(0).prod(-1) / np.maximum(smaller, 1e-6), np.float32)


def suppress(box: Array, score: Array, overlap: float) -> NDArray[np.intp]:
    """Return the rows that greedy suppression keeps, by falling score."""
    order, shares = np.argsort(-score, kind="stable"), iou(box, box)
    kept: list[int] = []
    for i in order:
        if not kept or shares[i, kept].max() <= overlap:
            kept.append(int(i))
    return np.array(kept, np.intp)


def by_group(box: Array, scores: Array, least: float, overlap: float) -> Seen:
    """Split each row by group, and suppress overlaps within the groups."""
    parts = [_group(box, scores, group, least, overlap) for group in GROUPS]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _group(box: Array, scores: Array, group: slice, least: float, overlap: float) -> Seen:
    mine: NDArray[np.float32] = np.zeros_like(scores)
    mine[:, group] = scores[:, group]
    used = np.flatnonzero(mine.max(1) > least)
    kept = used[suppress(box[used], mine[used].max(1), overlap)]
    return box[kept], mine[kept]
