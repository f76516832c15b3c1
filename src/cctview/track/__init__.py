"""Tracklets: one vehicle within one camera, at any rate from video to one still in five seconds."""

from __future__ import annotations

from cctview.track.settings import TrackSettings
from cctview.track.tracker import track

__all__ = ["TrackSettings", "track"]
