"""Every number that steers the matching, with its unit and where it comes from.

"First version" means: it was set by hand when its part was written, has worked since, and nobody has varied it
alone. Whoever changes one changes the fingerprint in the ``meta`` of the matches, and tables made before and after
do not join.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cctview.road.priors import RoadPriors

__all__ = ["PRIORS", "MatchingPriors"]


@dataclass(frozen=True, kw_only=True)
class MatchingPriors:
    """What is held to be so before a link is known, and how finely it is learnt."""

    # ---- The road before a camera: which way it flows, how tall vehicles are, where the border cuts them.

    # Said with that package, and hashed with these
    road: RoadPriors = field(default_factory=RoadPriors)

    # ---- Sides: who may travel a link.

    # A link this near to where the camera looks shows vehicles from behind; first version
    away_deg: float = 75.0
    # From here on it shows them from the front, between the two no way is asked; first version
    towards_deg: float = 105.0
    # Quantile that stands for the best a camera shows; first version
    best_quality: float = 0.95
    # Classes of quality, about as many tracklets in each; first version
    kinds: int = 3
    # Tracklets before and after that tell what a camera's light adds to all; first version
    light_neighbours: int = 60

    # ---- Strangers: pairs that cannot be one vehicle.

    # Drawn per query, before those inside the window are dropped; first version
    strangers_each: int = 40
    # The draw is the same every time; any number serves
    strangers_seed: int = 20200505
    # Drawn up to so far outside the link's window, s; first version
    strangers_far_s: float = 600.0
    # And outside the learnt one, s: in about the same light; first version
    strangers_near_s: float = 200.0

    # ---- Looks: what a distance says.

    # Classes of quality, each with a density of its own; first version
    grades: int = 3
    # Of the normalised distance; first version
    bins: int = 96
    # Spreads of strangers below their mean at which the bins begin; first version
    bins_below: float = 7.0
    # And above it at which they end; first version
    bins_above: float = 4.0
    # Strangers of the other side that a tracklet is measured against; first version
    cohort: int = 400
    # Cosine distance, stands for the spread where nothing is normalised; first version
    plain_spread: float = 0.25
    # Pairs by which a grade of strangers leans on all grades and a bell; first version
    chance_pseudo: float = 30.0
    # By which counts of strangers are smoothed; first version
    chance_blur_bins: float = 1.5
    # By which the bell of strangers is wider than they are; first version
    chance_widen: float = 1.3
    # Spreads by which one vehicle is nearer than strangers before it is known; first version
    promised: float = 2.7
    # The spread of that, in spreads of strangers; first version
    promised_spread: float = 1.2
    # Vehicles that this promise counts as against what is learnt; first version
    trust: float = 60.0
    # Normalised distance by which the density of one vehicle is smoothed; first version
    same_blur: float = 0.2
    # Nats that looks alone may say; first version
    looks_most: float = 9.0

    # ---- Size and lane: normal scores that go together.

    # Correlation held likely before it is known; first version
    usual_agreement: float = 0.3
    # Vehicles that this counts as; first version
    agreement_pseudo: float = 30.0
    # Correlation that is never exceeded; first version
    agreement_most: float = 0.85
    # Vehicles that tell which way a place is driven; first version
    lane_neighbours: int = 41
    # Lengths of a vehicle along the road within which two are side by side; first version
    lane_beside: float = 1.2
    # Beside a vehicle, below which its lane is not known; first version
    lane_fewest: int = 15
    # Vehicles of a camera that are asked, to bound the time; first version
    lane_references: int = 1000

    # ---- Looks and size together.

    # Share of tracklets that are mixed or broken, so that none is ruled out; first version
    damaged: float = 0.01
    # Share that counts of what goes beyond what strangers allow; first version
    beyond: float = 0.5
    # Nats below which the reasons are not drawn in, to divide by nothing small; first version
    nothing: float = 0.05
    # Odds below which a pair is dropped before rivals are heard; first version
    hopeless: float = 1e-6

    # ---- Travel time: the lag of a link.

    # Relative width of a bin of lags; first version
    grain: float = 0.02
    # Median of the log-normal speed before anything is known, m/s; first version
    usual_speed_mps: float = 16.0
    # Its spread, in the logarithm: 19 of 20 between 5 and 53 m/s; first version
    speed_spread: float = 0.6
    # Of the densest bin's mass that every bin has; first version
    speed_floor: float = 0.02
    # How wrong a difference of two stamps may be, s: the original's carry whole seconds
    stamp_s: float = 1.0
    # Relative spread within which lags are one; first version
    own_pace: float = 0.02
    # Vehicles that the first density counts as in every round of learning; first version
    travel_pseudo: float = 5.0
    # Of the highest density, below which a lag is outside the window; first version
    window_share: float = 0.01
    # Width at which a peak is looked for; first version
    peak_narrow_bins: float = 1.5
    # Width of what it must stand out from; first version
    peak_wide_bins: float = 15.0
    # By which it must; a bin of pure chance does so 2 times in 10,000
    peak_sigma: float = 3.5
    # Of its sigma at which a peak ends; first version
    peak_foot: float = 0.2
    # Of the mass that stays with the first density; first version
    peak_floor: float = 0.03

    # ---- Order: the pace of the vehicles around.

    # Departures within one slot do not speak for each other, s; first version
    slot_s: float = 4.0
    # To each side that speak: a minute; first version
    slots: int = 15
    # Spread of how much they do, s; lags of vehicles 10 s apart differ by 2 to 5 s
    around_s: float = 20.0
    # Relative spread of paces among them; first version
    order_spread: float = 0.03
    # Vehicles by which what is around leans on all times; first version
    order_lean: float = 2.0

    # ---- Learning: rounds of belief and fit.

    # Odds that a tracklet has its other half, before anything is learnt; first version
    first_comes: float = 0.5
    # Vehicles added to those found, per kind; first version
    comes_found: float = 1.0
    # And to those asked: where nothing is learnt, one in ten comes; first version
    comes_asked: float = 10.0
    # Share of a kind that never comes, at least; first version
    fewest_gone: float = 0.1
    # Vehicles added to those there; first version
    new_there: float = 4.0
    # Share of a kind that did not come by this link, at least; first version
    fewest_new: float = 0.1
    # Over which arrivals are counted, s; first version
    rate_s: float = 30.0
    # Arrivals per second that are held possible, at least; first version
    rate_least: float = 1e-3
    # Extra relative width of lags in the first round where no peak was found; first version
    heat: float = 0.3
    # And where one was; first version
    cool: float = 0.02
    # By which it shrinks from round to round; first version
    cooling: float = 0.75
    # Below which a pair no longer takes part in learning; first version
    least_odds: float = 1e-4
    # Rounds before pairs are dropped; first version
    prune_after: int = 2
    # Times as many pairs as for learning are looked at for a peak; first version
    peak_pairs: int = 16
    # Odds at which a pair counts half towards a peak; first version
    shouting: float = 100.0
    # By which a window is widened at an end; first version
    room: float = 1.2
    # Times that it is, at most; first version
    widenings: int = 4
    # Of the highest density, that near an end means that a jam was cut off; first version
    crowded: float = 0.1
    # How near is near an end, as a ratio of lags; first version
    rim: tuple[float, ...] = (1.03, 1.06)

    # ---- Links.

    # Two links that differ by less go the same way; first version
    turned_deg: float = 100.0


PRIORS = MatchingPriors()
