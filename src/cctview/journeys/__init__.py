"""Journeys: chains of matched tracklets over cameras, and spans of time that are linked one after another."""

from __future__ import annotations

from cctview.journeys.chains import JourneySettings, journeys
from cctview.journeys.spans import Arrival, Linked, linked

__all__ = ["Arrival", "JourneySettings", "Linked", "journeys", "linked"]
