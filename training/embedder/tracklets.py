"""Join the boxes of one vehicle over neighbouring stills, without labels.

Motion is learnt as a density ratio: how much likelier is a pair of boxes in neighbouring
stills than in stills far apart in time? One-to-one assignment then picks pairs, in
neighbouring stills (targets) and in stills far apart (decoys, which are always wrong). A
second density ratio, of picked targets to picked decoys, gives the share of right ones
among picks of each kind (target-decoy estimation, Elias and Gygi, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from training.embedder.data import CAMERAS, Boxes, Floats, Ints
from training.embedder.ratio import Ratio

LAGS = (1, 2)
FAR_STILLS = (40, 400)
DECOYS = 6


@dataclass(frozen=True, kw_only=True)
class Picks:
    """Hold pairs of rows (P, 2) and their features (P, F)."""

    pairs: Ints
    features: Floats


def pairs_at(boxes: Boxes, lag: int) -> Ints:
    """List all pairs of rows of one camera whose stills are `lag` stills apart."""
    begin = np.searchsorted(boxes.frame, boxes.frame + lag, side="left")
    end = np.searchsorted(boxes.frame, boxes.frame + lag, side="right")
    counts = end - begin
    first = np.repeat(np.arange(len(boxes)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    pairs = np.stack([first, np.repeat(begin, counts) + offset], axis=1)
    return pairs[boxes.camera[pairs[:, 0]] == boxes.camera[pairs[:, 1]]]


def shape_of(boxes: Boxes) -> Floats:
    """Return middle, bottom, log width and log height (N, 4) of each box, about unit scale."""
    x1, y1, x2, y2 = boxes.xyxy.T
    middle, bottom = (x1 + x2) / 352 - 1, y2 / 120 - 1
    wide, high = np.log(np.maximum(x2 - x1, 1) / 30), np.log(np.maximum(y2 - y1, 1) / 30)
    return np.asarray(np.stack([middle, bottom, wide, high], axis=1), np.float32)


def _features(boxes: Boxes, looks: Floats, pairs: Ints, dt: Floats) -> Floats:
    shape = shape_of(boxes)
    a, b = pairs.T
    alike = (looks[a] * looks[b]).sum(axis=1)
    columns = [shape[a], shape[b], shape[b] - shape[a], dt[:, None], alike[:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _near(boxes: Boxes, looks: Floats, lag: int) -> Picks:
    pairs = pairs_at(boxes, lag)
    dt = (boxes.time[pairs[:, 1]] - boxes.time[pairs[:, 0]]).astype(np.float32)
    return Picks(pairs=pairs, features=_features(boxes, looks, pairs, dt))


def _far(boxes: Boxes, looks: Floats, lag: int, shift: int, rng: np.random.Generator) -> Picks:
    """Pair stills far apart, with the time steps of stills `lag` apart."""
    pairs = pairs_at(boxes, shift)
    near = pairs_at(boxes, lag)
    steps = boxes.time[near[:, 1]] - boxes.time[near[:, 0]]
    dt = rng.choice(steps, boxes.frame.max() + 1).astype(np.float32)[boxes.frame[pairs[:, 0]]]
    return Picks(pairs=pairs, features=_features(boxes, looks, pairs, dt))


def _pick(boxes: Boxes, some: Picks, odds: Floats) -> Picks:
    """Assign one to one within each pair of stills; append the odds and their margins."""
    frame = boxes.frame[some.pairs[:, 0]]
    starts = np.flatnonzero(np.diff(frame, prepend=-1))
    rows, extra = [], []
    for begin, end in zip(starts, [*starts[1:], len(frame)], strict=True):
        _, i = np.unique(some.pairs[begin:end, 0], return_inverse=True)
        _, j = np.unique(some.pairs[begin:end, 1], return_inverse=True)
        gain = np.full((i.max() + 1, j.max() + 1), -2.0)
        number = np.full(gain.shape, -1)
        gain[i, j], number[i, j] = np.maximum(odds[begin:end], -2.0), np.arange(begin, end)
        taken = linear_sum_assignment(gain, maximize=True)
        rows.append(number[taken])
        extra.append(_margins(gain, *taken))
    row = np.concatenate(rows)
    added = np.concatenate(extra)
    good = (row >= 0) & (added[:, 0] > -0.5)
    features = np.concatenate([some.features[row[good]], added[good]], axis=1)
    return Picks(pairs=some.pairs[row[good]], features=features.astype(np.float32))


def _margins(gain: NDArray[np.float64], i: Ints, j: Ints) -> NDArray[np.float64]:
    best = gain[i, j]
    rest = gain.copy()
    rest[i, j] = -2.0
    return np.stack([best, best - rest[i].max(axis=1), best - rest[:, j].max(axis=0)], axis=1)


def links_of(boxes: Boxes, looks: Floats, seed: int = 0) -> tuple[Ints, Floats]:
    """Return the picked pairs of one camera's rows and the share of right ones like each."""
    rng = np.random.default_rng(seed)
    near = [_near(boxes, looks, lag) for lag in LAGS]
    far = [_far(boxes, looks, lag, int(shift), rng) for lag in LAGS for shift in rng.integers(*FAR_STILLS, DECOYS)]
    motion = Ratio.fit(_stack(near), _stack(far), width=96, steps=2500, seed=seed)
    targets = [_pick(boxes, some, motion(some.features)) for some in near]
    decoys = [_pick(boxes, some, motion(some.features)) for some in far]
    again = Ratio.fit(_stack(targets), _stack(decoys), width=32, dropout=0.1, seed=seed)
    rate = np.log(len(_stack(targets)) * DECOYS / len(_stack(decoys)))
    share = 1 - np.exp(-(again(_stack(targets)) + rate))
    return np.concatenate([some.pairs for some in targets]), np.asarray(share, np.float32)


def _stack(picks: list[Picks]) -> Floats:
    return np.concatenate([some.features for some in picks])


def edges_of(boxes: Boxes, looks: Floats, seed: int = 0) -> tuple[Ints, Floats]:
    """Return pairs of rows (P, 2) that may be one vehicle and the share of right ones like each.

    `looks` (N, D) are unit vectors of the boxes.
    """
    edges, shares = [], []
    for camera in range(len(CAMERAS)):
        own = np.flatnonzero(boxes.camera == camera)
        pairs, share = links_of(boxes[own], looks[own], seed)
        edges.append(own[pairs])
        shares.append(share)
    return np.concatenate(edges), np.concatenate(shares)


def chain(pairs: Ints, share: Floats, threshold: float) -> Ints:
    """Keep the likeliest pairs so that no row has two before it or two after it.

    `threshold` is the least share of right ones among pairs like the one kept.
    """
    leaves: set[int] = set()
    enters: set[int] = set()
    kept = []
    for edge in np.argsort(-share):
        a, b = pairs[edge].tolist()
        if share[edge] < threshold:
            break
        if a not in leaves and b not in enters:
            leaves.add(a)
            enters.add(b)
            kept.append((a, b))
    return np.array(kept, np.int64).reshape(-1, 2)


def components(count: int, edges: Ints) -> Ints:
    """Number the connected groups of rows."""
    graph = coo_matrix((np.ones(len(edges)), tuple(edges.T)), shape=(count, count))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels.astype(np.int64)
