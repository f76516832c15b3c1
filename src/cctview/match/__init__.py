"""Matches: which tracklet of the next camera is the same vehicle, with probabilities that mean it."""

from __future__ import annotations

from cctview.match.matcher import match
from cctview.match.settings import MatchSettings

__all__ = ["MatchSettings", "match"]
