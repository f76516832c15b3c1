"""Smoothed histograms that lean on a prior: densities over some axes given the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

__all__ = ["Histogram"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Histogram:
    """Bins of ``shape`` smoothed by ``sigma`` bins; the first two axes are given, the others add up to 1.

    ``prior`` is the density over the other axes before anything was seen. Places with few counts
    lean on all places together, and those on the prior, which counts as ``pseudo`` rows each time.
    """

    shape: tuple[int, ...]
    sigma: tuple[float, ...]
    prior: Floats
    pseudo: float

    @property
    def inner(self) -> tuple[int, ...]:
        """The axes over which the density adds up to 1."""
        return tuple(range(2, len(self.shape)))

    def counts(self, bins: Ints, weight: Floats) -> Floats:
        """Return the smoothed counts of flat bin numbers (N,): (...) in ``shape``."""
        plain = np.bincount(bins, weight, int(np.prod(self.shape))).reshape(self.shape)
        return gaussian_filter(plain.astype(np.float64), self.sigma, mode="nearest")

    def density(self, counts: Floats) -> Floats:
        """Return the density (...) that the counts (...) support, both in ``shape``."""
        total = counts.sum(axis=self.inner, keepdims=True)
        return (counts + self.pseudo * self._overall(counts)) / (total + self.pseudo)

    def left_out(self, counts: Floats, bins: Ints, weight: Floats) -> Floats:
        """Return for each row of ``bins`` (N,) the density at its bin without its own weight.

        A row that helped to make the density would otherwise vouch for itself.
        """
        given = bins // int(np.prod(self.shape[2:]))
        within = bins % int(np.prod(self.shape[2:]))
        peaks = [_peak(sigma) for sigma in self.sigma]
        place, spot = float(np.prod(peaks[:2])), float(np.prod(peaks[2:]))
        everywhere = float(counts.sum())
        overall = self._overall(counts).ravel()[within] * (everywhere + self.pseudo) - weight * spot
        overall /= everywhere + self.pseudo - weight
        here = counts.ravel()[bins] - weight * place * spot
        total = counts.sum(axis=self.inner).ravel()[given] - weight * place
        least = np.finfo(np.float64).tiny
        return np.maximum(np.maximum(here, 0) + self.pseudo * overall, least) / (np.maximum(total, 0) + self.pseudo)

    def _overall(self, counts: Floats) -> Floats:
        """Return the density over all places together."""
        return (counts.sum(axis=(0, 1)) + self.pseudo * self.prior) / (counts.sum() + self.pseudo)


def _peak(sigma: float) -> float:
    """Return what is left of a count in its own bin after smoothing."""
    line = np.zeros(33)
    line[16] = 1.0
    return float(gaussian_filter1d(line, sigma)[16]) if sigma > 0 else 1.0
