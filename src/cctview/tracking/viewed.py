"""What one camera saw between two turns, as counting needs it: boxes by tracklet and time, on the ground."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import foot
from cctview.road.ground import Ground, road_plane
from cctview.types import Breaks, Detections, Tracklets, rows_among

__all__ = ["Clock", "Seen", "boxes_seen", "views"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


class Seen(NamedTuple):
    """The boxes (N, 4) of tracklets, by tracklet and time: its row, number of still, seconds, place (N, 2)."""

    owner: Ints
    still: Ints
    seconds: Floats
    box: Floats
    place: Floats

    def rows(self, chosen: Any) -> Seen:
        """Return the chosen boxes."""
        return Seen(*(column[chosen] for column in self))


class Clock(NamedTuple):
    """The time of the first still, the seconds until the last, and those between two."""

    origin: np.datetime64
    end: float
    still_s: float


def views(tracklets: Tracklets, breaks: Breaks | None) -> list[Tracklets]:
    """Return the tracklets camera by camera, and again by how often it was turned before."""
    turned = (Breaks.empty() if breaks is None else breaks[breaks.kind == "turned"]).sort("camera", "time")
    parts = []
    for camera in np.unique(tracklets.camera):
        own = tracklets[tracklets.camera == camera]
        number = np.searchsorted(turned.time[turned.camera == camera], own.first_time, side="right")
        parts += [own[number == times] for times in np.unique(number)]
    return parts


def boxes_seen(tracklets: Tracklets, detections: Detections) -> tuple[Seen, Clock]:
    """Return the boxes of the tracklets of one view as far as ``detections`` hold them, and its clock."""
    place = rows_among(detections.id, tracklets.members.values)
    owner, rows = tracklets.members.row[place >= 0], detections[place[place >= 0]]
    box = rows.box.astype(np.float64)
    if not len(rows):
        return Seen(owner, owner, np.zeros(0), box, np.zeros((0, 2))), Clock(_origin(rows.time, rows.time), 0.0, 1.0)
    times, still = np.unique(rows.time, return_inverse=True)
    seconds = (times - times[:1]).astype(np.int64) / 1e9
    ground = Ground(plane=road_plane(box), width=float(box[:, 2].max(initial=1.0)))
    gaps = np.diff(seconds)
    usual = float(np.minimum(gaps, 3 * np.median(gaps)).mean()) if len(gaps) else 1.0
    seen = Seen(owner, still, seconds[still], box, ground.places(foot(box)))
    return seen, Clock(_origin(tracklets.first_time[owner], rows.time), float(seconds.max(initial=0.0)), usual)


def _origin(begun: NDArray[np.datetime64], time: NDArray[np.datetime64]) -> np.datetime64:
    """Return the time of the first still by the clock of the tracklets, which may be a corrected one."""
    if not len(time):
        return np.datetime64(0, "ns")
    earliest: np.datetime64 = np.min(time) + np.max(begun - time)
    return earliest
