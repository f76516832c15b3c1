"""Small batches of stills and what is made from them, the same in every process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.seams import Store
from cctview.store import Batch
from cctview.store.contract import Derived
from cctview.store.jpeg import encode
from cctview.types import (
    OBJECT_TYPES,
    PERSON,
    Breaks,
    Detections,
    Embeddings,
    Frame,
    Journeys,
    Matches,
    Passages,
    Ragged,
    Tracklets,
    TravelTimes,
    content_id,
    row_ids,
)

__all__ = [
    "CAMERAS",
    "PER_FRAME",
    "SECOND",
    "START",
    "batch",
    "breaks",
    "detections",
    "embeddings",
    "filled",
    "frame",
    "journeys",
    "matches",
    "no_people",
    "passages",
    "tracklets",
    "travel_times",
]

START = np.datetime64("2026-05-05T13:00:00", "ns")
SECOND = np.timedelta64(1, "s")
CAMERAS = ("733", "735", "O'Hare ⛖")
SIZE = (24, 32)
PER_FRAME = 5


def frame(
    number: int, *, encoded: bool = True, image: NDArray[np.uint8] | None = None, camera: str | None = None
) -> Frame:
    """Return the still of a second: noise of 24 x 32 pixels, unless an image (H, W, 3) is given."""
    if image is None:
        image = np.random.default_rng(number).integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    data = encode(image)
    return Frame(
        image=image,
        camera=camera or CAMERAS[number % len(CAMERAS)],
        time=START + number * SECOND,
        name=f"still-{number}",
        digest=content_id(data),
        encoded=data if encoded else b"",
    )


def detections(
    frames: Sequence[Frame],
    per_frame: int = PER_FRAME,
    types: Sequence[str] = OBJECT_TYPES[:5],
    producer: str = "detector 1",
) -> Detections:
    """Return so many boxes of 6 x 6 pixels for each still."""
    count = len(frames) * per_frame
    of = np.repeat(np.arange(len(frames)), per_frame)
    owner = np.array([item.id for item in frames], np.int64)[of]
    rank = np.tile(np.arange(1, per_frame + 1, dtype=np.int32), len(frames))
    corner = (owner[:, None] % np.array([13, 7])).astype(np.float32)
    return Detections(
        meta={"producer": producer},
        id=row_ids(owner, rank, producer),
        frame=owner,
        camera=np.array([item.camera for item in frames])[of],
        time=np.array([item.time for item in frames])[of],
        rank=rank,
        box=np.hstack([corner, corner + 6]),
        score=(owner % 97 / 97).astype(np.float32),
        type=np.resize(np.array(types), count),
    )


def embeddings(found: Detections, width: int = 16, producer: str = "embedder 1") -> Embeddings:
    """Return a vector (D,) for each detection that is no person."""
    found = found[found.type != PERSON]
    raw = (found.id[:, None] >> np.arange(width)) % 101 - 50.0
    vectors = (raw + 0.5) / np.linalg.norm(raw + 0.5, axis=1, keepdims=True)
    quality = (found.id % 89 / 89).astype(np.float32)
    return Embeddings(
        meta={"producer": producer}, detection=found.id, vector=vectors.astype(np.float32), quality=quality
    )


def no_people(frames: Sequence[Frame]) -> Ragged[np.float32]:
    """Return no box for each still."""
    return Ragged.from_lengths(np.zeros((0, 4), np.float32), np.zeros(len(frames), np.int64))


def batch(numbers: Iterable[int], *, people: Ragged[np.float32] | None = None, **told: Any) -> Batch:
    """Return the stills of these seconds with what is in them; more keywords are those of ``detections``."""
    frames = [frame(number) for number in numbers]
    found = detections(frames, **told)
    return Batch(frames=frames, detections=found, embeddings=embeddings(found), people=people or no_people(frames))


def tracklets(found: Detections, vectors: Embeddings, size: int = 2) -> Tracklets:
    """Make a tracklet of every ``size`` detections of one camera, in order."""
    found = found[np.isin(found.id, vectors.detection)].sort("camera", "time", "rank")
    start = np.concatenate([np.flatnonzero(found.camera == name)[::size] for name in np.unique(found.camera)])
    lengths = np.minimum(size, np.array([(found.camera[at:] == found.camera[at]).sum() for at in start]))
    last = start + lengths - 1
    order = np.argsort(vectors.detection)
    place = order[np.searchsorted(vectors.detection, found.id[start], sorter=order)]
    members = np.concatenate([found.id[at : at + n] for at, n in zip(start, lengths, strict=True)])
    return Tracklets(
        meta={"producer": "tracker 1"},
        id=found.id[start] ^ 1,
        camera=found.camera[start],
        first_time=found.time[start],
        last_time=found.time[last],
        first_box=found.box[start],
        last_box=found.box[last],
        type=found.type[start],
        heading=np.full(len(start), "away"),
        vector=vectors.vector[place],
        spread=np.zeros(len(start)),
        quality=np.ones(len(start)),
        members=Ragged.from_lengths(members, lengths),
    )


def matches(tracks: Tracklets, camera: str, other: str, candidates: int = 3) -> Matches:
    """Return a list of candidates at the other camera for each tracklet of the one."""
    query, gallery = tracks[tracks.camera == camera], tracks[tracks.camera == other]
    count = len(query)
    chosen = gallery.id[(np.arange(count)[:, None] + np.arange(candidates)) % len(gallery)]
    lengths = np.full(count, candidates)
    values = np.arange(count * candidates, dtype=np.float32)
    return Matches(
        meta={"producer": "matcher 1"},
        query=query.id,
        query_camera=query.camera,
        camera=np.full(count, other),
        candidates=Ragged.from_lengths(chosen.reshape(-1), lengths),
        distance=Ragged.from_lengths(values, lengths),
        probability=Ragged.from_lengths(np.full(count * candidates, 0.25, np.float32), lengths),
        lag_s=Ragged.from_lengths(-values, lengths),
        **dict.fromkeys(
            ("looks", "size", "timing", "lane", "order", "context"), Ragged.from_lengths(values / 2, lengths)
        ),
        p_none=np.full(count, 0.25),
    )


def passages(tracks: Tracklets, camera: str) -> Passages:
    """One of each two neighbouring tracklets of a camera, but for the last one where they are odd."""
    own = tracks[tracks.camera == camera]
    first, second = own[::2][: len(own) // 2], own[1::2]
    members = np.stack([first.id, second.id], axis=1).reshape(-1)
    return Passages(
        meta={"producer": "tracker 1"},
        id=row_ids(first.id, np.zeros(len(first), np.int64), "passage"),
        camera=first.camera,
        time=second.first_time,
        heading=np.full(len(first), "away"),
        type=first.type,
        members=Ragged.from_lengths(members, np.full(len(first), 2)),
    )


def travel_times(camera: str, other: str) -> TravelTimes:
    """Two intervals of each direction."""
    names = dict.fromkeys(("p10_s", "p25_s", "median_s", "p75_s", "p90_s", "median_low_s", "median_high_s"))
    start = np.datetime64("2026-05-05T13:00:00", "ns") + np.arange(2).repeat(2) * np.timedelta64(300, "s")
    return TravelTimes(
        meta={"producer": "matcher 1"},
        origin=np.array([camera, other] * 2),
        target=np.array([other, camera] * 2),
        start=start,
        count=np.full(4, 9),
        **{name: np.full(4, 17.0 + place) for place, name in enumerate(names)},
    )


def breaks(camera: str, other: str) -> Breaks:
    """A silence and a turn of one camera, and one that froze."""
    minutes = np.array([0, 1, 2]) * np.timedelta64(60, "s")
    return Breaks(
        camera=np.array([camera, camera, other]),
        time=np.datetime64("2026-05-05T13:00:02", "ns") + minutes,
        kind=np.array(["gap", "turned", "frozen"]),
    )


def journeys(tracks: Tracklets, camera: str, other: str) -> Journeys:
    """Join the tracklets of two cameras one by one."""
    origin, target = tracks[tracks.camera == camera], tracks[tracks.camera == other]
    count = min(len(origin), len(target))
    members = np.stack([origin.id[:count], target.id[:count]], axis=1).reshape(-1)
    when = np.stack([origin.first_time[:count], target.first_time[:count]], axis=1).reshape(-1)
    lengths = np.full(count, 2)
    ones = np.ones(2 * count)
    return Journeys(
        meta={"producer": "journeys 1"},
        id=origin.id[:count] ^ 2,
        probability=np.full(count, 0.5),
        members=Ragged.from_lengths(members, lengths),
        time=Ragged.from_lengths(when, lengths),
        lon=Ragged.from_lengths(ones, lengths),
        lat=Ragged.from_lengths(ones, lengths),
        speed=Ragged.from_lengths(ones.astype(np.float32), lengths),
    )


def filled(store: Store, count: int = 12) -> Store:
    """Keep some stills in a new store and everything that is derived from them; return it."""
    store.append(batch(range(count)))
    tracks = tracklets(store.scan(Detections), store.scan(Embeddings))
    ends = CAMERAS[:2]
    made: list[Derived] = [tracks, passages(tracks, ends[1]), matches(tracks, *ends), journeys(tracks, *ends)]
    store.replace([*made, travel_times(*ends), breaks(*ends)])
    return store
