"""Where the stills of a camera stop belonging together: turned, frozen, out of time, or silent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.tracking.priors import TrackPriors
from cctview.tracking.sightings import Sightings
from cctview.tracking.turns import turns
from cctview.types import VEHICLE_TYPES, Breaks, Detections, Frames

__all__ = ["find_breaks"]

Ints = NDArray[np.integer[Any]]

_PRIORS = TrackPriors()


def find_breaks(frames: Frames, detections: Detections, priors: TrackPriors = _PRIORS) -> Breaks:
    """Return the breaks in the stills of each camera, by camera and time.

    "turned": vehicles are suddenly somewhere else in the image. "frozen": the same content is
    served a third time, at the first repeat. "clock": stamps come much denser than usual, as they
    do where a clock was set back and time is told twice. "gap": the first still after a silence of
    a minute and ten usual steps.
    """
    camera, time, kind = [], [], []
    for name in np.unique(frames.camera):
        own = frames[frames.camera == name].sort("time", "id")
        seen = detections[(detections.camera == name) & np.isin(detections.type, VEHICLE_TYPES)]
        seen = seen.sort("time", "frame", "rank")
        rows = {"gap": _gaps(own, priors), "frozen": _frozen(own, priors), "clock": _rushes(own, priors)}
        times = {key: own.time[row] for key, row in rows.items()} | {"turned": seen.time[_turned(seen, priors)]}
        for key, moments in times.items():
            camera.append(np.full(len(moments), name))
            time.append(moments)
            kind.append(np.full(len(moments), key))
    if not camera:
        return Breaks.empty()
    return Breaks(camera=np.concatenate(camera), time=np.concatenate(time), kind=np.concatenate(kind)).sort(
        "camera", "time", "kind"
    )


def _seconds(frames: Frames) -> NDArray[np.float64]:
    return np.diff(frames.time).astype(np.int64) / 1e9


def _gaps(frames: Frames, priors: TrackPriors) -> Ints:
    gap = _seconds(frames)
    usual = float(np.median(gap)) if len(gap) else 0.0
    return 1 + np.flatnonzero(gap > max(priors.silent_s, priors.silent_steps * usual))


def _frozen(frames: Frames, priors: TrackPriors) -> Ints:
    """Return the second still of every run of so many or more of one content."""
    same = np.concatenate([[False], frames.digest[1:] == frames.digest[:-1], [False]])
    edge = np.flatnonzero(same[1:] != same[:-1])
    begin, end = edge[::2], edge[1::2]
    return begin[end - begin >= priors.frozen - 1] + 1


def _rushes(frames: Frames, priors: TrackPriors) -> Ints:
    """Return where stills begin that together take much less time than so many usually take."""
    gap, run = _seconds(frames), priors.rush_stills
    if len(gap) < priors.rush_least * run:
        return np.zeros(0, np.intp)
    clock = np.append(0, np.cumsum(np.minimum(gap, priors.rush_pause * np.median(gap))))
    taken = clock[run:] - clock[:-run]
    rush = taken < priors.rush_share * np.quantile(taken, priors.rush_usual)
    return 1 + np.flatnonzero(rush & ~np.append(False, rush[:-1]))


def _turned(detections: Detections, priors: TrackPriors) -> Ints:
    """Return the rows of detections, in order of time, at which a new view begins."""
    if not len(detections):
        return np.zeros(0, np.intp)
    return turns(
        Sightings(
            id=detections.id,
            frame=detections.frame,
            time=detections.time.astype(np.int64),
            box=detections.box,
            vector=np.zeros((len(detections), 0), np.float32),
        ),
        priors,
    )
