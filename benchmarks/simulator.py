"""How fast the simulator is, and how well the bundled detector finds what it draws.

    python benchmarks/simulator.py --out results/simulator.json

Times are processor seconds of one core, so that a busy machine tells the same.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from cctview.detect import DetectSettings, load_detector
from cctview.evaluate.world import Found, score_world
from cctview.sim import SimSettings, simulate
from cctview.simulated import SimulatedSource
from cctview.types import Frame, Journeys, Matches, Tracklets, TravelTimes

SEEDS = (11, 12)


def drawing(width: int, height: int, stills: int) -> dict[str, float]:
    """Return stills drawn in a processor second, once the scenes are there, and what a scene takes."""
    frames = simulate(SimSettings(minutes=5, cameras=2, width=width, height=height)).frames()
    begin = time.process_time()
    for _ in islice(frames, 6):
        pass
    scenes, begin = time.process_time() - begin, time.process_time()
    count = sum(1 for _ in islice(frames, stills))
    return {
        "stills per cpu second": round(count / (time.process_time() - begin), 1),
        "cpu seconds per scene": round(scenes / 2, 2),
    }


def undrawn(cameras: int, minutes: float) -> dict[str, float]:
    """Return what a large world takes without drawing."""
    begin = time.process_time()
    simulation = simulate(SimSettings(minutes=minutes, cameras=cameras))
    seen = simulation.sightings()
    return {
        "cameras": cameras, "minutes": minutes, "stills": len(simulation.plan.timetable), "sightings": len(seen),
        "cpu seconds": round(time.process_time() - begin, 1),
    }  # fmt: skip


def detected(**settings: Any) -> list[dict[str, float]]:
    """Return the detector's figures in two worlds."""
    detector = load_detector(settings=DetectSettings(min_score=0.01))
    scores = []
    for seed in SEEDS:
        world = SimSettings(minutes=0.4, cameras=6, interval_s=3.0, seed=seed, **settings)
        source = SimulatedSource("simulator", simulate(world))
        frames = [item for item in source.frames(lambda _: False) if isinstance(item, Frame)]
        found = Found(
            detections=detector(frames),
            tracklets=Tracklets.empty(),
            matches=Matches.empty(),
            journeys=Journeys.empty(),
            travel_times=TravelTimes.empty(),
        )
        figures = score_world(source.world(), found)["detection"]
        scores.append({"vehicles": figures["vehicles asked for"], "AP50": round(figures["AP50"], 3)})
    return scores


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="How fast the simulator is, and how well its vehicles are found.")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    result: dict[str, Any] = {
        "command": " ".join(["python", *sys.argv]),
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
    }
    parts: dict[str, Callable[[], Any]] = {
        "drawing 352x240": partial(drawing, 352, 240, 150),
        "drawing 704x480": partial(drawing, 704, 480, 30),
        "detector by day": detected,
        "detector by night": partial(detected, light="night"),
        "without drawing": partial(undrawn, 30, 120.0),
        "detector in rain": partial(detected, weather="rain"),
    }
    for name, measure in parts.items():
        result[name] = measure()
        print(name, json.dumps(result[name]), flush=True)
        if arguments.out:
            arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
