"""Numbers that steer the discovery of links, each with its unit and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PRIORS", "DiscoveryPriors"]


@dataclass(frozen=True, kw_only=True)
class DiscoveryPriors:
    """What is thought of links before any is seen; "chosen" is on simulated worlds, "real" on one road's 37 minutes."""

    # ---- Who takes part.

    # Share of a camera's best quality that a tracklet needs; flat from 0.15 to 0.4 on the real hour.
    least_quality: float = 0.25
    # Fewer vehicles of one direction say nothing; a top share of so few pairs holds no pair.
    fewest: int = 20
    # Most vehicles of one direction that are looked at, the best ones: bounds the time of busy cameras.
    most: int = 4000
    # Hours of a longer store that are looked at, those with most traffic: twice what a far link needs.
    hours: int = 2
    # Neighbours in time to each side whose mean is taken away, the light of these minutes; as in matching.
    light_neighbours: int = 100

    # ---- Which pairs look alike.

    # Pairs that count as alike, for each vehicle of the larger flow; flat from 2 to 8.
    alike_each: float = 3.0
    # ... and of which each must be the other's best to be taken for one vehicle.
    alike_matched: float = 4.0
    # Weight of the most alike pairs, of which the least alike have 0 and all of them 1 on average.
    heaviest: float = 3.0
    # Vehicles of the other side that tell what a stranger looks like.
    cohort: int = 250

    # ---- Which lags stand out.

    # Lags looked at, to both sides, s: 15 km at 60 km/h.
    reach_s: float = 900.0
    # ... but at most this share of the time there are stills for, so that enough pairs have each lag.
    reach_share: float = 0.5
    # ... and where that leaves less, s, nothing is looked for.
    least_reach_s: float = 20.0
    # Widths of a peak, s: from a platoon on a free road to a queue.
    widths_s: tuple[int, ...] = (3, 6, 12, 24, 48)
    # Around a peak, widths to each side that are not background, and that are.
    hole: float = 1.0
    ring: float = 6.0
    # Alike pairs that are added to every background, so that few pairs make no evidence.
    floor: float = 0.5
    # Tests that each width of lags counts as, more than one because windows overlap; chosen without links.
    tests: float = 3.0
    # Widths of a peak within which there is no other.
    apart: float = 1.5
    # Peaks of one pair of directions that are looked at: a link, a way around, and one to spare.
    peaks: int = 3

    # ---- What is held to be real.

    # Share of false links among those found, over all pairs tried.
    false_share: float = 0.002
    # Share of false links below which one is called sure.
    sure: float = 1e-3
    # Least width of a peak for that, s: a narrow one may stand on the shoulder of a wide one.
    narrowest_s: float = 12.0
    # Widths of a peak to each side of it within which its travel times are looked for.
    around: float = 1.5
    # Seconds, and share of the lag, by which the sum of two links may miss the lag of the way over both.
    chain_s: float = 6.0
    chain_share: float = 0.12

    # ---- Clocks.

    # Share by which the ways there and back differ in time, where clocks agree: hills, queues, other lights.
    both_ways: float = 0.12
    # How wrong stamps of whole seconds and the place of passing make a lag, s.
    stamp_s: float = 1.5
    # Errors from which on a difference of two clocks is one.
    clock_sigma: float = 3.0

    # ---- The network made of what was found.

    # Speed at which a way of unknown length is driven, m/s; as in matching.
    usual_mps: float = 16.0
    # What the shortest time is given below what was seen, s and share of the median; the longest, for queues.
    slack_s: float = 3.0
    slack_share: float = 0.3
    queue_s: float = 20.0
    queue_share: float = 0.75
    # Degrees within which a link goes along the view of a camera; as in matching.
    along_deg: float = 80.0

    # ---- The coarse look, where there are many cameras.

    # Above this many directions it comes first: all pairs of fewer take seconds.
    coarse_above: int = 48
    # Kinds of looks, the ones a vehicle is nearest to, and vehicles that tell them.
    coarse_kinds: int = 200
    coarse_near: int = 2
    coarse_sample: int = 20_000
    # Width of bins of time, s, and bins of a peak and of the ring around it.
    coarse_s: int = 8
    coarse_width: int = 3
    coarse_ring: int = 25
    # Standard deviations from which on a pair is looked at closely, and at most so many for each direction.
    coarse_z: float = 3.5
    coarse_partners: int = 2


PRIORS = DiscoveryPriors()
