"""Trajectories as SUMO writes them: its floating car data, ``sumo --fcd-output fcd.xml``.

The format is described in SUMO's documentation under Simulation/Output/FCDOutput: a ``timestep``
with its ``time`` holds one ``vehicle`` each with ``id``, ``x``, ``y`` (metres, front bumper),
``angle`` (degrees clockwise from north), ``speed`` (m/s) and ``type``.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError, SourceNotFoundError

__all__ = ["Trajectories", "read_fcd"]

_NUMBERS = ("x", "y", "angle", "speed")


@dataclass(frozen=True, eq=False, kw_only=True)
class Trajectories:
    """Where vehicles were, one row per vehicle and moment, in order of time.

    ``time`` is seconds; ``vehicle`` a number from 0 in order of appearance; ``x``, ``y`` its front in
    metres east and north, ``angle`` degrees clockwise from north, ``speed`` m/s. ``kinds`` holds the
    type of each vehicle by its number.
    """

    time: NDArray[np.float64]
    vehicle: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    angle: NDArray[np.float64]
    speed: NDArray[np.float64]
    kinds: NDArray[np.str_]


def read_fcd(path: Path) -> Trajectories:
    """Read floating car data piece by piece.

    Raise FormatError naming the line that is wrong, SourceNotFoundError when there is no such file. A file
    that declares a document type is refused: SUMO writes none, and entities can grow without bound.
    """
    rows = _Rows(path)
    try:
        with path.open("rb") as file:
            rows.parser.ParseFile(file)
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"{path}: there is no such file; name what `sumo --fcd-output` wrote") from error
    except (expat.ExpatError, OSError) as error:
        raise FormatError(f"{path}: not an XML file that can be read ({error}); unpack it if it is packed") from error
    return rows.trajectories()


@dataclass
class _Rows:
    """The columns of the file as the parser comes past them."""

    path: Path
    time: array[float] = field(default_factory=lambda: array("d"))
    vehicle: array[int] = field(default_factory=lambda: array("q"))
    x: array[float] = field(default_factory=lambda: array("d"))
    y: array[float] = field(default_factory=lambda: array("d"))
    angle: array[float] = field(default_factory=lambda: array("d"))
    speed: array[float] = field(default_factory=lambda: array("d"))
    numbers: dict[str, int] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    now: float = -math.inf

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.StartDoctypeDeclHandler = self._declared

    def trajectories(self) -> Trajectories:
        if not self.time:
            raise FormatError(f"{self.path}: no vehicle in any timestep; was it written by `sumo --fcd-output`?")
        columns: dict[str, Any] = {
            f.name: np.array(getattr(self, f.name)) for f in fields(Trajectories) if f.name != "kinds"
        }
        return Trajectories(**columns, kinds=np.array(self.kinds))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "timestep":
            now = self._number(attributes, "time")
            if now <= self.now:
                self._refuse(f"timestep {now:g} does not come after {self.now:g}")
            self.now = now
        elif name == "vehicle":
            self._vehicle(attributes)

    def _vehicle(self, attributes: dict[str, str]) -> None:
        key = attributes.get("id", "")
        if not key or self.now == -math.inf:
            self._refuse("a vehicle needs an id and stands inside a timestep")
        if key not in self.numbers:
            self.numbers[key] = len(self.kinds)
            self.kinds.append(attributes.get("type", ""))
        for name in _NUMBERS:
            getattr(self, name).append(self._number(attributes, name))
        self.time.append(self.now)
        self.vehicle.append(self.numbers[key])

    def _number(self, attributes: dict[str, str], name: str) -> float:
        try:
            value = float(attributes[name])
        except (KeyError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            self._refuse(f"{name!r} must be a number, got {attributes.get(name, 'nothing')[:40]!r}")
        return value

    def _declared(self, *_: object) -> NoReturn:
        self._refuse("it declares a document type, which SUMO never does; remove the DOCTYPE if you trust the file")

    def _refuse(self, what: str) -> NoReturn:
        raise FormatError(f"{self.path}: line {self.parser.CurrentLineNumber}: {what}")
