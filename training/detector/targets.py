"""What the network should answer for labelled boxes, and the loss against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from training.detector.net import GROUPS, STRIDE

Array = NDArray[np.float32]
PERSON_GROUP = 2
BUMP = 0.3
"""Height of the bump from which a cell answers for the box."""


@dataclass
class Boxes:
    """Labels of one still: box (N, 4) xyxy, types (N, 6) as shares, and which to ignore (N,)."""

    box: Array
    types: Array
    ignored: NDArray[np.bool_]

    @property
    def group(self) -> NDArray[np.intp]:
        """The heat map each box belongs to, (N,)."""
        return np.stack([self.types[:, g].sum(1) for g in GROUPS], 1).argmax(1)


@dataclass
class Target:
    """Heat (G, h, w) with its weight, box (8, h, w) with its weight (2, h, w), and types (5, h, w)."""

    heat: Array
    heat_weight: Array
    box: Array
    box_weight: Array
    types: Array


def draw_target(labels: Boxes, height: int, width: int) -> Target:
    """Draw the targets of one still of `height` x `width` pixels at stride 4.

    What is ignored comes first, then large boxes before small ones, so that a small vehicle in
    front of a large one keeps its cells.
    """
    h, w = height // STRIDE, width // STRIDE
    zeros = [np.zeros((n, h, w), np.float32) for n in (3, 8, 2, 5)]
    target = Target(zeros[0], np.ones((3, h, w), np.float32), *zeros[1:])
    size, group = (labels.box[:, 2:] - labels.box[:, :2]).prod(1), labels.group
    for i in np.lexsort((-size, ~labels.ignored)):
        if labels.ignored[i]:
            x1, y1, x2, y2 = np.r_[labels.box[i, :2] // STRIDE, -(-labels.box[i, 2:] // STRIDE)].astype(int).clip(0)
            target.heat_weight[group[i], y1:y2, x1:x2] = 0
        else:
            _draw(target, labels.box[i], labels.types[i], int(group[i]))
    return target


def _draw(target: Target, box: Array, types: Array, group: int) -> None:
    """Draw a Gaussian bump around the box's middle, and the box itself where the bump is high."""
    x1, y1, x2, y2 = box / STRIDE
    (xs, across), (ys, down) = _bump(x1, x2, target.heat.shape[2]), _bump(y1, y2, target.heat.shape[1])
    if not (len(xs) and len(ys)):
        return
    bump, patch = down[:, None] * across, np.ix_(ys, xs)
    heat, weight = target.heat[group], target.heat_weight[group]
    heat[patch] = np.maximum(heat[patch], bump)
    weight[patch] = np.maximum(weight[patch], bump > BUMP)
    inside = (bump > BUMP) & _within(xs, x1, x2) & _within(ys, y1, y2)[:, None]
    rows, columns = np.nonzero(inside)
    cells, who = (ys[rows], xs[columns]), int(group == PERSON_GROUP)
    target.box[(slice(4 * who, 4 * who + 4), *cells)] = box[:, None]
    target.box_weight[who][cells] = bump[rows, columns]
    if not who:
        target.types[(slice(None), *cells)] = types[:5, None]


def _bump(low: float, high: float, length: int) -> tuple[NDArray[np.intp], Array]:
    """Return the cells along one axis near the middle of a span, and the Gaussian there; none if it lies outside."""
    centre, sigma = round(float(low + high) / 2 - 0.5), max(0.11 * (high - low), 0.55)
    if not 0 <= centre < length:
        return np.zeros(0, np.intp), np.zeros(0, np.float32)
    reach = int(3 * sigma + 1)
    cells = np.arange(max(0, centre - reach), min(length, centre + reach + 1))
    return cells, np.exp(-((cells - centre) ** 2) / (2 * sigma * sigma)).astype(np.float32)


def _within(cells: NDArray[np.intp], low: float, high: float) -> NDArray[np.bool_]:
    return (cells + 0.5 > low) & (cells + 0.5 < high)


def stack(targets: list[Target]) -> dict[str, Tensor]:
    """Batch the targets of several stills."""
    names = ("heat", "heat_weight", "box", "box_weight", "types")
    return {n: torch.from_numpy(np.stack([getattr(t, n) for t in targets])) for n in names}


def loss(raw: Tensor, target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the parts of the loss: heat (Gaussian focal), box (GIoU) and types (cross entropy)."""
    return {
        "heat": _focal(raw[:, :3], target["heat"], target["heat_weight"]),
        "box": 2.0 * _boxes(raw[:, 8:], target),
        "types": 0.3 * _types(raw[:, 3:8], target),
    }


def _focal(logits: Tensor, heat: Tensor, weight: Tensor) -> Tensor:
    p = logits.sigmoid().clamp(1e-5, 1 - 1e-5)
    peak = heat.eq(1.0).float()
    near = -((1 - p) ** 2) * p.log() * peak
    far = -(p**2) * (1 - p).log() * (1 - heat) ** 4 * (1 - peak)
    return ((near + far) * weight).sum() / peak.sum().clamp(min=1.0)


def decode(distances: Tensor) -> Tensor:
    """Turn log distances (B, 4, h, w) into xyxy boxes in input pixels."""
    h, w = distances.shape[-2:]
    y = (torch.arange(h, dtype=torch.float32)[:, None] + 0.5) * STRIDE
    x = (torch.arange(w, dtype=torch.float32)[None] + 0.5) * STRIDE
    left, top, right, bottom = (distances.clamp(-6, 5).exp() * STRIDE).unbind(1)
    return torch.stack([x - left, y - top, x + right, y + bottom], 1)


def _boxes(raw: Tensor, target: dict[str, Tensor]) -> Tensor:
    total, weights = raw.new_zeros(()), raw.new_zeros(())
    for who in range(2):
        weight = target["box_weight"][:, who]
        at = weight > 0
        found = decode(raw[:, 4 * who : 4 * who + 4]).permute(0, 2, 3, 1)[at]
        truth = target["box"][:, 4 * who : 4 * who + 4].permute(0, 2, 3, 1)[at]
        total = total + ((1 - _giou(found, truth)) * weight[at]).sum()
        weights = weights + weight.sum()
    return total / weights.clamp(min=1.0)


def _giou(a: Tensor, b: Tensor) -> Tensor:
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    return shared / union.clamp(min=1e-3) - (hull - union) / hull.clamp(min=1e-3)


def _types(raw: Tensor, target: dict[str, Tensor]) -> Tensor:
    weight = target["box_weight"][:, 0]
    total = raw.new_zeros(())
    for part in (slice(0, 3), slice(3, 5)):
        share = target["types"][:, part]
        mine = weight * (share.sum(1) > 0.5)
        total = total - ((share * F.log_softmax(raw[:, part], 1)).sum(1) * mine).sum()
    return total / weight.sum().clamp(min=1.0)
