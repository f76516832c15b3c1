"""The tables that flow through cctview, one per stage.

Conventions, stated once: boxes are ``xyxy`` float32 pixels, origin top left, half-open; images are
``uint8 (H, W, 3)`` RGB; time is ``datetime64[ns]`` UTC; scores and probabilities lie in [0, 1];
embeddings are float32 of unit length, the length they had beside them; lon/lat WGS84; metres,
seconds, m/s. Ids are 63-bit content hashes. Absence is a missing row, never NaN or -1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FrameError
from cctview.table import Column, Ragged, RaggedColumn, Table

__all__ = [
    "BREAKS",
    "HEADINGS",
    "LONG_AGO",
    "OBJECT_TYPES",
    "PERSON",
    "REASONS",
    "VEHICLE_TYPES",
    "Breaks",
    "Cameras",
    "Counts",
    "Detections",
    "Embeddings",
    "Frame",
    "Frames",
    "Journeys",
    "Lanes",
    "Matches",
    "Passages",
    "Ragged",
    "Table",
    "Tracklets",
    "TravelTimes",
    "content_id",
    "first_choices",
    "frame_id",
    "row_ids",
    "rows_among",
    "rows_of",
]

OBJECT_TYPES = ("car", "truck", "bus", "motorcycle", "bicycle", "person")
VEHICLE_TYPES = ("car", "truck", "bus")
PERSON = "person"
HEADINGS = ("towards", "away", "across", "still")
REASONS = ("looks", "size", "timing", "lane", "order", "context")
BREAKS = ("turned", "frozen", "clock", "gap")
LONG_AGO = np.datetime64("1900-01-01", "ns")
"""Before any still: the time until which nothing has happened yet."""


def _share(values: NDArray[Any]) -> NDArray[np.bool_]:
    return (values >= 0) & (values <= 1)


def _not_negative(values: NDArray[Any]) -> NDArray[np.bool_]:
    return values >= 0


def _ordered(boxes: NDArray[Any]) -> NDArray[np.bool_]:
    return (boxes[:, 0] < boxes[:, 2]) & (boxes[:, 1] < boxes[:, 3])


def _positive(values: NDArray[Any]) -> NDArray[np.bool_]:
    return values > 0


def _within_an_hour(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.abs(values) <= 3600


def _unit(vectors: NDArray[Any]) -> NDArray[np.bool_]:
    return np.abs(np.einsum("nd,nd->n", vectors, vectors) - 1) < 1e-2


def _named(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.strings.str_len(values) > 0


def _object_type(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isin(values, OBJECT_TYPES)


def _heading(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isin(values, HEADINGS)


def _break(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isin(values, BREAKS)


class _Id(Column[np.int64]):
    def __init__(self) -> None:
        super().__init__(np.int64, check=_not_negative, rule="a 63-bit content hash (>= 0)")


class _Name(Column[np.str_]):
    def __init__(self) -> None:
        super().__init__(np.str_, check=_named, rule="a name that is not empty")


class _Time(Column[np.datetime64]):
    def __init__(self) -> None:
        super().__init__("datetime64[ns]")


class _Share(Column[np.float32]):
    def __init__(self) -> None:
        super().__init__(np.float32, check=_share, rule="a value in [0, 1]")


class _Seconds(Column[np.float32]):
    def __init__(self) -> None:
        super().__init__(np.float32, check=_not_negative, rule="seconds >= 0")


class _Box(Column[np.float32]):
    def __init__(self) -> None:
        super().__init__(np.float32, (4,), check=_ordered, rule="boxes with x1 < x2 and y1 < y2")


class _Vector(Column[np.float32]):
    def __init__(self) -> None:
        super().__init__(np.float32, (None,), check=_unit, rule="vectors of unit length")


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame:
    """One still: pixels, camera and time.

    ``image`` is ``uint8 (H, W, 3)`` RGB; ``time`` UTC; ``time_error_s`` how far the stamp may be
    off; ``digest`` the content hash of the bytes it came from; ``name`` the stem of its readable
    ids; ``encoded`` the JPEG bytes it was decoded from, empty when it never was a JPEG.
    """

    image: NDArray[np.uint8]
    camera: str
    time: np.datetime64
    name: str
    digest: int
    time_error_s: float = 0.5
    encoded: bytes = b""

    def __post_init__(self) -> None:
        """Raise FrameError when the pixels are not an RGB image or the camera has no name."""
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3 or not self.image.size:
            raise FrameError(f"{self.name}: expected uint8 (H, W, 3) RGB, got {self.image.dtype} {self.image.shape}")
        if not self.camera or np.isnat(self.time):
            raise FrameError(f"{self.name}: a frame needs a camera and a time")

    @property
    def id(self) -> int:
        """The content hash that names this frame everywhere."""
        return frame_id(self.camera, self.time, self.digest)


class Frames(Table):
    """What is known of each still besides its pixels."""

    id = _Id()
    camera = _Name()
    time = _Time()
    time_error_s = Column(np.float32, check=_not_negative, rule="seconds >= 0")
    name = _Name()
    digest = _Id()
    width = Column(np.int32, check=_not_negative, rule="pixels >= 0")
    height = Column(np.int32, check=_not_negative, rule="pixels >= 0")


class Cameras(Table):
    """Where each camera stands and what it looks at; ``clock_s`` added to its stamps gives the true time.

    Where nobody has said where it stands, ``placed`` is False and ``lon`` and ``lat`` are 0. Where nobody has said
    which way it looks, ``aimed`` is False: ``heading_deg`` then tells it against other cameras of its road only.
    """

    id = _Name()
    name = _Name()
    lon = Column(np.float64)
    lat = Column(np.float64)
    heading_deg = Column(np.float32)
    interval_s = Column(np.float32, check=_not_negative, rule="seconds >= 0")
    clock_s = Column(np.float64, check=_within_an_hour, rule="seconds from -3600 to 3600", default=0.0)
    placed = Column(np.bool_, default=True)
    aimed = Column(np.bool_, default=True)


class Detections(Table):
    """Boxes of vehicles and people; ``rank`` counts the boxes of one frame from 1."""

    id = _Id()
    frame = _Id()
    camera = _Name()
    time = _Time()
    rank = Column(np.int32, check=lambda values: values >= 1, rule="ranks from 1")
    box = _Box()
    score = _Share()
    type = Column(np.str_, check=_object_type, rule="one of " + ", ".join(OBJECT_TYPES))


class Embeddings(Table):
    """The appearance of a detection; ``quality`` in [0, 1] says how much its crop can tell.

    ``length`` is the Euclidean length of the vector as the model gave it: ``vector`` times
    ``length`` is that vector again. Comparing looks makes no use of it.
    """

    detection = _Id()
    vector = _Vector()
    quality = _Share()
    length = Column(np.float32, check=_positive, rule="lengths > 0", default=1.0)


class Tracklets(Table):
    """One vehicle within one camera over neighbouring stills; members in time order.

    ``spread`` is the mean cosine distance of the members from ``vector``; ``quality`` the best of
    its members.
    """

    id = _Id()
    camera = _Name()
    first_time = _Time()
    last_time = _Time()
    first_box = _Box()
    last_box = _Box()
    type = Column(np.str_, check=_object_type, rule="one of " + ", ".join(OBJECT_TYPES))
    heading = Column(np.str_, check=_heading, rule="one of " + ", ".join(HEADINGS))
    vector = _Vector()
    spread = Column(np.float32, check=_not_negative, rule="a distance >= 0")
    quality = _Share()
    members = RaggedColumn(np.int64, check=_not_negative, rule="detection ids")


class Passages(Table):
    """Vehicles that drove through a camera's view: what a traffic engineer counts.

    ``time`` is when each crossed the line at which its direction is counted, ``members`` the tracklets that are
    pieces of it, in time order. A tracklet that mixes two vehicles may be a piece of both.
    """

    id = _Id()
    camera = _Name()
    time = _Time()
    heading = Column(np.str_, check=_heading, rule="one of " + ", ".join(HEADINGS))
    type = Column(np.str_, check=_object_type, rule="one of " + ", ".join(OBJECT_TYPES))
    members = RaggedColumn(np.int64, check=_not_negative, rule="tracklet ids")


class Lanes(Table):
    """The lanes of cameras, those of one camera from left to right.

    ``x`` and ``y`` are the centre line in pixels, on the ground, in the order of travel; ``members``
    the tracklets that took it; ``speed`` how many pixels per second they usually make along it.
    """

    camera = _Name()
    heading = Column(np.str_, check=_heading, rule="one of " + ", ".join(HEADINGS))
    speed = Column(np.float32, check=_positive, rule="pixels per second > 0")
    x = RaggedColumn(np.float32)
    y = RaggedColumn(np.float32)
    members = RaggedColumn(np.int64, check=_not_negative, rule="tracklet ids")


class Breaks(Table):
    """When the stills of a camera stopped belonging together, and why: no tracklet spans a break.

    ``kind`` is turned (the camera looks elsewhere), frozen (the same content is served on and on),
    clock (time stamps cannot be trusted) or gap (no stills came before this one).
    """

    camera = _Name()
    time = _Time()
    kind = Column(np.str_, check=_break, rule="one of " + ", ".join(BREAKS))


class Matches(Table):
    """Ranked gallery tracklets of one camera for each query tracklet, most probable first.

    The row's ``probability`` values and its ``p_none`` ("it is not in the gallery") sum to at most
    1; what is missing belongs to candidates beyond the ones listed. ``lag_s`` is gallery time minus
    query time. The reasons are log-odds in nats that add up to those of the probability: ``looks``
    (appearance), ``size`` (height for the place), ``timing`` (travel time), ``lane`` (kept or
    changed), ``order`` (along the road), and ``context``: how often a vehicle is found again on this
    link, and its rivals.
    """

    query = _Id()
    query_camera = _Name()
    camera = _Name()
    candidates = RaggedColumn(np.int64, check=_not_negative, rule="tracklet ids")
    distance = RaggedColumn(np.float32, check=_not_negative, rule="distances >= 0")
    probability = RaggedColumn(np.float32, check=_share, rule="a value in [0, 1]")
    lag_s = RaggedColumn(np.float32)
    looks = RaggedColumn(np.float32)
    size = RaggedColumn(np.float32)
    timing = RaggedColumn(np.float32)
    lane = RaggedColumn(np.float32)
    order = RaggedColumn(np.float32)
    context = RaggedColumn(np.float32)
    p_none = _Share()


class Counts(Table):
    """How many passages a camera saw: one row per direction, type and bin ``start <= time < end`` that has any.

    ``whole`` is False for a bin that its camera's stills do not cover from end to end.
    """

    camera = _Name()
    direction = Column(np.str_, check=_heading, rule="one of " + ", ".join(HEADINGS))
    start = _Time()
    end = _Time()
    type = Column(np.str_, check=_object_type, rule="one of " + ", ".join(OBJECT_TYPES))
    passages = Column(np.int64, check=_not_negative, rule="a number >= 0")
    whole = Column(np.bool_)


class TravelTimes(Table):
    """How long a link took, by the time of departure: one row per link and interval.

    ``start`` is when the interval begins; ``count`` how many vehicles were matched; the quantiles are
    seconds, and ``median_low`` to ``median_high`` holds the median with 95 % confidence.
    """

    origin = _Name()
    target = _Name()
    start = _Time()
    count = Column(np.int64, check=_not_negative, rule="a number >= 0")
    p10_s = _Seconds()
    p25_s = _Seconds()
    median_s = _Seconds()
    p75_s = _Seconds()
    p90_s = _Seconds()
    median_low_s = _Seconds()
    median_high_s = _Seconds()


class Journeys(Table):
    """Chains of matched tracklets over cameras, in time order.

    ``members`` are tracklet ids; ``time``, ``lon``, ``lat`` and ``speed`` (m/s from the previous
    point, the first one repeats the second; 0 where nobody knows the length of the way) have one value per member.
    """

    id = _Id()
    probability = _Share()
    members = RaggedColumn(np.int64, check=_not_negative, rule="tracklet ids")
    time: RaggedColumn[np.datetime64] = RaggedColumn("datetime64[ns]")
    lon = RaggedColumn(np.float64)
    lat = RaggedColumn(np.float64)
    speed = RaggedColumn(np.float32, check=_not_negative, rule="speeds >= 0")


def content_id(*parts: str | bytes) -> int:
    """Return a 63-bit hash of the parts, never negative and the same on every machine."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return int.from_bytes(digest.digest(), "little") >> 1


