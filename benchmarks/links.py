"""Score tracking and matching on vehicles linked by hand.

    python benchmarks/links.py DATA                          the original's boxes and features
    python benchmarks/links.py DATA --vectors FILE.npz       its boxes, other vectors (ids, vectors)
    python benchmarks/links.py DATA --store STORE            what `cctview run` stored of DATA/frames
    python benchmarks/links.py DATA --store STORE --ablate   the same without each of the matcher's tricks

The scores are those of `cctview eval reid` and `cctview eval tracking`, made anew from the detections
and embeddings. Two are added. "mean log p" is the mean natural logarithm of the probability that the
right answer was given, at least 0.001: where few vehicles are labelled it tells more than how often
the right one came first. Open-set truth needs no labels: the gallery moved by some minutes holds no
right answer, so what is claimed there is what is claimed wrongly ("moved gallery").

DATA holds links.json, network.toml, detections/*.csv and features-256.npz.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.evaluate.links import Links, read_links
from cctview.evaluate.reid import evaluate_reid
from cctview.evaluate.tracking import evaluate_linked_tracking
from cctview.evaluate.visits import Visits, labelled_visits
from cctview.journeys import chain
from cctview.matching import MatchSettings, match
from cctview.matching.belief import LinkModel, beliefs, pairs_within
from cctview.matching.learning import learn_link
from cctview.matching.sides import Side, expected_heading, side_of
from cctview.naming import ORIGINAL_TIMEZONE, parse_still_name, to_utc, zone
from cctview.network import CameraNetwork, load_network
from cctview.store import open_store
from cctview.tracking import track
from cctview.types import (
    VEHICLE_TYPES,
    Detections,
    Embeddings,
    Matches,
    Tracklets,
    content_id,
    row_ids,
    rows_among,
)

Ints = NDArray[np.integer[Any]]

LEVELS = (0.5, 0.7, 0.9)
MOVES_S = (-300.0, -150.0, 150.0, 300.0)
LEAST = 1e-3
TRICKS = {
    "min_quality": 0.0,
    "lanes": False,
    "light": False,
    "hubs": False,
    "heights": False,
    "lane_keeping": False,
    "order_rounds": 0,
    "views": 0.0,
    "gaps": False,
}
WITHOUT = ("rank-1", "mean log p")


def read_boxes(data: Path, least: float) -> tuple[Detections, NDArray[np.str_]]:
    """Return the original's boxes from a score (percent) on, and their readable ids."""
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
    stills = [still for still in map(parse_still_name, names.tolist()) if still]
    owner, rank = np.array([content_id("frame", name) for name in names])[frame], ranks(frame, score)
    detections = Detections(
        id=row_ids(owner, rank, "original"),
        frame=owner,
        camera=np.array([still.camera for still in stills])[frame],
        time=np.array([to_utc(still.local, zone(ORIGINAL_TIMEZONE)) for still in stills])[frame],
        rank=rank,
        box=box,
        score=score,
        type=np.array([row["type"] for row in rows]),
    )
    return detections, np.array([row["detection"] for row in rows])


