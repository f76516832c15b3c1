from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cctview.embed import load_embedder
from cctview.errors import DownloadError, ModelError, ModelNotFoundError
from cctview.models import find_model, import_model, installed_models, library_folder, pull_model, releases
from cctview.models.labels import COCO, COCO_BY_ID, labels_for, read_labels, types_of

pytest.importorskip("onnx", reason="small graphs are built with onnx")

from answering import UINT8, answering
from file_server import Files, serving


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CCTVIEW_MODELS", str(tmp_path / "library"))
    return tmp_path / "library"


@pytest.fixture
def server() -> Iterator[Files]:
    with serving() as files:
        yield files


def embedder_graph(path: Path, dtype: int = 1) -> Path:
    layout = ["batch", 3, 256, 128] if dtype == 1 else ["batch", 40, 60, 3]
    return answering(path, {"features": np.arange(1, 513, dtype=np.float32)[None]}, layout, dtype=dtype)


def detector_graph(path: Path) -> Path:
    return answering(path, {"output": np.zeros((1, 84, 8400), np.float32)}, ["batch", 3, 640, 640])


def test_an_embedder_of_any_size_and_dimension_is_used_by_name(tmp_path: Path, library: Path) -> None:
    record = import_model(embedder_graph(tmp_path / "osnet.onnx"), licence="MIT", origin="somewhere")
    assert (record.name, record.task, record.licence, record.origin) == ("osnet", "embedding", "MIT", "somewhere")
    embedder = load_embedder("osnet")
    assert (embedder.cropping.height, embedder.cropping.width) == (256, 128)
    vectors = embedder(np.zeros((70, 256, 128, 3), np.uint8))
    assert vectors.shape == (70, 512)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(70), abs=1e-5)
    assert embedder.features(np.zeros((1, 256, 128, 3), np.uint8))[0, -1] == 512
    assert embedder(np.zeros((0, 256, 128, 3), np.uint8)).shape == (0, 512)


def test_pixels_are_normalised_as_the_record_says(tmp_path: Path, library: Path) -> None:
    """A graph that gives the mean of each channel shows what it was given."""
    import onnx
    from onnx import TensorProto, helper

    nodes = [helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0)]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("image", ["n", 3, 8, 8]), ("mean", ["n", 3]))
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "g", values[:1], values[1:]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    onnx.save(model, tmp_path / "mean.onnx")
    changes = {"colour": "BGR", "mean": [1.0, 2.0, 3.0], "std": [2.0, 2.0, 2.0], "margin": 0.1}
    import_model(tmp_path / "mean.onnx", changes=changes)
    embedder = load_embedder("mean")
    crops = np.broadcast_to(np.array([10, 20, 30], np.uint8), (1, 8, 8, 3))
    assert embedder.features(crops)[0].tolist() == [14.5, 9.0, 3.5]
    assert embedder.cropping.margin == 0.1
    with pytest.raises(ModelError, match="no input setting 'color'; did you mean 'colour'"):
        import_model(tmp_path / "mean.onnx", changes={"color": "BGR"})


def test_byte_pictures_need_no_normalisation(tmp_path: Path, library: Path) -> None:
    import_model(embedder_graph(tmp_path / "bytes.onnx", UINT8))
    embedder = load_embedder("bytes")
    assert (embedder.cropping.height, embedder.cropping.width) == (40, 60)
    assert embedder(np.zeros((2, 40, 60, 3), np.uint8)).shape == (2, 512)


def test_models_are_listed_found_and_replaced(tmp_path: Path, library: Path) -> None:
    bundled = len(installed_models())
    first = import_model(detector_graph(tmp_path / "Some Thing.onnx"))
    assert first.name == "some-thing"
    assert first.weights.parent == library_folder() == library
    assert [record.name for record in installed_models()][bundled:] == ["some-thing"]
    assert [record.name for record in installed_models("embedding")] == ["cctview-reid"]
    again = import_model(detector_graph(tmp_path / "other.onnx"), name="some-thing", family="yolov8")
    assert find_model("some-thing") == again
    with pytest.raises(ModelNotFoundError, match="did you mean 'some-thing'"):
        find_model("some-thin")
    with pytest.raises(ModelError, match="for detection, not for embedding"):
        load_embedder("some-thing")
    assert find_model(str(tmp_path / "other.onnx"), "detection").licence == "not stated"
    with pytest.raises(ModelNotFoundError, match="no model at"):
        find_model(str(tmp_path / "gone.onnx"))


