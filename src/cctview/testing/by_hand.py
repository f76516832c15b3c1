"""Small tables made by hand, for tests whose answer can be worked out on paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cctview.testing.roads import START
from cctview.types import REASONS, Matches, Ragged, Tracklets

__all__ = ["Answer", "matches_of", "tracklets_of"]

Answer = tuple[int, str, str, Sequence[int], Sequence[float], Sequence[float]]
"""Of one row of matches: query, its camera, camera, candidates, probabilities, lags in s."""


def tracklets_of(cameras: Sequence[str], seconds: Sequence[float]) -> Tracklets:
    """Return a tracklet of one still for each camera and second after START; their ids count from 1."""
    count = len(cameras)
    stamp = START + (np.array(seconds) * 1e9).astype("timedelta64[ns]")
    box = np.tile(np.array([10, 10, 30, 30], np.float32), (count, 1))
    return Tracklets(
        id=np.arange(1, count + 1),
        camera=np.array(cameras),
        first_time=stamp,
        last_time=stamp,
        first_box=box,
        last_box=box,
        type=np.full(count, "car"),
        heading=np.full(count, "towards"),
        vector=np.tile(np.array([1, 0], np.float32), (count, 1)),
        spread=np.zeros(count, np.float32),
        quality=np.ones(count, np.float32),
        members=Ragged.from_lengths(np.arange(count), np.ones(count, np.int64)),
    )


def matches_of(rows: Sequence[Answer]) -> Matches:
    """Return these rows of matches; every reason is 0 and nobody is missing."""
    query, own, camera, candidates, probability, lag = zip(*rows, strict=True)
    lengths = [len(row) for row in candidates]
    found, sure, seconds = (
        np.concatenate([np.asarray(cell, np.float64) for cell in column]) for column in (candidates, probability, lag)
    )
    nothing = Ragged.from_lengths(np.zeros(len(found), np.float32), lengths)
    reasons: dict[str, Any] = dict.fromkeys(REASONS, nothing)
    return Matches(
        query=np.array(query),
        query_camera=np.array(own),
        camera=np.array(camera),
        candidates=Ragged.from_lengths(found.astype(np.int64), lengths),
        distance=Ragged.from_lengths(np.full(len(found), 0.1, np.float32), lengths),
        probability=Ragged.from_lengths(sure.astype(np.float32), lengths),
        lag_s=Ragged.from_lengths(seconds.astype(np.float32), lengths),
        **reasons,
        p_none=np.zeros(len(rows), np.float32),
    )
