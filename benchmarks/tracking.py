"""Score our tracker and published ones on the same detections, from 10 stills a second to one in 5 s.

    pip install trackers norfair                             SORT and ByteTrack; norfair
    python benchmarks/tracking.py                            simulated traffic
    python benchmarks/tracking.py --london DATA/london       hand tracks of real clips, our detector
    python benchmarks/tracking.py --links DATA/fdr --store STORE   vehicles linked by hand, an hour and 20 s of it
    python benchmarks/tracking.py --out FILE.json            also write the table

Simulated detections are the true boxes, trembling, some of them missed, some false. The others'
thresholds are chosen in their favour: each rate has the best of a small grid. They give up a vehicle
after two seconds, or two stills, and report from the first sighting on. "perfect links" are the true
links between these very detections: what no tracker can surpass by much.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview import seams
from cctview.assign import assign
from cctview.evaluate.links import read_links, shown_by
from cctview.geometry import iou
from cctview.metrics.overlap import TrackedBoxes
from cctview.metrics.tracking import TrackingCounts, count_tracking
from cctview.sim import SimSettings, asked, simulate
from cctview.store import open_store
from cctview.tracking import RoadTracker, SortSettings, SortTracker, track
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, content_id, row_ids, rows_of

MINUTES = {0.2: 30.0, 0.5: 12.0, 1.0: 6.0, 2.0: 3.0, 5.0: 1.5, 10.0: 0.8}
MISSED, FALSE_PER_STILL = 0.1, 0.1
TREMBLE_PX, TREMBLE_SHARE = 0.5, 0.03
CLASSES, LOOK_DIMENSIONS, LOOK_NOISE = 12, 64, 0.7
WIDTH, HEIGHT = 352.0, 240.0
FORGET_S = 2.0
HALF_WINDOW = np.timedelta64(10, "s")
LONDON_HEIGHT, LONDON_SCORE = 288.0, 0.5
Tracker = Callable[[Detections, Embeddings], NDArray[np.int64]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Clip:
    """One camera's detections, in order of time, and its true tracks."""

    truth: TrackedBoxes
    detections: Detections
    embeddings: Embeddings
    still: NDArray[np.int64]


def simulated(fps: float, seed: int) -> list[Clip]:
    """Return what two cameras see at a rate, through an imperfect detector."""
    settings = SimSettings(minutes=MINUTES[fps], seed=seed, cameras=2, interval_s=1 / fps)
    seen = simulate(settings).sightings()
    seen = seen[asked(seen) & np.isin(seen.type, VEHICLE_TYPES)]
    rng = np.random.default_rng(seed)
    looks = _unit(rng.normal(size=(int(seen.identity.max()) + 1, LOOK_DIMENSIONS)))
    looks += 1.2 * _unit(rng.normal(size=(CLASSES, LOOK_DIMENSIONS)))[rng.integers(0, CLASSES, len(looks))]
    clips = []
    for camera in np.unique(seen.camera):
        own = seen[seen.camera == camera].sort("still")
        still = np.unique(own.still, return_inverse=True)[1]
        truth = TrackedBoxes(frame=still, track=own.identity, box=own.box.astype(np.float64))
        found = np.flatnonzero(rng.random(len(own)) > MISSED)
        false = rng.integers(0, still.max() + 1, rng.poisson(FALSE_PER_STILL * (still.max() + 1)))
        size = np.tile(own.box[found, 2:] - own.box[found, :2], 2)
        box = own.box[found] + rng.normal(size=size.shape) * (TREMBLE_PX + TREMBLE_SHARE * size)
        strange = own.box[rng.integers(0, len(own), len(false))] + rng.uniform(-40, 40, (len(false), 1))
        look = np.concatenate([looks[own.identity[found]], rng.normal(size=(len(false), LOOK_DIMENSIONS))])
        look = _unit(look) + LOOK_NOISE * _unit(rng.normal(size=look.shape))
        moments = own.time[np.searchsorted(still, np.arange(still.max() + 1))]
        at = np.concatenate([still[found], false])
        clips.append(_clip(truth, str(camera), at, moments, np.concatenate([box, strange]), look))
    return clips


