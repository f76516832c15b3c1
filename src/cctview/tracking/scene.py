"""One camera's vehicles in coordinates of its road, ready to be compared in pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import foot, size
from cctview.road.border import cut_by_border
from cctview.tracking.priors import TrackPriors
from cctview.tracking.road import Road, road_of
from cctview.tracking.sightings import Sightings

__all__ = ["NO_LENGTH", "Lens", "Scene", "even_step", "lens_of", "place_bins", "scene_of", "unit"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

NO_LENGTH = 1e-6  # a vector that is not longer has no direction


@dataclass(frozen=True, eq=False, kw_only=True)
class Lens:
    """Through what a camera is looked at: its road, its mean vector ``(D,)``, and its clock.

    ``step_s`` is the step of an even clock that explains the stills better than their stamps, 0
    where the stamps are to be believed.
    """

    road: Road
    mean: Floats
    step_s: float = 0.0

    def gaps(self, seconds: Floats, slack_s: float) -> Floats:
        """Return the time between neighbouring stills (N,), given the seconds (N,) that their stamps say.

        Up to ``slack_s`` more than a step is one step.
        """
        if not self.step_s:
            return seconds
        return np.where(seconds <= self.step_s + slack_s, 1, np.rint(seconds / self.step_s)) * self.step_s


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """The vehicles of one camera in time order; N rows in F stills.

    ``still`` (N,) numbers the stills, ``first`` (F+1,) is where each one starts, ``crowd`` (F,) how
    many vehicles it shows and ``clock`` (F,) its seconds. ``vector`` is centred and of unit length.
    ``spot`` (N, 2) is metres along and across the road, ``grain`` the metres that a pixel makes there,
    ``depth`` metres from the camera, ``bin`` the flat bin of the place, ``small`` that of the height
    in pixels that a car has there, and ``shape`` (N, 2) the logarithms of width and height relative
    to it. ``cut`` marks boxes that touch the border; ``noise`` (N, 2) is the variance of ``spot`` in square
    metres, for boxes tremble.
    """

    box: Floats
    vector: Floats
    still: Ints
    first: Ints
    crowd: Ints
    clock: Floats
    spot: Floats
    grain: Floats
    depth: Floats
    bin: Ints
    small: Ints
    shape: Floats
    cut: NDArray[np.bool_]
    noise: Floats

    def __len__(self) -> int:
        return len(self.box)


def lens_of(sightings: Sightings, priors: TrackPriors) -> Lens:
    """Return what the sightings tell of their camera, its stamps being believed."""
    road = road_of(sightings.box.astype(np.float64), priors)
    return Lens(road=road, mean=sightings.vector.mean(axis=0, dtype=np.float64))


def scene_of(sightings: Sightings, lens: Lens, priors: TrackPriors) -> Scene:
    """Return the sightings as seen through a lens."""
    starts = sightings.starts
    box = sightings.box.astype(np.float64)
    feet = foot(box)
    scale, spot = lens.road.scale(feet), lens.road.place(feet)
    grain = lens.road.grain(feet, spot)
    seconds = np.maximum(np.diff(sightings.time[starts]), 0) / 1e9
    least, most = priors.small_px
    small = np.log(scale / least) * (priors.small_bins / np.log(most / least))
    still_px, growing = priors.tremble
    crowd = np.diff(starts, append=len(box))
    return Scene(
        box=box,
        vector=unit(sightings.vector - lens.mean.astype(np.float32)),
        still=np.repeat(np.arange(len(starts)), crowd),
        first=np.append(starts, len(box)),
        crowd=crowd,
        clock=np.concatenate([[0.0], np.cumsum(lens.gaps(seconds, priors.even_slack_s))])[: len(starts)],
        spot=spot,
        grain=grain,
        depth=lens.road.ground.places(feet)[:, 1],
        bin=place_bins(scale, spot[:, 1], priors),
        small=np.clip(small, 0, priors.small_bins - 1).astype(np.intp),
        shape=np.log(size(box) / scale[:, None]),
        cut=cut_by_border(box, lens.road.extent, priors.road.edge_px),
        noise=(grain * (still_px + growing * scale)[:, None]) ** 2,
    )


def even_step(sightings: Sightings, priors: TrackPriors) -> float:
    """Return the usual step of stills whose stamps are whole seconds, too coarse for it, else 0.

    Stamps of whole seconds say little about stills 1.7 s apart; a constant step with gaps of whole
    steps says more wherever the camera is regular.
    """
    seconds = sightings.time[sightings.starts] / 1e9
    gaps = np.diff(seconds)
    if len(gaps) < priors.even_gaps or not np.array_equal(seconds, np.rint(seconds)):
        return 0.0
    usual = float(gaps[gaps <= priors.even_outlier * np.median(gaps)].mean())
    return usual if usual <= priors.even_longest_s else 0.0


def place_bins(scale: Floats, across: Floats, priors: TrackPriors) -> Ints:
    """Return the flat bin of places (N,), ``(N,)``: how near, and which lane.

    ``scale`` (N,) is the height in pixels that a car has there, ``across`` (N,) metres from the middle of the road.
    """
    (nears, lanes), (least, most), (wide, reach) = priors.place_bins, priors.place_px, priors.place_across
    near = np.log(scale / least) * (nears / np.log(most / least))
    lane = (np.arcsinh(across / wide) + reach) * (lanes / (2 * reach))
    flat = [
        np.clip(axis, 0, count - 1).astype(np.intp) for axis, count in zip((near, lane), (nears, lanes), strict=True)
    ]
    return np.ravel_multi_index((flat[0], flat[1]), (nears, lanes))


def unit(vectors: Floats) -> Floats:
    """Return the vectors ``(..., D)`` at unit length, those without a direction at 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, NO_LENGTH) * (length > NO_LENGTH)
