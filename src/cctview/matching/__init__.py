"""Matches: which tracklet of the next camera is the same vehicle, with probabilities that mean it."""

from __future__ import annotations

from cctview.matching.matcher import BeliefMatcher, match
from cctview.matching.nearest import NearestMatcher, NearestSettings
from cctview.matching.online import MatchState, settle
from cctview.matching.settings import MatchSettings

__all__ = ["BeliefMatcher", "MatchSettings", "MatchState", "NearestMatcher", "NearestSettings", "match", "settle"]
