"""Compare simulated stills with real ones by their numbers, and write the table of docs/realism.md.

    python benchmarks/realism.py DATA/fdr/frames --out results/realism.json --page docs/realism.md

Both sides go through the same detector and embedder. Only numbers leave: no real still is written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cctview.detect import load_detector
from cctview.embed import embed, load_embedder
from cctview.sim import SimSettings, simulate
from cctview.simulated import SimulatedSource
from cctview.sources import FolderSource
from cctview.types import VEHICLE_TYPES, Frame

Floats = NDArray[np.floating[Any]]
Measures = dict[str, list[float]]
SHARES = (10, 25, 50, 75, 90)
_SMALL_PX = 14.0  # below this a crop says little about colour or likeness
_HEAD = """# Simulated and real stills, by their numbers

{real} real stills of five cameras on New York's FDR Drive (2020, MIT) and {simulated} simulated ones of six cameras,
both read by the bundled detector and embedder. Each cell gives the 10th, 25th, 50th, 75th and 90th percentile.
Written by `benchmarks/realism.py`; no real still is part of this repository.

| measure | real | simulated |
|---|---|---|
"""


def measured(frames: list[Frame]) -> Measures:
    """Return what stills, boxes and pairs of vehicles measure."""
    found = load_detector()(frames)
    found = found[np.isin(found.type, VEHICLE_TYPES)]
    vectors = embed(frames, found, load_embedder()).vector
    size = np.sqrt(np.prod(found.box[:, 2:] - found.box[:, :2], axis=1))
    told: Measures = {
        "box size, px": size.tolist(),
        "box width by height": ((found.box[:, 2] - found.box[:, 0]) / (found.box[:, 3] - found.box[:, 1])).tolist(),
        "detector score": found.score.tolist(),
        "seconds between stills": _gaps(frames),
        "likeness of two vehicles of one still": [],
        "brightness of vehicles": [],
        "saturation of vehicles": [],
    }
    for name in ("brightness", "contrast", "sharpness", "bytes per pixel"):
        told[f"{name} of stills"] = []
    for frame in frames:
        mine = np.flatnonzero((found.frame == frame.id) & (size >= _SMALL_PX))
        pairs = np.triu(vectors[mine] @ vectors[mine].T, 1)
        told["likeness of two vehicles of one still"] += pairs[np.triu_indices(len(mine), 1)].tolist()
        _add_still(told, frame)
        _add_crops(told, frame.image, found.box[mine])
    return told


def _gaps(frames: list[Frame]) -> list[float]:
    cameras = np.array([frame.camera for frame in frames])
    times = np.array([frame.time for frame in frames], "datetime64[ns]")
    steps = [np.diff(np.sort(times[cameras == camera])) / np.timedelta64(1, "s") for camera in np.unique(cameras)]
    return [step for step in np.concatenate(steps).tolist() if step < 20]


def _add_still(told: Measures, frame: Frame) -> None:
    grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
    told["brightness of stills"].append(float(grey.mean()))
    told["contrast of stills"].append(float(grey.std()))
    told["sharpness of stills"].append(float(cv2.Laplacian(grey, cv2.CV_64F).std()))
    told["bytes per pixel of stills"].append(len(frame.encoded) / grey.size)


def _add_crops(told: Measures, image: NDArray[np.uint8], boxes: Floats) -> None:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    for x0, y0, x1, y1 in boxes.round().astype(int).clip(0).tolist():
        crop = hsv[y0:y1, x0:x1].reshape(-1, 3)
        if len(crop):
            told["brightness of vehicles"].append(float(crop[:, 2].mean()))
            told["saturation of vehicles"].append(float(crop[:, 1].mean()))


def summary(told: Measures) -> dict[str, list[float]]:
    """Return the percentiles of each measure."""
    return {name: np.percentile(values or [0.0], SHARES).round(3).tolist() for name, values in told.items()}


def real_stills(folder: Path, each: int) -> list[Frame]:
    """Return the first ``each`` stills of the middle minute of every camera; ``folder`` holds CAMERA/MINUTE/."""
    chosen: list[Frame] = []
    for camera in sorted(path for path in folder.iterdir() if path.is_dir()):
        minutes = sorted(path for path in camera.iterdir() if path.is_dir())
        items = FolderSource(minutes[len(minutes) // 2], camera=camera.name).frames(lambda _: False)
        chosen += list(islice((item for item in items if isinstance(item, Frame)), each))
    return chosen


def simulated_stills(count: int) -> list[Frame]:
    """Return the first stills of a simulated day."""
    source = SimulatedSource("realism", simulate(SimSettings(minutes=5, cameras=6, seed=3, traffic=20.0)))
    items: Iterable[Any] = source.frames(lambda _: False)
    return list(islice((item for item in items if isinstance(item, Frame)), count))


def main() -> None:
    """Measure both sides and write the numbers and the page."""
    parser = argparse.ArgumentParser(description="Compare simulated stills with real ones.")
    parser.add_argument("stills", type=Path, help="folder of real stills")
    parser.add_argument("--each", type=int, default=24, help="stills of each real camera")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    real = real_stills(arguments.stills, arguments.each)
    drawn = simulated_stills(len(real))
    sides = {"real": summary(measured(real)), "simulated": summary(measured(drawn))}
    rows = [f"| {name} | {_cell(sides['real'][name])} | {_cell(sides['simulated'][name])} |" for name in sides["real"]]
    page = _HEAD.format(real=len(real), simulated=len(drawn)) + "\n".join(rows) + "\n"
    print(page)
    if arguments.page:
        arguments.page.write_text(page, encoding="utf-8")
    if arguments.out:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout
        told = {
            "command": " ".join(["python", sys.argv[0], "DATA/fdr/frames"]), "commit": commit.strip(),
            "machine": f"{platform.machine()}, {os.cpu_count()} processors", "percentiles": SHARES, **sides,
        }  # fmt: skip
        arguments.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _cell(values: list[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


if __name__ == "__main__":
    main()
