"""Make the bundled vehicle embedder: `python -m training.embedder --data DIR --out DIR`."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from training.embedder.crops import Spoil, cut_all
from training.embedder.data import Boxes, Floats, Paths, read_boxes
from training.embedder.export import sample, save_record, side_of, speed_ms, vectors_of, write_small
from training.embedder.net import Architecture, Embedder
from training.embedder.rounds import Report, Rounds, Scene, read_scene, unit
from training.embedder.score import bias, headline, score
from training.embedder.teacher import HeadRecipe
from training.embedder.train import Recipe, embed

HEAD_ROUNDS, ROUNDS = 3, 12
REFRESHED = (0, 2)
GENTLE_ROUNDS = 3
GENTLE = Spoil(shrink=0.4, haze=0.25, blur=0.1, jpeg=0.12, noise=0.08, truncate=0.1, light=0.12)


def main() -> None:
    """Read the arguments, train, export and score."""
    parser = argparse.ArgumentParser(prog="training.embedder", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with fdr/ and reid-two-cameras/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights and their record")
    parser.add_argument("--cache", type=Path, default=Path("stills.npy"), help="file for the decoded stills")
    parser.add_argument("--results", type=Path, default=Path("results/embedder.json"))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--version", default="1.0.0", help="version to write into the record")
    parser.add_argument("--measure", action="store_true", help="train nothing, measure the weights in --out")
    run(parser.parse_args())


def run(args: argparse.Namespace) -> None:
    """Train for the rounds asked for, or only measure, and write the record and the results."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    log: list[str] = []
    started = time.monotonic()

    def report(line: str) -> None:
        log.append(f"{time.monotonic() - started:6.0f} s  {line}")
        print(log[-1], flush=True)

    paths = Paths(stills=args.data / "fdr", two_cameras=args.data / "reid-two-cameras", cache=args.cache)
    scene = read_scene(paths, report)
    weights = args.out / "cctview-reid.onnx"
    if not args.measure:
        net = learn(scene, args.rounds, paths.stills / "links.json", report)
        torch.save({"state": net.state_dict(), "shape": net.shape}, weights.with_suffix(".pt"))
        write_small(net, weights, sample(scene.stack, scene.boxes, net.shape.size))
    table = measure(scene, weights, paths)
    speed = speed_ms(weights)
    save_record(weights, args.version, table, speed)
    save_results(args.results, table, log, speed)


def learn(scene: Scene, count: int, links: Path, report: Report) -> Embedder:
    """Train the head, then the network, in rounds; the last round cools down."""
    state = Rounds(scene, Embedder(Architecture()), report)
    for number in range(HEAD_ROUNDS):
        state.teach_head(HeadRecipe(seed=number))
    for number in range(count):
        left = count - 1 - number
        spoil = GENTLE if left < GENTLE_ROUNDS else Spoil()
        state.teach_net(Recipe(seed=number, floor=0.6 if left else 0.02, spoil=spoil))
        vectors = embed(state.net, scene.stack, scene.boxes)
        report(f"round {number}: {headline(score(links, scene.boxes, vectors, scene.label))}")
        if number in REFRESHED:
            state.teach_head(HeadRecipe(steps=200, seed=number))
    return state.net


def measure(scene: Scene, weights: Path, paths: Paths) -> dict[str, Any]:
    """Score the written file and, by the same protocol, the original's features.

    Once with tracklets as queries and gallery, once with single boxes (score >= 0.25).
    """
    links, boxes = paths.stills / "links.json", read_boxes(paths.stills)
    alone = np.arange(len(boxes))
    table: dict[str, Any] = {}
    for name, look in (("cctview-reid", _ours(weights, scene)), ("DenseNet201 cosine", _original)):
        table[name] = {
            "tracklets": score(links, scene.boxes, look(scene.boxes), scene.label),
            "boxes": score(links, boxes, look(boxes), alone, single=True),
            "bias": bias(scene.boxes, look(scene.boxes)),
        }
    return table


def _ours(weights: Path, scene: Scene) -> Callable[[Boxes], Floats]:
    size = side_of(weights)
    return lambda boxes: vectors_of(weights, cut_all(scene.stack, boxes.frame, boxes.xyxy, size))


def _original(boxes: Boxes) -> Floats:
    return unit(boxes.teacher)


def save_results(path: Path, table: dict[str, Any], log: list[str], milliseconds: float) -> None:
    """Write figures, log, commit, machine and versions as JSON."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    versions = {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__, "numpy": np.__version__}
    record = {
        "what": "rank-1, rank-5 and mAP of the bundled embedder on the hand-made links, never trained on",
        "data": "fdr/links.json; windows: travel times seen with 2 s of slack (tight), 0-300 s (wide)",
        "command": "python -m " + " ".join(["training.embedder", *sys.argv[1:]]),
        "commit": commit.stdout.strip(),
        "machine": {"processor": platform.machine(), "system": platform.system(), "threads": 1},
        "versions": {"python": platform.python_version(), **versions},
        "milliseconds_per_crop": round(milliseconds, 3),
        "value": table,
        "log": log,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
