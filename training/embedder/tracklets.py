"""Join the boxes of one vehicle over neighbouring stills, without labels.

Motion is learnt as a density ratio: a classifier tells box pairs of neighbouring stills
from box pairs of stills far apart in time. Where a pair of neighbours is the same vehicle
nine times out of ten, it is ten times as frequent as among strangers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn

from training.embedder.data import CAMERAS, Boxes, Floats, Ints

STRANGERS = (40, 400)


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Hold the trained classifier and what its inputs are."""

    net: nn.Sequential
    looks: bool

    def odds(self, boxes: Boxes, looks: Floats, pairs: Ints) -> Floats:
        """Return the log density ratio of each of the `pairs` (P, 2) of rows."""
        inputs = torch.from_numpy(_inputs(boxes, looks if self.looks else None, pairs))
        with torch.no_grad():
            return np.asarray(self.net(inputs)[:, 0].numpy(), np.float32)


def pairs_at(boxes: Boxes, lag: int) -> Ints:
    """List all pairs of rows of one camera whose stills are `lag` stills apart."""
    begin = np.searchsorted(boxes.frame, boxes.frame + lag, side="left")
    end = np.searchsorted(boxes.frame, boxes.frame + lag, side="right")
    counts = end - begin
    first = np.repeat(np.arange(len(boxes)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    pairs = np.stack([first, np.repeat(begin, counts) + offset], axis=1)
    return pairs[boxes.camera[pairs[:, 0]] == boxes.camera[pairs[:, 1]]]


def _inputs(boxes: Boxes, looks: Floats | None, pairs: Ints, dt: Floats | None = None) -> Floats:
    shape = _shape(boxes)
    a, b = pairs.T
    if dt is None:
        dt = (boxes.time[b] - boxes.time[a]).astype(np.float32)
    camera = np.eye(len(CAMERAS), dtype=np.float32)[boxes.camera[a]]
    change = shape[b] - shape[a]
    alike = np.zeros(len(a)) if looks is None else (looks[a] * looks[b]).sum(axis=1)
    columns = [shape[a], shape[b], 4 * change, dt[:, None] / 2, 4 * alike[:, None], camera]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _shape(boxes: Boxes) -> Floats:
    x1, y1, x2, y2 = boxes.xyxy.T
    middle, bottom = (x1 + x2) / 352 - 1, y2 / 120 - 1
    wide, high = np.log(np.maximum(x2 - x1, 1) / 30), np.log(np.maximum(y2 - y1, 1) / 30)
    return np.asarray(np.stack([middle, bottom, wide, high], axis=1), np.float32)


def _examples(boxes: Boxes, looks: Floats | None, seed: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    real = np.concatenate([pairs_at(boxes, lag) for lag in (1, 2)])
    steps = boxes.time[real[:, 1]] - boxes.time[real[:, 0]]
    shifted = np.concatenate([pairs_at(boxes, int(lag)) for lag in rng.integers(*STRANGERS, 4)])
    dt = rng.choice(steps, len(shifted)).astype(np.float32)
    x = np.concatenate([_inputs(boxes, looks, real), _inputs(boxes, looks, shifted, dt)])
    y = np.repeat([1.0, 0.0], [len(real), len(shifted)])
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.float32))


def learn_motion(boxes: Boxes, looks: Floats | None, seed: int = 0, steps: int = 4000) -> Motion:
    """Train the classifier on real and on time-shifted pairs; `looks` (N, D) are unit vectors."""
    torch.manual_seed(seed)
    x, y = _examples(boxes, looks, seed)
    prior = torch.log(y.sum() / (1 - y).sum())
    layers = (nn.Linear(x.shape[1], 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU())
    net = nn.Sequential(*layers, nn.Linear(128, 1))
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (2048,))
        loss = nn.functional.binary_cross_entropy_with_logits(
            net(x[rows])[:, 0] + prior, y[rows]
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return Motion(net=net, looks=looks is not None)


def join(boxes: Boxes, looks: Floats, motion: Motion, threshold: float = 0.7) -> Ints:
    """Return the tracklet number of each row.

    `threshold` is the least share of same vehicles among pairs like the one joined.
    """
    limit = -np.log(1 - threshold)
    edges: list[Ints] = []
    leaves = np.zeros(len(boxes), bool)
    enters = np.zeros(len(boxes), bool)
    for lag in (1, 2):
        pairs = pairs_at(boxes, lag)
        odds = motion.odds(boxes, looks, pairs)
        free = (odds > limit) & ~leaves[pairs[:, 0]] & ~enters[pairs[:, 1]]
        chosen = _assign(boxes.frame, pairs[free], odds[free])
        leaves[chosen[:, 0]] = True
        enters[chosen[:, 1]] = True
        edges.append(chosen)
    return _components(len(boxes), np.concatenate(edges))


def _assign(frame: Ints, pairs: Ints, odds: Floats) -> Ints:
    chosen = []
    starts = np.flatnonzero(np.diff(frame[pairs[:, 0]], prepend=-1))
    for begin, end in zip(starts, [*starts[1:], len(pairs)], strict=True):
        some = pairs[begin:end]
        rows, row = np.unique(some[:, 0], return_inverse=True)
        columns, column = np.unique(some[:, 1], return_inverse=True)
        gain = np.zeros((len(rows), len(columns)))
        gain[row, column] = odds[begin:end]
        i, j = linear_sum_assignment(gain, maximize=True)
        taken = gain[i, j] > 0
        chosen.append(np.stack([rows[i[taken]], columns[j[taken]]], axis=1))
    return np.concatenate(chosen) if chosen else np.zeros((0, 2), np.int64)


def _components(count: int, edges: Ints) -> Ints:
    graph = coo_matrix((np.ones(len(edges)), tuple(edges.T)), shape=(count, count))
    labels: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return labels.astype(np.int64)
