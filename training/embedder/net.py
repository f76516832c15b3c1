"""The network: a small residual trunk, a position-aware head, a unit vector.

Normalisation is part of the network, so that nobody can feed it the wrong way.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Say how wide, how deep and how large the input is."""

    size: int = 48
    stem: int = 16
    widths: tuple[int, ...] = (32, 80, 160)
    blocks: tuple[int, ...] = (1, 1, 1)
    dimension: int = 128


def _conv(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Add two 3x3 convolutions, half as wide in between, to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width // 2)
        self.second = _conv(width // 2, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return F.relu(x + self.second(F.relu(self.first(x))))


class Down(nn.Sequential):
    """Halve the resolution by a strided 3x3 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(_conv(inputs, outputs, stride=2), nn.ReLU())


def _trunk(shape: Architecture) -> nn.Sequential:
    layers: list[nn.Module] = [Down(3, shape.stem)]
    width = shape.stem
    for outputs, count in zip(shape.widths, shape.blocks, strict=True):
        layers.append(Down(width, outputs))
        layers.extend(Residual(outputs) for _ in range(count))
        width = outputs
    return nn.Sequential(*layers)


class Embedder(nn.Module):
    """Map uint8 (N, S, S, 3) RGB crops to float32 (N, D) unit vectors."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.shape = shape
        side = -(-shape.size // 2 ** (len(shape.widths) + 1))
        self.trunk = _trunk(shape)
        self.dropout = nn.Dropout(0.1)
        self.project = nn.Linear(shape.widths[-1] * side * side, shape.dimension, bias=False)
        self.neck = nn.BatchNorm1d(shape.dimension)

    def forward(self, crops: Tensor) -> Tensor:
        """Return the unit vectors of uint8 crops."""
        x = crops.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        x = self.trunk(x).flatten(1)
        return F.normalize(self.neck(self.project(self.dropout(x))))
