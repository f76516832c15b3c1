"""What the web application holds in memory: compact columns of frames, tracklets and journeys.

Ten million detections are about a million frames and two million tracklets: some hundred
megabytes. Boxes, vectors and matches stay in the store and are read by id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.aggregates import LIKELY
from cctview.errors import MissingError, nearest
from cctview.geometry import area
from cctview.network import CameraNetwork, Link
from cctview.seams import Store
from cctview.types import HEADINGS, OBJECT_TYPES, Frames, Journeys, Passages, Ragged, Tracklets
from cctview.web.model.columns import Keys, coded, gathered, ids_in, micros_in
from cctview.web.model.matched import MatchColumns

__all__ = ["Crossings", "FrameColumns", "Index", "JourneyColumns", "TrackletColumns"]

_DERIVED = ("tracklets", "passages", "matches", "journeys")
_AROUND = 1_800_000_000
_SLACK = 30_000_000
_ENOUGH = 20
_SPREAD = (0.02, 0.98)
Ids = NDArray[np.int64]
Rows = NDArray[np.int64]
Micros = NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class FrameColumns:
    """Frames ordered by camera, time and id; those of camera ``c`` are ``starts[c]:starts[c + 1]``.

    ``imported`` (ns) is when the newest of them was stored.
    """

    id: Ids
    camera: NDArray[np.int16]
    time: Micros
    imported: int
    starts: NDArray[np.int64]
    keys: Keys


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackletColumns:
    """Tracklets ordered by camera, first time and id; ``type`` and ``heading`` are codes.

    ``passed`` is when each was nearest to its camera.
    """

    id: Ids
    camera: NDArray[np.int16]
    first: Micros
    last: Micros
    passed: Micros
    type: NDArray[np.int8]
    heading: NDArray[np.int8]
    quality: NDArray[np.float32]
    starts: NDArray[np.int64]
    keys: Keys


@dataclass(frozen=True, eq=False, kw_only=True)
class JourneyColumns:
    """Journeys as they are stored, most probable first; ``members`` are rows of tracklets.

    ``through`` lists the flat places of ``members`` in order of the tracklet row.
    """

    id: Ids
    probability: NDArray[np.float32]
    members: Ragged[np.int64]
    time: Micros
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    speed: NDArray[np.float32]
    through: NDArray[np.int64]
    keys: Keys


@dataclass(frozen=True, eq=False, kw_only=True)
class Crossings:
    """First choices on links: link number, departure, travel time s and probability, by link and departure."""

    link: NDArray[np.int64]
    departed: Micros
    seconds: NDArray[np.float64]
    weight: NDArray[np.float64]

    def of(self, link: int, after: int, before: int) -> Self:
        """Return those over a link that departed in ``[after, before)``."""
        low, high = np.searchsorted(self.link, [link, link + 1])
        first, last = low + np.searchsorted(self.departed[low:high], [after, before])
        return replace(self, **{name: column[first:last] for name, column in vars(self).items()})


@dataclass(frozen=True, eq=False, kw_only=True)
class Index:
    """One consistent view of a store; ``cameras`` are those of the network first, then others that have stills."""

    versions: dict[str, tuple[int, int]]
    cameras: tuple[str, ...]
    links: tuple[Link, ...]
    frames: FrameColumns
    tracklets: TrackletColumns
    passages: Passages
    matches: MatchColumns
    journeys: JourneyColumns
    crossings: Crossings

    @classmethod
    def read(cls, store: Store, network: CameraNetwork, last: Self | None = None) -> Self:
        """Read the columns of a store; what has not changed is taken from the ``last`` index."""
        versions = store.versions()
        changed = {name for name in _DERIVED if last is None or versions.get(name) != last.versions.get(name)}
        known = last.cameras if last else tuple(network.cameras.id.tolist())
        frames, names = _frames(store, versions.get("frames", (0, 0))[1], known, last)
        if last is not None and names == last.cameras and not changed:
            return replace(last, versions=versions, frames=frames)
        present = [names[code] for code in np.unique(frames.camera).tolist()]
        links = network.among(present).links if present else network.links
        tracklets = _tracklets(store, names)
        matches = MatchColumns.read(store, tracklets.keys, names)
        return cls(
            versions=versions,
            cameras=names,
            links=links,
            frames=frames,
            tracklets=tracklets,
            passages=store.scan(Passages),
            matches=matches,
            journeys=_journeys(store.scan(Journeys), tracklets),
            crossings=_crossings(matches, tracklets, links, names),
        )

    def camera(self, name: str) -> int:
        """Return the number of a camera; raise MissingError for one that is neither listed nor stored."""
        if name not in self.cameras:
            raise MissingError(f"no camera {name[:200]!r}; {nearest(name[:200], self.cameras)}")
        return self.cameras.index(name)

    def link(self, origin: str, target: str) -> int:
        """Return the number of a link; raise MissingError when there is none."""
        for number, link in enumerate(self.links):
            if (link.origin, link.target) == (origin, target):
                return number
        raise MissingError(f"no link from {origin[:200]!r} to {target[:200]!r}; see GET /api/v1/links")

    def frame_range(self, camera: str) -> tuple[int, int]:
        """Return the rows of a camera's frames."""
        low, high = self.frames.starts[(number := self.camera(camera)) : number + 2].tolist()
        return low, high

    def frame_rows(self, camera: str | None, after: int, before: int, limit: int, *, newest_first: bool) -> Rows:
        """Return rows of frames in ``[after, before)`` in order of time, no fewer than ``limit`` where there are."""
        codes = range(len(self.cameras)) if camera is None else [self.camera(camera)]
        return _page(self.frames.time, self.frames.starts, codes, after, before, limit, newest_first=newest_first)

    def tracklet_rows(self, camera: str | None, after: int, before: int, limit: int) -> Rows:
        """Return rows of tracklets that began in ``[after, before)``, in order of time."""
        codes = range(len(self.cameras)) if camera is None else [self.camera(camera)]
        return _page(self.tracklets.first, self.tracklets.starts, codes, after, before, limit, newest_first=False)

    def neighbours(self, row: int) -> tuple[int | None, int | None]:
        """Return the rows of the frames before and after one at the same camera."""
        starts = self.frames.starts.tolist()
        return (None if row in starts else row - 1), (None if row + 1 in starts else row + 1)

    def present(self, camera: str, first: int, last: int) -> Rows:
        """Return the tracklets of a camera that were in view at some time from ``first`` to ``last``."""
        low, high = self.tracklets.starts[(number := self.camera(camera)) : number + 2].tolist()
        end = low + int(np.searchsorted(self.tracklets.first[low:high], last, side="right"))
        return low + np.flatnonzero(self.tracklets.last[low:end] >= first)

    def journeys_through(self, tracklet: int) -> Rows:
        """Return the journeys that hold a tracklet, most probable first."""
        members = self.journeys.members
        low, high = np.searchsorted(members.values, [tracklet, tracklet + 1], sorter=self.journeys.through)
        places = self.journeys.through[low:high]
        return np.unique(np.searchsorted(members.offsets, places, side="right") - 1)

    def window(self, tracklet: int, link: int, *, onwards: bool) -> tuple[int, int]:
        """Return when a vehicle should be at the other end of a link: learnt from its traffic, or the network's."""
        first, last = int(self.tracklets.first[tracklet]), int(self.tracklets.last[tracklet])
        seconds = self.crossings.of(link, first - _AROUND, last + _AROUND).seconds
        bounds = self.links[link].min_s, self.links[link].max_s
        low, high = np.quantile(seconds, _SPREAD) if len(seconds) >= _ENOUGH else bounds
        low, high = int(low * 1e6), int(high * 1e6)
        return (first + low, last + high) if onwards else (first - high, last - low)

    def arrivals_from(self, link: int, tracklet: int) -> tuple[int, int]:
        """Return the range of tracklets at the start of a link that may be this one, at its end, by time alone."""
        way = self.links[link]
        low, high = self.tracklets.starts[(number := self.camera(way.origin)) : number + 2].tolist()
        first = int(self.tracklets.first[tracklet]) - int(way.max_s * 1e6) - _SLACK
        last = int(self.tracklets.last[tracklet]) - int(way.min_s * 1e6) + _SLACK
        begin, end = (low + np.searchsorted(self.tracklets.first[low:high], [first, last])).tolist()
        return begin, end


