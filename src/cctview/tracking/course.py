"""Where each vehicle will be: a constant-velocity Kalman filter per road axis, for all of them at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SIZE", "fresh", "later", "log_density", "met"]

Floats = NDArray[np.floating[Any]]

SIZE = 5  # place, speed, and their variances: of the place, of both together, of the speed
_SPEED_SPREAD = np.array([30.0, 4.0]) ** 2
_ACCELERATION = np.array([2.0, 0.7]) ** 2
_BEND = 0.08
_LOG_TWO_PI = float(np.log(2 * np.pi))


def fresh(spot: Floats, noise: Floats) -> Floats:
    """Return the courses ``(N, 5, 2)`` of vehicles seen once at ``spot`` (N, 2), whose speed nobody knows."""
    nothing = np.zeros_like(spot)
    return np.stack([spot, nothing, noise, nothing, np.broadcast_to(_SPEED_SPREAD, spot.shape)], axis=1)


def later(course: Floats, gap: Floats) -> Floats:
    """Return the courses after ``gap`` seconds, (N,)."""
    place, speed, spread, tie, doubt = (course[:, k] for k in range(SIZE))
    dt = gap[:, None]
    drift = _ACCELERATION * dt
    moved = speed * dt
    grown = dt * doubt
    out = np.empty_like(course)
    out[:, 0] = place + moved
    out[:, 1] = speed
    out[:, 2] = spread + dt * (2 * tie + grown + drift * dt / 3) + (_BEND * moved) ** 2
    out[:, 3] = tie + grown + drift * dt / 2
    out[:, 4] = doubt + drift
    return out


def log_density(course: Floats, spot: Floats, noise: Floats) -> Floats:
    """Return the log density, per square metre, of finding each of E vehicles at each of n places, ``(E, n)``."""
    variance = course[:, None, 2] + noise
    off = spot - course[:, None, 0]
    terms = off * off / variance + np.log(variance)
    return -0.5 * (terms[..., 0] + terms[..., 1]) - _LOG_TWO_PI


def met(course: Floats, spot: Floats, noise: Floats) -> Floats:
    """Return the courses (N, 5, 2) after each vehicle was found at a place (N, 2)."""
    place, speed, spread, tie, doubt = (course[:, k] for k in range(SIZE))
    variance = spread + noise
    gain, pull = spread / variance, tie / variance
    off = spot - place
    left = 1 - gain
    return np.stack([place + gain * off, speed + pull * off, left * spread, left * tie, doubt - pull * tie], axis=1)
