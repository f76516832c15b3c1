"""Compare our RetinaNet with the real keras-retinanet on random weights; not part of the test run.

Two environments are needed, since TensorFlow 2.15 wants numpy below 2:

    python3.11 -m venv keras
    keras/bin/pip install "setuptools<70" wheel "cython<3" "numpy<2"
    keras/bin/pip install "tensorflow-cpu==2.15.*" "opencv-python-headless<4.12" h5py progressbar2 pillow
    keras/bin/pip install --no-build-isolation --no-deps keras-retinanet==1.0.0 keras-resnet==0.2.0
    keras/bin/python tests/parity/retinanet.py reference OUT [PICTURE ...]
    .venv/bin/python tests/parity/retinanet.py compare OUT

``reference`` builds the network, gives it random weights whose scores are spread as after training,
saves them as ``OUT/random.h5`` and what keras-retinanet finds as ``OUT/reference-<k>.npz``.
``compare`` imports that file, finds the same with onnxruntime, prints the largest differences and
fails above 0.1 px or 1e-3. Without pictures it uses noise of four sizes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

SIZES = ((240, 352), (97, 201), (480, 640), (300, 1000))
MIN_SCORE = 0.4


def pictures(paths: list[str]) -> list[np.ndarray]:
    if paths:
        from PIL import Image

        return [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    rng = np.random.default_rng(1)
    coarse = [rng.integers(0, 256, (height // 8, width // 8, 3)) for height, width in SIZES]
    return [np.kron(part, np.ones((8, 8, 1))).astype(np.uint8) for part in coarse]


def reference(out: Path, paths: list[str]) -> None:
    from keras_retinanet import models
    from keras_retinanet.utils.image import preprocess_image, resize_image

    out.mkdir(parents=True, exist_ok=True)
    network = models.backbone("resnet50").retinanet(num_classes=80)
    print(f"{len(network.layers)} layers, {network.count_params():,} parameters")
    images = pictures(paths)
    randomise(network, resize_image(preprocess_image(images[0][..., ::-1]))[0][None])
    network.save_weights(str(out / "random.h5"))
    print(f"{(out / 'random.h5').stat().st_size:,} bytes")
    finder = models.convert_model(network)
    for number, image in enumerate(images):
        resized, scale = resize_image(preprocess_image(image[..., ::-1]))
        boxes, scores, labels = (part[0] for part in finder.predict_on_batch(resized[None])[:3])
        np.savez(out / f"reference-{number}", image=image, boxes=boxes / scale, scores=scores, labels=labels)
        print(f"{image.shape}: {(scores > 0).sum()} found, {(scores >= MIN_SCORE).sum()} at {MIN_SCORE} or more")


def randomise(network: object, picture: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if layer.name.startswith("bn"):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights(
                [
                    rng.uniform(0.6, 1.2, gamma.shape),
                    rng.normal(0, 0.1, beta.shape),
                    rng.normal(0, 0.1, mean.shape),
                    rng.uniform(0.7, 1.3, variance.shape),
                ]
            )
    spread(network, picture, "regression", "pyramid_regression", 0, 1.0, 0.0)
    spread(network, picture, "classification", "pyramid_classification", 1, 2.0, -9.0)


def spread(network: object, picture: np.ndarray, model: str, layer: str, output: int, std: float, mean: float) -> None:
    """Scale the last layer of a head until its values have this spread."""
    head = network.get_layer(f"{model}_submodel").get_layer(layer)
    kernel, bias = head.get_weights()
    for shrunk in kernel * 0.1 ** np.arange(9)[:, None, None, None, None]:
        head.set_weights([shrunk, np.zeros_like(bias)])
        values = network.predict_on_batch(picture)[output].astype(np.float64)
        if model == "regression" or (values.min() > 1e-4 and values.max() < 1 - 1e-4):
            break
    if model == "classification":
        values = np.log(values / (1 - values))
    by_channel = values.reshape(-1, bias.size)
    scale = std / by_channel.std(axis=0)
    head.set_weights([shrunk * scale, mean - by_channel.mean(axis=0) * scale])


def compare(out: Path) -> None:
    from cctview.detect import DetectSettings, load_detector
    from cctview.models import import_model
    from cctview.types import Frame

    record = import_model(out / "random.h5", library=out / "library", name="random")
    detector = load_detector(str(record.weights.with_suffix(".toml")), DetectSettings(min_score=MIN_SCORE))
    worst = np.zeros(2)
    for path in sorted(out.glob("reference-*.npz")):
        there = np.load(path)
        frame = Frame(image=there["image"], camera="a", time=np.datetime64("2020-05-05", "ns"), name="a", digest=1)
        found = detector([frame])
        wanted = np.isin(there["labels"], list(TYPES)) & (there["scores"] >= MIN_SCORE)
        wanted &= (there["boxes"][:, 2:] - there["boxes"][:, :2] >= 1).all(
            axis=1
        )  # smaller ones are no detections here
        boxes, scores = there["boxes"][wanted], there["scores"][wanted]
        types = np.array([TYPES[label] for label in there["labels"][wanted].tolist()], np.str_)
        known = found.type != "person"
        known |= found.score >= MIN_SCORE
        ours = found[known]
        if len(ours) != len(boxes):
            sys.exit(f"{path}: {len(ours)} found here, {len(boxes)} by keras-retinanet")
        order, mine = (
            np.lexsort((box[:, 0], box[:, 1], kind)) for box, kind in ((boxes, types), (ours.box, ours.type))
        )
        if len(boxes) and (types[order] != ours.type[mine]).any():
            sys.exit(f"{path}: the types differ")
        away = (
            np.abs(boxes[order] - ours.box[mine]).max(initial=0),
            np.abs(scores[order] - ours.score[mine]).max(initial=0),
        )
        print(f"{path.name}: {len(boxes)} boxes; {away[0]:.2g} px, {away[1]:.2g}")
        worst = np.maximum(worst, away)
    print(f"largest difference: {worst[0]:.3g} px, score {worst[1]:.3g}")
    if worst[0] > 0.1 or worst[1] > 1e-3:
        sys.exit("not the same")


TYPES = {0: "person", 1: "bicycle", 2: "car", 3: "motorcycle", 5: "bus"}

if __name__ == "__main__":
    if sys.argv[1] == "reference":
        reference(Path(sys.argv[2]), sys.argv[3:])
    else:
        compare(Path(sys.argv[2]))
