"""Train the detector: mixed sources, heavy augmentation, averaged weights."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from training.detector.augment import caption, mosaic, relight, sample
from training.detector.net import Detector, normalise
from training.detector.paste import Cutout, paste
from training.detector.stills import Still
from training.detector.targets import Boxes, draw_target, loss, stack


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one round of training goes."""

    steps: int = 2000
    batch: int = 16
    height: int = 224
    width: int = 288
    rate: float = 1.2e-3
    backbone_rate: float = 0.4
    decay: float = 0.02
    average: float = 0.998
    unleak: float = 0.35
    mosaic: float = 0.2
    paste: float = 0.45
    caption: float = 0.2
    relight: float = 1.0
    near: float = 0.5
    seed: int = 20
    share: dict[str, float] = field(default_factory=lambda: {"fdr": 0.45, "london-24h": 0.32, "clip": 0.16, "uk": 0.07})


def batches(
    stills: list[Still], labels: dict[str, Boxes], stock: list[Cutout], recipe: Recipe
) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """Yield endless batches of images (B, H, W, 3) uint8 and targets."""
    rng = np.random.default_rng(recipe.seed)
    pools = {d: [s for s in stills if s.domain == d and s.name in labels] for d in recipe.share}
    names = [d for d in recipe.share if pools[d]]
    odds = np.array([recipe.share[d] for d in names])
    odds /= odds.sum()

    def one(seed: int) -> tuple[np.ndarray, Boxes]:
        own = np.random.default_rng(seed)
        picked = [_pick(own, pools, names, odds) for _ in range(2)]
        parts = [(s.image, labels[s.name]) for s in picked]
        if own.random() < recipe.mosaic:
            image, boxes = mosaic(own, parts, recipe.height, recipe.width)
        else:
            image, boxes = sample(own, *parts[0], recipe.height, recipe.width, recipe.near)
        if own.random() < recipe.caption:
            image, boxes = caption(own, image, boxes)
        if stock and own.random() < recipe.paste:
            image, boxes = paste(own, image, boxes, stock)
        return (relight(own, image) if own.random() < recipe.relight else image), boxes

    while True:
        made = [one(int(seed)) for seed in rng.integers(0, 2**62, recipe.batch)]
        targets = [draw_target(boxes, recipe.height, recipe.width) for _, boxes in made]
        yield torch.from_numpy(np.stack([image for image, _ in made])), stack(targets)


def _pick(rng: Generator, pools: dict[str, list[Still]], names: list[str], odds: np.ndarray) -> Still:
    pool = pools[names[rng.choice(len(names), p=odds)]]
    return pool[int(rng.integers(len(pool)))]


class Average:
    """An exponential moving average of a network's weights."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).eval()
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """Move towards the weights of `net`."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mine, theirs in zip(self.net.parameters(), net.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)


def train(
    net: Detector, stills: list[Still], labels: dict[str, Boxes], stock: list[Cutout], recipe: Recipe, out: Path
) -> Detector:
    """Train, writing a log and the averaged weights to `out` every 100 steps; return the average."""
    torch.manual_seed(recipe.seed)
    net = net.train().to(memory_format=torch.channels_last)
    optimiser = _optimiser(net, recipe)
    average = Average(net, recipe.average)
    feed = batches(stills, labels, stock, recipe)
    log: list[dict[str, float]] = []
    sums: dict[str, float] = {}
    start = time.monotonic()
    with ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(next, feed)
        for step in range(recipe.steps):
            images, target = waiting.result()
            waiting = ahead.submit(next, feed)
            _schedule(net, average.net, optimiser, step / recipe.steps, recipe)
            parts = loss(net(normalise(images)), target)
            optimiser.zero_grad(set_to_none=True)
            torch.stack(list(parts.values())).sum().backward()
            nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            optimiser.step()
            average.update(net)
            sums = {k: sums.get(k, 0.0) + float(v.detach()) / 50 for k, v in parts.items()}
            if step % 50 == 49:
                log.append({"step": step + 1, "seconds": time.monotonic() - start, **sums})
                sums = {}
                print({k: round(v, 4) for k, v in log[-1].items()}, flush=True)
                if step % 100 == 99:
                    save(average.net, recipe, log, out)
    average.net.set_slope(0.0)
    save(average.net, recipe, log, out)
    return average.net


def mean_of(nets: list[Detector]) -> Detector:
    """Return a network whose weights are the mean of those of others (Wortsman et al. 2022)."""
    states = [net.state_dict() for net in nets]
    out = copy.deepcopy(nets[-1])
    out.load_state_dict({name: torch.stack([s[name] for s in states]).mean(0) for name in states[0]})
    return out


def save(net: Detector, recipe: Recipe, log: list[dict[str, float]], out: Path) -> None:
    """Write weights, recipe and log beside one another."""
    torch.save({"weights": net.state_dict(), "slope": net.middle.slope}, out.with_suffix(".tmp"))
    out.with_suffix(".tmp").replace(out)
    out.with_suffix(".json").write_text(json.dumps({"recipe": asdict(recipe), "log": log}, indent=1))


def _optimiser(net: Detector, recipe: Recipe) -> torch.optim.Optimizer:
    lent = {id(p) for m in (net.backbone, net.laterals, net.middle) for p in m.parameters()}
    groups = [
        {"params": [p for p in net.parameters() if id(p) in lent], "scale": recipe.backbone_rate},
        {"params": [p for p in net.parameters() if id(p) not in lent], "scale": 1.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.rate, weight_decay=recipe.decay, fused=True)


def _schedule(net: Detector, average: Detector, optimiser: torch.optim.Optimizer, done: float, recipe: Recipe) -> None:
    """Warm up, cool down along a cosine, and let the leak of the rectifiers run dry."""
    warm = min(1.0, done / 0.04 + 0.02)
    rate = recipe.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]
    slope = 0.1 * max(0.0, 1 - done / recipe.unleak) if recipe.unleak else 0.0
    net.set_slope(slope)
    average.set_slope(slope)
