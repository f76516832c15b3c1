"""Score learnt lanes, the way vehicles go, and what lags tell about clocks, on simulated roads.

    python benchmarks/lanes.py --out results/lanes.json

Nothing is drawn: the detector's part is played by true boxes of which a tenth is missing and whose sides are off by
0.7 px, the embedder's by one random vector a vehicle, so noisy that two sightings have a cosine of about 0.4. From
there on it is the program: tracklets, lanes, matches.

A lane is found when a learnt one has most of its vehicles on it. How far a learnt line lies beside it is the
distance to the line through the true boxes nearby, in heights of a vehicle there. Clocks: half of the difference
between the median lags of a link and of the one back, against how much the two cameras' clocks truly differ.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cctview.geometry import foot
from cctview.matching import match
from cctview.road.border import cut_by_border, extent_of
from cctview.road.flow import ways
from cctview.road.lanes import learn_lanes
from cctview.road.priors import ROAD
from cctview.sim import Sightings, SimSettings, simulate
from cctview.sim.sightings import asked
from cctview.tracking import track
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, Lanes, Matches, Tracklets, row_ids, rows_of
from provenance import header

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

WORLDS: dict[str, dict[str, Any]] = {
    "corridor": {},
    "corridor, light traffic": {"traffic": 12.0},
    "corridor, jam": {"traffic": 100.0},
    "corridor, one still in 3 s": {"interval_s": 3.0},
    "corridor, one still in 5 s": {"interval_s": 5.0},
    "corridor, lens distortion 0.2": {"distortion": 0.2},
    "motorway": {"world": "motorway"},
    "grid": {"world": "grid"},
}
_MISSED, _NOISE_PX, _DIMENSIONS, _LOOK_NOISE = 0.1, 0.7, 64, 1.2
_NEARBY = 12
_LANES_A_WAY = 3
_SURE = 0.5


def seen(sightings: Sightings, rng: np.random.Generator) -> tuple[Sightings, Detections, Embeddings]:
    """Return the sightings a detector would find, what it would say, and what an embedder would."""
    found = sightings[asked(sightings) & np.isin(sightings.type, VEHICLE_TYPES)]
    found = found[rng.random(len(found)) >= _MISSED]
    box = found.box + rng.normal(0, _NOISE_PX, found.box.shape)
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 1)
    rank = np.arange(len(found)) - np.searchsorted(found.still, found.still) + 1
    detections = Detections(
        id=row_ids(found.still, rank, "benchmark"),
        frame=found.still,
        camera=found.camera,
        time=found.time,
        rank=rank.astype(np.int32),
        box=box.astype(np.float32),
        score=np.full(len(found), 0.8, np.float32),
        type=found.type,
    )
    looks = rng.normal(size=(int(found.identity.max()) + 1, _DIMENSIONS))[found.identity]
    vector = looks + _LOOK_NOISE * rng.normal(size=looks.shape)
    embeddings = Embeddings(
        detection=detections.id,
        vector=(vector / np.linalg.norm(vector, axis=1, keepdims=True)).astype(np.float32),
        quality=np.clip((box[:, 3] - box[:, 1]) / 40, 0.01, 1).astype(np.float32),
    )
    return found, detections, embeddings


def lane_scores(lanes: Lanes, mine: Ints, owner: Ints, truth: Sightings) -> dict[str, float]:
    """Return counts and sums about the lanes of one camera.

    ``owner`` (M,) is the true lane of each member of the lanes, ``mine`` (N,) that of each of the camera's sightings.
    """
    found, beside, right = set(), [], 0
    for number in range(len(lanes)):
        line = lanes[number : number + 1]
        names, count = np.unique(owner[lanes.members.row == number], return_counts=True)
        lane = int(names[count.argmax()])
        found.add(lane)
        right += int(count.max())
        points = np.column_stack([line.x.values, line.y.values]).astype(np.float64)
        beside += _beside(points, truth[mine == lane].whole.astype(np.float64))
    return {
        "lanes": len(lanes),
        "true lanes found": len(found),
        "true lanes": len(np.unique(mine)),
        "vehicles on a lane": len(owner),
        "of those on their own": right,
        "points": len(beside),
        "heights beside": float(np.sum(beside)),
    }


def _beside(points: Floats, box: Floats) -> list[float]:
    """Return how far points lie beside the line through the boxes around each, in heights of those."""
    box = box[~cut_by_border(box, extent_of(box), ROAD.edge_px)]
    place = foot(box)
    _, near = cKDTree(place).query(points, k=_NEARBY)
    around = place[near]
    middle = around.mean(axis=1, keepdims=True)
    across = np.linalg.svd(around - middle, full_matrices=False)[2][:, 1]
    tall = (box[:, 3] - box[:, 1])[near].mean(axis=1)
    return (np.abs(np.einsum("pd,pd->p", points - middle[:, 0], across)) / tall).tolist()


def way_scores(tracklets: Tracklets, towards: NDArray[np.bool_]) -> dict[str, float]:
    """Return counts of tracklets of one camera whose way is told right and wrong, by own motion and by place."""
    true = np.where(towards, "towards", "away")
    scores: dict[str, float] = {"tracklets": len(tracklets)}
    for name, told in (("own motion", tracklets.heading), ("place", ways(tracklets))):
        scores[f"right by {name}"] = int(np.count_nonzero(told == true))
        scores[f"wrong by {name}"] = int(np.count_nonzero((told != true) & np.isin(told, ("towards", "away"))))
    return scores


def scored(settings: SimSettings) -> dict[str, float]:
    """Return the summed scores of all cameras of a world, and the CPU seconds that learning the lanes took."""
    found, detections, embeddings = seen(simulate(settings).sightings(), np.random.default_rng(settings.seed))
    tracklets = track(detections, embeddings)
    begin = time.process_time()
    lanes = learn_lanes(tracklets, detections)
    total: dict[str, float] = {"CPU seconds": time.process_time() - begin}
    lane_of = found.lane + _LANES_A_WAY * found.towards
    first = rows_of(detections.id, tracklets.members.values[tracklets.members.offsets[:-1]])
    for camera in np.unique(tracklets.camera):
        own, here = tracklets.camera == camera, found.camera == camera
        line = lanes[lanes.camera == camera]
        owner = lane_of[first[rows_of(tracklets.id, line.members.values)]]
        parts = lane_scores(line, lane_of[here], owner, found[here]) | way_scores(
            tracklets[own], found.towards[first[own]]
        )
        total = {name: total.get(name, 0) + parts.get(name, 0) for name in {**total, **parts}}
    return total


def clock_scores(seed: int) -> list[float]:
    """Return by how many seconds the lags there and back misjudge the clocks of each pair of neighbours."""
    simulation = simulate(SimSettings(minutes=10, cameras=4, clock_s=3.0, traffic=24.0, seed=seed))
    found, detections, embeddings = seen(simulation.sightings(), np.random.default_rng(seed))
    told = (found.time - found.time.min()) / np.timedelta64(1, "s") - found.at
    clock = {camera: float(np.median(told[found.camera == camera])) for camera in np.unique(found.camera).tolist()}
    matches = match(track(detections, embeddings), simulation.plan.network)
    lags = {
        (link.origin, link.target): _median_lag(matches, link.origin, link.target)
        for link in simulation.plan.network.links
    }
    return [(lags[a, b] - lags[b, a]) / 2 - (clock[b] - clock[a]) for a, b in lags if a < b and (b, a) in lags]


def _median_lag(matches: Matches, origin: str, target: str) -> float:
    rows = matches[(matches.query_camera == origin) & (matches.camera == target) & (matches.candidates.lengths > 0)]
    best = rows.candidates.offsets[:-1]
    sure = rows.probability.values[best] >= _SURE
    return float(np.median(rows.lag_s.values[best][sure])) if sure.any() else float("nan")


def shares(total: dict[str, float]) -> dict[str, float]:
    """Return what the sums of a world amount to."""
    counts = {name: int(total[name]) for name in ("lanes", "true lanes found", "true lanes", "tracklets")}
    return counts | {
        "heights beside, mean": round(total["heights beside"] / max(total["points"], 1), 3),
        "vehicles on their own lane": round(total["of those on their own"] / max(total["vehicles on a lane"], 1), 4),
        "CPU seconds": round(total["CPU seconds"], 2),
        **{name: round(total[name] / total["tracklets"], 4) for name in total if name.startswith(("right", "wrong"))},
    }


def main() -> None:
    """Print the scores of each world, and write them on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    middle: dict[str, Any] = {name: getattr(arguments, name) for name in ("minutes", "cameras", "seed")}
    worlds = {name: shares(scored(SimSettings(**{**middle, **change}))) for name, change in WORLDS.items()}
    off = [error for seed in range(arguments.seed, arguments.seed + 4) for error in clock_scores(seed)]
    clocks = {"pairs": len(off), "seconds off, median": round(float(np.median(np.abs(off))), 2)}
    clocks["seconds off, worst"] = round(float(np.max(np.abs(off))), 2)
    report = {**header(sys.argv, ("numpy", "scipy")), **middle, "worlds": worlds, "clocks": clocks}
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
