"""Score tracking and matching on vehicles linked by hand.

    python benchmarks/links.py DATA                          the original's boxes and features
    python benchmarks/links.py DATA --vectors FILE.npz       its boxes, other vectors (ids, vectors)
    python benchmarks/links.py DATA --store STORE            what `cctview run` stored of DATA/frames
    python benchmarks/links.py DATA --store STORE --ablate   the same without each of the matcher's tricks

Two calibration errors: of the probabilities as they are, and of those given that the vehicle is in
the gallery at all (divided by 1 - p_none), which is what the labels are: only vehicles that a person
found again are labelled. Open-set truth needs no labels: the gallery moved by some minutes holds no
right answer, so what is claimed there is what is claimed wrongly ("moved gallery").

DATA holds links.json, network.toml, detections/*.csv and features-256.npz. A sighting stands for
the detection of its still that overlaps it most, by at least half. Vehicles without a label are
unknown and count neither way.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.evaluate.links import tracklet_rows
from cctview.geometry import area, iou
from cctview.journeys import journeys
from cctview.match import MatchSettings, match
from cctview.match import belief as learnt
from cctview.match.candidates import Side, expected_heading, side_of
from cctview.metrics.reid import count_reid, expected_calibration_error
from cctview.network import CameraNetwork, load_network
from cctview.store import open_store
from cctview.track import track
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, Matches, Tracklets, content_id, row_ids

DAY = "2020-05-05T"
UTC_OFFSET = np.timedelta64(4, "h")
SURE = 0.9
LEVELS = (0.5, 0.7, 0.9)
MOVES_S = (-300.0, -150.0, 150.0, 300.0)
TRICKS = {
    "min_quality": 0.0,
    "lanes": False,
    "light": False,
    "hubs": False,
    "heights": False,
    "order_rounds": 0,
    "views": 0.0,
    "gaps": False,
}
PAIRS = {
    ("733-681-N", "735-683-N"): (10, 25),
    ("735-683-N", "731-679-N"): (165, 235),
    ("253-134-S", "689-640-S"): (36, 76),
    ("689-640-S", "253-134-S"): (36, 72),
}


class Sighting(NamedTuple):
    """A labelled vehicle in one still, and the row of its detection (-1: not detected)."""

    vehicle: int
    camera: str
    time: np.datetime64
    row: int


def clock(text: str) -> np.datetime64:
    """Return the UTC time of a local file time like 13.10.03."""
    return np.datetime64(DAY + text.replace(".", ":"), "ns") + UTC_OFFSET


def read_boxes(data: Path, least: float) -> tuple[Detections, NDArray[np.str_]]:
    """Return the original's boxes from a score on, and their readable ids."""
    rows = [
        row
        for path in sorted((data / "detections").glob("*.csv"))
        for row in csv.DictReader(path.open(encoding="utf-8"))
        if float(row["percentage_probability"]) >= least
    ]
    box = np.array([[float(row[key]) for key in ("x1", "y1", "x2", "y2")] for row in rows], np.float32)
    good = np.flatnonzero(np.all(box[:, :2] < box[:, 2:], axis=1))
    rows, box = [rows[n] for n in good], box[good]
    names, frame = np.unique(np.array([row["frame"] for row in rows]), return_inverse=True)
    score = np.array([float(row["percentage_probability"]) / 100 for row in rows], np.float32)
    order = np.lexsort((-score, frame))
    starts = np.flatnonzero(np.diff(frame[order], prepend=-1))
    rank = np.empty(len(rows), np.int32)
    rank[order] = np.arange(len(rows)) - np.repeat(starts, np.diff(starts, append=len(rows))) + 1
    owner = np.array([content_id("frame", name) for name in names])[frame]
    parts = [name.split("--") for name in names]
    detections = Detections(
        id=row_ids(owner, rank, "original"),
        frame=owner,
        camera=np.array([part[0] for part in parts])[frame],
        time=np.array([clock(part[2]) for part in parts])[frame],
        rank=rank,
        box=box,
        score=score,
        type=np.array([row["type"] for row in rows]),
    )
    return detections, np.array([row["detection"] for row in rows])


def read_vectors(path: Path, detections: Detections, names: NDArray[np.str_]) -> Embeddings:
    """Return the embeddings of the vehicles among the boxes; quality grows with size and score."""
    with np.load(path) as stored:
        ids, vectors = stored["ids"], stored["vectors" if "vectors" in stored else "features"]
    order = np.argsort(ids)
    place = np.minimum(np.searchsorted(ids[order], names), len(order) - 1)
    rows = np.flatnonzero((ids[order[place]] == names) & np.isin(detections.type, VEHICLE_TYPES))
    vector = vectors[order[place[rows]]].astype(np.float32)
    short = (detections.box[rows, 2:] - detections.box[rows, :2]).min(axis=1)
    return Embeddings(
        detection=detections.id[rows],
        vector=vector / np.linalg.norm(vector, axis=1, keepdims=True),
        quality=np.clip(short / 40, 0, 1) * detections.score[rows],
    )


