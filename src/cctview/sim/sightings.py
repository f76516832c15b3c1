"""Who is truly where in which still: one row for each vehicle or person in each still."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.table import Column, Table
from cctview.types import OBJECT_TYPES

__all__ = ["IGNORED_PX", "IGNORED_VISIBILITY", "Sightings", "asked"]

IGNORED_PX = 8.0  # the smallest hand-labelled vehicles are as large: the root of the box's area
IGNORED_VISIBILITY = 0.35


def _not_negative(values: NDArray[Any]) -> NDArray[np.bool_]:
    return values >= 0


class Sightings(Table):
    """One vehicle or person in one still, as it truly was.

    ``at`` is the true second since the simulation's start, ``time`` what the camera's clock said, UTC.
    ``identity`` is the same on every camera. ``box`` bounds what shows, ``whole`` also what others hide, both
    xyxy pixels clipped to the still; ``visibility`` is the share that shows. ``lane`` counts from the
    median; people walk on lane 3. ``speed`` is m/s; ``towards`` says whether the object comes closer.
    """

    still = Column(np.int64, check=_not_negative, rule="the number of a still, from 0")
    camera = Column(np.str_)
    time: Column[np.datetime64] = Column("datetime64[ns]")
    at = Column(np.float64)
    identity = Column(np.int64, check=_not_negative, rule="a number >= 0")
    type = Column(np.str_, check=lambda v: np.isin(v, OBJECT_TYPES), rule="one of " + ", ".join(OBJECT_TYPES))
    box = Column(np.float32, (4,))
    whole = Column(np.float32, (4,))
    visibility = Column(np.float32, check=_not_negative, rule="a share >= 0")
    lane = Column(np.int64, check=_not_negative, rule="a lane from 0")
    speed = Column(np.float32, check=_not_negative, rule="m/s >= 0")
    towards = Column(np.bool_)


def asked(sightings: Sightings) -> NDArray[np.bool_]:
    """Return which sightings (S,) a detector may be asked for: large enough, and shown enough."""
    size = np.sqrt(np.prod(sightings.box[:, 2:] - sightings.box[:, :2], axis=1))
    return (size >= IGNORED_PX) & (sightings.visibility >= IGNORED_VISIBILITY)
