"""Score a detector's ONNX file on the three hand-labelled sets, by the rules of their README."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from cctview.detect.stretch import Stretch, stacked
from cctview.detect.suppression import settled
from cctview.evaluate.detection import Truth, count_types, read_coco
from cctview.metrics.detection import DetectionCounts, ScoredBoxes, average_precision, recall_at_precision
from cctview.types import VEHICLE_TYPES as VEHICLES
from training.detector.net import GROUPS, LABELS
from training.detector.stills import Image, read_rgb

GROWN = 0.15
"""Share of its size by which redaction grows a box on every side."""
LEAST_PIXELS = 384 * 256
"""Smaller stills are enlarged to about as many pixels."""
Found = tuple[NDArray[np.float32], NDArray[np.float32]]
Detect = Callable[[Image], Found]


@dataclass(frozen=True)
class LabelledSet:
    """Stills with hand labels: what the file says of each image, and the boxes."""

    images: list[dict[str, Any]]
    truth: Truth


def read_labelled(data: Path, name: str) -> LabelledSet:
    """Read one of fdr, london and singapore; the upper third of London's stills is not labelled."""
    path = data / name / "boxes.json"
    images = data / "fdr" / "frames" if name == "fdr" else data / name
    truth = read_coco(path, images, ignore_above=1 / 3 if name == "london" else 0.0)
    return LabelledSet(json.loads(path.read_text())["images"], truth)


