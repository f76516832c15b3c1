"""Where roads run, where cameras stand along them, and where vehicles come in, turn off and wait.

Each road has two carriageways, called ways: way ``2 r`` travels towards growing ``s`` of road ``r``,
way ``2 r + 1`` the other way. Positions on a way are metres from its own beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.sim.world.road import LANES, Road

__all__ = [
    "CYCLE_S",
    "GREEN_S",
    "LANE_SHARE",
    "OUT",
    "Bottlenecks",
    "Doors",
    "Exits",
    "Layout",
    "LayoutBuilder",
    "Signals",
    "Site",
]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

CYCLE_S, GREEN_S = 60.0, 27.0  # of signals: as long as both greens and the pauses between
OUT = -1  # an exit that leads out of the world
LANE_SHARE = (0.30, 0.38, 0.32)
RAMP_SHARE = 0.12
_RAMP_GAP_M = 60.0  # an off-ramp begins this far before the on-ramp of the same junction
_STOP_M, _CROSSING_M = 14.0, 20.0


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Where vehicles come in: one row per lane; ``rate`` is the share of the traffic asked for."""

    way: Ints
    lane: Ints
    at: Floats
    rate: Floats


@dataclass(frozen=True, kw_only=True)
class Exits:
    """Where a share of the vehicles leaves a way, through which door they come back, and how many seconds later."""

    way: Ints
    at: Floats
    share: Floats
    door: Ints
    delay: Floats


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Stop lines: red except for ``GREEN_S`` seconds of each cycle, beginning at ``offset``."""

    way: Ints
    at: Floats
    offset: Floats


@dataclass(frozen=True, kw_only=True)
class Bottlenecks:
    """Stretches where nobody drives faster than ``speed`` m/s, which comes and goes in waves."""

    way: Ints
    start: Floats
    end: Floats
    speed: Floats


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a camera hangs: ``station`` metres along a road, looking along growing ``s`` or against it."""

    name: str
    road: int
    station: float
    against: bool = False
    caption: str = "Facing North"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Roads and all that stands on them; ``pace`` is the speed of each road as a share of an urban drive's."""

    roads: tuple[Road, ...]
    pace: Floats
    sites: tuple[Site, ...]
    doors: Doors
    exits: Exits
    signals: Signals
    bottlenecks: Bottlenecks

    @property
    def length(self) -> Floats:
        """Return the metres of each way (W,)."""
        return np.repeat(np.array([road.length for road in self.roads]), 2)

    def views(self) -> tuple[Road, ...]:
        """Return the road of each camera as seen from it, growing ``s`` ahead."""
        return tuple(self.roads[s.road].reversed() if s.against else self.roads[s.road] for s in self.sites)

    def ahead(self, site: Site) -> float:
        """Return the station of a camera on its road as seen from it."""
        return self.roads[site.road].length - site.station if site.against else site.station


@dataclass(kw_only=True)
class LayoutBuilder:
    """Collect roads, cameras, ramps, crossings and junctions; ``built`` returns the layout."""

    _roads: list[Road] = field(default_factory=list)
    _pace: list[float] = field(default_factory=list)
    _sites: list[Site] = field(default_factory=list)
    _doors: list[tuple[int, int, float, float]] = field(default_factory=list)
    _exits: list[tuple[int, float, float, int, float]] = field(default_factory=list)
    _signals: list[tuple[int, float, float]] = field(default_factory=list)
    _bottlenecks: list[tuple[int, float, float, float]] = field(default_factory=list)

    def road(self, road: Road, *, pace: float = 1.0, inflow: float = 1.0) -> int:
        """Add a road and its doors at both ends; return its number."""
        number = len(self._roads)
        self._roads.append(road)
        self._pace.append(pace)
        for way in (2 * number, 2 * number + 1):
            self._doors += [(way, lane, 0.0, inflow * LANE_SHARE[lane]) for lane in range(LANES)]
        return number

    def camera(self, site: Site) -> None:
        """Add a camera."""
        self._sites.append(site)

    def ramp(self, road: int, station: float, share: float = RAMP_SHARE) -> None:
        """Add an off-ramp and an on-ramp for both ways; as many come in as turn off."""
        for way in (2 * road, 2 * road + 1):
            at = self.on_way(way, station)
            self._exits.append((way, at - _RAMP_GAP_M, share, OUT, 0.0))
            self._doors.append((way, LANES - 1, at, share))

    def crossing(self, one: tuple[int, float], other: tuple[int, float], share: float = 0.1) -> None:
        """Add a signalled crossing of two roads, each given with its station, with turns in every sense."""
        for (road, station), (onto, place), offset in ((one, other, 0.0), (other, one, CYCLE_S / 2)):
            for way in (2 * road, 2 * road + 1):
                at = self.on_way(way, station)
                self._signals.append((way, at - _STOP_M, offset))
                for target in (2 * onto, 2 * onto + 1):
                    self.turn(way, at - _STOP_M, share, target, self.on_way(target, place) + _CROSSING_M)

    def turn(self, way: int, at: float, share: float, onto: int, position: float, delay: float = 5.0) -> None:
        """Lead a share of a way's vehicles onto another way; all that lead to one place share its door."""
        door = (onto, LANES - 1, position, 0.0)
        if door not in self._doors:
            self._doors.append(door)
        self._exits.append((way, at, share, self._doors.index(door), delay))

    def bottleneck(self, way: int, start: float, end: float, speed: float) -> None:
        """Slow a stretch of a way down."""
        self._bottlenecks.append((way, start, end, speed))

    def built(self) -> Layout:
        """Return the layout."""
        return Layout(
            roads=tuple(self._roads),
            pace=np.array(self._pace),
            sites=tuple(self._sites),
            doors=Doors(**_columns(("way", "lane", "at", "rate"), self._doors)),
            exits=Exits(**_columns(("way", "at", "share", "door", "delay"), self._exits)),
            signals=Signals(**_columns(("way", "at", "offset"), sorted(self._signals))),
            bottlenecks=Bottlenecks(**_columns(("way", "start", "end", "speed"), self._bottlenecks)),
        )

    @property
    def cameras(self) -> int:
        """Return how many cameras there are so far."""
        return len(self._sites)

    def on_way(self, way: int, station: float) -> float:
        """Return the position on a way of a station on its road."""
        return station if way % 2 == 0 else self._roads[way // 2].length - station


_WHOLE = frozenset(("way", "lane", "door"))


def _columns(names: Sequence[str], rows: Sequence[tuple[float, ...]]) -> dict[str, Any]:
    table = np.array(rows, np.float64).reshape(-1, len(names)).T
    return {
        name: column.astype(np.int64) if name in _WHOLE else column for name, column in zip(names, table, strict=True)
    }
