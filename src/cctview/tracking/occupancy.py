"""Where vehicles are met on a road: their density on the ground, whoever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cctview.tracking.priors import TrackPriors

__all__ = ["Occupancy", "Places", "places_of"]

Floats = NDArray[np.floating[Any]]

_ONE_SIGMA = (0.16, 0.84)  # quantiles of a normal distribution one deviation below and above its middle


@dataclass(frozen=True, eq=False, kw_only=True)
class Occupancy:
    """Log density per square metre in cells of the road between ``low`` and ``high`` (2,), along and across."""

    low: Floats
    high: Floats
    log_density: Floats

    def at(self, spot: Floats) -> Floats:
        """Return the log density at places (..., 2); beyond the cells, that of the nearest one."""
        cell = _cells(spot, self.low, self.high, self.log_density.shape)
        found: Floats = self.log_density[cell[..., 0], cell[..., 1]]
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Places:
    """How many sightings fell into each cell between ``low`` and ``high`` (2,), and how far they scatter, in metres."""

    low: Floats
    high: Floats
    counts: Floats
    spread: Floats

    def occupancy(self, vehicles: float, priors: TrackPriors) -> Occupancy:
        """Return the occupancy, given that about so many vehicles were seen.

        A Gaussian kernel estimate whose width follows Silverman's rule for the number of vehicles, not
        of sightings: what stands for an hour is one vehicle, and must not become where vehicles are
        usual. No narrower than a vehicle: nobody else is nearer.
        """
        size = (self.high - self.low) / self.counts.shape
        sigma = np.maximum(self.spread * max(vehicles, 1.0) ** (-1 / 6), priors.occupancy_least_m)
        smooth = gaussian_filter(self.counts, sigma / size)
        share = (smooth + priors.occupancy_pseudo / smooth.size) / (smooth.sum() + priors.occupancy_pseudo)
        return Occupancy(low=self.low, high=self.high, log_density=np.log(share / size.prod()))


def places_of(spot: Floats, priors: TrackPriors) -> Places:
    """Return the places (N, 2) at which vehicles were seen, N > 0, cell by cell."""
    tail, cells = priors.cells_tail, priors.cells
    low, left, right, high = np.quantile(spot, [tail, *_ONE_SIGMA, 1 - tail], axis=0)
    margin = np.maximum(priors.cells_margin * (high - low), priors.cells_margin_m)
    low, high = low - margin, high + margin
    cell = _cells(spot, low, high, cells)
    counts = np.bincount(np.ravel_multi_index((cell[:, 0], cell[:, 1]), cells), minlength=int(np.prod(cells)))
    spread = np.minimum(spot.std(axis=0), (right - left) / 2)
    return Places(low=low, high=high, counts=counts.reshape(cells).astype(np.float64), spread=spread)


def _cells(spot: Floats, low: Floats, high: Floats, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the cell of each place."""
    cells = np.array(shape)
    cell = (spot - low) * (cells / (high - low))
    return np.minimum(np.maximum(cell, 0), cells - 1).astype(np.intp)
