"""Matches: which tracklet of the next camera is the same vehicle, with probabilities that mean it."""

from __future__ import annotations

from cctview.match.lane_map import learn_lanes
from cctview.match.matcher import match
from cctview.match.online import MatchState, settle
from cctview.match.settings import MatchSettings
from cctview.match.times import travel_times

__all__ = ["MatchSettings", "MatchState", "learn_lanes", "match", "settle", "travel_times"]
