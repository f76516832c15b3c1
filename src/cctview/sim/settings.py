"""What a simulation is asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, unquote, urlsplit

from cctview.errors import SettingsError, nearest

__all__ = ["JAM_FROM", "TRAFFIC", "Light", "SimSettings", "Weather", "World", "parse_spec", "setting"]

Light = Literal["day", "dusk", "night"]
Weather = Literal["clear", "overcast", "rain", "fog", "glare"]
World = Literal["corridor", "motorway", "grid"]

TRAFFIC = {"free": 12.0, "light": 24.0, "busy": 40.0, "heavy": 70.0, "jam": 100.0}
JAM_FROM = 90.0  # vehicles per minute; from here on the end of each road carries less than arrives

_CHOICES: dict[str, tuple[str, ...]] = {
    "light": get_args(Light),
    "weather": get_args(Weather),
    "world": get_args(World),
}
_RANGES = {
    "minutes": (0.05, 1440.0),
    "cameras": (1, 500),
    "interval_s": (0.04, 60.0),
    "traffic": (0.0, 120.0),
    "width": (160, 3840),
    "height": (120, 2160),
    "spacing_m": (300.0, 50_000.0),
    "seed": (0, 2**63 - 1),
    "distortion": (0.0, 0.35),
    "faults": (0.0, 0.5),
    "clock_s": (0.0, 60.0),
    "turns": (0, 100),
}


@dataclass(frozen=True, kw_only=True)
class SimSettings:
    """A world with cameras in it, and how long to watch it.

    ``interval_s`` is the mean time between two stills of one camera; each gap is jittered between
    0.6 and 1.75 times it. File names tell whole seconds and gaps are at least 1 s, unless the mean is
    below 1.2 s: names then tell milliseconds and gaps vary by a tenth only, as those of video do.
    ``traffic`` is vehicles per minute and direction, or one of the names in TRAFFIC when read from a
    spec; from JAM_FROM on queues grow back from where the roads end. ``spacing_m`` is road between
    neighbouring cameras, in a grid the length of a block. ``distortion`` is the share by which the lens
    pulls the corners in, ``faults`` the share of stills that are dropped, sent twice or half sent,
    ``clock_s`` the spread of the cameras' clocks, ``turns`` how often some camera is turned away and
    back. ``trajectories`` is a file of SUMO's floating car data whose vehicles replace ``world`` and
    ``traffic``. Raises SettingsError.
    """

    minutes: float = 3.0
    seed: int = 7
    cameras: int = 4
    interval_s: float = 1.7
    traffic: float = 40.0
    light: Light = "day"
    width: int = 352
    height: int = 240
    spacing_m: float = 500.0
    world: World = "corridor"
    weather: Weather = "clear"
    distortion: float = 0.0
    faults: float = 0.0
    clock_s: float = 0.0
    turns: int = 0
    trajectories: str = ""

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise SettingsError(f"setting {name!r} is {value}: choose a value from {low} to {high}")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise SettingsError(f"setting {name!r} is {value!r}: {nearest(str(value), choices)}")


def parse_spec(spec: str) -> tuple[SimSettings, Path | None]:
    """Return the settings and the network file behind ``sim://WORLD?setting=value&...``.

    WORLD is corridor, motorway, grid, or the path of a camera network file ending in ``.toml``. Raises
    SettingsError naming what is wrong.
    """
    parts = urlsplit(spec)
    place = unquote(parts.netloc + parts.path)
    if parts.scheme != "sim":
        raise SettingsError(f"{spec}: expected sim://WORLD?setting=value, such as sim://corridor?minutes=2&light=night")
    file = Path(place) if place.endswith(".toml") else None
    given: dict[str, Any] = {} if file else {"world": place.strip("/") or "corridor"}
    for name, text in parse_qsl(parts.query, keep_blank_values=True):
        given[name] = setting(name, text)
    return SimSettings(**given), file


def setting(name: str, text: str) -> Any:
    """Return the value of a setting written as text; traffic may be one of the names in TRAFFIC.

    Raise SettingsError when there is no such setting, or the text is no number.
    """
    kinds: dict[str, Any] = {field.name: type(field.default) for field in fields(SimSettings)}
    if name not in kinds:
        raise SettingsError(f"no setting {name!r}; {nearest(name, kinds)}")
    try:
        return kinds[name](TRAFFIC.get(text, text) if name == "traffic" else text)
    except ValueError as error:
        names = f" or one of {', '.join(TRAFFIC)}" if name == "traffic" else ""
        raise SettingsError(f"setting {name!r} must be a number{names}, got {text!r}") from error