def ranks(frame: Ints, score: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the place of each box in its still by falling score, from 1."""
    order = np.lexsort((-score, frame))
    starts = np.flatnonzero(np.diff(frame[order], prepend=-1))
    rank = np.empty(len(frame), np.int32)
    rank[order] = np.arange(len(frame)) - np.repeat(starts, np.diff(starts, append=len(frame))) + 1
    return rank


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


def read_seen(options: argparse.Namespace) -> tuple[Detections, Embeddings]:
    """Return what a store holds, or the original's boxes with its features or other vectors."""
    if options.store:
        store = open_store(options.store)
        return store.scan(Detections), store.scan(Embeddings)
    detections, names = read_boxes(options.data, options.min_score)
    return detections, read_vectors(options.vectors or options.data / "features-256.npz", detections, names)


def score_links(links: Links, detections: Detections, tracklets: Tracklets, matches: Matches) -> dict[str, Any]:
    """Return the scores of each pair of cameras by its name, and beside them those of all answers."""
    told = evaluate_reid(links, detections, tracklets, matches).report()
    likely = log_probabilities(labelled_visits(links, detections, tracklets), tracklets, matches)
    pairs = {name: {**part, "mean log p": likely[name].mean()} for name, part in told["pairs"].items()}
    return {**pairs, **told["all"], "mean log p": np.concatenate(list(likely.values())).mean()}


def log_probabilities(visits: Visits, tracklets: Tracklets, matches: Matches) -> dict[str, NDArray[np.floating[Any]]]:
    """Return the log probability given to the next visit of each tracklet asked for, by pair of cameras.

    The probabilities of all tracklets that show the vehicle there add up.
    """
    origin, target = visits.steps()
    asked = (visits.tracklet[origin] >= 0) & (visits.tracklet[target] >= 0)
    origin, target = origin[asked], target[asked]
    given = np.zeros(len(origin))
    for camera in np.unique(visits.camera[target]):
        here = matches[matches.camera == camera]
        row = rows_among(here.query, tracklets.id[visits.tracklet[origin]])
        mine = np.flatnonzero((visits.camera[target] == camera) & (row >= 0))
        listed = here[row[mine]]
        step = mine[listed.candidates.row]
        shown = visits.shows[target[step], rows_among(tracklets.id, listed.candidates.values)]
        given += np.bincount(step, listed.probability.values * shown, len(given))
    pair = np.array([" -> ".join(ends) for ends in zip(visits.camera[origin], visits.camera[target], strict=True)])
    return {name: np.log(np.clip(given[pair == name], LEAST, 1)) for name in np.unique(pair).tolist()}


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
        model = learn_link(*sides, link, settings)
        counts = [_claimed(model, *sides, settings, move) for move in (0.0, *MOVES_S)]
        expected = np.mean([claimed / max(asked, 1) for asked, claimed in counts[1:]], axis=0) * counts[0][0]
        report[" -> ".join(ends)] = {
            "answers": counts[0][1].tolist(),
            "where none is right": expected.round(1).tolist(),
        }
    return report


def _claimed(model: LinkModel, queries: Side, gallery: Side, settings: MatchSettings, move: float) -> tuple[int, Any]:
    """Return how many queries could be asked, and how many best answers reach each level."""
    shifted = replace(queries, time=queries.time + move)
    met = pairs_within(model, shifted, gallery, np.arange(len(queries)))
    pairs, _, belief = beliefs(model, met, shifted, gallery, settings)
    best = np.zeros(len(queries))
    np.maximum.at(best, pairs.met.q, belief)
    low, high = model.window
    asked = (shifted.time + low >= gallery.time[0]) & (shifted.time + high <= gallery.time[-1])
    return int(asked.sum()), np.array([int((best[asked] >= least).sum()) for least in LEVELS])


def brief(scores: dict[str, Any]) -> dict[str, Any]:
    """Return the few scores by which a trick is judged, of all answers and of each pair."""
    of_pairs = {name: brief(part) for name, part in scores.items() if isinstance(part, dict)}
    return {**{key: scores[key] for key in (*WITHOUT, "calibration error")}, **of_pairs}


def main() -> None:
    """Print the scores as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--min-score", type=float, default=40.0)
    options = parser.parse_args()
    links = read_links(options.data / "links.json")
    detections, embeddings = read_seen(options)
    network = load_network(options.data / "network.toml").among(np.unique(detections.camera))
    stamps = [time.process_time()]
    tracklets = track(detections, embeddings)
    stamps.append(time.process_time())
    matches = match(tracklets, network)
    stamps.append(time.process_time())
    table = chain(matches, tracklets, network)
    stamps.append(time.process_time())
    tracking = evaluate_linked_tracking(links, detections, tracklets)
    report: dict[str, Any] = {
        "detections": len(detections),
        "tracklets": len(tracklets),
        "journeys": len(table),
        "seconds": dict(zip(("track", "match", "journeys"), np.diff(stamps).round(2).tolist(), strict=True)),
        "tracking": {key: tracking[key] for key in ("all", "joined", "mixed")},
        **score_links(links, detections, tracklets, matches),
        "moved gallery": moved_gallery(tracklets, network),
    }
    if options.ablate:
        report["without"] = {
            name: brief(
                score_links(links, detections, tracklets, match(tracklets, network, MatchSettings(**{name: value})))
            )
            for name, value in TRICKS.items()
        }
    print(json.dumps(rounded(report), indent=1))


def rounded(value: Any) -> Any:
    """Return a tree of scores with its numbers rounded to four places."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return round(float(value), 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
