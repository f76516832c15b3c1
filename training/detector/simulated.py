"""Stills and exact boxes of the simulator, so that the demo's detector knows its world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import numpy as np

from cctview.sim import SimFrame, SimSettings, simulate
from cctview.sim.settings import Light
from training.detector.net import LABELS
from training.detector.stills import Still
from training.detector.targets import Boxes

SCENES = (
    (11, "day", 110.0),
    (12, "night", 20.0),
    (13, "day", 60.0),
    (14, "dusk", 110.0),
    (15, "night", 20.0),
    (16, "day", 60.0),
)
"""Seed, light and traffic of each simulated hour."""


def simulated_stills() -> Iterator[tuple[Still, Boxes]]:
    """Yield some 300 labelled stills of six simulated roads; slivers and hidden objects are ignored."""
    for seed, light, traffic in SCENES:
        assert light in get_args(Light)
        settings = SimSettings(minutes=0.35, seed=seed, cameras=4, light=light, traffic=traffic)  # type: ignore[arg-type]
        for number, frame in enumerate(simulate(settings).frames()):
            still = Still(f"sim_{light}_{seed}_{number}", "sim", np.ascontiguousarray(frame.image))
            yield still, _labels(frame)


def _labels(frame: SimFrame) -> Boxes:
    column = [LABELS.index(str(t)) for t in frame.types]
    types = np.eye(len(LABELS), dtype=np.float32)[column].reshape(-1, len(LABELS))
    tiny = (frame.boxes[:, 2:] - frame.boxes[:, :2]).min(1, initial=np.inf) < 7
    return Boxes(frame.boxes.reshape(-1, 4), types, tiny | (frame.visibility < 0.35))
