"""Write a store with millions of simulated detections straight into its tables, in a few minutes.

    python benchmarks/large_store.py FOLDER --detections 10000000

A road with cameras in a row; at each camera ten vehicles are always in view, five each way, each
for five stills. Matches and journeys follow the road; all stills share the pixels of one.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.network import CameraNetwork, Link
from cctview.privacy import Policy
from cctview.store import create_store
from cctview.store.lance.packs import PackWriter
from cctview.store.lance.store import LanceStore
from cctview.store.layouts import stored, times
from cctview.types import (
    Cameras,
    Detections,
    Embeddings,
    Frames,
    Journeys,
    Matches,
    Ragged,
    Tracklets,
    content_id,
    row_ids,
)

START = np.datetime64("2026-05-05T00:00:00", "ns")
SLOTS, STAY, STEP_S, LAG, CANDIDATES, WIDTH = 10, 5, 1.7, 4, 5, 128
METRES = 500.0
NOW = np.datetime64("2026-05-06T00:00:00", "ns")


@dataclass(frozen=True, eq=False, kw_only=True)
class Scale:
    """How many cameras stand in the row, and how many stays of vehicles each of their slots sees."""

    cameras: int
    stays: int

    @property
    def names(self) -> list[str]:
        """The ids of the cameras."""
        return [f"cam-{number:02d}" for number in range(self.cameras)]


def network(scale: Scale) -> CameraNetwork:
    """Return the cameras in a row, linked both ways."""
    names = scale.names
    cameras = Cameras(
        id=np.array(names),
        name=np.array(names),
        lon=np.full(len(names), -73.97),
        lat=40.75 - np.arange(len(names)) * METRES / 111_195,
        heading_deg=np.zeros(len(names), np.float32),
        interval_s=np.full(len(names), STEP_S, np.float32),
    )
    pairs = [(a, b, 180.0) for a, b in pairwise(names)]
    pairs += [(b, a, 0.0) for a, b, _ in pairs]
    links = tuple(
        Link(origin=a, target=b, direction_deg=way, metres=METRES, min_s=12.0, max_s=120.0) for a, b, way in pairs
    )
    return CameraNetwork(cameras=cameras, links=links)


def write(path: Path, scale: Scale, *, vectors: bool) -> LanceStore:
    """Write the store; raise StoreError where one stands already."""
    store = create_store(path, Policy(purpose="a benchmark", expiry_from="import"))
    assert isinstance(store, LanceStore)
    still = _still()
    with store._writing("fill") as tx:  # noqa: SLF001  the door for rows without pixels
        writer = PackWriter(path, {})
        writer.write([still])
        tx.commit = replace(tx.commit, packs=writer.packs)
        for number in range(scale.cameras):
            frames, boxes = _seen(scale, number)
            imported = {"imported": times(np.full(len(frames), NOW))}
            tx.add("frames", stored(frames, {**imported, **_places(len(frames), len(still))}), {})
            tx.add("detections", stored(boxes, {"imported": times(np.full(len(boxes), NOW))}), {"detector": "none"})
            if vectors:
                tx.add("embeddings", _embeddings(boxes), {"embedder": "none"})
            tx.add("tracklets", stored(_tracklets(scale, number, boxes)), {"tracker": "none"})
            tx.add("matches", stored(_matches(scale, number)), {"matcher": "none"})
            print(number + 1, "cameras", flush=True)
        chains = _journeys(scale)
        tx.add("journeys", stored(chains, {"start": times(chains.time.values[chains.time.offsets[:-1]])}), {})
        tx.save()
        tx.sweep()
    return store


def tracklet_ids(scale: Scale, number: int) -> NDArray[np.int64]:
    """Return the ids of the tracklets of a camera, (stays, slots)."""
    rank = np.arange(scale.stays * SLOTS)
    owner = np.full(len(rank), content_id("tracklets", scale.names[number]))
    return row_ids(owner, rank, "tracker").reshape(scale.stays, SLOTS)


def _seen(scale: Scale, number: int) -> tuple[Frames, Detections]:
    count = scale.stays * STAY
    rng = np.random.default_rng(number)
    camera = scale.names[number]
    time = START + (np.arange(count) * int(STEP_S * 1e9)).astype("timedelta64[ns]")
    ids = row_ids(np.full(count, content_id("frames", camera)), np.arange(count), "camera")
    name = np.strings.add(f"{camera}--", np.datetime_as_string(time, "ms"))
    frames = Frames(
        id=ids,
        camera=np.full(count, camera),
        time=time,
        time_error_s=np.full(count, 0.5),
        name=name,
        digest=ids,
        width=np.full(count, 352, np.int32),
        height=np.full(count, 240, np.int32),
    )
    frame, rank = np.repeat(ids, SLOTS), np.tile(np.arange(1, SLOTS + 1, dtype=np.int32), count)
    corner = rng.uniform(0, (300, 190), (len(frame), 2)).astype(np.float32)
    boxes = Detections(
        id=row_ids(frame, rank, "detector"),
        frame=frame,
        camera=np.full(len(frame), camera),
        time=np.repeat(time, SLOTS),
        rank=rank,
        box=np.hstack([corner, corner + rng.uniform(8, 50, (len(frame), 2)).astype(np.float32)]),
        score=rng.uniform(0.4, 1, len(frame)).astype(np.float32),
        type=rng.choice(["car", "truck", "bus"], len(frame), p=[0.9, 0.07, 0.03]),
    )
    return frames, boxes


def _embeddings(boxes: Detections) -> pa.Table:
    rng = np.random.default_rng(int(boxes.id[0] % 2**32))
    vector = _unit(rng.normal(size=(len(boxes) // SLOTS, WIDTH)).astype(np.float32))
    rows = Embeddings(
        detection=boxes.id,
        vector=np.repeat(vector, SLOTS, axis=0),
        quality=np.full(len(boxes), 0.5),
    )
    extra = {
        "frame": pa.array(boxes.frame),
        "camera": pa.array(boxes.camera.tolist(), pa.string()),
        "time": times(boxes.time),
        "rank": pa.array(boxes.rank),
        "imported": times(np.full(len(boxes), NOW)),
    }
    return stored(rows, extra)


def _tracklets(scale: Scale, number: int, boxes: Detections) -> Tracklets:
    rng = np.random.default_rng(1000 + number)
    grid = np.arange(len(boxes)).reshape(scale.stays, STAY, SLOTS).transpose(0, 2, 1).reshape(-1, STAY)
    first, last = grid[:, 0], grid[:, -1]
    return Tracklets(
        id=tracklet_ids(scale, number).reshape(-1),
        camera=boxes.camera[first],
        first_time=boxes.time[first],
        last_time=boxes.time[last],
        first_box=boxes.box[first],
        last_box=boxes.box[last],
        type=boxes.type[first],
        heading=np.where(np.arange(len(first)) % SLOTS < SLOTS // 2, "towards", "away"),
        vector=_unit(rng.normal(size=(len(first), WIDTH)).astype(np.float32)),
        spread=np.full(len(first), 0.1),
        quality=rng.uniform(0.2, 1, len(first)).astype(np.float32),
        members=Ragged.from_lengths(boxes.id[grid.reshape(-1)], np.full(len(first), STAY)),
    )


def _matches(scale: Scale, number: int) -> Matches:
    """Link the first slots down the road and the others up it, each stay to the ones some stays later."""
    ends = [(number + 1, slice(0, SLOTS // 2)), (number - 1, slice(SLOTS // 2, SLOTS))]
    parts = [_matched(scale, number, other, slots) for other, slots in ends if 0 <= other < scale.cameras]
    return Matches.concat(parts)


def _matched(scale: Scale, number: int, other: int, slots: slice) -> Matches:
    query = tracklet_ids(scale, number)[:, slots]
    later = np.clip(np.arange(scale.stays)[:, None] + LAG + np.arange(CANDIDATES), 0, scale.stays - 1)
    candidates = tracklet_ids(scale, other)[:, slots][later].transpose(0, 2, 1).reshape(-1)
    count = query.size
    lengths = np.full(count, CANDIDATES)
    lag = (LAG + np.arange(CANDIDATES)) * STAY * STEP_S

    def ragged(row: list[float] | NDArray[np.float64]) -> Ragged[np.float32]:
        return Ragged.from_lengths(np.tile(np.asarray(row, np.float32), count), lengths)

    return Matches(
        query=query.reshape(-1),
        query_camera=np.full(count, scale.names[number]),
        camera=np.full(count, scale.names[other]),
        candidates=Ragged.from_lengths(candidates, lengths),
        distance=ragged([0.1, 0.3, 0.4, 0.5, 0.6]),
        probability=ragged([0.8, 0.08, 0.04, 0.02, 0.01]),
        lag_s=ragged(lag),
        looks=ragged([4.0, 1.0, 0.5, 0.0, -0.5]),
        size=ragged([0.1] * CANDIDATES),
        timing=ragged([0.5, 0.2, 0.0, -0.2, -0.5]),
        lane=ragged([0.3, 0.2, 0.1, -0.2, -0.4]),
        order=ragged([0.0] * CANDIDATES),
        context=ragged([-1.0] * CANDIDATES),
        p_none=np.full(count, 0.05),
    )


def _journeys(scale: Scale) -> Journeys:
    """Chain every second stay of the first slots over three cameras."""
    firsts = range(0, scale.cameras - 2, 3)
    stays = np.arange(0, scale.stays - 2 * LAG, 2)
    chains = [
        np.stack([tracklet_ids(scale, first + step)[stays + step * LAG, : SLOTS // 2] for step in range(3)], axis=-1)
        for first in firsts
    ]
    members = np.stack(chains).reshape(-1, 3)
    entered = START + (np.tile(np.repeat(stays, SLOTS // 2), len(chains)) * STAY * STEP_S * 1e9).astype(
        "timedelta64[ns]"
    )
    leg = np.timedelta64(int(LAG * STAY * STEP_S * 1e9), "ns")
    when = entered[:, None] + leg * np.arange(3)
    lengths = np.full(len(members), 3)
    flat = np.ones(members.size)
    return Journeys(
        id=row_ids(members[:, 0], np.zeros(len(members), np.int64), "journey"),
        probability=np.linspace(1, 0.5, len(members), dtype=np.float32),
        members=Ragged.from_lengths(members.reshape(-1), lengths),
        time=Ragged.from_lengths(when.reshape(-1), lengths),
        lon=Ragged.from_lengths(flat * -73.97, lengths),
        lat=Ragged.from_lengths(flat * 40.75, lengths),
        speed=Ragged.from_lengths((flat * 15).astype(np.float32), lengths),
    )


def _still() -> bytes:
    rng = np.random.default_rng(0)
    image = cv2.resize(rng.integers(0, 255, (24, 36, 3), dtype=np.uint8), (352, 240), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", image)[1].tobytes())


def _places(count: int, length: int) -> dict[str, pa.Array]:
    zeros = np.zeros(count, np.int64)
    return {
        "pack": pa.array((zeros + 1).astype(np.int32)),
        "offset": pa.array(zeros),
        "length": pa.array(zeros + length),
    }


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def main() -> None:
    """Write a store of the size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--detections", type=int, default=10_000_000)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--no-vectors", action="store_true", help="leave the embeddings out")
    given = parser.parse_args()
    scale = Scale(cameras=given.cameras, stays=given.detections // (given.cameras * SLOTS * STAY))
    write(given.folder, scale, vectors=not given.no_vectors)


if __name__ == "__main__":
    main()
