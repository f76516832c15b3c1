"""Cameras, the links between them, and how long a link may take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import turn_deg
from cctview.types import Cameras, Passages, Table, Tracklets, rows_among

__all__ = ["CameraNetwork", "Learnt", "Link"]

T = TypeVar("T", bound=Table)

# What files could not say at first: a network that does not say it keeps the hash that it had then.
_SAID_LATER = ("placed", "aimed")
_LINK_SAID_LATER = {"leaves": "", "arrives": "", "measured": True}


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What data told about a link: travel times in seconds, and how well they tell it.

    ``share`` of the vehicles that left the origin were found again, at least. ``evidence`` is in standard deviations
    above chance, ``probability`` that traffic goes this way at all.
    """

    median_s: float
    p10_s: float
    p90_s: float
    share: float
    evidence: float
    probability: float


@dataclass(frozen=True, kw_only=True)
class Link:
    """One stretch of road a vehicle may take from one camera to the next.

    ``direction_deg`` is the compass direction of travel. ``min_s`` and ``max_s`` bound the travel
    time; when the file gives none they follow from the length, known to about 100 m, at 35 m/s and
    at 2.5 m/s, with a minute of slack for a queue. ``leaves`` and ``arrives`` say how vehicles on it drive at the
    origin and at the target: "towards" the camera, "away" from it, "right" or "left" across its view; empty where
    the headings of the cameras tell. Where nobody has said how long it is, ``measured`` is False and ``metres`` is
    what its times make likely. ``learnt`` is what the data said, where they told the link or confirmed it.
    """

    origin: str
    target: str
    direction_deg: float
    metres: float
    min_s: float
    max_s: float
    leaves: str = ""
    arrives: str = ""
    measured: bool = True
    learnt: Learnt | None = None


@dataclass(frozen=True, kw_only=True)
class CameraNetwork:
    """Cameras and the directed links between them.

    ``timezone`` is that of local file times. ``shoreline`` is drawn on maps: (lat, lon) points with
    the water on the right hand of whoever follows them.
    """

    cameras: Cameras = field(default_factory=Cameras.empty)
    links: tuple[Link, ...] = ()
    timezone: str | None = None
    shoreline: tuple[tuple[float, float], ...] = ()

    @property
    def digest(self) -> str:
        """The hash of what tells one network from another: cameras and links, not names, drawings and evidence."""
        columns = {name: getattr(self.cameras, name).tolist() for name in Cameras.columns if name != "name"}
        told = [values for name, values in columns.items() if name not in _SAID_LATER or not all(values)]
        ways = [
            [value for key, value in vars(link).items() if key != "learnt" and _LINK_SAID_LATER.get(key) != value]
            for link in self.links
        ]
        return hashlib.blake2b(json.dumps([told, ways]).encode(), digest_size=8).hexdigest()

    @property
    def meta(self) -> dict[str, str]:
        """What ends in the ``meta`` of tables that were made with this network: its hash and its time zone."""
        return {"network": self.digest, "timezone": self.timezone or ""}

    def stamped(self, table: T) -> T:
        """Return a derived table with the network's hash and time zone in its ``meta``."""
        columns = {name: getattr(table, name) for name in table.columns}
        return type(table)(meta={**table.meta, **self.meta}, **columns)

    def unknown(self, cameras: Iterable[str]) -> tuple[str, ...]:
        """Return which of these cameras the network does not know, sorted, each once."""
        return tuple(sorted(set(cameras) - set(self.cameras.id.tolist())))

    def among(self, present: Iterable[str]) -> CameraNetwork:
        """Return the network of these cameras only, joining links across the ones left out."""
        keep = np.unique(np.array(list(present), np.str_))
        links = self.links
        for absent in np.setdiff1d(self.cameras.id, keep).tolist():
            links = _bridged(links, absent)
        kept = self.cameras[np.isin(self.cameras.id, keep)]
        return replace(self, cameras=kept, links=links)

    def skipping(self) -> tuple[Link, ...]:
        """Return the links that pass one camera without being seen there, where the road goes on ahead."""
        direct = {(link.origin, link.target) for link in self.links}
        straight = [link for camera in self.cameras.id.tolist() for link in _over(self.links, camera)]
        return tuple(link for link in straight if (link.origin, link.target) not in direct)

    def heading(self, camera: str) -> float | None:
        """Return the compass direction a camera looks, or None where nobody has said it."""
        found = np.flatnonzero((self.cameras.id == camera) & self.cameras.aimed)
        return float(self.cameras.heading_deg[found[0]]) if len(found) else None

    def clock_s(self, cameras: NDArray[np.str_]) -> NDArray[np.float64]:
        """Return the seconds to add to stamps of these cameras (N,), 0 for a camera not in the file."""
        return np.append(self.cameras.clock_s, 0.0)[rows_among(self.cameras.id, cameras)]

    def on_one_clock(self, tracklets: Tracklets) -> Tracklets:
        """Return the tracklets with the times that one true clock would have told."""
        seconds = self.clock_s(tracklets.camera)
        if not seconds.any():
            return tracklets
        late = np.round(seconds * 1e9).astype("timedelta64[ns]")
        return tracklets.replace(first_time=tracklets.first_time + late, last_time=tracklets.last_time + late)

    def passages_on_one_clock(self, passages: Passages) -> Passages:
        """Return the passages with the times that one true clock would have told."""
        late = np.round(self.clock_s(passages.camera) * 1e9).astype("timedelta64[ns]")
        return passages.replace(time=passages.time + late)


def _bridged(links: tuple[Link, ...], absent: str) -> tuple[Link, ...]:
    joined = _over(links, absent, turned_deg=180.0)
    rest = [link for link in links if absent not in (link.origin, link.target)]
    known = {(link.origin, link.target) for link in rest}
    return (*rest, *(link for link in joined if (link.origin, link.target) not in known))


def _over(links: tuple[Link, ...], camera: str, turned_deg: float = 90.0) -> list[Link]:
    """Return the links across a camera that turn by at most so much there."""
    return [
        Link(
            origin=a.origin,
            target=b.target,
            direction_deg=a.direction_deg,
            metres=a.metres + b.metres,
            min_s=a.min_s + b.min_s,
            max_s=a.max_s + b.max_s,
            leaves=a.leaves,
            arrives=b.arrives,
            measured=a.measured and b.measured,
        )
        for a in links
        for b in links
        if a.target == camera == b.origin
        and a.origin != b.target
        and turn_deg(a.direction_deg, b.direction_deg) <= turned_deg
    ]
