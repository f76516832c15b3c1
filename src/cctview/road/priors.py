"""Every number that steers what is learnt of a road, with its unit and where it comes from.

"Inherited" means: as in the first version, where it was set by hand on simulated roads and on stills of one
evening, and not tuned again.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ROAD", "ROAD_VERSION", "RoadPriors"]

ROAD_VERSION = "1"  # of the method: raised when the same numbers give other lanes


@dataclass(frozen=True, kw_only=True)
class RoadPriors:
    """What is taken for granted of any road before traffic has told anything."""

    # The ground (ground.py): the plane of usual heights.
    least_height_px: float = 4.0  # pixels; no vehicle is held to be smaller, at the horizon or beyond; inherited
    horizon: float = 0.3  # share of the image's height at which made-up boxes shrink to nothing; inherited
    horizon_least: float = 0.1  # share by which vehicles stand at least below that horizon; inherited
    feet: tuple[float, ...] = (0.4, 0.7, 1.0)  # shares of the height at which a made-up box stands, each; inherited
    height_robust: float = 0.15  # relative residual beyond which a box counts less: vans, half hidden cars; inherited
    plane_rounds: int = 15  # of reweighting; it stands still long before; inherited

    # The border (border.py).
    edge_px: float = 2.0  # pixels from the border within which a box is held to be cut; inherited

    # Which way a place flows (flow.py).
    moved_iou: float = 0.3  # first and last box that overlap by less are of a vehicle that moved; inherited
    neighbours: int = 31  # boxes of moving vehicles that say which way a place flows; inherited
    fewest_moving: int = 8  # vehicles seen to move, before a camera's flow is known at all; inherited
    clear_share: float = 0.8  # share of one way from which a place is clear; inherited

    # Lanes (lanes.py). Lengths are in heights of a vehicle: lanes lie some 1.5 apart, seen from above and behind.
    points: int = 8  # of a lane's line; enough for a bend
    stations: int = 48  # lines over the road at which crossings are counted; inherited
    stretch: tuple[float, float] = (0.005, 0.98)  # quantiles of places between which stations lie; inherited
    fewest: int = 8  # vehicles of a lane; inherited
    fewest_share: float = 0.01  # ... and share of the moving vehicles of its camera; inherited
    shortest: int = 6  # stations of a lane; inherited
    outliers: tuple[float, float] = (0.002, 0.998)  # quantiles of crossings between which crowds are sought; inherited
    column: float = 0.07  # width of a bin across, far below a lane's; inherited
    spread: float = 0.27  # how far vehicles scatter about the middle of their lane; inherited
    spread_stations: float = 0.7  # stations by which neighbours share what they know; inherited
    reach: float = 0.67  # a crossing belongs to a crowd no farther than this: half a lane; inherited
    peak: float = 3.0  # vehicles at once that make a crowd; inherited
    votes: int = 3  # vehicles that must join two crowds; inherited
    strides: tuple[int, ...] = (1, 2, 3)  # stations over which crowds are joined, for detections miss; inherited
    end_share: float = 0.1  # of its best station's support, below which a lane ends; inherited
    bends: int = 3  # degree of the polynomial that smooths a lane's line; a curve and its change


ROAD = RoadPriors()