def read_sightings(data: Path, detections: Detections) -> list[Sighting]:
    """Return all labelled sightings with the detection that shows each."""
    vehicle = np.isin(detections.type, VEHICLE_TYPES)
    found = []
    for number, label in enumerate(json.loads((data / "links.json").read_text(encoding="utf-8"))):
        for camera, sightings in label["sightings"].items():
            for seen in sightings:
                if "duplicate_of" in seen:
                    continue
                moment = clock(seen["time"])
                near = np.flatnonzero((detections.camera == camera) & (detections.time == moment) & vehicle)
                overlap = iou(np.array([seen["box"]], np.float32), detections.box[near])[0]
                hit = len(near) > 0 and overlap.max() >= 0.5
                found.append(Sighting(number, camera, moment, int(near[overlap.argmax()]) if hit else -1))
    return found


def score_tracking(sightings: list[Sighting], owner: NDArray[np.int64]) -> dict[str, Any]:
    """Return links made of labelled neighbouring sightings per camera, and tracklets that mix vehicles."""
    made: dict[str, list[int]] = {}
    labels: dict[int, set[int]] = {}
    seen = [s for s in sightings if s.row >= 0 and owner[s.row] >= 0]
    for s in seen:
        labels.setdefault(int(owner[s.row]), set()).add(s.vehicle)
    for a, b in pairwise(sorted(seen, key=lambda s: (s.vehicle, s.camera, s.time))):
        if (a.vehicle, a.camera) == (b.vehicle, b.camera) and a.time < b.time:
            tally = made.setdefault(a.camera, [0, 0])
            tally[0] += int(owner[a.row] == owner[b.row])
            tally[1] += 1
    return {
        "links": {camera: f"{right}/{total}" for camera, (right, total) in sorted(made.items())},
        "mixed": f"{sum(len(vehicles) > 1 for vehicles in labels.values())}/{len(labels)}",
    }


def questions(sightings: list[Sighting], owner: NDArray[np.int64], origin: str, target: str) -> dict[int, set[int]]:
    """Return for each query tracklet the right answers: the tracklet that shows a vehicle most often asks."""
    asked: dict[int, set[int]] = {}
    for vehicle in sorted({s.vehicle for s in sightings}):
        at = {end: [s for s in sightings if s.vehicle == vehicle and s.camera == end] for end in (origin, target)}
        if not at[origin] or not at[target] or at[origin][0].time > at[target][0].time:
            continue
        tracks = {end: [int(owner[s.row]) for s in seen if s.row >= 0] for end, seen in at.items()}
        known = {end: [n for n in numbers if n >= 0] for end, numbers in tracks.items()}
        if known[origin] and known[target]:
            query = max(sorted(set(known[origin])), key=known[origin].count)
            asked.setdefault(query, set()).update(known[target])
    return asked


def score_pair(tracklets: Tracklets, matches: Matches, pair: tuple[str, str], asked: dict[int, set[int]]) -> Any:
    """Return the scores of one camera pair, and each answer's probability and rightness."""
    queries = np.array(sorted(asked))
    gallery = np.flatnonzero(tracklets.camera == pair[1])
    relevant = np.array([np.isin(gallery, sorted(asked[int(q)])) for q in queries])
    tracklet_ids = {name: n for n, name in enumerate(tracklets.id[gallery].tolist())}
    rows = {name: n for n, name in enumerate(matches.query.tolist()) if matches.camera[n] == pair[1]}
    ranking = np.full((len(queries), len(gallery)), 2.0)
    here = np.ones(len(queries))
    for place, query in enumerate(tracklets.id[queries].tolist()):
        if query in rows:
            one = matches[rows[query] : rows[query] + 1]
            columns = [tracklet_ids[name] for name in one.candidates.values.tolist()]
            ranking[place, columns] = 1 - one.probability.values
            here[place] = max(1 - one.p_none[0], 1e-6)
    counts = count_reid(ranking, relevant)
    best = ranking.argmin(axis=1)
    probability = np.clip(1 - ranking.min(axis=1), 0, 1)
    right = relevant[np.arange(len(queries)), best] & (ranking.min(axis=1) < 2)
    answered = probability >= 0.9
    cosine = count_reid(*_in_window(tracklets, queries, gallery, relevant, PAIRS[pair]))
    scores = {
        "queries": len(queries),
        "rank-1": counts.rank(1),
        "rank-5": counts.rank(5),
        "mAP": counts.mean_average_precision(),
        "answered at 0.9": float(answered.mean()),
        "wrong of those": f"{int((answered & ~right).sum())}/{int(answered.sum())}",
        "rank-1 by cosine in the true window": cosine.rank(1),
    }
    return scores, probability, right, np.minimum(probability / here, 1)


