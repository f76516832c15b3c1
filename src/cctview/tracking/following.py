"""Any tracker, over a whole recording: at once, or block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from cctview.seams import Tracker
from cctview.tracking.tracker import RoadTracker
from cctview.types import Detections, Embeddings, Tracklets

__all__ = ["Block", "follow", "track"]

State = TypeVar("State")
Block = tuple[Detections, Embeddings]
_ROAD = RoadTracker()


def follow(blocks: Iterable[Block], tracker: Tracker[State]) -> Iterator[Tracklets]:
    """Yield the tracklets of one camera as they end: once for each block, and once for what is open at the end.

    Blocks of detections and embeddings follow each other in time. What is held in memory is one block and the
    state of the tracker.
    """
    state = tracker.fresh()
    for detections, embeddings in blocks:
        state, ended = tracker.step(state, detections, embeddings)
        yield ended
    yield tracker.ending(state)


def track(detections: Detections, embeddings: Embeddings, tracker: Tracker[Any] = _ROAD) -> Tracklets:
    """Return the tracklets of all cameras, by camera, first time and id.

    ``detections`` may be of many cameras and in any order; ``embeddings`` are found by their detection, and
    detections without one take no part. Each camera is followed alone, from nothing, by the same tracker.
    """
    cameras = np.unique(detections.camera)
    own = ((detections[detections.camera == camera], embeddings) for camera in cameras)
    parts = [part for block in own for part in follow([block], tracker)]
    return Tracklets.concat(parts or [tracker.ending(tracker.fresh())]).sort("camera", "first_time", "id")
