"""The read model of the web application: what the API and the pages ask a store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.aggregates import LEFT_OUT, counts, lanes
from cctview.errors import MissingError, SettingsError
from cctview.network import CameraNetwork
from cctview.privacy import Policy
from cctview.seams import Store
from cctview.types import OBJECT_TYPES, Breaks, Counts, Detections, Embeddings, Frames, Lanes, Tracklets
from cctview.web.model import answers, pictures
from cctview.web.model.boxes import boxes_of
from cctview.web.model.moments import from_micros, micros
from cctview.web.model.names import Names
from cctview.web.model.records import Records

__all__ = ["Reading"]

_LOG = logging.getLogger(__name__)
_NOW_S = 900.0
_END = np.iinfo(np.int64).max
_MOST_BINS = 100_000


class Reading:
    """Answer questions about a store from one index in memory, and from the store by id.

    The index is read anew off the request path when the store changes; an answer rests on one index
    throughout. Ids in arguments are those of the answers; readable names of frames and detections do
    too. Raise MissingError for what is not there.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._records = Records(store)
        self._lanes: dict[str, Lanes] = {}

    @property
    def names(self) -> Names:
        """Between ids and their names."""
        return self._records.names

    def refresh(self) -> bool:
        """Read the index anew if the store has changed; return whether it had."""
        with self._lock:
            now = self._records
            moved = (self._store.network or CameraNetwork()) != now.network
            if not moved and self._store.versions() == now.index.versions and self._store.policy == now.policy:
                return False
            self._records = Records(self._store, None if moved else now.index)
            self._lanes = {}
            return True

    @contextmanager
    def watched(self, every_s: float = 0.5) -> Iterator[None]:
        """Keep the index fresh from a thread of its own, so that no request waits for it."""
        done = threading.Event()

        def watch() -> None:
            told = ""
            while not done.wait(every_s):
                try:
                    self.refresh()
                except Exception as error:  # noqa: BLE001  whatever it is, the next look may go well
                    if str(error) != told:
                        _LOG.warning("the store cannot be read just now; what was read last is shown: %s", error)
                    told = str(error)
                else:
                    if told:
                        _LOG.warning("the store can be read again")
                    told = ""

        thread = threading.Thread(target=watch, name="cctview-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    @property
    def network(self) -> CameraNetwork:
        """The camera network of the store, empty where it knows none."""
        return self._records.network

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._records.policy

    @property
    def timezone(self) -> str:
        """The time zone that local times are shown in."""
        return self.network.timezone or "UTC"

    def summary(self) -> dict[str, Any]:
        """Return rows, bytes, oldest and newest time and producer of each table."""
        return self._store.summary()

    def span(self) -> tuple[datetime, datetime] | None:
        """Return the times of the oldest and the newest still, None in an empty store."""
        time = self._records.index.frames.time
        return (from_micros(time.min()), from_micros(time.max())) if len(time) else None

    def cameras(self) -> tuple[answers.Camera, ...]:
        """Return all cameras: those of the network file, then others that have stills."""
        now = self._records
        return tuple(now.camera(number) for number in range(len(now.index.cameras)))

    def camera(self, name: str) -> answers.Camera:
        """Return one camera."""
        now = self._records
        return now.camera(now.index.camera(name))

    def links(self, window_s: float = _NOW_S) -> tuple[answers.Link, ...]:
        """Return all links, each with the traffic of the newest ``window_s`` seconds."""
        now = self._records
        newest = int(now.index.frames.time.max()) + 1 if len(now.index.frames.time) else 0
        after = newest - int(window_s * 1e6)
        return tuple(now.link(link, now.traffic(number, after, newest)) for number, link in enumerate(now.index.links))

    def traffic(
        self, origin: str, target: str, after: datetime | None = None, before: datetime | None = None
    ) -> answers.Traffic | None:
        """Return the traffic that set out over a link in a time, None of fewer than the minimum group."""
        now = self._records
        return now.traffic(now.index.link(origin, target), micros(after, 0), micros(before, _END))

    def crossings(
        self, origin: str, target: str, after: datetime | None = None, before: datetime | None = None
    ) -> answers.Crossings:
        """Return when vehicles set out over a link and how long each took; nothing below the minimum group."""
        now = self._records
        found = now.index.crossings.of(now.index.link(origin, target), micros(after, 0), micros(before, _END))
        told = found.seconds if len(found.seconds) >= self.policy.minimum_group else found.seconds[:0]
        departures = tuple(from_micros(value) for value in found.departed[: len(told)])
        return answers.Crossings(origin=origin, target=target, departures=departures, seconds=tuple(told.tolist()))

    def frames(
        self,
        camera: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        limit: int = 100,
        *,
        newest_first: bool = False,
    ) -> tuple[answers.Still, ...]:
        """Return up to ``limit`` stills with ``after <= time < before``, and all that share the last one's time.

        So the next page begins after the last time without losing any.
        """
        now = self._records
        rows = now.index.frame_rows(camera, micros(after, 0), micros(before, _END), limit, newest_first=newest_first)
        return now.stills(rows)

    def frame(self, name: str) -> answers.Frame:
        """Return a still with its boxes."""
        now = self._records
        ident = now.names.frame(name)
        row = now.frame_row(ident, name)
        rows = self._store.scan(Frames, ids=np.array([ident], np.int64))
        if not len(rows):
            raise MissingError(f"frame {name!r} is no longer stored; it may have expired")
        before, after = now.index.neighbours(row)
        return answers.Frame(
            id=now.names.out(rows.id)[0],
            name=str(rows.name[0]),
            camera=str(rows.camera[0]),
            time=from_micros(now.index.frames.time[row]),
            width=int(rows.width[0]),
            height=int(rows.height[0]),
            detections=now.detections(boxes_of(self._store, rows.id), str(rows.name[0])),
            previous=None if before is None else now.names.out(now.index.frames.id[[before]])[0],
            next=None if after is None else now.names.out(now.index.frames.id[[after]])[0],
        )

    def image(self, name: str, *, boxes: bool = False) -> bytes:
        """Return the JPEG bytes of a still, on request with its boxes drawn."""
        now = self._records
        row = now.frame_row(now.names.frame(name), name)
        still = now.still(int(now.index.frames.id[row]))
        return pictures.with_boxes(still, boxes_of(self._store, now.index.frames.id[[row]])) if boxes else still

    def crop(self, name: str, *, side: int | None = None) -> bytes:
        """Return a detection, or the largest box of a tracklet, as JPEG; enlarged to ``side`` pixels on request."""
        found = self._records.best(name)
        return pictures.crop(self._records.still(int(found.frame[0])), found.box[0], side)

    def detection(self, name: str) -> answers.Detection:
        """Return one box."""
        now = self._records
        rows = self._store.scan(Detections, ids=np.array([self.names.detection(name)], np.int64))
        if not len(rows):
            raise MissingError(f"no detection {name!r} is stored; it may have expired")
        return now.detections(rows)[0]

    def boxes(self, rows: Detections) -> tuple[answers.Detection, ...]:
        """Return boxes that were read from the store, as answers."""
        return self._records.detections(rows)

    def vector(self, name: str) -> NDArray[np.float32]:
        """Return the embedding of a detection, ``(D,)``."""
        rows = self._store.scan(Embeddings, ids=np.array([self.names.detection(name)], np.int64))
        if not len(rows):
            raise MissingError(f"no embedding of {name!r} is stored; only vehicles have one, and they may have expired")
        vector: NDArray[np.float32] = rows.vector[0]
        return vector

    def tracklet(self, name: str) -> answers.Sighting:
        """Return one vehicle at one camera, with its boxes in time order."""
        now = self._records
        row = now.tracklet_row(name)
        members = now.members(now.index.tracklets.id[row], name)
        boxes = self._store.scan(Detections, ids=members)
        boxes = boxes[np.lexsort((boxes.rank, boxes.time))]
        return answers.Sighting(
            tracklet=now.tracklets(np.array([row]))[0],
            detections=now.detections(boxes, owner=name),
        )

    def tracklets(
        self,
        camera: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        limit: int = 100,
    ) -> tuple[answers.Tracklet, ...]:
        """Return up to ``limit`` tracklets that began in a time, in order of it, and all that share the last time."""
        now = self._records
        return now.tracklets(now.index.tracklet_rows(camera, micros(after, 0), micros(before, _END), limit))

    def matches(self, name: str, camera: str | None = None, top: int = 5) -> tuple[answers.Matching, ...]:
        """Return for each camera down and up a link who the vehicle of a tracklet may be there."""
        now = self._records
        row = now.tracklet_row(name)
        found = (*now.next(row, top), *now.previous(row, top))
        return tuple(matching for matching in found if camera in (None, matching.camera))

    def journey(self, name: str) -> answers.Journey:
        """Return one journey."""
        now = self._records
        return now.journeys(np.array([now.journey_row(name)]))[0]

    def journeys(self, through: str | None = None, limit: int = 100) -> tuple[answers.Journey, ...]:
        """Return journeys, most probable first; on request only those through a tracklet."""
        now = self._records
        if through is None:
            return now.journeys(np.arange(min(limit, len(now.index.journeys.id))))
        return now.journeys(now.index.journeys_through(now.tracklet_row(through))[:limit])

    def counts(
        self,
        camera: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        width_s: float = 300.0,
    ) -> answers.Counts:
        """Return how many passages each bin of time has, by type, from cells no smaller than the minimum group."""
        now = self._records
        if camera is not None:
            now.index.camera(camera)
        passed = now.index.passages
        time = passed.time.astype("datetime64[us]").astype(np.int64)
        inside = (time >= micros(after, 0)) & (time < micros(before, _END))
        inside &= passed.camera == camera if camera is not None else True
        table = counts(passed[inside], now.spans(), every_s=width_s, least=self.policy.minimum_group)
        return _binned(table, camera, width_s)

    def gaps(self, camera: str, longer_than_s: float = 10.0) -> tuple[tuple[datetime, datetime], ...]:
        """Return the pauses between neighbouring stills of a camera that are longer than some seconds."""
        now = self._records
        low, high = now.index.frame_range(camera)
        time = now.index.frames.time[low:high]
        wide = np.flatnonzero(np.diff(time) > longer_than_s * 1e6)
        return tuple((from_micros(time[n]), from_micros(time[n + 1])) for n in wide.tolist())

    def forgettable(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the ids behind names of frames, detections, tracklets and journeys, stored or not."""
        now = self._records.names
        return np.array(
            [now.detection(name) if "--detections--" in name else now.frame(name) for name in names], np.int64
        )

    def paths(self, camera: str, limit: int = 2000) -> Tracklets:
        """Return the newest tracklets of a camera as a table: where boxes begin, end, and how large they are."""
        now = self._records
        number = now.index.camera(camera)
        low, high = now.index.tracklets.starts[number : number + 2]
        return self._store.scan(Tracklets, ids=now.index.tracklets.id[max(low, high - limit) : high])

    def breaks(self, camera: str) -> Breaks:
        """Return when a camera was turned, frozen, or out of time."""
        return self._store.scan(Breaks, camera=camera)

    def lanes(self, camera: str) -> Lanes:
        """Return the lanes that the newest tracklets of a camera took; none of fewer than the minimum group."""
        known = self._lanes
        if camera not in known:
            paths = self.paths(camera)
            boxes = self._store.scan(Detections, ids=paths.members.values)
            known[camera] = lanes(paths, boxes, self.breaks(camera), least=self.policy.minimum_group)
        return known[camera]


def _binned(table: Counts, camera: str | None, width_s: float) -> answers.Counts:
    """Return counts as one row per type; raise SettingsError for more bins than anybody could read."""
    start = table.start.astype("datetime64[s]").astype(np.int64) // int(width_s)
    first = int(start.min()) if len(start) else 0
    bins = int(start.max()) - first + 1 if len(start) else 0
    if bins > _MOST_BINS:
        raise SettingsError(f"{bins} bins of {width_s:g} s are too many; ask for wider ones or a shorter time")
    of_type = {kind: table.type == kind for kind in OBJECT_TYPES}
    rows = {kind: np.bincount(start[of] - first, table.passages[of], bins) for kind, of in of_type.items()}
    return answers.Counts(
        camera=camera,
        width_s=width_s,
        times=tuple(from_micros((first + n) * int(width_s) * 1_000_000) for n in range(bins)),
        counts={kind: tuple(row.astype(int).tolist()) for kind, row in rows.items() if row.any()},
        left_out=int(table.meta[LEFT_OUT]),
    )
