"""Daylight, dusk and night: how much light falls on a surface, and what the air does to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.drawing.mesh import Material
from cctview.sim.settings import Light, Weather

__all__ = ["LAMP_SPACING", "Lighting", "lighting", "street_lamp_light"]

Floats = NDArray[np.floating[Any]]

LAMP_SPACING = 42.0
_SODIUM = np.array([0.50, 0.38, 0.24])
_SIDE = 0.92  # a wall sees half the sky, and the ground gives most of the rest back


@dataclass(frozen=True, kw_only=True)
class Lighting:
    """Light as shares of full daylight per colour channel.

    ``lamps`` is how brightly vehicles' own lamps show (0 to 1), ``street`` that of street lamps,
    ``noise`` the sensor's in grey levels, ``haze_m`` the distance at which two thirds of the colour is lost,
    ``exposure_s`` how long the shutter is open; a ``wet`` road is darker and mirrors lamps.
    """

    ambient: Floats
    sun: Floats
    toward_sun: Floats
    sky_top: Floats
    sky_low: Floats
    haze_m: float
    lamps: float
    street: float
    noise: float
    exposure_s: float
    wet: bool = False

    @property
    def shadow(self) -> float:
        """Return how bright a level surface in shadow is, as a share of the same in the sun."""
        up = float(self.toward_sun[2])
        return float(0.12 + 0.88 * self.ambient.mean() / (self.ambient.mean() + up * self.sun.mean()))

    def shade(self, colour: Floats, normal: Floats, material: Any, lit: Floats | float = 0.0) -> Floats:
        """Return the colours of faces, ``(F, 3)``; ``lit (F,)`` is the street light that falls on them."""
        facing = np.maximum(normal @ self.toward_sun, 0.0)[..., None]
        up = normal[..., 2:3]
        glow = np.asarray(lit)[..., None] * _SODIUM * (0.45 + 0.55 * np.maximum(up, 0))
        light = self.ambient * (_SIDE + (1 - _SIDE) * up) + self.sun * facing + glow
        kind = np.asarray(material)[..., None]
        gloss = np.where(kind == Material.GLASS, 0.30, np.where(kind == Material.PAINT, 0.15, 0.0))
        mirrored = (0.55 * self.sky_top + 0.45 * self.sky_low) * np.clip(up - 0.15, 0, 1) * gloss
        shaded = colour * light + mirrored
        own = self.lamps * (kind >= Material.HEADLAMP)
        return np.clip(shaded * (1 - own) + own * np.minimum(colour * 1.6, 255), 0, 255)

    def hazed(self, colour: Floats, depth: Floats) -> Floats:
        """Return colours ``(..., 3)`` seen through ``depth (...)`` metres of air."""
        clear = np.exp(-np.maximum(depth, 0) / self.haze_m)[..., None]
        return colour * clear + self.sky_low * (1 - clear)


def lighting(light: Light, weather: Weather, rng: np.random.Generator) -> Lighting:
    """Return the light of one simulation; the sun's place varies with the seed."""
    azimuth = np.deg2rad(rng.uniform(120, 235))
    height = np.deg2rad({"day": rng.uniform(38, 62), "dusk": 9.0, "night": 60.0}[light])
    return _under(weather, _BY_HOUR[light](_toward(azimuth, height)), rng)


def _toward(azimuth: float, height: float) -> Floats:
    return np.array([np.sin(azimuth) * np.cos(height), np.cos(azimuth) * np.cos(height), np.sin(height)])


def _day(toward: Floats) -> Lighting:
    return Lighting(
        ambient=np.array([0.47, 0.49, 0.53]), sun=np.array([0.80, 0.77, 0.70]), toward_sun=toward,
        sky_top=np.array([146.0, 178, 212]), sky_low=np.array([212.0, 222, 230]),
        haze_m=900.0, lamps=0.0, street=0.0, noise=2.2, exposure_s=0.002,
    )  # fmt: skip


def _dusk(toward: Floats) -> Lighting:
    return Lighting(
        ambient=np.array([0.36, 0.36, 0.44]), sun=np.array([0.26, 0.17, 0.09]), toward_sun=toward,
        sky_top=np.array([86.0, 96, 134]), sky_low=np.array([196.0, 150, 126]),
        haze_m=800.0, lamps=0.85, street=0.3, noise=3.5, exposure_s=0.02,
    )  # fmt: skip


def _night(toward: Floats) -> Lighting:
    return Lighting(
        ambient=np.array([0.115, 0.115, 0.14]), sun=np.zeros(3), toward_sun=toward,
        sky_top=np.array([10.0, 12, 22]), sky_low=np.array([34.0, 30, 34]),
        haze_m=1200.0, lamps=1.0, street=0.8, noise=5.0, exposure_s=0.033,
    )  # fmt: skip


_BY_HOUR: dict[Light, Callable[[Floats], Lighting]] = {"day": _day, "dusk": _dusk, "night": _night}
_FLAT_SKY = np.array([0.985, 1.0, 1.012])


def _under(weather: Weather, fair: Lighting, rng: np.random.Generator) -> Lighting:
    """Return the light of a clear hour as the weather changes it."""
    level = float(fair.sky_low.mean())
    grey = _clouded(fair, sky=0.9 * level)
    if weather == "overcast":
        return grey
    if weather == "rain":
        drab = _clouded(fair, sky=0.74 * level, dim=0.82)
        return replace(drab, haze_m=380.0, lamps=max(fair.lamps, 0.45), wet=True, noise=fair.noise * 1.2)
    if weather == "fog":
        return replace(grey, sky_top=grey.sky_low, haze_m=95.0, lamps=max(fair.lamps, 0.35))
    if weather == "glare":
        low = _toward(np.deg2rad(rng.uniform(-15, 45)), np.deg2rad(rng.uniform(11, 17)))
        return replace(fair, toward_sun=low, sky_low=np.minimum(fair.sky_low * 1.04, 240.0))
    return fair


def _clouded(fair: Lighting, *, sky: float, dim: float = 1.0) -> Lighting:
    """Return light that comes from the whole sky: no sun, hardly any shadow."""
    level = (fair.ambient + 0.45 * fair.sun).mean() * dim
    return replace(
        fair, ambient=level * _FLAT_SKY, sun=0.05 * fair.sun, sky_top=0.92 * sky * _FLAT_SKY, sky_low=sky * _FLAT_SKY
    )


def street_lamp_light(s: Floats, d: Floats, strength: float) -> Floats:
    """Return the street light at road coordinates (...), as a share of daylight: pools under masts on the median."""
    along = (s + LAMP_SPACING / 2) % LAMP_SPACING - LAMP_SPACING / 2
    near = along**2 + (0.7 * d) ** 2
    return strength * (0.25 + 0.75 / (1 + near / 130.0))
