"""Journeys: chains of matched tracklets over cameras, and spans of time that are linked one after another."""

from __future__ import annotations

from cctview.journeys.chains import JourneySettings, chain
from cctview.journeys.spans import INTERVAL, Arrival, LinkState, Settled, linked, linked_further

__all__ = ["INTERVAL", "Arrival", "JourneySettings", "LinkState", "Settled", "chain", "linked", "linked_further"]