def session(path: Path) -> ort.InferenceSession:
    """Open an ONNX file on one core."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def letterbox(image: Image, longest: int) -> tuple[Image, float]:
    """Scale the longer side down to at most `longest` and pad to multiples of 32."""
    scale = min(1.0, longest / max(image.shape[:2]))
    if scale < 1.0:
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = (-(-s // 32) * 32 for s in image.shape[:2])
    out = np.full((height, width, 3), 114, np.uint8)
    out[: image.shape[0], : image.shape[1]] = image
    return out, scale


def detector(path: Path, longest: int, overlap: float = 0.5, least: float = 0.02) -> Detect:
    """Make a function that finds objects in one still, as the product settles them."""
    run, rule = session(path), Stretch(stride=32, max_side=longest, least_pixels=LEAST_PIXELS)

    def detect(image: Image) -> Found:
        batch, scale = stacked([image], rule)
        boxes, scores = (out[0] for out in run.run(None, {"images": batch}))
        box = (boxes / scale).clip(0, np.tile(image.shape[1::-1], 2)).astype(np.float32)
        parts = [_settled(box, scores, group, least, overlap) for group in GROUPS]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    return detect


def _settled(
    box: NDArray[np.float32], scores: NDArray[np.float32], group: slice, least: float, overlap: float
) -> Found:
    best = scores[:, group].max(1)
    used = np.flatnonzero((best >= least) & (best >= scores.max(1)))
    kept, voted = settled(box[used], best[used], np.zeros(len(used), np.intp), overlap, mean=True)
    return voted, scores[used[kept]]


def count(
    labelled: LabelledSet, found: list[Found], types: tuple[str, ...], camera: str | None = None, **options: Any
) -> DetectionCounts:
    """Count one class, or several merged, in all stills or those of a camera: each box by its best score of them."""
    columns = [LABELS.index(t) for t in types]
    wanted = np.array([camera in {None, image["camera"]} for image in labelled.images])
    image = np.repeat(np.arange(len(found)), [len(box) for box, _ in found])
    best = np.concatenate([score[:, columns].max(1) for _, score in found])
    mine = (best > 0) & wanted[image]
    boxes = ScoredBoxes(image=image[mine], box=np.concatenate([box for box, _ in found])[mine], score=best[mine])
    return count_types(labelled.truth.of(wanted), boxes, types, **options)


def report(labelled: LabelledSet, found: list[Found]) -> dict[str, float]:
    """AP50, AP50:95 and recall at precision 0.97 of vehicles, by camera and by size too."""
    vehicles = count(labelled, found, VEHICLES)
    out = _figures("vehicle", vehicles)
    sizes = {"under 16 px": (0.0, 256.0), "16-32 px": (256.0, 1024.0), "over 32 px": (1024.0, 1e10)}
    for name, area in sizes.items():
        counts = count(labelled, found, VEHICLES, area=area)
        out[f"vehicle {name} AP50"] = float(average_precision(counts)[0])
    for camera in sorted({i["camera"] for i in labelled.images}):
        counts = count(labelled, found, VEHICLES, camera)
        out[f"vehicle {camera} AP50"] = float(average_precision(counts)[0])
    for name in LABELS:
        counts = count(labelled, found, (name,))
        if counts.truths:
            out[f"{name} AP50"] = float(average_precision(counts)[0])
    return out


def _figures(name: str, counts: DetectionCounts) -> dict[str, float]:
    precision = average_precision(counts)
    return {
        f"{name} truths": counts.truths,
        f"{name} AP50": float(precision[0]),
        f"{name} AP50:95": float(precision.mean()),
        f"{name} recall at precision 0.97": float(recall_at_precision(counts, 0.97)[0]),
    }


def people(
    labelled: LabelledSet, found: list[Found], thresholds: tuple[float, ...] = (0.06, 0.08, 0.12, 0.15, 0.2)
) -> dict[str, float]:
    """Share of hand-labelled people that redaction hides by half at least, and of the stills it blacks out."""
    truth, out = labelled.truth, {}
    shown = np.flatnonzero((truth.type == "person") & ~truth.ignore)
    places = zip(truth.image[shown].tolist(), np.rint(truth.box[shown]).astype(int).tolist(), strict=True)
    wanted = [(image, slice(y1, y2), slice(x1, x2)) for image, (x1, y1, x2, y2) in places]
    for threshold in thresholds:
        masks = [
            _blacked_out(image, box[score[:, LABELS.index("person")] >= threshold])
            for image, (box, score) in zip(labelled.images, found, strict=True)
        ]
        out[f"people hidden at {threshold}"] = float(np.mean([masks[i][y, x].mean() > 0.5 for i, y, x in wanted]))
        out[f"area blacked out at {threshold}"] = float(np.mean([mask.mean() for mask in masks]))
    return out


def _blacked_out(image: dict[str, Any], box: NDArray[np.float32]) -> NDArray[np.bool_]:
    mask = np.zeros((image["height"], image["width"]), bool)
    grown = np.tile(box[:, 2:] - box[:, :2], 2) * np.array([-GROWN, -GROWN, GROWN, GROWN]) + box
    for x1, y1, x2, y2 in np.r_[np.floor(grown[:, :2]).T, np.ceil(grown[:, 2:]).T].T.astype(int).clip(0):
        mask[y1:y2, x1:x2] = True
    return mask


def milliseconds(path: Path, shape: tuple[int, int] = (256, 384), runs: int = 60) -> float:
    """Median time of one still on one core."""
    run, still = session(path), np.random.default_rng(0).integers(0, 255, (1, *shape, 3), dtype=np.uint8)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run.run(None, {"images": still})
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1e3)


def score(
    model: Path, data: Path, longest: int, sets: tuple[str, ...] = ("fdr", "london", "singapore")
) -> dict[str, dict[str, float]]:
    """Score a model on the labelled sets."""
    detect, out = detector(model, longest), {}
    for name in sets:
        labelled = read_labelled(data, name)
        found = [detect(read_rgb(path)) for path in labelled.truth.files]
        out[name] = report(labelled, found)
        if name == "fdr":
            out[name] |= people(labelled, found)
    return out


def main() -> None:
    """Print the scores of a model as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--longest", type=int, default=640)
    options = parser.parse_args()
    print(json.dumps(score(options.model, options.data, options.longest), indent=1))


if __name__ == "__main__":
    main()
