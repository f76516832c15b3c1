"""A plug-in for cctview: a tracker that joins the nearest boxes, and a source that reads a list."""

from __future__ import annotations

from cctview_nearest.listed import ListSource
from cctview_nearest.tracker import NearestBox

__all__ = ["ListSource", "NearestBox"]