def _in_window(
    tracklets: Tracklets, queries: Any, gallery: Any, relevant: NDArray[np.bool_], window: tuple[float, float]
) -> tuple[Any, ...]:
    leaving = area(tracklets.last_box) >= area(tracklets.first_box)
    seconds = np.where(leaving, tracklets.last_time, tracklets.first_time).astype(np.int64) / 1e9
    lag = seconds[gallery] - seconds[queries][:, None]
    vector = np.empty_like(tracklets.vector)
    for camera in np.unique(tracklets.camera):
        here = tracklets.camera == camera
        vector[here] = tracklets.vector[here] - tracklets.vector[here].mean(axis=0)
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    outside = (lag < window[0]) | (lag > window[1])
    return 1 - vector[queries] @ vector[gallery].T, relevant, outside & ~relevant


def main() -> None:
    """Print the scores as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--min-score", type=float, default=40.0)
    options = parser.parse_args()
    if options.store:
        store = open_store(options.store)
        detections, embeddings = store.scan(Detections), store.scan(Embeddings)
    else:
        detections, names = read_boxes(options.data, options.min_score)
        embeddings = read_vectors(options.vectors or options.data / "features-256.npz", detections, names)
    network = load_network(options.data / "network.toml").among(np.unique(detections.camera))
    stamps = [time.process_time()]
    tracklets = track(detections, embeddings)
    stamps.append(time.process_time())
    matches = match(tracklets, network)
    stamps.append(time.process_time())
    table = journeys(matches, tracklets, network)
    stamps.append(time.process_time())
    sightings = read_sightings(options.data, detections)
    owner = tracklet_rows(tracklets, detections)
    report: dict[str, Any] = {
        "detections": len(detections),
        "tracklets": len(tracklets),
        "journeys": len(table),
        "seconds": dict(zip(("track", "match", "journeys"), np.diff(stamps).round(2).tolist(), strict=True)),
        "tracking": score_tracking(sightings, owner),
    }
    asked = {pair: questions(sightings, owner, *pair) for pair in PAIRS}
    report |= score_all(tracklets, matches, asked)
    report["moved gallery"] = moved_gallery(tracklets, network)
    if options.ablate:
        report["without"] = {
            name: score_all(tracklets, match(tracklets, network, MatchSettings(**{name: value})), asked, brief=True)
            for name, value in TRICKS.items()
        }
    print(json.dumps(report, indent=1, default=lambda value: round(float(value), 3)))


def score_all(tracklets: Tracklets, matches: Matches, asked: dict[Any, Any], *, brief: bool = False) -> dict[str, Any]:
    """Return the scores of each pair of cameras, and of all answers together."""
    report: dict[str, Any] = {}
    every = []
    for pair, questions_of in asked.items():
        if questions_of:
            scores, *answers = score_pair(tracklets, matches, pair, questions_of)
            report[" -> ".join(pair)] = scores["rank-1"] if brief else scores
            every.append(answers)
    probability, right, given_here = (np.concatenate(column) for column in zip(*every, strict=True))
    sure = probability >= SURE
    report["calibration error"] = expected_calibration_error(probability, right)
    report["calibration error, given that it is there"] = expected_calibration_error(given_here, right)
    report["answered at 0.9"] = float(sure.mean())
    report["wrong of all those"] = f"{int((sure & ~right).sum())}/{int(sure.sum())}"
    report["rank-1 of all"] = float(right.mean())
    return report


def moved_gallery(tracklets: Tracklets, network: CameraNetwork) -> dict[str, Any]:
    """Return how many best answers reach some probabilities, in truth and where none can be right.

    The model of each link is learnt as usual; then its queries are asked about the vehicles of some
    minutes earlier and later, among whom theirs is not.
    """
    settings = MatchSettings()
    report: dict[str, Any] = {"at least": list(LEVELS)}
    for link in network.links:
        ends = (link.origin, link.target)
        sides = [side_of(tracklets, end, expected_heading(network, end, link), settings) for end in ends]
        model = learnt.learn_link(*sides, link, settings)
        counts = [_claimed(model, *sides, settings, move) for move in (0.0, *MOVES_S)]
        expected = np.mean([claimed / max(asked, 1) for asked, claimed in counts[1:]], axis=0) * counts[0][0]
        report[" -> ".join(ends)] = {
            "answers": counts[0][1].tolist(),
            "where none is right": expected.round(1).tolist(),
        }
    return report


def _claimed(
    model: learnt.LinkModel, queries: Side, gallery: Side, settings: MatchSettings, move: float
) -> tuple[int, Any]:
    """Return how many queries could be asked, and how many best answers reach each level."""
    shifted = replace(queries, time=queries.time + move)
    seen, _, belief = learnt.beliefs(
        model, learnt.sightings(model, shifted, gallery, np.arange(len(queries))), shifted, gallery, settings
    )
    best = np.zeros(len(queries))
    np.maximum.at(best, seen.met.q, belief)
    low, high = model.window
    asked = (shifted.time + low >= gallery.time[0]) & (shifted.time + high <= gallery.time[-1])
    return int(asked.sum()), np.array([int((best[asked] >= least).sum()) for least in LEVELS])


if __name__ == "__main__":
    main()
