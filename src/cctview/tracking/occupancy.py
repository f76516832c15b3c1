"""Where vehicles are met on a road: their density on the ground, whoever they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

__all__ = ["Occupancy", "Places", "places_of"]

Floats = NDArray[np.floating[Any]]

_CELLS = np.array([40, 12])
_TAIL = 0.02
_LEAST_MARGIN_M = np.array([9.0, 2.0])
_ONE_SIGMA = (0.16, 0.84)
_PSEUDO = 10.0
_LEAST_SIGMA_M = np.array([4.5, 1.0])


@dataclass(frozen=True, eq=False, kw_only=True)
class Occupancy:
    """Log density per square metre in cells of the road between ``low`` and ``high`` (2,), along and across."""

    low: Floats
    high: Floats
    log_density: Floats

    def at(self, spot: Floats) -> Floats:
        """Return the log density at places (..., 2); beyond the cells, that of the nearest one."""
        cell = _cells(spot, self.low, self.high)
        found: Floats = self.log_density[cell[..., 0], cell[..., 1]]
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class Places:
    """How many sightings fell into each cell between ``low`` and ``high`` (2,), and how far they scatter, in metres."""

    low: Floats
    high: Floats
    counts: Floats
    spread: Floats

    def occupancy(self, vehicles: float) -> Occupancy:
        """Return the occupancy, given that about so many vehicles were seen.

        A Gaussian kernel estimate whose width follows Silverman's rule for the number of vehicles, not
        of sightings: what stands for an hour is one vehicle, and must not become where vehicles are
        usual. No narrower than a vehicle: nobody else is nearer.
        """
        size = (self.high - self.low) / _CELLS
        sigma = np.maximum(self.spread * max(vehicles, 1.0) ** (-1 / 6), _LEAST_SIGMA_M)
        smooth = gaussian_filter(self.counts, sigma / size)
        share = (smooth + _PSEUDO / smooth.size) / (smooth.sum() + _PSEUDO)
        return Occupancy(low=self.low, high=self.high, log_density=np.log(share / size.prod()))


def places_of(spot: Floats) -> Places:
    """Return the places (N, 2) at which vehicles were seen, N > 0, cell by cell."""
    low, left, right, high = np.quantile(spot, [_TAIL, *_ONE_SIGMA, 1 - _TAIL], axis=0)
    margin = np.maximum(0.1 * (high - low), _LEAST_MARGIN_M)
    low, high = low - margin, high + margin
    cell = _cells(spot, low, high)
    counts = np.bincount(np.ravel_multi_index((cell[:, 0], cell[:, 1]), _CELLS), minlength=int(_CELLS.prod()))
    spread = np.minimum(spot.std(axis=0), (right - left) / 2)
    return Places(low=low, high=high, counts=counts.reshape(_CELLS).astype(np.float64), spread=spread)


def _cells(spot: Floats, low: Floats, high: Floats) -> NDArray[np.intp]:
    """Return the cell of each place."""
    cell = (spot - low) * (_CELLS / (high - low))
    return np.minimum(np.maximum(cell, 0), _CELLS - 1).astype(np.intp)
