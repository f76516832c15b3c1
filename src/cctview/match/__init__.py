"""Matches: which tracklet of the next camera is the same vehicle, with probabilities that mean it."""

from __future__ import annotations

from cctview.match.matcher import match
from cctview.match.settings import MatchSettings
from cctview.match.times import travel_times

__all__ = ["MatchSettings", "match", "travel_times"]
