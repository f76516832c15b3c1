"""Teach the original's features to look past the camera, cheaply, before any network learns.

The features are fixed inputs; a small head on top of them is trained on tracklets and soft
cross-camera matches, which takes seconds a round. It finds the matches a network starts
from, and is its teacher.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from training.embedder.data import Boxes, Floats
from training.embedder.goals import Goals


class Head(nn.Module):
    """Map features (N, F) to unit vectors (N, D): a linear map with a correction."""

    def __init__(self, inputs: int, dimension: int = 128, width: int = 512) -> None:
        super().__init__()
        self.straight = nn.Linear(inputs, dimension, bias=False)
        self.bent = nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), nn.Dropout(0.3), nn.Linear(width, dimension))
        self.drop = nn.Dropout(0.2)

    def forward(self, features: Tensor) -> Tensor:
        """Return the unit vectors of the features."""
        x = self.drop(features)
        return F.normalize(self.straight(x) + 0.5 * self.bent(x))


@dataclass(frozen=True, kw_only=True)
class HeadRecipe:
    """Say how long and how to train the head for one round."""

    steps: int = 500
    batch: int = 512
    rate: float = 2e-3
    decay: float = 0.05
    temperature: float = 0.07
    across: float = 2.0
    noise: float = 0.3
    seed: int = 0


def features_of(boxes: Boxes) -> Floats:
    """Return the teacher's features (N, 256), centred per camera and scaled alike."""
    x = boxes.teacher.copy()
    for camera in np.unique(boxes.camera):
        x[boxes.camera == camera] -= x[boxes.camera == camera].mean(axis=0)
    return np.asarray(x / (x.std(axis=0) + 0.3), np.float32)


def vectors_of(head: Head, features: Floats) -> Floats:
    """Return the unit vectors of the features."""
    with torch.no_grad():
        return np.asarray(head.eval()(torch.from_numpy(features)).numpy())


def train_head(head: Head, features: Floats, goals: Goals, recipe: HeadRecipe) -> Head:
    """Train `head` in place for one round and return it."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    x = torch.from_numpy(features)
    optimiser = torch.optim.AdamW(head.parameters(), recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.steps)
    goals.remember(vectors_of(head, features))
    for _ in range(recipe.steps):
        head.train()
        rows = goals.draw(recipe.batch, rng)
        inputs = x[torch.from_numpy(rows)]
        vectors = head(inputs + recipe.noise * torch.randn_like(inputs))
        within, across, _, align = goals.losses(vectors, rows, recipe.temperature)
        loss = within + recipe.across * across + align
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        goals.update(vectors.detach(), rows)
    return head.eval()