def frame_id(camera: str, time: np.datetime64, digest: int) -> int:
    """Return the id of the frame with this content, seen by this camera at this time."""
    return content_id("frame", camera, str(time.astype("datetime64[ns]").astype(np.int64)), str(digest))


def rows_of(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where each wanted id (M,) stands in ``ids`` (N,), in any order; all must be there."""
    order = np.argsort(ids, kind="stable")
    return order[np.searchsorted(ids, wanted, sorter=order)]


def rows_among(ids: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.intp]:
    """Return where each wanted id or name (M,) stands in ``ids`` (N,), in any order, -1 where it is not there."""
    if not len(ids):
        return np.full(len(wanted), -1)
    order = np.argsort(ids, kind="stable")
    place = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)]
    return np.where(ids[place] == wanted, place, -1)


def first_choices(matches: Matches) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the rows (F,) that have a candidate, and where their likeliest one stands in the flat values (F,)."""
    some = np.flatnonzero(matches.candidates.lengths > 0)
    return some, matches.candidates.offsets[some]


def row_ids(owner: NDArray[np.int64], rank: NDArray[np.integer[Any]], producer: str) -> NDArray[np.int64]:
    """Return ids for rows that belong to ``owner`` (N,) under ``rank`` (N,), made by ``producer``.

    The mixing is SplitMix64 (Steele, Lea, Flood 2014), so a million ids take milliseconds.
    """
    salt = np.uint64(content_id("row", producer))
    mixed = _mix(owner.astype(np.uint64) ^ salt) + rank.astype(np.uint64)
    return (_mix(mixed) >> np.uint64(1)).astype(np.int64)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
