"""Made-up traffic along one road, as the tracklets its cameras would make of it: enough to find links in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.types import Ragged, Tracklets

__all__ = ["road"]

Floats = NDArray[np.floating[Any]]

_START = np.datetime64("2026-06-01T08:00:00", "ns")
_WAYS = ("towards", "away")


def _seen(camera: str, seconds: Floats, towards: NDArray[np.bool_], look: Floats, *, seed: int) -> Tracklets:
    """Return tracklets (N,) of vehicles that pass one camera at seconds (N,); each way has a lane of its own."""
    count = len(seconds)
    rng = np.random.default_rng([seed, *camera.encode()])
    vector = look + rng.normal(size=look.shape)
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    stamp = _START + (np.round(seconds) * 1e9).astype("timedelta64[ns]")
    aside = np.where(towards, 0, 150)[:, None] * np.array([1, 0, 1, 0])
    far, near = (np.array(box, float) + aside for box in ([80, 60, 92, 72], [40, 140, 100, 200]))
    late = np.timedelta64(3, "s")
    return Tracklets(
        id=rng.integers(0, 2**62, count),
        camera=np.full(count, camera),
        first_time=np.where(towards, stamp - late, stamp),
        last_time=np.where(towards, stamp, stamp + late),
        first_box=np.where(towards[:, None], far, near).astype(np.float32),
        last_box=np.where(towards[:, None], near, far).astype(np.float32),
        type=np.full(count, "car"),
        heading=np.where(towards, *_WAYS),
        vector=vector.astype(np.float32),
        spread=np.zeros(count, np.float32),
        quality=np.ones(count, np.float32),
        members=Ragged.from_lengths(np.arange(count), np.ones(count, int)),
    )


def road(
    stations: Mapping[str, float],
    *,
    minutes: float = 15,
    each: int = 150,
    ways: Sequence[str] = _WAYS,
    clock_s: Mapping[str, float] | None = None,
    missed: float = 0.1,
    strangers: bool = False,
    seed: int = 1,
) -> Tracklets:
    """Return tracklets along cameras that stand so many seconds from the beginning of one road and look back there.

    ``each`` vehicles drive ``ways``, and a share of them is ``missed`` at each camera; as ``strangers`` they look
    different wherever they are seen. ``clock_s`` is how far cameras' clocks are ahead.
    """
    rng = np.random.default_rng(seed)
    end = max(stations.values())
    parts = []
    for way in ways:
        enter = np.sort(rng.uniform(0, 60 * minutes - end, each))
        pace = rng.lognormal(0, 0.05, each)
        look = rng.normal(size=(each, 32))
        for camera, station in stations.items():
            seconds = enter + pace * (station if way == "towards" else end - station)
            kept = rng.random(each) >= missed
            shown = rng.normal(size=look.shape) if strangers else look
            told = seconds + (clock_s or {}).get(camera, 0.0)
            towards = np.full(kept.sum(), way == "towards")
            parts.append(_seen(camera, told[kept], towards, shown[kept], seed=seed + (way == "away")))
    return Tracklets.concat(parts)
