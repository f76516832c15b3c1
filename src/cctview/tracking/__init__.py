"""Tracklets: one vehicle within one camera, at any rate from video to one still in five seconds."""

from __future__ import annotations

from cctview.tracking.breaks import find_breaks
from cctview.tracking.following import follow, track
from cctview.tracking.priors import SortPriors, TrackPriors
from cctview.tracking.settings import SortSettings, TrackSettings
from cctview.tracking.sort import SortState, SortTracker
from cctview.tracking.state import TrackState
from cctview.tracking.tracker import RoadTracker

__all__ = [
    "RoadTracker",
    "SortPriors",
    "SortSettings",
    "SortState",
    "SortTracker",
    "TrackPriors",
    "TrackSettings",
    "TrackState",
    "find_breaks",
    "follow",
    "track",
]
