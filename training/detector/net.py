"""The detector's network, and the COCO-trained teacher that lends it a backbone."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LABELS = ("car", "truck", "bus", "motorcycle", "bicycle", "person")
GROUPS = (slice(0, 3), slice(3, 5), slice(5, 6))
"""Types that one heat map stands for: vehicles, two-wheelers, people."""
STRIDE = 4
PAD, CONTRAST = 114.0, 57.0
HEAD_CHANNELS = len(GROUPS) + 5 + 8


class Conv(nn.Module):
    """Convolve and rectify; `slope` is the leak below zero."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.slope = 0.0

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, outputs, H / stride, W / stride)."""
        y = self.conv(x)
        return F.leaky_relu(y, self.slope, inplace=True) if self.slope else F.relu(y, inplace=True)


class Stage(nn.Module):
    """Cross-stage-partial block: `width` channels in, twice as many out."""

    def __init__(self, width: int, depth: int, stride: int) -> None:
        super().__init__()
        half = width // 2
        self.down = Conv(width, width, stride=stride)
        self.pairs = nn.ModuleList(nn.ModuleList([Conv(width, half), Conv(half, half)]) for _ in range(depth))
        self.out = Conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 2 width, H / stride, W / stride)."""
        skip = y = self.down(x)
        for first, second in self.pairs:  # type: ignore[misc]
            u = first(y)
            y = torch.cat([second(u), u], 1)
        return torch.cat([self.out(y), skip], 1)


class Backbone(nn.Module):
    """Extract features at strides 4, 8, 16 and 32 (64, 128, 256 and 512 channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, 32, stride=2)
        self.stages = nn.ModuleList([Stage(32, 1, 1), Stage(64, 2, 2), Stage(128, 2, 2), Stage(256, 3, 2)])

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the output of every stage, finest first."""
        x = F.max_pool2d(self.stem(x), 3, 2, 1)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class Detector(nn.Module):
    """Predict group heat maps, types and box distances at stride 4.

    Takes RGB (B, 3, H, W) as `normalise` makes it; returns raw
    (B, HEAD_CHANNELS, H/4, W/4): 3 heat maps, 5 type logits, and the logarithms of the
    distances (in strides) to the four sides, once for vehicles and once for people.
    """

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.laterals = nn.ModuleList(nn.Conv2d(c, 128, 1) for c in (128, 256, 512))
        self.middle = Conv(128, 128)
        self.reduce = nn.Conv2d(128, width, 1)
        self.fine = nn.Conv2d(64, width, 1)
        self.mix = Conv(width, width)
        self.head = nn.Conv2d(width, HEAD_CHANNELS, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.constant_(self.head.bias, 0.0)
        nn.init.constant_(self.head.bias[: len(GROUPS)], -4.6)
        nn.init.constant_(self.head.bias[8:], 0.7)

    def forward(self, x: Tensor) -> Tensor:
        """Return the raw head, (B, HEAD_CHANNELS, H / 4, W / 4)."""
        finest, *coarser = self.backbone(x)
        c3, c4, c5 = (lateral(c) for lateral, c in zip(self.laterals, coarser, strict=True))
        p3 = self.middle(c3 + _twice(c4 + _twice(c5)))
        return self.head(self.mix(self.fine(finest) + _twice(self.reduce(p3))))

    def set_slope(self, slope: float) -> None:
        """Set the leak of every rectifier."""
        for conv in _convs(self):
            conv.slope = slope


def normalise(images: Tensor) -> Tensor:
    """Turn uint8 RGB (B, H, W, 3) into the float (B, 3, H, W) that the detector takes."""
    x = (images.permute(0, 3, 1, 2).float() - PAD) / CONTRAST
    return x.contiguous(memory_format=torch.channels_last)


def _twice(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _convs(module: nn.Module) -> Iterable[Conv]:
    return (m for m in module.modules() if isinstance(m, Conv))
