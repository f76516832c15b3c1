"""Trajectories as SUMO writes them: its floating car data, ``sumo --fcd-output fcd.xml``.

The format is described in SUMO's documentation under Simulation/Output/FCDOutput: a ``timestep``
with its ``time`` holds one ``vehicle`` each with ``id``, ``x``, ``y`` (metres, front bumper),
``angle`` (degrees clockwise from north), ``speed`` (m/s) and ``type``.
"""

from __future__ import annotations

import gzip
import math
import zlib
from array import array
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from xml.parsers import expat

import numpy as np

from cctview.errors import FormatError, SourceNotFoundError
from cctview.sim.world.mending import Trajectories, mended

__all__ = ["Trajectories", "read_fcd"]

_NUMBERS = ("x", "y", "angle", "speed")


def read_fcd(path: Path) -> Trajectories:
    """Read floating car data piece by piece, also packed by gzip; what is mended is told in ``noticed``.

    Raise FormatError naming the line that is wrong, SourceNotFoundError when there is no such file. A file
    that declares a document type is refused: SUMO writes none, and entities can grow without bound.
    """
    rows = _Rows(path)
    try:
        with _opened(path) as file:
            rows.parser.ParseFile(file)
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"{path}: there is no such file; name what `sumo --fcd-output` wrote") from error
    except (expat.ExpatError, OSError, EOFError, zlib.error) as error:
        raise FormatError(f"{path}: not an XML file that can be read ({error}); unpack it if it is packed") from error
    found = mended(rows.trajectories())
    if not len(found.time):
        raise FormatError(f"{path}: every vehicle is nowhere in every timestep")
    return found


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


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
    persons: int = 0

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.StartDoctypeDeclHandler = self._declared

    def trajectories(self) -> Trajectories:
        if not self.time:
            raise FormatError(f"{self.path}: no vehicle in any timestep; was it written by `sumo --fcd-output`?")
        columns: dict[str, Any] = {
            f.name: np.array(getattr(self, f.name)) for f in fields(Trajectories) if f.name not in ("kinds", "noticed")
        }
        noticed = {"persons left out": self.persons} if self.persons else {}
        return Trajectories(**columns, kinds=np.array(self.kinds), noticed=noticed)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "timestep":
            now = self._number(attributes, "time")
            if now <= self.now:
                self._refuse(f"timestep {now:g} does not come after {self.now:g}")
            self.now = now
        elif name == "vehicle":
            self._vehicle(attributes)
        elif name == "person":
            self.persons += 1

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