def london(data: Path, fps: float) -> list[Clip]:
    """Return the hand-labelled clips, thinned to a rate, with what our detector and embedder find."""
    from cctview.detect import load_detector  # noqa: PLC0415
    from cctview.embed import embed, load_embedder  # noqa: PLC0415
    from cctview.sources.video import VideoSource  # noqa: PLC0415

    clips = []
    for path in sorted((data / "videos").glob("*.mp4")):
        frames = list(VideoSource(path).frames(lambda _: False))
        kept = np.unique(np.rint(np.arange(0, len(frames), 25 / fps)).astype(int))
        kept = kept[kept < len(frames)]
        stills = [frames[n] for n in kept.tolist()]
        detections = load_detector()(stills)
        good = np.isin(detections.type, VEHICLE_TYPES) & (detections.score >= LONDON_SCORE)
        detections = detections[good & _labelled(detections.box)].sort("time", "rank")
        embeddings = embed(stills, detections, load_embedder())
        with (data / "mot" / f"{path.stem}.txt").open(encoding="utf-8") as file:
            rows = np.array([[float(value) for value in row[:6]] for row in csv.reader(file)])
        rows = rows[np.isin(rows[:, 0] - 1, kept) & _labelled(np.hstack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]]))]
        truth = TrackedBoxes(
            frame=np.searchsorted(kept, rows[:, 0] - 1),
            track=rows[:, 1].astype(np.int64),
            box=np.column_stack([rows[:, 2:4] - 1, rows[:, 2:4] - 1 + rows[:, 4:6]]),
        )
        still = rows_of(np.array([frame.id for frame in stills], np.int64), detections.frame)
        clips.append(Clip(truth=truth, detections=detections, embeddings=embeddings, still=still))
    return clips


