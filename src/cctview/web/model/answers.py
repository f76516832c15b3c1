"""What the web application answers: plain records, made once per answer, the same for API and pages.

Ids are 16 hexadecimal digits, pseudonyms where the policy says so. Times are UTC; boxes are
``(x1, y1, x2, y2)`` pixels; metres, seconds, m/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cctview.privacy import LogEntry

__all__ = [
    "Camera",
    "Candidate",
    "Counts",
    "Crossings",
    "Detection",
    "Found",
    "Frame",
    "Journey",
    "Link",
    "Log",
    "Matching",
    "Removal",
    "Sighting",
    "Step",
    "Still",
    "Tracklet",
    "Traffic",
]

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A camera and what of it is stored; ``lon`` and ``lat`` are None for one that is not in the network file.

    ``passages`` are the vehicles that drove through its view, None below the policy's minimum group; ``tracklets``
    their pieces. ``interval_s`` is the median time between stills, ``longest_gap_s`` the longest.
    """

    id: str
    name: str
    lon: float | None
    lat: float | None
    heading_deg: float | None
    frames: int
    tracklets: int
    passages: int | None
    first_time: datetime | None
    last_time: datetime | None
    last_frame: str | None
    interval_s: float | None
    longest_gap_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Vehicles that were followed over a link in a window of time, by when they set out.

    Likely first choices, weighed by their probability: what the table of travel times is made of. There is none of
    fewer than the policy's minimum group.
    """

    after: datetime
    before: datetime
    vehicles: int
    p10_s: float
    median_s: float
    p90_s: float
    speed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of the camera network and the traffic on it in the newest minutes of the store."""

    origin: str
    target: str
    direction_deg: float
    metres: float
    min_s: float
    max_s: float
    now: Traffic | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """One still in a list."""

    id: str
    camera: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One box in one still; ``name`` is its readable id, ``tracklet`` None where it belongs to none."""

    id: str
    name: str
    frame: str
    camera: str
    time: datetime
    type: str
    score: float
    box: Box
    tracklet: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One still with its boxes; ``previous`` and ``next`` are its neighbours at the same camera."""

    id: str
    name: str
    camera: str
    time: datetime
    width: int
    height: int
    detections: tuple[Detection, ...]
    previous: str | None
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracklet:
    """One vehicle at one camera; ``quality`` in [0, 1] says how much its best crop can tell."""

    id: str
    camera: str
    first_time: datetime
    last_time: datetime
    type: str
    heading: str
    quality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A tracklet with its boxes in time order."""

    tracklet: Tracklet
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A tracklet that may be the same vehicle; ``reasons`` are log-odds (nats) by where they come from."""

    rank: int
    tracklet: Tracklet
    distance: float
    probability: float
    lag_s: float
    reasons: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The answer for one camera: when the vehicle should be there, who it may be, or that it was not seen.

    ``way`` is "next" for a camera down a link and "previous" for one up a link; ``p_none`` the
    probability that none of all candidates is the vehicle. ``earliest`` to ``latest`` is the arrival window.
    """

    camera: str
    way: str
    earliest: datetime | None
    latest: datetime | None
    p_none: float
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One station of a journey; ``seconds`` since the one before, None for the first."""

    tracklet: Tracklet
    time: datetime
    lon: float
    lat: float
    speed: float
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A chain of tracklets over cameras, in time order."""

    id: str
    probability: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Passages per bin of time: ``counts[type][i]`` crossed a line in the ``width_s`` seconds from ``times[i]``.

    A vehicle passes many cameras: without a ``camera`` these are passages, not vehicles. Counted is by camera,
    direction, bin and type; ``left_out`` is how many such cells have fewer than the policy's minimum group.
    """

    camera: str | None
    width_s: float
    times: tuple[datetime, ...]
    counts: dict[str, tuple[int, ...]]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossings:
    """Travel times over one link: vehicle by vehicle, in order of departure."""

    origin: str
    target: str
    departures: tuple[datetime, ...]
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One result of a search: a detection, the distance of its looks, and its coarse colour."""

    rank: int
    detection: Detection
    distance: float
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log of searches, the newest first; ``broken_at`` is the first entry that does not fit its chain."""

    entries: tuple[LogEntry, ...]
    broken_at: int | None
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """How many rows each table loses or lost, how many stills, and the proof of a removal that was done."""

    preview: bool
    rows: dict[str, int]
    pixels: int
    proof: dict[str, int] | None
