"""Tracklets: one vehicle within one camera, at any rate from video to one still in five seconds."""

from __future__ import annotations

from cctview.track.breaks import find_breaks
from cctview.track.saving import dump, load
from cctview.track.settings import TrackSettings
from cctview.track.state import TrackState
from cctview.track.tracker import NO_TRACKLET, follow, step, track

__all__ = ["NO_TRACKLET", "TrackSettings", "TrackState", "dump", "find_breaks", "follow", "load", "step", "track"]