def _page(
    time: Micros, starts: Rows, codes: Iterable[int], after: int, before: int, limit: int, *, newest_first: bool
) -> Rows:
    """Return at least ``limit`` rows in order of time; rows of one time are never torn apart."""
    parts = []
    for code in codes:
        low, high = starts[code : code + 2]
        begin, end = low + np.searchsorted(time[low:high], [after, before])
        if newest_first:
            begin = (
                min(begin, end) if end - begin <= limit else low + np.searchsorted(time[low:high], time[end - limit])
            )
        elif end - begin > limit:
            end = low + np.searchsorted(time[low:high], time[begin + limit - 1], side="right")
        parts.append(np.arange(begin, end))
    rows = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    rows = rows[np.argsort(-time[rows] if newest_first else time[rows], kind="stable")]
    if len(rows) <= limit:
        return rows
    return rows[time[rows] >= time[rows[limit - 1]]] if newest_first else rows[time[rows] <= time[rows[limit - 1]]]


def _frames(
    store: Store, count: int, known: tuple[str, ...], last: Index | None
) -> tuple[FrameColumns, tuple[str, ...]]:
    """Return the frames and all cameras; only what was stored since is read where nothing was removed."""
    held = last.frames if last else None
    fresh, names = _fresh_frames(store, known, held)
    if held is not None and len(held.id) + len(fresh[0]) != count:
        held = None
        fresh, names = _fresh_frames(store, known, None)
    ids, camera, time, imported = fresh
    newest = int(imported.max(initial=held.imported if held else 0))
    if held is not None:
        ids, camera, time = (
            np.concatenate(pair) for pair in ((held.id, ids), (held.camera, camera), (held.time, time))
        )
    order = np.lexsort((ids, time, camera))
    ids, camera = ids[order], camera[order]
    columns = FrameColumns(
        id=ids, camera=camera, time=time[order], imported=newest, starts=_starts(camera, names), keys=Keys(ids)
    )
    return columns, names