def _labelled(box: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which boxes are centred where the clips are labelled: not in the top third."""
    return (box[:, 1] + box[:, 3]) / 2 > LONDON_HEIGHT / 3


def _clip(
    truth: TrackedBoxes, camera: str, still: NDArray[Any], moments: NDArray[Any], box: NDArray[Any], look: NDArray[Any]
) -> Clip:
    box = np.clip(box, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
    good = np.flatnonzero(np.all(box[:, 2:] - box[:, :2] >= 3, axis=1))
    order = good[np.argsort(still[good], kind="stable")]
    still, box, look = still[order], box[order], look[order]
    owner = np.array([content_id(camera, str(n)) for n in range(len(moments))])[still]
    starts = np.searchsorted(still, still)
    rank = (np.arange(len(still)) - starts + 1).astype(np.int32)
    detections = Detections(
        id=row_ids(owner, rank, "benchmark"),
        frame=owner,
        camera=np.full(len(still), camera),
        time=moments[still],
        rank=rank,
        box=box.astype(np.float32),
        score=np.full(len(still), 0.9, np.float32),
        type=np.full(len(still), "car"),
    )
    vector = _unit(look).astype(np.float32)
    quality = np.full(len(still), 0.5, np.float32)
    embeddings = Embeddings(detection=detections.id, vector=vector, quality=quality)
    return Clip(truth=truth, detections=detections, embeddings=embeddings, still=still)


def labels(detections: Detections, embeddings: Embeddings, tracker: seams.Tracker[Any]) -> NDArray[np.int64]:
    """Return the tracklet of each detection, -1 for those in none."""
    tracklets = track(detections, embeddings, tracker)
    label = np.full(len(detections), -1)
    label[rows_of(detections.id, tracklets.members.values)] = tracklets.members.row
    return label


ours = partial(labels, tracker=RoadTracker())


def published(fps: float) -> dict[str, list[Tracker]]:
    """Return the published trackers, and our own baseline after one of them, each with a small grid of thresholds."""
    return {
        "SORT (cctview)": [partial(labels, tracker=SortTracker(SortSettings(min_iou=iou))) for iou in (0.05, 0.2)],
        "SORT (trackers)": [partial(_roboflow, "SORTTracker", fps, iou) for iou in (0.05, 0.2)],
        "ByteTrack (trackers)": [partial(_roboflow, "ByteTrackTracker", fps, iou) for iou in (0.05, 0.2)],
        "norfair, IoU": [partial(_norfair, "iou", fps, limit) for limit in (0.9,)],
        "norfair, Euclidean": [partial(_norfair, "mean_euclidean", fps, limit) for limit in (25, 60)],
    }


def _roboflow(name: str, fps: float, iou: float, detections: Detections, _: Embeddings) -> NDArray[np.int64]:
    supervision, trackers = import_module("supervision"), import_module("trackers")
    more = {"track_activation_threshold": 0.5} if name == "ByteTrackTracker" else {}
    tracker = getattr(trackers, name)(minimum_consecutive_frames=1, minimum_iou_threshold=iou, **more)
    tracker.maximum_frames_without_update = max(2, round(FORGET_S * fps))
    label = np.full(len(detections), -1)
    for rows in _stills(detections):
        box = detections.box[rows].astype(np.float64)
        given = supervision.Detections(
            xyxy=box, confidence=detections.score[rows].astype(np.float64), class_id=np.zeros(len(rows), int)
        )
        answer = tracker.update(given)
        place = {corners.tobytes(): row for corners, row in zip(box, rows.tolist(), strict=True)}
        for corners, number in zip(np.ascontiguousarray(answer.xyxy), answer.tracker_id, strict=True):
            label[place[corners.tobytes()]] = number
    return label


def _norfair(distance: str, fps: float, limit: float, detections: Detections, _: Embeddings) -> NDArray[np.int64]:
    norfair = import_module("norfair")
    tracker = norfair.Tracker(
        distance_function=distance,
        distance_threshold=limit,
        hit_counter_max=max(2, round(FORGET_S * fps)),
        initialization_delay=0,
    )
    label = np.full(len(detections), -1)
    for rows in _stills(detections):
        given = [
            norfair.Detection(points=detections.box[row].reshape(2, 2).astype(float), data=row) for row in rows.tolist()
        ]
        for vehicle in tracker.update(given):
            if vehicle.last_detection.data >= rows[0]:
                label[vehicle.last_detection.data] = vehicle.global_id
    return label


def _stills(detections: Detections) -> list[NDArray[Any]]:
    return np.split(np.arange(len(detections)), np.flatnonzero(np.diff(detections.frame)) + 1)


def _unit(vectors: NDArray[Any]) -> NDArray[Any]:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def perfect(clip: Clip) -> NDArray[np.int64]:
    """Return the true track of each detection, and one of its own for each that shows none."""
    label = clip.truth.track.max(initial=0) + 1 + np.arange(len(clip.detections))
    for still in np.unique(clip.still):
        rows, true = np.flatnonzero(clip.still == still), np.flatnonzero(clip.truth.frame == still)
        found, owner = assign(1 - iou(clip.detections.box[rows].astype(np.float64), clip.truth.box[true]), 0.5)
        label[rows[found]] = clip.truth.track[true[owner]]
    return label


def score(clips: list[Clip], tracker: Tracker) -> dict[str, float]:
    """Return IDF1, HOTA, AssA and identity switches over all clips, and the seconds it took."""
    start = time.process_time()
    labels = [tracker(clip.detections, clip.embeddings) for clip in clips]
    seconds = time.process_time() - start
    return {**score_labels(clips, labels), "seconds": round(seconds, 2)}


def score_labels(clips: list[Clip], labels: list[NDArray[np.int64]]) -> dict[str, float]:
    """Return IDF1, HOTA, AssA and identity switches over all clips."""
    counts = [_counted(clip, label) for clip, label in zip(clips, labels, strict=True)]
    scores = sum(counts[1:], counts[0]).scores()
    return {name: round(scores[name], 4) for name in ("IDF1", "HOTA", "AssA", "IDSW")}


def _counted(clip: Clip, label: NDArray[np.int64]) -> TrackingCounts:
    kept = label >= 0
    found = TrackedBoxes(frame=clip.still[kept], track=label[kept], box=clip.detections.box[kept].astype(np.float64))
    return count_tracking(clip.truth, found)


def compared(clips: list[Clip], fps: float) -> dict[str, dict[str, float]]:
    """Return the scores of every tracker; of the published ones, those of their best threshold."""
    table = {"cctview": score(clips, ours)}
    for name, grid in published(fps).items():
        table[name] = max((score(clips, tracker) for tracker in grid), key=lambda row: row["IDF1"])
    return table


def linked(data: Path, store: Path) -> dict[str, Any]:
    """Return the labelled links that each tracker makes in the whole hour, and in 20 s around each vehicle."""
    opened, links = open_store(store), read_links(data / "links.json")
    detections, embeddings = opened.scan(Detections).sort("camera", "time", "rank"), opened.scan(Embeddings)
    shown = shown_by(links, detections)
    seen = np.flatnonzero(shown >= 0)
    seen = seen[np.lexsort((links.time[seen], links.camera[seen], links.vehicle[seen]))]
    rows, vehicle = shown[seen], links.vehicle[seen]
    _, middle = np.unique(
        np.stack([vehicle, np.unique(links.camera[seen], return_inverse=True)[1]]), return_index=True, axis=1
    )
    hour = [np.flatnonzero(detections.camera == camera) for camera in np.unique(detections.camera)]
    around = [
        np.flatnonzero((detections.camera == detections.camera[row]) & (np.abs(detections.time - at) <= HALF_WINDOW))
        for row, at in zip(rows[middle], detections.time[rows[middle]], strict=True)
    ]
    report: dict[str, Any] = {}
    asked: dict[str, list[Tracker]] = {"cctview": [ours], **published(1 / 1.7)}
    for name, trackers in asked.items():
        for number, tracker in enumerate(trackers):
            report[f"{name}, {number + 1}" if len(trackers) > 1 else name] = {
                "the hour": _links_made(detections, embeddings, rows, vehicle, hour, tracker),
                "20 s": _links_made(detections, embeddings, rows, vehicle, around[::2], tracker),
            }
    return report


def _links_made(
    detections: Detections, embeddings: Embeddings, rows: Any, vehicle: Any, parts: list[Any], tracker: Tracker
) -> dict[str, str]:
    """Return links made of those labelled, and tracklets that mix vehicles, summed over parts of the hour.

    ``rows`` are detections of labelled vehicles, by vehicle, camera and time.
    """
    made = asked = mixed = shown = 0
    for part in parts:
        inside = np.isin(rows, part)
        own = embeddings[np.isin(embeddings.detection, detections.id[part])]
        label = tracker(detections[part], own)[np.searchsorted(part, rows[inside])]
        name = vehicle[inside]
        next_to = name[1:] == name[:-1]
        next_to &= detections.camera[rows[inside]][1:] == detections.camera[rows[inside]][:-1]
        asked += int(next_to.sum())
        made += int((next_to & (label[1:] == label[:-1]) & (label[1:] >= 0)).sum())
        owner = np.unique(np.stack([label, name])[:, label >= 0], axis=1)[0]
        vehicles = np.unique(owner, return_counts=True)[1]
        mixed, shown = mixed + int((vehicles > 1).sum()), shown + len(vehicles)
    return {"links": f"{made}/{asked}", "mixed": f"{mixed}/{shown}"}


def main() -> None:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--london", type=Path)
    parser.add_argument("--links", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--fps", type=float, nargs="*", default=list(MINUTES))
    parser.add_argument("--seeds", type=int, nargs="*", default=[1])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    report: dict[str, Any] = {}
    if options.links:
        report = linked(options.links, options.store)
        print(json.dumps(report, indent=1))
    for fps in [] if options.links else options.fps:
        if options.london:
            clips = london(options.london, fps)
        else:
            clips = [clip for seed in options.seeds for clip in simulated(fps, seed)]
        table = compared(clips, fps)
        best = max(row["IDF1"] for name, row in table.items() if name != "cctview")
        report[f"{fps:g} stills/s"] = {
            "detections": sum(len(clip.detections) for clip in clips),
            "IDF1 ahead of the best other": round(table["cctview"]["IDF1"] - best, 4),
            "perfect links": score_labels(clips, [perfect(clip) for clip in clips]),
            **table,
        }
        print(json.dumps({f"{fps:g}": report[f"{fps:g} stills/s"]}), flush=True)
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
