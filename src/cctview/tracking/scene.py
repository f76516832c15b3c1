"""One camera's vehicles in coordinates of its road, ready to be compared in pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import size
from cctview.tracking.road import Road, road_of
from cctview.tracking.sightings import Sightings

__all__ = ["PLACE", "SMALL", "Lens", "Scene", "even_step", "lens_of", "place_bins", "scene_of", "unit"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

PLACE = (8, 14)
SMALL = 5
_EDGE_PX = 2.0
_LONGEST_EVEN_S = 8.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Lens:
    """Through what a camera is looked at: its road, its mean vector ``(D,)``, and its clock.

    ``step_s`` is the step of an even clock that explains the stills better than their stamps, 0
    where the stamps are to be believed.
    """

    road: Road
    mean: Floats
    step_s: float = 0.0

    def gaps(self, seconds: Floats) -> Floats:
        """Return the time between neighbouring stills, given what their stamps say."""
        if not self.step_s:
            return seconds
        return np.where(seconds <= self.step_s + 1.0, 1, np.rint(seconds / self.step_s)) * self.step_s


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


def lens_of(sightings: Sightings) -> Lens:
    """Return what the sightings tell of their camera, its stamps being believed."""
    road = road_of(sightings.box.astype(np.float64))
    return Lens(road=road, mean=sightings.vector.mean(axis=0, dtype=np.float64))


def scene_of(sightings: Sightings, lens: Lens) -> Scene:
    """Return the sightings as seen through a lens."""
    starts = sightings.starts
    box = sightings.box.astype(np.float64)
    scale = lens.road.scale(box)
    spot, grain = lens.road.place(box), lens.road.grain(box)
    seconds = np.maximum(np.diff(sightings.time[starts]), 0) / 1e9
    width, height = lens.road.extent
    small = np.log(scale / 5.0) * (SMALL / np.log(40.0 / 5.0))
    crowd = np.diff(starts, append=len(box))
    return Scene(
        box=box,
        vector=unit(sightings.vector - lens.mean.astype(np.float32)),
        still=np.repeat(np.arange(len(starts)), crowd),
        first=np.append(starts, len(box)),
        crowd=crowd,
        clock=np.concatenate([[0.0], np.cumsum(lens.gaps(seconds))])[: len(starts)],
        spot=spot,
        grain=grain,
        depth=lens.road.ground(box)[:, 1],
        bin=place_bins(lens.road, box),
        small=np.clip(small, 0, SMALL - 1).astype(np.intp),
        shape=np.log(size(box) / scale[:, None]),
        cut=(box[:, 0] < _EDGE_PX) | (box[:, 2] > width - _EDGE_PX) | (box[:, 3] > height - _EDGE_PX),
        noise=(grain * (0.7 + 0.05 * scale)[:, None]) ** 2,
    )


def even_step(sightings: Sightings) -> float:
    """Return the usual step of stills whose stamps are whole seconds, too coarse for it, else 0.

    Stamps of whole seconds say little about stills 1.7 s apart; a constant step with gaps of whole
    steps says more wherever the camera is regular.
    """
    seconds = sightings.time[sightings.starts] / 1e9
    gaps = np.diff(seconds)
    if len(gaps) < 8 or not np.array_equal(seconds, np.rint(seconds)):
        return 0.0
    usual = float(gaps[gaps <= 2 * np.median(gaps)].mean())
    return usual if usual <= _LONGEST_EVEN_S else 0.0


def place_bins(road: Road, box: Floats) -> Ints:
    """Return the flat bin of PLACE of each box: how near, and which lane."""
    near = np.log(road.scale(box) / 4.0) * (PLACE[0] / np.log(100.0 / 4.0))
    lane = (np.arcsinh(road.place(box)[:, 1] / 6) + 2.1) * (PLACE[1] / 4.2)
    flat = [np.clip(axis, 0, count - 1).astype(np.intp) for axis, count in zip((near, lane), PLACE, strict=True)]
    return np.ravel_multi_index((flat[0], flat[1]), PLACE)


def unit(vectors: Floats) -> Floats:
    """Return the vectors at unit length, those without a direction at 0."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(length, 1e-6) * (length > 1e-6)
