"""Tracklets: one vehicle within one camera, at any rate from video to one still in five seconds."""

from __future__ import annotations

from cctview.tracking.breaks import find_breaks
from cctview.tracking.saving import dump, load
from cctview.tracking.settings import TrackSettings
from cctview.tracking.state import TrackState
from cctview.tracking.tracker import NO_TRACKLET, follow, step, track

__all__ = ["NO_TRACKLET", "TrackSettings", "TrackState", "dump", "find_breaks", "follow", "load", "step", "track"]