def _fresh_frames(
    store: Store, known: tuple[str, ...], held: FrameColumns | None
) -> tuple[tuple[NDArray[Any], ...], tuple[str, ...]]:
    """Return ids, camera codes, times and import times (ns) of frames that are not held, and all cameras by code."""
    since = None if held is None else np.datetime64(held.imported, "ns")
    names, parts = known, []
    for batch in store.stream(Frames, ["id", "camera", "time", "imported"], imported_after=since):
        names = (*names, *sorted(set(batch.column("camera").unique().to_pylist()) - set(names)))
        imported = batch.column("imported").cast(pa.int64()).to_numpy(zero_copy_only=False)
        parts.append((ids_in(batch, "id"), coded(batch, "camera", names), micros_in(batch, "time"), imported))
    return gathered(parts, (np.int64, np.int16, np.int64, np.int64)), names


def _tracklets(store: Store, names: tuple[str, ...]) -> TrackletColumns:
    read = ["id", "camera", "first_time", "last_time", "first_box", "last_box", "type", "heading", "quality"]
    parts = [
        (
            ids_in(batch, "id"),
            coded(batch, "camera", names),
            micros_in(batch, "first_time"),
            micros_in(batch, "last_time"),
            np.where(_area(batch, "last_box") >= _area(batch, "first_box"), *_ends(batch)),
            coded(batch, "type", OBJECT_TYPES),
            coded(batch, "heading", HEADINGS),
            batch.column("quality").to_numpy(zero_copy_only=False),
        )
        for batch in store.stream(Tracklets, read)
    ]
    columns = gathered(parts, (np.int64, np.int16, np.int64, np.int64, np.int64, np.int8, np.int8, np.float32))
    order = np.lexsort((columns[0], columns[2], columns[1]))
    ids, camera, first, last, passed, kind, heading, quality = (column[order] for column in columns)
    return TrackletColumns(
        id=ids,
        camera=camera,
        first=first,
        last=last,
        passed=passed,
        type=kind,
        heading=heading,
        quality=quality,
        starts=_starts(camera, names),
        keys=Keys(ids),
    )


def _journeys(table: Journeys, tracklets: TrackletColumns) -> JourneyColumns:
    rows = tracklets.keys.rows(table.members.values)
    whole = np.bincount(table.members.row[rows < 0], minlength=len(table)) == 0
    table = table[np.flatnonzero(whole)]
    table = table[np.lexsort((table.id, -table.probability))]
    rows = tracklets.keys.rows(table.members.values)
    return JourneyColumns(
        id=table.id,
        probability=table.probability,
        members=Ragged(rows, table.members.offsets),
        time=table.time.values.astype("datetime64[us]").astype(np.int64),
        lon=table.lon.values,
        lat=table.lat.values,
        speed=table.speed.values,
        through=np.argsort(rows, kind="stable"),
        keys=Keys(table.id),
    )


def _area(batch: pa.RecordBatch, name: str) -> NDArray[np.float32]:
    boxes = batch.column(name).flatten().to_numpy(zero_copy_only=False).reshape(-1, 4)
    return area(boxes)


def _ends(batch: pa.RecordBatch) -> tuple[Micros, Micros]:
    return micros_in(batch, "last_time"), micros_in(batch, "first_time")


def _crossings(
    matches: MatchColumns, tracklets: TrackletColumns, links: tuple[Link, ...], names: tuple[str, ...]
) -> Crossings:
    """Return every likely first choice along a link of the network: what travel times are made of."""
    rows, first = matches.first_choices()
    likely = first["probability"] >= LIKELY
    rows, first = rows[likely], first[likely]
    code = {name: number for number, name in enumerate(names)}
    keys = np.array([code[link.origin] * len(names) + code[link.target] for link in links], np.int64)
    query = matches.query[rows]
    link = Keys(keys).rows(tracklets.camera[query].astype(np.int64) * len(names) + matches.camera[rows])
    query, first, link = query[link >= 0], first[link >= 0], link[link >= 0]
    departed = tracklets.passed[query]
    order = np.lexsort((departed, link))
    seconds, weight = (first[name].astype(np.float64)[order] for name in ("lag_s", "probability"))
    return Crossings(link=link[order], departed=departed[order], seconds=seconds, weight=weight)


def _starts(codes: NDArray[Any], names: tuple[str, ...]) -> NDArray[np.int64]:
    return np.searchsorted(codes, np.arange(len(names) + 1))
