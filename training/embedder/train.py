"""Train the network on tracklets, soft cross-camera matches and a teacher."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from training.embedder.crops import Spoil, cut_all, spoil_all
from training.embedder.data import Boxes, Floats
from training.embedder.goals import Goals
from training.embedder.net import Embedder

Image = NDArray[np.uint8]
REPORT_STEPS = 100


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Say how long and how to train for one round.

    `within`, `across`, `distil`, `align` and `apart` weigh the five losses; `pairs` is how many
    vehicles of other sources join each batch; `floor` is the last rate against the first.
    """

    steps: int = 600
    batch: int = 128
    pairs: int = 8
    rate: float = 2e-3
    floor: float = 0.5
    decay: float = 0.05
    temperature: float = 0.07
    within: float = 0.5
    across: float = 2.0
    distil: float = 0.5
    align: float = 3.0
    apart: float = 0.3
    average: float = 0.995
    spoil: Spoil = field(default_factory=Spoil)
    seed: int = 0

    @property
    def weights(self) -> tuple[float, ...]:
        """Return the weights of the losses: within, across, distil, align, apart."""
        return self.within, self.across, self.distil, self.align, self.apart

    def pace(self, step: int) -> float:
        """Return the share of the full rate at a step: a short warm-up, then half a cosine."""
        fade = 0.5 + 0.5 * float(np.cos(np.pi * min(step / self.steps, 1.0)))
        return min((step + 1) / 50, 1.0) * (self.floor + (1 - self.floor) * fade)


@dataclass(frozen=True, kw_only=True)
class Material:
    """Hold what a round learns from.

    `goals` are about the rows of `boxes`; `others` are the crops of each vehicle of another
    source.
    """

    stack: Image
    boxes: Boxes
    goals: Goals
    others: list[list[Image]]


def embed(net: Embedder, stack: Image, boxes: Boxes, batch: int = 256) -> Floats:
    """Return the vectors (N, D) of all boxes, from clean crops."""
    net.eval()
    out = []
    with torch.no_grad():
        for begin in range(0, len(boxes), batch):
            rows = slice(begin, begin + batch)
            crops = cut_all(stack, boxes.frame[rows], boxes.xyxy[rows], net.shape.size)
            out.append(net(torch.from_numpy(crops)).numpy())
    return np.concatenate(out)


class Round:
    """Draw batches of the material and weigh the losses of the network on them."""

    def __init__(self, net: Embedder, material: Material, recipe: Recipe) -> None:
        self.net, self.material, self.recipe = net, material, recipe
        self.rng = np.random.default_rng(recipe.seed)

    def losses(self) -> Tensor:
        """Return the weighted losses (5,) of one batch, in the order of `Recipe.weights`."""
        recipe, goals = self.recipe, self.material.goals
        rows = goals.draw(recipe.batch, self.rng)
        crops = torch.from_numpy(np.concatenate([self._crops(rows), self._pairs()]))
        vectors, extra = self.net(crops).tensor_split([len(rows)])
        losses = goals.losses(vectors, rows, recipe.temperature)
        goals.update(vectors.detach(), rows)
        apart = pair_loss(extra, recipe.temperature)
        return torch.cat([losses, apart[None]]) * torch.tensor(recipe.weights)

    def _crops(self, rows: NDArray[np.int64]) -> Image:
        boxes, size = self.material.boxes, self.net.shape.size
        frames, corners = boxes.frame[rows], boxes.xyxy[rows]
        return spoil_all(self.material.stack, frames, corners, size, self.recipe.spoil, self.rng)

    def _pairs(self) -> Image:
        """Return two spoilt views (2 K, S, S, 3) of each of K vehicles of other sources."""
        others, rng = self.material.others, self.rng
        chosen = rng.choice(len(others), self.recipe.pairs, replace=False)
        views = [rng.choice(len(others[v]), 2, replace=False) for v in chosen]
        return np.stack(
            [self._whole(others[v][pair[k]]) for k in (0, 1) for v, pair in zip(chosen, views, strict=True)]
        )

    def _whole(self, image: Image) -> Image:
        box = np.array([0, 0, image.shape[1], image.shape[0]], np.float32)
        return self.recipe.spoil(image, box, self.net.shape.size, self.rng)


def pair_loss(vectors: Tensor, temperature: float) -> Tensor:
    """Tell each of the first half's vehicles from all others in the second half, and back."""
    first, second = vectors.chunk(2)
    likeness = first @ second.T / temperature
    target = torch.arange(len(first))
    return (F.cross_entropy(likeness, target) + F.cross_entropy(likeness.T, target)) / 2


def train(net: Embedder, material: Material, recipe: Recipe, report: Callable[[str], None] = print) -> Embedder:
    """Train `net` in place for one round and return its running average."""
    torch.manual_seed(recipe.seed)
    material.goals.remember(embed(net, material.stack, material.boxes))
    batches = Round(net, material, recipe)
    optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, recipe.pace)
    average, sums, started = deepcopy(net), torch.zeros(5), time.monotonic()
    for step in range(1, recipe.steps + 1):
        net.train()
        losses = batches.losses()
        optimiser.zero_grad()
        torch.autograd.backward(losses.sum())
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        blend(average, net, min(recipe.average, 1 - 1 / (step + 1)))
        sums += losses.detach()
        if step % REPORT_STEPS == 0:
            shown = " ".join(f"{x / REPORT_STEPS:.3f}" for x in sums.tolist())
            report(f"step {step}: within, across, distil, align, apart {shown}; {time.monotonic() - started:.0f} s")
            sums.zero_()
    return average.eval()


def blend(average: Embedder, net: Embedder, keep: float) -> None:
    """Move the running average of all weights towards those of `net`."""
    with torch.no_grad():
        for old, new in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if old.dtype.is_floating_point:
                old.lerp_(new, 1 - keep)
            else:
                old.copy_(new)
