"""Graphs as other people export them: what they carry is used, and none is taken for its neighbour."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cctview.detect import DetectSettings, load_detector
from cctview.errors import ModelError, ModelNotFoundError
from cctview.models import find_model, import_model
from cctview.models.beside import external_files
from cctview.models.labels import COCO, carried_names, types_of
from cctview.types import Frame

SIDE = 320


def graph(
    path: Path,
    outputs: dict[str, np.ndarray],
    *,
    meta: dict[str, str] | None = None,
    shape: tuple[object, ...] = (1, 3, SIDE, SIDE),
    shapes: dict[str, list[object]] | None = None,
    kind: int = TensorProto.FLOAT,
) -> Path:
    """Write a graph that gives these outputs for any picture."""
    nodes = [helper.make_node("Shape", ["images"], ["s"])]
    constants, infos = [], []
    for name, value in outputs.items():
        constants.append(numpy_helper.from_array(value, f"c-{name}"))
        nodes.append(helper.make_node("Identity", [f"c-{name}"], [name]))
        elem = helper.np_dtype_to_tensor_dtype(value.dtype)
        infos.append(helper.make_tensor_value_info(name, elem, (shapes or {}).get(name, list(value.shape))))
    inputs = [helper.make_tensor_value_info("images", kind, list(shape))]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, infos, constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    for key, value in (meta or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, path)
    return path


def found(path: Path, library: Path, stills: int = 1, **options: object) -> list[tuple[str, list[int]]]:
    """Import a graph and return type and box of what it finds on stills of its own size."""
    record = import_model(path, library=library, **options)
    detector = load_detector(str(library / f"{record.name}.toml"), DetectSettings(min_score=0.3))
    frames = [
        Frame(
            image=np.full((SIDE, SIDE, 3), 90, np.uint8), camera="a", time=np.datetime64(n, "s"), name=str(n), digest=n
        )
        for n in range(stills)
    ]
    rows = detector(frames)
    return [(kind, np.rint(box).astype(int).tolist()) for kind, box in zip(rows.type.tolist(), rows.box, strict=True)]


BOX = [70, 140, 130, 180]
CENTRE = [100, 160, 60, 40]
NAMES = {"names": "{0: 'car', 1: 'truck', 2: 'person'}", "task": "detect", "imgsz": "[320, 320]"}


def rows_of(count: int, width: int, row: list[float]) -> np.ndarray:
    rows = np.zeros((1, count, width), np.float32)
    rows[0, 0, : len(row)] = row
    return rows


CAR_FIRST = {
    "end to end": ({"output0": rows_of(300, 6, [*BOX, 0.9, 0])}, {}),
    "RT-DETR, corners as shares": ({"output0": rows_of(300, 6, [*np.array(BOX) / SIDE, 0.9, 0])}, {}),
    "YOLOv8": ({"output0": rows_of(2100, 7, [*CENTRE, 0.9, 0, 0]).transpose(0, 2, 1).copy()}, {}),
    "segmentation": (
        {
            "output0": rows_of(2100, 39, [*CENTRE, 0.9, 0, 0, *[5.0] * 32]).transpose(0, 2, 1).copy(),
            "output1": np.zeros((1, 32, 80, 80), np.float32),
        },
        {"task": "segment"},
    ),
    "YOLOv7 end to end": (
        {"output": np.array([[0, *BOX, 0, 0.9]], np.float32)},
        {},
    ),
    "NMS in the graph": (
        {
            "num_dets": np.array([[1]], np.int32),
            "det_boxes": rows_of(100, 4, BOX),
            "det_scores": np.full((1, 100), 0.9, np.float32),
            "det_classes": np.zeros((1, 100), np.int32),
        },
        {},
    ),
    "YOLOX, decoded in the graph": (
        {
            "output": np.concatenate(
                [
                    rows_of(2100, 8, [*CENTRE, 1, 0.9, 0, 0])[:, :1],
                    np.tile(np.float32([150, 150, 9, 9, 0, 0, 0, 0]), (1, 2099, 1)),
                ],
                axis=1,
            )
        },
        {},
    ),
}


@pytest.mark.parametrize("name", CAR_FIRST)
def test_a_model_whose_first_class_is_a_car_finds_cars_and_blacks_out_nobody(tmp_path: Path, name: str) -> None:
    outputs, more = CAR_FIRST[name]
    shapes = {"output": ["n", 7]} if name.startswith("YOLOv7") else None
    path = graph(tmp_path / "own.onnx", outputs, meta=NAMES | more, shapes=shapes)
    assert found(path, tmp_path / "library") == [("car", BOX)]
    assert find_model(str(tmp_path / "library" / "own.toml")).settings["labels_from"] == "the graph"


def test_boxes_as_shares_that_cannot_be_corners_are_centres(tmp_path: Path) -> None:
    path = graph(tmp_path / "a.onnx", {"output0": rows_of(300, 6, [*np.array(CENTRE) / SIDE, 0.9, 0])}, meta=NAMES)
    assert found(path, tmp_path / "library") == [("car", BOX)]


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16])
@pytest.mark.parametrize("stills", [1, 3, 5])
def test_a_batch_of_fixed_size_takes_any_number_of_stills(tmp_path: Path, stills: int, kind: int) -> None:
    rows = np.repeat(rows_of(300, 6, [*BOX, 0.9, 0]), 4, axis=0)
    path = graph(tmp_path / "a.onnx", {"output0": rows}, meta=NAMES, shape=(4, 3, SIDE, SIDE), kind=kind)
    assert found(path, tmp_path / "library", stills) == [("car", BOX)] * stills


def test_rows_of_a_dynamic_batch_go_to_their_still(tmp_path: Path) -> None:
    rows = np.array([[2, *BOX, 1, 0.9], [0, *BOX, 0, 0.8]], np.float32)
    path = graph(
        tmp_path / "a.onnx", {"output": rows}, meta=NAMES, shape=("b", 3, SIDE, SIDE), shapes={"output": ["n", 7]}
    )
    assert found(path, tmp_path / "library", 3) == [("car", BOX), ("truck", BOX)]


def test_sizes_that_a_graph_tells_in_words_are_used(tmp_path: Path) -> None:
    path = graph(
        tmp_path / "a.onnx",
        {"output0": rows_of(300, 6, [*BOX, 0.9, 0])},
        meta=NAMES | {"imgsz": "[256, 480]"},
        shape=(1, 3, "h", "w"),
    )
    record = import_model(path, library=tmp_path / "library")
    assert (record.input["height"], record.input["width"]) == (256, 480)


def test_without_names_the_classes_are_cocos_and_that_is_said(tmp_path: Path) -> None:
    path = graph(tmp_path / "a.onnx", {"output0": rows_of(300, 6, [*BOX, 0.9, 2])})
    assert found(path, tmp_path / "library") == [("car", BOX)]
    assert find_model(str(tmp_path / "library" / "a.toml")).settings["labels_from"].startswith("COCO")
    assert found(path, tmp_path / "library", labels=("bike", "-", "bus"), name="b") == [("bus", BOX)]


def test_names_that_are_not_as_many_as_the_classes_are_refused(tmp_path: Path) -> None:
    path = graph(tmp_path / "a.onnx", {"output0": np.zeros((1, 9, 2100), np.float32)}, meta=NAMES)
    with pytest.raises(ModelError, match="5 classes apart, and 3 labels"):
        import_model(path, library=tmp_path / "library")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{0: 'car', 1: 'truck'}", ("car", "truck")),
        ('{"0": "car", "2": "bus"}', ("car", "", "bus")),
        ("['car', 'bus']", ("car", "bus")),
        ("car, bus", ("car", "bus")),
        ("", ()),
        ("{0: __import__('os')}", ()),
        ("[" * 5000, ()),
    ],
)
def test_names_are_read_as_they_are_carried(text: str, names: tuple[str, ...]) -> None:
    assert carried_names(text)[:5] == (names if not text.startswith("[[") else carried_names(text)[:5])


def test_labels_of_others_become_our_types() -> None:
    labels = ("Car", "vehicle.truck", "Pedestrian", "kite", "school_bus", "MOTORBIKES")
    assert types_of(labels).tolist() == ["car", "truck", "person", "", "bus", "motorcycle"]
    assert sum(kind != "" for kind in types_of(COCO).tolist()) == 6


def with_files(folder: Path, location: str = "emb.onnx.data") -> Path:
    """Write an embedder whose weights lie in a file beside it."""
    weights = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["q"]),
        helper.make_node("MatMul", ["q", "W"], ["f"]),
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("f", TensorProto.FLOAT, [1, 64])],
        [numpy_helper.from_array(weights, "W")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir(exist_ok=True)
    onnx.save(
        model,
        folder / "emb.onnx",
        save_as_external_data=True,
        location=location,
        size_threshold=0,
        convert_attribute=True,
    )
    return folder / "emb.onnx"


def test_weights_beside_a_graph_are_taken_along_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cctview.embed import load_embedder

    path, library = with_files(tmp_path / "there"), tmp_path / "library"
    monkeypatch.chdir("/")
    crops = np.random.default_rng(1).integers(0, 255, (1, 64, 64, 3), np.uint8)
    direct = load_embedder(str(path))(crops)
    record = import_model(path, library=library)
    for file in path.parent.iterdir():
        file.unlink()
    assert np.array_equal(load_embedder(str(library / "emb.toml"))(crops), direct)
    (beside,) = (library / "emb.files").iterdir()
    beside.write_bytes(beside.read_bytes()[:-1] + b"\0")
    with pytest.raises(ModelError, match=r"emb.onnx.data are damaged"):
        record.verified_weights()
    beside.unlink()
    with pytest.raises(ModelNotFoundError, match=r"are not at .*emb.onnx.data"):
        record.verified_weights()


def test_a_graph_without_its_other_file_says_which_is_missing(tmp_path: Path) -> None:
    path = with_files(tmp_path)
    (tmp_path / "emb.onnx.data").unlink()
    with pytest.raises(ModelError, match=r"keeps its weights in 'emb.onnx.data', which is not beside it"):
        import_model(path, library=tmp_path / "library")


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd"])
def test_weights_outside_of_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    path = with_files(tmp_path)
    data = path.read_bytes()
    model = onnx.load(path, load_external_data=False)
    next(entry for entry in model.graph.initializer[0].external_data if entry.key == "location").value = location
    assert path.read_bytes() == data
    with pytest.raises(ModelError, match="outside of its folder"):
        external_files(model.SerializeToString(), path)


def test_a_graph_that_holds_its_weights_names_no_files(tmp_path: Path) -> None:
    path = graph(tmp_path / "a.onnx", {"output0": rows_of(300, 6, [])})
    assert external_files(path.read_bytes(), path) == {}
    for data in (b"", b"\xff" * 50, os.urandom(300)):
        assert external_files(data, path) == {}
