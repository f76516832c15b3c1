"""Every number that steers the trackers, with its unit and where it comes from.

"Inherited" means: as in the first version, where it was set by hand on simulated roads and on stills of one
evening, and not tuned again. Lengths are metres on the ground of a camera, true to a constant factor.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cctview.road.priors import RoadPriors

__all__ = ["SORT_VERSION", "TRACK_VERSION", "SortPriors", "TrackPriors"]

TRACK_VERSION = "3"  # of RoadTracker's method: raised when the same numbers give other tracklets
SORT_VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class TrackPriors:
    """What RoadTracker takes for granted before it has seen a camera; the number of bins belongs to it."""

    road: RoadPriors = field(default_factory=RoadPriors)  # the ground, the border, which way a place flows

    # Intake (sightings.py): when a still shows exactly what the one before it shows.
    same_px: float = 0.02  # pixels a box may differ; far below what any detector repeats on a new still; inherited
    same_look: float = 1e-3  # per component of the vector, above half precision's rounding; inherited

    # Memory (state.py, learnt.py, tracker.py).
    growth: float = 1.5  # the road is learnt anew when memory has grown by this factor; inherited
    renewed: float = 0.5  # ... or when this share of a full memory is new; inherited
    rows_a_look: int = 512  # sightings between two looks whether the camera was turned; inherited
    trial_rounds: int = 4  # of expectation maximisation when two clocks are compared; inherited
    trial_pairs: int = 12_000  # about as many pairs then; inherited

    # The clock (scene.py): stamps of whole seconds on even stills.
    even_gaps: int = 8  # fewest gaps between stills that tell a step; inherited
    even_outlier: float = 2.0  # gaps longer than so many median gaps are pauses and do not count; inherited
    even_longest_s: float = 8.0  # beyond it a second more or less says little; inherited
    even_slack_s: float = 1.0  # a stamp cut to whole seconds is off by less than one second

    # The road (road.py): its middle line through all vehicles.
    vehicle_height_m: float = 1.5  # metres; a car's, sets the scale of all lengths
    near_share: float = 0.9  # the nearest share of vehicles draws the line, for the far end trembles; inherited
    axis_robust: float = 3.0  # offsets, in m per root of m of depth, beyond which a vehicle draws less; inherited
    curve_robust_m: float = 2.0  # metres across beyond which a vehicle bends less; about a lane's half; inherited
    curve_ridge: tuple[float, float, float] = (1e-3, 1e1, 1e4)  # of shift, slope, bend: nearly straight; inherited
    curve_rounds: int = 15  # of reweighting; it stands still long before; inherited

    # What a sighting is (scene.py).
    place_bins: tuple[int, int] = (8, 14)  # how near by how far across; inherited
    place_px: tuple[float, float] = (4.0, 100.0)  # heights of a car, in pixels, from first to last bin; inherited
    place_across: tuple[float, float] = (
        6.0,
        2.1,
    )  # metres where bins begin to widen; reach in arcsinh of that; inherited
    small_bins: int = 5  # classes of how large a car looks at its place; inherited
    small_px: tuple[float, float] = (5.0, 40.0)  # heights, in pixels, from first to last class; inherited
    tremble: tuple[float, float] = (0.7, 0.05)  # a box's deviation: pixels, and share of a car's height; inherited

    # What a pair of sightings is (pairs.py).
    motion_bins: tuple[int, int] = (31, 15)  # along, across; inherited
    motion_reach: tuple[float, float] = (2.5, 2.3)  # arcsinh units to either side; the last bins hold all beyond
    motion_speed_mps: float = 25.0  # m/s along the road that a bin's width grows with; fast traffic; inherited
    motion_slack_m: float = 0.3  # metres along, added before time makes any; inherited
    motion_fine: float = 3.0  # so much finer than what a fast vehicle drives are bins along the road; inherited
    motion_aside: tuple[float, float] = (1.2, 0.03)  # bins across: metres, and metres per metre of depth; inherited
    motion_grain: float = 2.0  # pixels a box trembles by, added to either bin; inherited
    motion_beyond: float = 7.0  # nats: how much larger than they look the last bins along the road are; inherited
    change_bins: tuple[int, int] = (20, 20)  # of width and height; inherited
    change_reach: float = 1.0  # in logarithms: a factor e either way fills the bins; inherited
    overlaps: tuple[float, float] = (0.05, 0.5)  # IoU above which a pair overlaps, and stays; inherited
    like_bins: tuple[float, ...] = (
        *(0.001, 0.003, 0.006, 0.01, 0.02, 0.03, 0.05, 0.075),
        *np.linspace(0.1, 0.6, 11).tolist(),
        *(0.7, 0.8, 0.9, 0.95),
    )  # quantiles of chance pairs' cosine distance that part the bins of likeness: fine where alike; inherited
    like_reach: tuple[float, float] = (0.05, 1.2)  # cosine distances of the bins where no chance pair is; inherited

    # Learning how vehicles move (motion.py, density.py).
    pseudo: float = 30.0  # pairs that the prior of a density counts as; inherited
    shift_s: float = 25.0  # seconds after which nobody is in view any more: chance pairs; inherited
    shift_stills: int = 8  # ... and at least so many stills; inherited
    shifts: tuple[float, ...] = (1.0, 1.8, 3.1)  # times shift_s, without a common measure; inherited
    chance_enough: float = 1.5  # far pairs per near pair that make pairs within a still unnecessary; inherited
    parked: tuple[float, int] = (
        0.6,
        15,
    )  # chance pairs of this IoU and a likeness bin up to this one are one parked car
    odds_cap: float = 30.0  # nats; no evidence of one pair is stronger; inherited
    messages: int = 6  # rounds of belief propagation; inherited
    odd: float = 0.02  # share of true pairs that look like chance in change or likeness; inherited
    stays_pseudo: tuple[float, float] = (1.0, 3.0)  # seen again, of so many asked, before anything is known; inherited
    stays_range: tuple[float, float] = (0.02, 0.95)  # share of vehicles seen again, never surer; inherited
    fresh_pseudo: tuple[float, float] = (1.0, 2.0)  # newcomers, of so many, before anything is known
    fresh_least: float = 0.05  # share of newcomers, never less; inherited
    fresh_start: float = 0.5  # share of newcomers before the first round; inherited
    place_smooth: float = 1.0  # bins by which places share what they know; inherited
    motion_smooth: tuple[float, ...] = (1.0, 1.0, 0.8, 0.7)  # bins of near, lane, along, across; inherited
    change_smooth: tuple[float, ...] = (0.0, 0.7, 0.8, 0.8)  # bins of overlap, size, height, width; inherited
    like_smooth: tuple[float, ...] = (0.0, 0.7, 0.8)  # bins of overlap, size, likeness; inherited
    usual_along: tuple[float, float] = (2.1, 0.05)  # speeds up to arcsinh this are alike likely, others this much less
    usual_aside: float = 0.5  # vehicles keep lane: scale of a Laplace density in arcsinh units; inherited
    usual_change: tuple[float, float] = (0.25, 0.2)  # ... and size: scales of log width and log height; inherited
    usual_like: float = 0.5  # ... and look: quantile of chance to this power is the share of true pairs below

    # Where vehicles are met at all (occupancy.py).
    cells: tuple[int, int] = (40, 12)  # along, across; inherited
    cells_tail: float = 0.02  # share of sightings at each end that the cells may leave out; inherited
    cells_margin: float = 0.1  # share of the extent added on each side; inherited
    cells_margin_m: tuple[float, float] = (9.0, 2.0)  # metres added at least: two lengths, one width; inherited
    occupancy_pseudo: float = 10.0  # sightings spread evenly over all cells; inherited
    occupancy_least_m: tuple[float, float] = (4.5, 1.0)  # no kernel is narrower than a vehicle (length, half a width)

    # Each vehicle's own course (course.py).
    speed_spread_mps: tuple[float, float] = (30.0, 4.0)  # m/s; of vehicles seen once: motorways, changes of lane
    acceleration: tuple[float, float] = (2.0, 0.7)  # m/s to the root of s: white noise of the acceleration; inherited
    bend: float = 0.08  # share of the way driven by which a road's bend misleads; inherited

    # Linking (link.py).
    inertia: float = 0.7  # how far a vehicle's own course counts against what the road teaches; inherited
    inertia_once: float = 1e-9  # ... where it was seen once and has none: as good as nothing
    patience: float = 2.0  # the next still is tried up to so many max_gap_s, so that one in 5 s still links

    # Tracklets (headings.py, tracklets.py).
    across: float = 3.0  # metres aside per metre nearer from which a vehicle goes across; inherited
    flow_smooth: float = 0.7  # bins of place; inherited
    flow_least: float = 2.0  # tracklets at a place before it has a flow; inherited
    flow_clear: float = 0.85  # share of one way from which a place's flow is clear; inherited
    pooling_least: float = 0.02  # weight in the mean vector of a detection of quality 0; inherited

    # Turned cameras (turns.py).
    turn_grid: tuple[int, int, int] = (10, 8, 4)  # cells of the image across and down, and heights; inherited
    turn_smooth: float = 0.7  # cells; inherited
    turn_octaves: float = 5.0  # heights from 1/32 of the image to all of it; 2**5 = 32
    turn_before: int = 1000  # vehicles that tell how it was; inherited
    turn_after: int = 100  # ... and how it is now; a turn is noticed after so many; inherited
    turn_thin_s: float = 3.0  # seconds between stills compared, so that a vehicle counts about once; inherited
    turn_stays: float = 0.6  # IoU with a box before, from which a vehicle stands and does not count again; inherited
    turn_divergence: float = 0.18  # bits; 0 the same, 1 nothing in common; inherited

    # Breaks in the stills (breaks.py).
    silent_s: float = 60.0  # seconds without a still, from which it is a gap; inherited
    silent_steps: float = 10.0  # ... and usual steps; inherited
    frozen: int = 3  # the same content so many times in a row is a frozen camera: twice may be a slow one
    rush_stills: int = 32  # stills over which density is judged; inherited
    rush_share: float = 0.6  # of the usual time: a clock told twice makes stills twice as dense, 0.5; inherited
    rush_usual: float = 0.75  # quantile of the times taken that is the usual one; inherited
    rush_pause: float = 3.0  # median gaps to which longer ones are cut, for silence is no rush; inherited
    rush_least: int = 3  # times rush_stills of gaps, before anything is judged; inherited


@dataclass(frozen=True, kw_only=True)
class SortPriors:
    """The noise of SortTracker's boxes, in heights of the box, so that near and far are treated alike."""

    same_px: float = 0.02  # as RoadTracker's
    same_look: float = 1e-3  # as RoadTracker's
    road: RoadPriors = field(default_factory=RoadPriors)  # when a vehicle moved
    across: float = 3.0  # pixels aside per pixel down from which a vehicle goes across; as RoadTracker's in metres
    pooling_least: float = 0.02  # as RoadTracker's

    # Chosen on simulated roads at 0.5, 2 and 10 stills a second: IDF1 moves by less than 0.005 within the spans told.
    place: float = 0.05  # heights: deviation of a found box's middle, 1/20 as DeepSORT (Wojke 2017); flat to 0.1
    shape: float = 0.1  # deviation of the logarithms of area and aspect ratio; set by hand
    speed: float = 3.0  # heights per second, of a vehicle seen once; flat to 10
    growth: float = 0.5  # per second, of the logarithm of the area of a vehicle seen once; flat to 1
    jerk: float = 1.0  # heights per second to the root of a second, white noise of the acceleration; flat to 2
    swell: float = 0.2  # the same for the logarithm of the area; set by hand
