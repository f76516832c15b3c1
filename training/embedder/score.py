"""Score an embedding on the hand-made links, which training never sees."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from training.embedder.data import CAMERAS, Bools, Boxes, Floats, Ints, seconds

SLACK_S = 2.0
WIDE_S = (0.0, 300.0)
UNKNOWN_S = 4.0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Name a camera pair by number and the travel times seen on it, in seconds."""

    name: str
    source: int
    target: int
    direction: str
    tight: tuple[float, float]


PAIRS = (
    Pair(name="733->735", source=0, target=1, direction="southbound", tight=(12, 22)),
    Pair(name="735->731", source=1, target=2, direction="southbound", tight=(172, 228)),
    Pair(name="253->689", source=3, target=4, direction="northbound", tight=(40, 70)),
    Pair(name="689->253", source=4, target=3, direction="southbound", tight=(44, 66)),
)


@dataclass(frozen=True, kw_only=True)
class Query:
    """Hold one labelled vehicle: rows of its boxes in both cameras, and its listed times."""

    easy: bool
    source: Ints
    target: Ints
    times: Floats


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Hold what may be answered: a vector, a time and a label for each candidate."""

    vector: Floats
    time: Floats
    camera: Ints
    label: Ints


def read_queries(path: Path, boxes: Boxes, pair: Pair) -> list[Query]:
    """List the vehicles labelled at both cameras of `pair` whose boxes are known."""
    row = {name: number for number, name in enumerate(boxes.id.tolist())}
    queries = []
    for vehicle in json.loads(path.read_text()):
        seen = [vehicle["sightings"].get(CAMERAS[c], []) for c in (pair.source, pair.target)]
        rows = [[row[s["detection"]] for s in some if s.get("detection") in row] for some in seen]
        if vehicle["direction"] != pair.direction or not all(rows):
            continue
        times = [seconds(s["time"]) for s in seen[1]]
        queries.append(
            Query(
                easy=vehicle["difficulty"] == "distinctive",
                source=np.array(rows[0]),
                target=np.array(rows[1]),
                times=np.array(times, np.float32),
            )
        )
    return queries


def mean_vectors(vectors: Floats, label: Ints, weight: Floats) -> Floats:
    """Return the weighted mean direction (T, D) of the vectors under each label."""
    total = np.zeros((label.max() + 1, vectors.shape[1]), np.float32)
    np.add.at(total, label, vectors * weight[:, None])
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-6)


def gallery_of(boxes: Boxes, vectors: Floats, label: Ints) -> Gallery:
    """Summarise the boxes under each label by a mean vector and the time of the largest."""
    order = np.lexsort((-boxes.size, label))
    first = order[np.searchsorted(label[order], np.arange(label.max() + 1))]
    return Gallery(
        vector=mean_vectors(vectors, label, boxes.size),
        time=boxes.time[first].astype(np.float32),
        camera=boxes.camera[first],
        label=label,
    )


def rank(
    query: Query, boxes: Boxes, vectors: Floats, gallery: Gallery, pair: Pair, window: tuple[float, float]
) -> NDArray[np.bool_]:
    """Return, best candidate first, which candidates in the window are the vehicle."""
    weight = boxes.size[query.source]
    vector = (vectors[query.source] * weight[:, None]).sum(axis=0)
    time = boxes.time[query.source[np.argmax(weight)]]
    lag = gallery.time - time
    inside = (gallery.camera == pair.target) & (lag >= window[0]) & (lag <= window[1])
    right = np.zeros(len(inside), bool)
    right[gallery.label[query.target]] = True
    inside &= right | ~_unknown(query, gallery)
    ranked = np.flatnonzero(inside)[np.argsort(-(gallery.vector[inside] @ vector))]
    return np.asarray(right[ranked], np.bool_)


def _unknown(query: Query, gallery: Gallery) -> Bools:
    """Mark what is so near in time that it may be an unlisted sighting of the vehicle."""
    gap = np.abs(gallery.time[:, None] - query.times[None]).min(axis=1)
    taken = np.isin(gallery.time, query.times)
    return np.asarray((gap <= UNKNOWN_S) & ~taken, np.bool_)


def _figures(hits: list[Bools]) -> dict[str, float]:
    if not hits:
        return {"queries": 0, "rank1": 0.0, "rank5": 0.0, "mAP": 0.0}
    precision = [float(np.mean((np.arange(h.sum()) + 1) / (np.flatnonzero(h) + 1))) if h.any() else 0.0 for h in hits]
    return {
        "queries": len(hits),
        "rank1": round(float(np.mean([h[:1].any() for h in hits])), 4),
        "rank5": round(float(np.mean([h[:5].any() for h in hits])), 4),
        "mAP": round(float(np.mean(precision)), 4),
        "candidates": round(float(np.mean([len(h) for h in hits])), 1),
    }


def score(
    links: Path, boxes: Boxes, vectors: Floats, label: Ints, *, single: bool = False
) -> dict[str, dict[str, float]]:
    """Return rank-1, rank-5 and mAP for each camera pair, window and difficulty.

    With `single`, only a vehicle's largest box is the query, not all its boxes together.
    """
    gallery = gallery_of(boxes, vectors, label)
    table: dict[str, dict[str, float]] = {}
    for pair in PAIRS:
        queries = read_queries(links, boxes, pair)
        if single:
            largest = [q.source[[np.argmax(boxes.size[q.source])]] for q in queries]
            queries = [replace(q, source=row) for q, row in zip(queries, largest, strict=True)]
        tight = (pair.tight[0] - SLACK_S, pair.tight[1] + SLACK_S)
        for name, window in (("tight", tight), ("wide", WIDE_S)):
            hits = [rank(q, boxes, vectors, gallery, pair, window) for q in queries]
            table[f"{pair.name} {name}"] = _figures(hits)
            for kind, easy in (("distinctive", True), ("ordinary", False)):
                some = [h for h, q in zip(hits, queries, strict=True) if q.easy == easy]
                if some:
                    table[f"{pair.name} {name} {kind}"] = _figures(some)
    return table


def bias(boxes: Boxes, vectors: Floats, seed: int = 0) -> dict[str, float]:
    """Return how far distance follows the size ratio, and how often the nearest is a rival.

    A rival is a box of the same still: surely another vehicle.
    """
    rng = np.random.default_rng(seed)
    some = np.sort(rng.choice(len(boxes), min(len(boxes), 6000), replace=False))
    likeness = vectors[some] @ vectors[some].T
    ratio = np.abs(np.log(boxes.size[some][:, None] / boxes.size[some][None]))
    upper = np.triu_indices(len(some), 1)
    pick = rng.choice(len(upper[0]), 200_000, replace=False)
    pairs = upper[0][pick], upper[1][pick]
    np.fill_diagonal(likeness, -1)
    nearest = likeness.argmax(axis=1)
    return {
        "spearman_distance_size_ratio": round(float(spearmanr(1 - likeness[pairs], ratio[pairs]).statistic), 3),
        "nearest_in_same_still": round(float(np.mean(boxes.frame[some] == boxes.frame[some][nearest])), 4),
        "nearest_in_same_camera": round(float(np.mean(boxes.camera[some] == boxes.camera[some][nearest])), 4),
    }


def headline(table: dict[str, dict[str, float]]) -> str:
    """Say rank-1 of all pairs in one line."""
    cells = [f"{p.name} {table[f'{p.name} tight']['rank1']:.2f}/{table[f'{p.name} wide']['rank1']:.2f}" for p in PAIRS]
    return "  ".join(cells)
