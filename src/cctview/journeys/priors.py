"""Every number that steers journeys besides their settings, with its unit and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PRIORS", "JourneyPriors"]


@dataclass(frozen=True, kw_only=True)
class JourneyPriors:
    """What is held to be so of vehicles that pass several cameras."""

    # Turn in degrees between two links above which a vehicle would have turned back; first version, not tuned again.
    turned_back_deg: float = 100.0
    # Seconds of tracklets before a span that its links are learnt from too; first version, not tuned again.
    history_s: float = 300.0


PRIORS = JourneyPriors()
