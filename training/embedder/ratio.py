"""Estimate a density ratio by telling two samples apart (Sugiyama et al., 2012, chapter 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import nn
from training.embedder.data import Floats


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Hold a classifier of real against false rows of features."""

    net: nn.Sequential
    mean: Floats
    scale: Floats

    def __call__(self, rows: Floats) -> Floats:
        """Return the log of real density over false density at each of the rows (N, F)."""
        with torch.no_grad():
            x = torch.from_numpy((rows - self.mean) / self.scale)
            return np.asarray(self.net(x)[:, 0].numpy(), np.float32)

    @classmethod
    def fit(
        cls,
        real: Floats,
        false: Floats,
        *,
        width: int = 64,
        steps: int = 1500,
        decay: float = 0.03,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> Self:
        """Train a small network on as many rows of one sample as of the other."""
        torch.manual_seed(seed)
        mean, scale = false.mean(axis=0), false.std(axis=0) + 1e-3
        x, z = (torch.from_numpy((rows - mean) / scale) for rows in (real, false))
        net = nn.Sequential(
            nn.Linear(x.shape[1], width), nn.SiLU(), nn.Dropout(dropout),
            nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1),
        )  # fmt: skip
        optimiser = torch.optim.AdamW(net.parameters(), 1e-2, weight_decay=decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
        for _ in range(steps):
            true = net(x[torch.randint(len(x), (1024,))])
            wrong = net(z[torch.randint(len(z), (1024,))])
            loss = nn.functional.softplus(-true).mean() + nn.functional.softplus(wrong).mean()
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
        return cls(net=net.eval(), mean=mean, scale=scale)
