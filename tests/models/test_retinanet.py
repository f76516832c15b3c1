"""The importer of keras-retinanet's files, on a narrow network of the same layout.

``tests/parity/retinanet.py`` compares the full network with the real keras-retinanet.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cctview.detect import DetectSettings, load_detector
from cctview.errors import ModelError
from cctview.geometry import iou
from cctview.models import import_model
from cctview.types import Frame

h5py = pytest.importorskip("h5py", reason="weights are written with h5py")
pytest.importorskip("onnx", reason="the importer needs onnx")

BLOCKS, BASE, WIDTH, CLASSES = (3, 4, 6, 3), 4, 8, 80


def layers(classes: int = CLASSES) -> dict[str, dict[str, tuple[int, ...]]]:
    """Shapes of all weights by layer, as Keras keeps them."""
    found = {"conv1": {"kernel": (7, 7, 3, BASE)}, "bn_conv1": bn(BASE)}
    given = BASE
    for stage, blocks in enumerate(BLOCKS):
        inner = BASE * 2**stage
        for block in range(blocks):
            name = f"{stage + 2}{'abcdef'[block]}_branch"
            shapes = {"2a": (1, 1, given, inner), "2b": (3, 3, inner, inner), "2c": (1, 1, inner, 4 * inner)}
            if block == 0:
                shapes["1"] = (1, 1, given, 4 * inner)
            for branch, shape in shapes.items():
                found[f"res{name}{branch}"] = {"kernel": shape}
                found[f"bn{name}{branch}"] = bn(shape[-1])
            given = 4 * inner
    stages = {f"C{number}": 4 * BASE * 2 ** (number - 2) for number in (3, 4, 5)}
    found |= {f"{name}_reduced": conv(1, width, WIDTH) for name, width in stages.items()}
    found |= {name: conv(3, WIDTH, WIDTH) for name in ("P3", "P4", "P5", "P7")} | {"P6": conv(3, stages["C5"], WIDTH)}
    for head, values in (("regression", 4), ("classification", classes)):
        found |= {f"{head}_submodel/pyramid_{head}_{number}": conv(3, WIDTH, WIDTH) for number in range(4)}
        found[f"{head}_submodel/pyramid_{head}"] = conv(3, WIDTH, 9 * values)
    return found


def bn(width: int) -> dict[str, tuple[int, ...]]:
    return dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (width,))


def conv(size: int, given: int, width: int) -> dict[str, tuple[int, ...]]:
    return {"kernel": (size, size, given, width), "bias": (width,)}


def write(path: Path, group: str = "", suffix: str = "", leave_out: str = "", classes: int = CLASSES) -> Path:
    rng = np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        for layer, weights in layers(classes).items():
            for weight, shape in weights.items():
                name = layer.rpartition("/")[2]
                values = rng.normal(0, (2 / max(np.prod(shape[:-1]), 1)) ** 0.5, shape)
                values = {"moving_variance": np.abs(values) + 0.5, "gamma": np.abs(values) + 0.5}.get(weight, values)
                if name == "pyramid_classification" and weight == "bias":
                    values = np.full(shape, -4.0)
                if name == "pyramid_classification" and weight == "kernel":
                    values *= 2
                    values[..., 1::classes] = values[..., 0::classes]  # two classes always score alike
                if name == "pyramid_regression" and classes == 2:
                    values *= 0  # every box is its own anchor
                if f"{name}/{weight}" != leave_out:
                    file[f"{group}{layer}/{name}{suffix}/{weight}:0"] = values.astype(np.float32)
    return path


def picture(height: int = 60, width: int = 90) -> Frame:
    image = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    return Frame(image=image, camera="a", time=np.datetime64("2020-05-05", "ns"), name="a", digest=height)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("retinanet")
    import_model(write(folder / "weights.h5"), library=folder, name="tiny")
    record = folder / "tiny.toml"
    record.write_text(record.read_text().replace('"short" = 800', '"short" = 128'))
    return folder


def test_the_record_says_what_imageai_was_asked_for(library: Path) -> None:
    detector = load_detector(str(library / "tiny.toml"))
    assert detector.record.settings["family"] == "retinanet"
    assert detector.record.labels.count("") == 75
    assert detector._look.types == ("car", "bus", "motorcycle", "bicycle", "person")
    assert detector._thresholds.tolist() == pytest.approx([0.4, 0.4, 0.4, 0.4, 0.1])
    assert detector._look.shape(240, 352) == (128, 188)


def reference(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Anchors and what one of them decodes to, written out as keras-retinanet documents them."""
    height, width = image.shape[:2]
    rows = []
    for stride in (8, 16, 32, 64, 128):
        for y in range(-(-height // stride)):
            for x in range(-(-width // stride)):
                for ratio in (0.5, 1.0, 2.0):
                    for scale in (2**0, 2 ** (1 / 3), 2 ** (2 / 3)):
                        w = np.sqrt((4 * stride * scale) ** 2 / ratio)
                        middle = np.array([(x + 0.5) * stride, (y + 0.5) * stride])
                        half = np.array([w, w * ratio]) / 2
                        rows.append([*(middle - half), *(middle + half)])
    return np.array(rows), np.array([width - 1, height - 1] * 2)


def test_boxes_are_decoded_from_their_anchors_and_clipped(tmp_path: Path) -> None:
    """With a regression head of zeros every box is its own anchor."""
    import onnxruntime

    path = write(tmp_path / "weights.h5")
    with h5py.File(path, "r+") as file:
        for weight in ("kernel:0", "bias:0"):
            file[f"regression_submodel/pyramid_regression/pyramid_regression/{weight}"][...] = 0
    import_model(path, library=tmp_path, name="zero")
    session = onnxruntime.InferenceSession(tmp_path / "zero.onnx", providers=["CPUExecutionProvider"])
    image = picture(64, 96).image[None].astype(np.float32)
    picked, boxes, scores = session.run(None, {"image": image})
    anchors, edge = reference(image[0])
    assert len(picked)
    assert boxes == pytest.approx(np.clip(anchors, 0, edge)[picked[:, 2]], abs=1e-3)
    assert (scores > 0.05).all()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that tells cars from buses, and finds many of both."""
    folder = tmp_path_factory.mktemp("two")
    import_model(write(folder / "two.h5", classes=2), library=folder, name="two", labels=("car", "bus"))
    record = folder / "two.toml"
    record.write_text(record.read_text().replace('"short" = 800', '"short" = 96'))
    return record


def test_suppression_is_per_class(two: Path) -> None:
    look = load_detector(str(two))._detector._look
    boxes, scores = look([picture().image])
    assert look.types == ("car", "bus")
    for column in range(2):
        own = boxes[0][scores[0][:, column] > 0]
        assert 1 < len(own) <= 300
        overlap = iou(own, own)
        assert (overlap[~np.eye(len(own), dtype=bool)] <= 0.52).all()  # clipping to the still came after
    cars, buses = (boxes[0][scores[0][:, column] > 0] for column in range(2))
    assert (iou(cars, buses).max(axis=0) > 0.99).mean() > 0.9


def test_a_batch_finds_what_single_stills_do(two: Path) -> None:
    detector = load_detector(str(two), DetectSettings(min_score=0.06))
    frames = [picture(), picture(48, 96), picture(61)]
    together = detector(frames)
    alone = [detector([frame]) for frame in frames]
    assert len(together)
    assert together.box == pytest.approx(np.concatenate([part.box for part in alone]), abs=1e-3)
    assert together.type.tolist() == np.concatenate([part.type for part in alone]).tolist()


@pytest.mark.parametrize(("group", "suffix"), [("model_weights/", ""), ("", "_1")])
def test_whole_models_and_names_of_older_keras_are_read(group: str, suffix: str, tmp_path: Path, library: Path) -> None:
    import_model(write(tmp_path / "other.h5", group, suffix), library=tmp_path, name="other")
    assert (tmp_path / "other.onnx").read_bytes() == (library / "tiny.onnx").read_bytes()


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("nothing")
    with pytest.raises(ModelError, match="not an HDF5 file"):
        import_model(tmp_path / "text.h5", library=tmp_path)
    with pytest.raises(ModelError, match="has no bn_conv1/gamma: it is not keras-retinanet's"):
        import_model(write(tmp_path / "lacking.h5", leave_out="bn_conv1/gamma"), library=tmp_path)
    wrong = write(tmp_path / "wrong.h5")
    with h5py.File(wrong, "r+") as file:
        del file["res2a_branch2b/res2a_branch2b/kernel:0"]
        file["res2a_branch2b/res2a_branch2b/kernel:0"] = np.zeros((3, 3, 5, 4), np.float32)
    with pytest.raises(ModelError, match=r"res2a_branch2b/kernel has the shape \(3, 3, 5, 4\), which does not fit"):
        import_model(wrong, library=tmp_path)
