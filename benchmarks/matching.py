"""Measure matching and journeys on 1, 4 and 16 hours of made-up traffic over five cameras.

    python benchmarks/matching.py --hours 1 4 16 --out results/matching.json

An hour has about 20,000 tracklets, as many as an hour of the real stills gave (54,000 detections of
five cameras). Vehicles keep their own speed, traffic slows down and speeds up, one in seven leaves
before the next camera, and looks are noisy, so that the answers can be scored as well. Seconds are
CPU seconds of one thread; memory is what the process had grown by at its largest.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from cctview.geometry import passing_time
from cctview.journeys import journeys
from cctview.match import match, travel_times
from cctview.metrics.reid import expected_calibration_error
from cctview.network import CameraNetwork, Link
from cctview.types import Cameras, Matches, Ragged, Tracklets, rows_of

CAMERAS, SPACING_M, PER_HOUR = 5, 800.0, 3500
START = np.datetime64("2024-06-03T06:00:00", "ns")
NOISE = 1.6


def road() -> CameraNetwork:
    """Return five cameras in a row to the south, linked both ways."""
    names = np.array([f"c{number}" for number in range(CAMERAS)])
    cameras = Cameras(
        id=names,
        name=names,
        lon=np.full(CAMERAS, -73.97),
        lat=40.75 - np.arange(CAMERAS) * SPACING_M / 111_195,
        heading_deg=np.zeros(CAMERAS, np.float32),
        interval_s=np.full(CAMERAS, 1.7, np.float32),
    )
    limits = {"metres": SPACING_M, "min_s": (SPACING_M - 100) / 35, "max_s": (SPACING_M + 100) / 2.5 + 60}
    links = [
        Link(origin=names[a], target=names[b], direction_deg=degrees, **limits)
        for a, b, degrees in [(n, n + 1, 180.0) for n in range(CAMERAS - 1)]
        + [(n + 1, n, 0.0) for n in range(CAMERAS - 1)]
    ]
    return CameraNetwork(cameras=cameras, links=tuple(links))


def traffic(hours: float, seed: int = 7) -> tuple[Tracklets, np.ndarray[Any, Any]]:
    """Return the tracklets of so many hours, and the vehicle of each."""
    rng = np.random.default_rng(seed)
    count = round(2 * PER_HOUR * hours)
    south = rng.random(count) < 0.5
    enter = rng.uniform(-300, hours * 3600, count)
    pace = 16 * (1 + 0.25 * np.sin(enter / 1700)) * rng.lognormal(0, 0.06, count)
    look = rng.normal(size=(count, 128)) * np.linspace(2, 0.2, 128)
    first = rng.integers(0, 2, count)
    stays = np.cumprod(rng.random((count, CAMERAS)) < 6 / 7, axis=1).astype(bool) | (np.arange(CAMERAS) == 0)
    vehicle, step = np.nonzero(
        stays & (np.arange(CAMERAS) + first[:, None] < CAMERAS) & (rng.random(stays.shape) < 0.97)
    )
    camera = np.where(south[vehicle], first[vehicle] + step, CAMERAS - 1 - first[vehicle] - step)
    moment = np.round(enter[vehicle] + step * SPACING_M / pace[vehicle] + rng.normal(0, 1.0, len(vehicle)))
    inside = (moment >= 0) & (moment < hours * 3600)
    vehicle, camera, moment = vehicle[inside], camera[inside], moment[inside]
    return sighted(rng, vehicle, camera, moment, south[vehicle], look[vehicle]), vehicle


def sighted(rng: np.random.Generator, vehicle: Any, camera: Any, moment: Any, south: Any, look: Any) -> Tracklets:
    """Return one tracklet for each passage; quality and nearness vary."""
    count = len(vehicle)
    noisy = (
        look
        + NOISE * look.std() * rng.normal(size=look.shape)
        + 0.5 * rng.normal(size=(CAMERAS, look.shape[1]))[camera]
    )
    far, near = rng.uniform(12, 16, count), rng.uniform(30, 70, count)
    lane = np.where(south, 90.0, 230.0) + 12 * rng.integers(0, 3, count)

    def boxes(side: Any, foot: Any) -> Any:
        return np.column_stack([lane - side / 2, foot - side, lane + side / 2, foot]).astype(np.float32)

    small, large = boxes(far, 80 + far), boxes(near, 150 + near)
    stamp = START + (moment * 1e9).astype("timedelta64[ns]")
    earlier = stamp - np.timedelta64(3, "s")
    later = stamp + np.timedelta64(3, "s")
    return Tracklets(
        id=rng.permutation(count) + 1,
        camera=np.array([f"c{number}" for number in range(CAMERAS)])[camera],
        first_time=np.where(south, earlier, stamp),
        last_time=np.where(south, stamp, later),
        first_box=np.where(south[:, None], small, large),
        last_box=np.where(south[:, None], large, small),
        type=np.full(count, "car"),
        heading=np.where(south, "towards", "away"),
        vector=(noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32),
        spread=np.zeros(count),
        quality=(near / 70).astype(np.float32),
        members=Ragged.from_lengths(np.arange(count), np.ones(count, int)),
    )


def score(tracklets: Tracklets, vehicle: Any, matches: Matches, network: CameraNetwork) -> dict[str, float]:
    """Return how right the best answers are, and their probabilities."""
    direct = {(link.origin, link.target) for link in network.links}
    ends = zip(matches.query_camera.tolist(), matches.camera.tolist(), strict=True)
    asked = matches[np.array([pair in direct for pair in ends]) & (matches.candidates.lengths > 0)]
    place = asked.candidates.offsets[:-1]
    query, found = rows_of(tracklets.id, asked.query), rows_of(tracklets.id, asked.candidates.values[place])
    right = vehicle[query] == vehicle[found]
    probability = asked.probability.values[place]
    passages = set(zip(vehicle.tolist(), tracklets.camera.tolist(), strict=True))
    there = np.array([pair in passages for pair in zip(vehicle[query].tolist(), asked.camera.tolist(), strict=True)])
    sure = probability >= 0.9
    return {
        "rank-1 of those that are there": float(right[there].mean()),
        "calibration error": expected_calibration_error(probability, right),
        "answered at 0.9": float(sure.mean()),
        "wrong of those": float((~right[sure]).mean()),
    }


def measure(hours: float) -> dict[str, Any]:
    """Return sizes, CPU seconds and accuracy of so many hours."""
    network = road()
    tracklets, vehicle = traffic(hours)
    order = np.argsort(passing_time(tracklets), kind="stable")
    tracklets, vehicle = tracklets[order], vehicle[order]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stamps = [time.process_time()]
    matches = match(tracklets, network)
    stamps.append(time.process_time())
    chains = journeys(matches, tracklets, network)
    stamps.append(time.process_time())
    times = travel_times(matches, tracklets, least=5)
    stamps.append(time.process_time())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "hours": hours,
        "tracklets": len(tracklets),
        "journeys": len(chains),
        "travel times": len(times),
        "seconds": dict(zip(("match", "journeys", "travel times"), np.diff(stamps).round(2).tolist(), strict=True)),
        "memory_mb": round(grown / 1024),
        **{name: round(value, 4) for name, value in score(tracklets, vehicle, matches, network).items()},
    }


def main() -> None:
    """Print the measurements and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 4.0, 16.0])
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    value = [measure(hours) for hours in sorted(options.hours)]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    report = {
        "what": "matching, journeys and travel times of five cameras by hours of made-up traffic",
        "data": "made by the benchmark itself, seed 7",
        "command": f"python benchmarks/matching.py --hours {' '.join(f'{hours:g}' for hours in options.hours)}",
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, shared with other work: CPU seconds, not wall",
        "versions": {name: version(name) for name in ("numpy", "scipy")},
        "value": value,
    }
    text = json.dumps(report, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
