"""Weighted box fusion (Solovyev et al. 2021) of several looks at one still."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.detector.net import GROUPS

Array = NDArray[np.float32]


def iou(a: Array, b: Array) -> Array:
    """Return the overlap of every box of (N, 4) with every one of (M, 4), (N, M)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clip(0).prod(-1)
    sizes = [(x[:, 2:] - x[:, :2]).prod(-1) for x in (a, b)]
    return np.asarray(shared / np.maximum(sizes[0][:, None] + sizes[1][None] - shared, 1e-6), np.float32)


def fuse(looks: list[tuple[Array, Array]], scales: list[float], overlap: float = 0.55) -> tuple[Array, Array]:
    """Join looks (box (N, 4), scores (N, 6)) taken at several scales; return box and scores.

    A cluster's box is the weighted mean of its members, its score the weighted mean over all looks.
    A look weighs what it can tell about objects of that size, and half of that where it saw
    nothing.
    """
    parts = [_fuse_group(looks, np.array(scales, np.float32), group, overlap) for group in GROUPS]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def trust(side: Array) -> Array:
    """Return how far the teacher is to be trusted with objects of this side in its own pixels."""
    return np.asarray(np.clip(side / 24, 0.1, 1.0) * np.clip(60 / side, 0.1, 1.0) ** 1.5, np.float32)


def _fuse_group(looks: list[tuple[Array, Array]], scales: Array, group: slice, overlap: float) -> tuple[Array, Array]:
    mine = [
        s[:, group].max(1, initial=0) * (s[:, group].max(1, initial=0) >= s.max(1, initial=0)) > 0 for _, s in looks
    ]
    box = np.concatenate([b[m] for (b, _), m in zip(looks, mine, strict=True)])
    score = np.concatenate([s[m] for (_, s), m in zip(looks, mine, strict=True)])
    look = np.concatenate([np.full(m.sum(), i) for i, m in enumerate(mine)])
    side = np.sqrt((box[:, 2:] - box[:, :2]).prod(1).clip(1))
    weight = score.max(1, initial=0) * trust(side * scales[look])
    clusters: list[list[int]] = []
    means = np.zeros((len(box), 4), np.float32)
    for i in np.argsort(-weight, kind="stable"):
        shares = iou(box[i : i + 1], means[: len(clusters)])[0]
        near = [j for j in np.argsort(-shares) if shares[j] > overlap]
        free = [j for j in near if look[i] not in look[clusters[j]]]
        if free:
            clusters[free[0]].append(i)
            members = clusters[free[0]]
            means[free[0]] = np.average(box[members], 0, weight[members] ** 2)
        elif not near:
            means[len(clusters)] = box[i]
            clusters.append([i])
    out = np.zeros((len(clusters), 6), np.float32)
    for j, members in enumerate(clusters):
        width, height = means[j, 2:] - means[j, :2]
        trusts = trust(np.sqrt(max(width * height, 1.0)) * scales)
        w = trusts[look[members]]
        out[j] = (score[members] * w[:, None]).sum(0) / (w.sum() + 0.5 * (trusts.sum() - w.sum()))
    return means[: len(clusters)], out


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


def by_group(box: Array, scores: Array, least: float, overlap: float) -> tuple[Array, Array]:
    """Split each row by group, and suppress overlaps within the groups."""
    parts = [_group(box, scores, group, least, overlap) for group in GROUPS]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _group(box: Array, scores: Array, group: slice, least: float, overlap: float) -> tuple[Array, Array]:
    mine: NDArray[np.float32] = np.zeros_like(scores)
    mine[:, group] = scores[:, group]
    used = np.flatnonzero(mine.max(1) > least)
    kept = used[suppress(box[used], mine[used].max(1), overlap)]
    return box[kept], mine[kept]
