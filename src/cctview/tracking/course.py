"""Where each vehicle will be: a constant-velocity Kalman filter per axis, for all vehicles at once.

The axes are independent, so that the filter of each is five numbers, and its algebra can be written out (Bar-Shalom,
Li, Kirubarajan 2001, white noise acceleration). RoadTracker has two axes, along and across the road.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["SIZE", "fresh", "later", "log_density", "met"]

Floats = NDArray[np.floating[Any]]

SIZE = 5  # place, speed, and their variances: of the place, of both together, of the speed
_LOG_TWO_PI = float(np.log(2 * np.pi))


def fresh(spot: Floats, noise: Floats, speed_spread: ArrayLike) -> Floats:
    """Return the courses ``(N, 5, A)`` of vehicles seen once at ``spot`` (N, A), whose speed nobody knows.

    ``noise`` (N, A) is the variance of the spot, ``speed_spread`` (A,) or (N, A) the deviation of speeds.
    """
    nothing = np.zeros_like(spot)
    return np.stack([spot, nothing, noise, nothing, np.broadcast_to(np.square(speed_spread), spot.shape)], axis=1)


def later(course: Floats, gap: Floats, acceleration: ArrayLike, bend: float) -> Floats:
    """Return the courses (N, 5, A) after ``gap`` (N,) seconds.

    ``acceleration`` (A,) or (N, A) is its noise, units per second to the root of a second; ``bend`` the share of
    the way driven by which the axes mislead.
    """
    place, speed, spread, tie, doubt = (course[:, k] for k in range(SIZE))
    dt = gap[:, None]
    drift = np.square(acceleration) * dt
    moved = speed * dt
    grown = dt * doubt
    out = np.empty_like(course)
    out[:, 0] = place + moved
    out[:, 1] = speed
    out[:, 2] = spread + dt * (2 * tie + grown + drift * dt / 3) + (bend * moved) ** 2
    out[:, 3] = tie + grown + drift * dt / 2
    out[:, 4] = doubt + drift
    return out


def log_density(course: Floats, spot: Floats, noise: Floats) -> Floats:
    """Return the log density, per square unit, of finding E vehicles (E, 5, 2) at n places (n, 2): ``(E, n)``."""
    variance = course[:, None, 2] + noise
    off = spot - course[:, None, 0]
    terms = off * off / variance + np.log(variance)
    return -0.5 * (terms[..., 0] + terms[..., 1]) - _LOG_TWO_PI


def met(course: Floats, spot: Floats, noise: Floats) -> Floats:
    """Return the courses (N, 5, A) after each vehicle was found at a spot (N, A) of variance ``noise`` (N, A)."""
    place, speed, spread, tie, doubt = (course[:, k] for k in range(SIZE))
    variance = spread + noise
    gain, pull = spread / variance, tie / variance
    off = spot - place
    left = 1 - gain
    return np.stack([place + gain * off, speed + pull * off, left * spread, left * tie, doubt - pull * tie], axis=1)