def test_a_broken_record_stands_in_the_way_of_no_other_model(library: Path) -> None:
    library.mkdir()
    (library / "broken.toml").write_text("[")
    assert find_model("cctview-det").task == "detection"
    with pytest.raises(ModelError, match=r"broken\.toml is not valid TOML"):
        find_model("broken")


@pytest.mark.parametrize(("name", "words"), [("cctview-det", "model of the package"), ("../x", "cannot name a model")])
def test_names_that_cannot_be_used(name: str, words: str, tmp_path: Path, library: Path) -> None:
    with pytest.raises(ModelError, match=words):
        import_model(detector_graph(tmp_path / "a.onnx"), name=name)


def test_files_that_are_no_model(tmp_path: Path, library: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    (tmp_path / "a.tflite").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="onnxruntime refuses"):
        import_model(tmp_path / "a.onnx")
    with pytest.raises(ModelError, match=r"no model is read from '.tflite' files"):
        import_model(tmp_path / "a.tflite")
    with pytest.raises(ModelNotFoundError, match="no model at"):
        import_model(tmp_path / "b.onnx")
    with pytest.raises(ModelError, match="not pictures"):
        import_model(answering(tmp_path / "c.onnx", {"a": np.ones((1, 9), np.float32)}, ["n", 7]))
    with pytest.raises(ModelError, match="not one vector per picture"):
        import_model(detector_graph(tmp_path / "d.onnx"), task="embedding")
    assert not library.exists() or not list(library.iterdir())


def test_without_the_extra_the_message_names_it(tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "a.h5").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"h5py, which is not installed; pip install 'cctview\[convert\]'"):
        import_model(tmp_path / "a.h5")


def test_a_damaged_model_of_the_library(tmp_path: Path, library: Path) -> None:
    record = import_model(detector_graph(tmp_path / "a.onnx"))
    record.weights.write_bytes(b"other")
    with pytest.raises(ModelError, match=r"damaged.*import or pull the model again"):
        record.verified_weights()


def test_a_model_is_pulled_checked_and_put_into_the_library(tmp_path: Path, library: Path, server: Files) -> None:
    data = detector_graph(tmp_path / "a.onnx").read_bytes()
    server.content["/a.onnx"] = data
    offer = {
        "file": "a.onnx",
        "address": server.at("/a.onnx"),
        "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "family": "yolov8",
        "licence": "MIT",
        "origin": "a test",
    }
    server.cut = 50
    with pytest.raises(DownloadError, match=r"goes on where it was|ended after"):
        pull_model("theirs", known={"theirs": offer})
    record = pull_model("theirs", known={"theirs": offer})
    assert (record.name, record.origin, record.sha256) == ("theirs", "a test", offer["sha256"])
    assert server.asked[-1][1].startswith("bytes=")
    assert not list((library / "downloads").iterdir())
    with pytest.raises(ModelNotFoundError, match=r"known: theirs|did you mean 'theirs'"):
        pull_model("there", known={"theirs": offer})
    with pytest.raises(DownloadError, match="check the network"):
        pull_model("theirs", known={"theirs": {**offer, "address": "http://127.0.0.1:1/a.onnx"}})


def test_what_can_be_pulled_is_licensed_checked_and_official() -> None:
    for name, offer in releases().items():
        assert offer["licence"] in ("Apache-2.0", "MIT"), name
        assert offer["address"].startswith("https://")
        assert offer["address"].endswith(offer["file"])
        assert len(offer["sha256"]) == 64
        assert offer["origin"]


def test_labels_of_coco_and_of_files(tmp_path: Path) -> None:
    assert len(COCO) == len(set(COCO)) == 80
    assert [COCO_BY_ID[number] for number in (1, 3, 6, 8, 13, 90)] == [
        "person", "car", "bus", "truck", "stop sign", "toothbrush",
    ]  # fmt: skip
    assert labels_for(90, "x")[2] == labels_for(91, "x")[3] == labels_for(80, "x")[2] == labels_for(81, "x")[3] == "car"
    path = tmp_path / "labels.txt"
    path.write_text("Pedestrian\n\nmotorbike\ntrain\nVan\n")
    assert types_of(read_labels(path)).tolist() == ["person", "", "motorcycle", "", "car"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="not a file of labels"):
        read_labels(path)
    path.write_text("\n")
    with pytest.raises(ModelError, match="write one name per line"):
        read_labels(path)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_library_lies_among_the_users_data(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCTVIEW_MODELS", raising=False)
    monkeypatch.setattr("sys.platform", platform)
    assert library_folder().parts[-2:] == ("cctview", "models")
