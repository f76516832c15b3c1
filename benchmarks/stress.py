"""Stress curves on simulated traffic: how detection, tracking, matches, journeys and travel times bear it.

    python benchmarks/stress.py --out results/stress.json
    python benchmarks/stress.py --axes interval_s weather --seeds 7 8 9

Each point is a whole run, from drawn stills to journeys, scored against the truth. One setting is changed at a
time from the middle: three cameras of 352x240, a still every 1.7 s, 40 vehicles a minute, a clear day.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from cctview.detect import load_detector
from cctview.embed import load_embedder
from cctview.evaluate.world import found_in, score_world
from cctview.pipeline import RunSettings, run
from cctview.privacy import Policy
from cctview.sim import SimSettings, simulate
from cctview.simulated import SimulatedSource
from cctview.store import create_store
from provenance import header

AXES: dict[str, list[dict[str, Any]]] = {
    "resolution": [{"width": w, "height": h} for w, h in ((240, 164), (352, 240), (704, 480))],
    "interval_s": [{"interval_s": seconds} for seconds in (0.5, 1.7, 3.0, 6.0)],
    "weather": [{"weather": name} for name in ("overcast", "rain", "fog", "glare")],
    "light": [{"light": name} for name in ("dusk", "night")],
    "traffic": [{"traffic": number} for number in (12.0, 70.0, 100.0)],
    "cameras": [{"cameras": number} for number in (2, 6)],
    "faults": [{"faults": share} for share in (0.1, 0.3)],
    "distortion": [{"distortion": share} for share in (0.1, 0.25)],
}
PACKAGES = ("numpy", "onnxruntime", "opencv-python-headless")
SHOWN = (
    ("detection", "AP50"), ("tracking", "IDF1"), ("matches", "rank-1"), ("matches", "calibration error"),
    ("journeys", "steps right"), ("journeys", "true steps found"), ("travel times", "median error share"),
)  # fmt: skip


def scored(settings: SimSettings) -> dict[str, dict[str, float]]:
    """Return the scores of one run over one world."""
    source = SimulatedSource("stress", simulate(settings))
    with tempfile.TemporaryDirectory(prefix="cctview-stress-") as folder:
        store = create_store(Path(folder) / "store", Policy.default("a benchmark, thrown away"))
        run(source, store, source.network, load_detector(), load_embedder(), settings=RunSettings(workers=1))
        return score_world(source.world(), found_in(store))


def mean(runs: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the mean of each figure over runs, without those that had nothing to measure."""
    return {
        part: {name: round(_mean([one[part][name] for one in runs]), 4) for name in figures}
        for part, figures in runs[0].items()
    }


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else 0.0


def main() -> None:
    """Run the points asked for, print one line each, and write them all after each one."""
    parser = argparse.ArgumentParser(description="Stress curves on simulated traffic.")
    parser.add_argument("--axes", nargs="*", choices=list(AXES), default=list(AXES))
    parser.add_argument("--seeds", nargs="*", type=int, default=[7])
    parser.add_argument("--minutes", type=float, default=2.5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    points = [("middle", {}), *((axis, change) for axis in arguments.axes for change in AXES[axis])]
    rows: list[dict[str, Any]] = []
    print(f"{'':34}" + "  ".join(f"{name:>18}" for _, name in SHOWN))
    for axis, change in points:
        begin = time.process_time()
        middle: dict[str, Any] = {"minutes": arguments.minutes, "cameras": 3}
        runs = [scored(SimSettings(**{**middle, **change, "seed": seed})) for seed in arguments.seeds]
        rows.append({"axis": axis, "change": change, "cpu_s": round(time.process_time() - begin, 1), **mean(runs)})
        print(
            f"{axis + ' ' + str(change):34}" + "  ".join(f"{rows[-1][part][name]:18.3f}" for part, name in SHOWN),
            flush=True,
        )
        if arguments.out:
            result = {
                **header(sys.argv, PACKAGES),
                "minutes": arguments.minutes,
                "seeds": arguments.seeds,
                "points": rows,
            }
            arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
