"""Measure matching, journeys and travel times on 1, 4 and 16 hours of made-up traffic over five cameras.

    python benchmarks/matching.py --hours 1 4 16 --out results/matching.json

An hour has about 20,000 tracklets, nearly as many as an hour of the real stills gave. Vehicles keep
their own speed, traffic slows down and speeds up over three hours, one in seven leaves before the
next camera, and looks are noisy, so that the answers can be scored as well. The tracklets are handed
over hour by hour, as a store hands them over. Each length runs in a process of its own: seconds are
CPU seconds of one thread without those that making the traffic took, memory is the largest resident
set, beside that of the process before the first hour.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from cctview.aggregates import travel_times
from cctview.journeys import JourneySettings
from cctview.journeys.spans import linked
from cctview.matching import BeliefMatcher
from cctview.metrics.reid import expected_calibration_error
from cctview.network import CameraNetwork, Link
from cctview.types import Cameras, Journeys, Matches, Ragged, Tracklets, TravelTimes, row_ids, rows_of

CAMERAS, SPACING_M, PER_HOUR = 5, 800.0, 3500
START = np.datetime64("2024-06-03T06:00:00", "ns")
HOUR = np.timedelta64(1, "h")
LAST = np.datetime64("2200-01-01", "ns")
NOISE = 1.6
SEED = 7


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


def traffic(hour: int, hours: int) -> tuple[Tracklets, np.ndarray[Any, Any]]:
    """Return the tracklets of the vehicles that set out in one of these hours, and the vehicle of each."""
    rng = np.random.default_rng((SEED, hour))
    count = 2 * PER_HOUR
    south = rng.random(count) < 0.5
    enter = rng.uniform(hour * 3600 - 300 * (hour == 0), (hour + 1) * 3600, count)
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
    name = hour * count + vehicle
    return sighted(rng, name, camera, moment, south[vehicle], look[vehicle]), name


def sighted(rng: np.random.Generator, vehicle: Any, camera: Any, moment: Any, south: Any, look: Any) -> Tracklets:
    """Return one tracklet for each passage; quality and nearness vary."""
    count = len(vehicle)
    noisy = (
        look
        + NOISE * look.std() * rng.normal(size=look.shape)
        + 0.5 * np.random.default_rng(SEED).normal(size=(CAMERAS, look.shape[1]))[camera]
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
        id=row_ids(vehicle, camera, "traffic"),
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


class Score:
    """What the answers are worth, counted as they come."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.ids, self.vehicle = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.probability: list[Any] = []
        self.right: list[Any] = []
        self.there: list[Any] = []

    def see(self, tracklets: Tracklets, vehicle: Any) -> None:
        """Take down whose tracklets these are."""
        self.ids, self.vehicle = np.concatenate([self.ids, tracklets.id]), np.concatenate([self.vehicle, vehicle])

    def hear(self, matches: Matches, network: CameraNetwork) -> None:
        """Take down how right the best answers over one link are."""
        direct = {(link.origin, link.target) for link in network.links}
        ends = zip(matches.query_camera.tolist(), matches.camera.tolist(), strict=True)
        asked = matches[np.array([pair in direct for pair in ends], bool) & (matches.candidates.lengths > 0)]
        place = asked.candidates.offsets[:-1]
        query, found = (self.vehicle[rows_of(self.ids, ids)] for ids in (asked.query, asked.candidates.values[place]))
        passed = row_ids(query, np.char.lstrip(asked.camera, "c").astype(np.int64), "traffic")
        self.probability.append(asked.probability.values[place])
        self.right.append(query == found)
        self.there.append(np.isin(passed, self.ids))

    def summary(self) -> dict[str, Any]:
        """Return rank-1 of the queries whose vehicle is there, at the worst hand-over too, and calibration."""
        probability, right, there = map(np.concatenate, (self.probability, self.right, self.there))
        sure = probability >= 0.9
        parts = [float(r[t].mean()) for r, t in zip(self.right, self.there, strict=True) if t.any()]
        return {
            "rank-1 of those that are there": round(float(right[there].mean()), 4),
            "rank-1 at the worst hand-over": round(min(parts), 4),
            "calibration error": round(expected_calibration_error(probability, right), 4),
            "answered at 0.9": round(float(sure.mean()), 4),
            "wrong of those": round(float((~right[sure]).mean()), 4),
        }


def measure(hours: int) -> dict[str, Any]:
    """Return sizes, CPU seconds, memory and accuracy of so many hours."""
    network, score, making = road(), Score(), 0.0
    asked: list[float] = []
    rows = dict.fromkeys((Tracklets, Matches, Journeys, TravelTimes), 0)

    def arrivals() -> Iterator[tuple[Tracklets, np.datetime64]]:
        nonlocal making
        for hour in range(hours):
            begin = time.process_time()
            asked.append(begin - making)
            tracklets, vehicle = traffic(hour, hours)
            score.see(tracklets, vehicle)
            making += time.process_time() - begin
            yield tracklets, START + (hour + 1) * HOUR if hour < hours - 1 else LAST

    at_first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    for settled in linked(arrivals(), network, BeliefMatcher(), JourneySettings()):
        times = travel_times(settled.likely, settled.ends, least=5)
        final = times[(times.start >= settled.since) & (times.start < settled.until)]
        for table in (settled.tracklets, settled.matches, settled.journeys, final):
            rows[type(table)] += len(table)
        if len(settled.matches):
            begin = time.process_time()
            score.hear(settled.matches, network)
            making += time.process_time() - begin
    seconds = time.process_time() - start - making
    each = np.diff([*asked, start + seconds])
    return {
        "hours": hours,
        **{kind.__name__: count for kind, count in rows.items()},
        "seconds": round(seconds, 2),
        "seconds of the last hour": round(float(each[-1]), 2),
        "seconds of each hour, median": round(float(np.median(each)), 2),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "memory_before_mb": round(at_first / 1024),
        **score.summary(),
    }


def in_a_process(hours: int) -> Any:
    """Return the measurement that a process of its own made."""
    command = [sys.executable, __file__, "--one", str(hours)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the measurements and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    value = [in_a_process(hours) for hours in options.hours]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    report = {
        "what": "matching, journeys and travel times of five cameras by hours of made-up traffic",
        "data": f"made by the benchmark itself, seed {SEED}",
        "command": f"python benchmarks/matching.py --hours {' '.join(map(str, options.hours))}",
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
