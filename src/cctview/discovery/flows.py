"""Flows: the vehicles of one camera that drive one way, as discovery compares them with another camera's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.discovery.priors import DiscoveryPriors
from cctview.geometry import centre, passing_time
from cctview.road.flow import ways
from cctview.types import Tracklets

__all__ = ["HOUR_S", "Flow", "busiest", "flows_of"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Names = NDArray[np.str_]

WAYS = ("towards", "away", "right", "left")
HOUR_S = 3600


@dataclass(frozen=True, eq=False, kw_only=True)
class Flow:
    """The vehicles (N,) of one camera that drive one way, in order of the time (s) at which they were nearest.

    ``way`` is towards the camera, away from it, or across the view to the right or the left; ``vector`` (N, D) is of
    unit length after what the camera's vehicles of these minutes share was taken away.
    """

    camera: str
    way: str
    time: Floats
    vector: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.time)

    def rows(self, chosen: Any) -> Flow:
        """Return the chosen vehicles only; they must be in order."""
        return replace(self, time=self.time[chosen], vector=self.vector[chosen])


def flows_of(tracklets: Tracklets, priors: DiscoveryPriors) -> list[Flow]:
    """Return the flows of all cameras that have vehicles enough, by camera and way."""
    chosen = tracklets[busiest(passing_time(tracklets).astype(np.int64) / 1e9, priors.hours)]
    cameras = np.unique(chosen.camera).tolist()
    flows = [flow for camera in cameras for flow in _flows(chosen[chosen.camera == camera], priors)]
    return [flow for flow in flows if len(flow) >= priors.fewest]


def busiest(time: Floats, hours: int) -> NDArray[np.bool_]:
    """Return which of these times (T,) in s lie in the hours with most of them; all where they span no more."""
    if not len(time) or np.ptp(time) <= hours * HOUR_S:
        return np.ones(len(time), np.bool_)
    hour = (time // HOUR_S).astype(np.int64)
    some, count = np.unique(hour, return_counts=True)
    return np.isin(hour, some[np.argsort(-count, kind="stable")[:hours]])


def _flows(own: Tracklets, priors: DiscoveryPriors) -> list[Flow]:
    """Return the flows of one camera."""
    own = own[own.quality >= priors.least_quality * np.quantile(own.quality, 0.95)]
    time = passing_time(own).astype(np.int64) / 1e9
    order = np.lexsort((own.id, time))
    own, time = own[order], time[order]
    vector, way = _unlit(own.vector.astype(np.float64), priors.light_neighbours), _ways(own)
    rows = [_best(np.flatnonzero(way == name), own.quality, priors.most) for name in WAYS]
    return [
        Flow(camera=str(own.camera[0]), way=name, time=time[mine], vector=vector[mine])
        for name, mine in zip(WAYS, rows, strict=True)
        if len(mine)
    ]


def _ways(own: Tracklets) -> Names:
    """Return which way each vehicle (T,) of a camera drives; "still" where it cannot be told."""
    way = ways(own)
    right = centre(own.last_box)[:, 0] > centre(own.first_box)[:, 0]
    return np.where(way == "across", np.where(right, "right", "left"), way)


def _best(rows: Ints, quality: Floats, most: int) -> Ints:
    """Return the ``most`` rows of best quality, in their order."""
    return np.sort(rows[np.argsort(-quality[rows], kind="stable")[:most]])


def _unlit(vector: Floats, neighbours: int) -> NDArray[np.float32]:
    """Return unit vectors (N, D) less the mean of their neighbours in time, in whose light they were all seen."""
    count = len(vector)
    total = np.concatenate([np.zeros((1, vector.shape[1])), np.cumsum(vector, axis=0)])
    begin = np.clip(np.arange(count) - neighbours, 0, max(count - 2 * neighbours - 1, 0))
    end = np.minimum(begin + 2 * neighbours + 1, count)
    moved = vector - (total[end] - total[begin]) / (end - begin)[:, None]
    return (moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)).astype(np.float32)
