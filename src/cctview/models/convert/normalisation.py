"""Batch normalisation: four vectors, and how they fold into the convolution before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Normalisation"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False, kw_only=True)
class Normalisation:
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta``, each ``(channels,)``."""

    gamma: Floats
    beta: Floats
    mean: Floats
    variance: Floats
    epsilon: float

    def folded(self, kernel: Floats) -> tuple[Floats, Floats]:
        """Return kernel ``(O, I, H, W)`` and bias ``(O,)`` that do convolution and normalisation at once."""
        scale = self.gamma.astype(np.float64) / np.sqrt(self.variance.astype(np.float64) + self.epsilon)
        bias = self.beta - self.mean * scale
        return (kernel * scale[:, None, None, None]).astype(np.float32), bias.astype(np.float32)
