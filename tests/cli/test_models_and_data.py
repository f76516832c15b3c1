from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from answering import answering
from cctview.datasets import Dataset
from cctview.download import Download
from cctview.formats.listing import read_detection_list, read_listing
from cctview.sim import SimSettings, simulate, write_stills
from file_server import serving

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give each test a library of models of its own."""
    monkeypatch.setenv("CCTVIEW_MODELS", str(tmp_path / "library"))


def detector_graph(path: Path) -> Path:
    rows = np.zeros((1, 84, 200), np.float32)
    rows[0, :4, 0], rows[0, 6, 0] = [64, 64, 40, 20], 0.9
    return answering(path, {"output": rows}, ["batch", 3, 128, 128])


def embedder_graph(path: Path) -> Path:
    return answering(path, {"features": np.arange(1, 65, dtype=np.float32)[None]}, ["batch", 3, 64, 32])


def test_models_are_imported_listed_shown_verified_and_timed(call: Call, tmp_path: Path) -> None:
    graph = detector_graph(tmp_path / "theirs.onnx")
    code, out, err = call("models", "import", graph, "--licence", "MIT", "--set", "pad=0", "--json")
    assert code == 0
    assert json.loads(out)["family"] == "yolov8"
    assert "--detector theirs" in err
    listed = json.loads(call("models", "list", "--json")[1])
    assert {"cctview-det", "cctview-reid", "theirs", "to pull"} == listed.keys()
    assert "yolox-s" in listed["to pull"]
    shown = json.loads(call("models", "show", "theirs", "--json")[1])
    assert (shown["licence"], shown["input"]["pad"], len(shown["sha256"])) == ("MIT", 0, 64)
    assert json.loads(call("models", "verify", "--json")[1])["theirs"].endswith("whole")
    timed = json.loads(call("models", "bench", "theirs", "--rounds", 1, "--json")[1])
    assert timed["ms per still"] > 0
    (tmp_path / "library" / "theirs.onnx").write_bytes(b"damaged")
    code, _, err = call("models", "verify")
    assert code == 1
    assert "damaged" in err


def test_labels_of_a_file_and_settings_that_are_none(call: Call, tmp_path: Path) -> None:
    rows = np.zeros((1, 6, 200), np.float32)
    graph = answering(tmp_path / "two.onnx", {"o": rows}, [1, 3, 128, 128])
    (tmp_path / "labels.txt").write_text("van\nlorry\n")
    assert call("models", "import", graph, "--family", "yolov8", "--labels", tmp_path / "labels.txt")[0] == 0
    code, _, err = call("models", "import", graph, "--set", "colour")
    assert (code, "not NAME=VALUE" in err) == (1, True)


def test_pulling_says_what_is_known_and_what_to_do_offline(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = call("models", "pull", "yolox")
    assert code == 1
    assert "did you mean 'yolox-" in err
    offer = {"file": "a.onnx", "address": "http://127.0.0.1:1/a.onnx", "sha256": "", "licence": "MIT", "origin": "x"}
    monkeypatch.setattr("cctview.models.pulling.releases", lambda: {"a": offer})
    code, _, err = call("models", "pull", "a")
    assert code == 1
    assert "check the network and run this again" in err


def test_a_store_refuses_vectors_of_another_embedder(call: Call, tmp_path: Path) -> None:
    stills = tmp_path / "stills"
    write_stills(simulate(SimSettings(minutes=0.1, cameras=2, seed=5)), stills)
    assert call("models", "import", embedder_graph(tmp_path / "osnet.onnx"))[0] == 0
    code, out, _ = call("run", stills / "sim-1", tmp_path / "store", "--embedder", "osnet", "--camera", "a", "--json")
    assert (code, json.loads(out)["stills"] > 0) == (0, True)
    code, _, err = call("run", stills / "sim-2", tmp_path / "store", "--camera", "b")
    assert code == 1
    assert "use the same model, method and network, or another store" in err


def test_published_data_is_listed_and_fetched(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from test_datasets import TREE, zipped

    listed = json.loads(call("data", "list", "--json")[1])
    assert len(listed["zip-733-681-N"]["sha256"]) == 64
    with serving() as server:
        server.content["/a.zip"] = zipped(TREE)
        known = {"few": Dataset(name="few", about="", what=Download(address=server.at("/a.zip")), strip=1)}
        monkeypatch.setattr("cctview.datasets.datasets", lambda: known)
        code, out, _ = call("data", "fetch", "few", "--out", tmp_path / "data", "--json")
    assert code == 0
    assert json.loads(out)["few"].startswith("3 files in ")
    assert (tmp_path / "data" / "few" / "sample" / "tree.txt").read_bytes() == b"tree"


def test_the_example_does_what_the_originals_did(call: Call, tmp_path: Path) -> None:
    code, out, _ = call("example", "--out", tmp_path / "example", "--json")
    done = json.loads(out)
    assert code == 0
    assert done["detect"]["stills"] == done["extract"]["stills"] > 0
    assert done["match"]["distances"] > 0
    assert (tmp_path / "example" / done["matches"]).exists()
    code, _, err = call("example", tmp_path / "example", "--models", "original")
    assert code == 1
    assert "`cctview models import FILE` takes resnet50_coco_best_v2.0.1.h5" in err
    assert call("example", tmp_path / "example", "--models", "orignal")[0] == 1
    (tmp_path / "empty").mkdir()
    assert "of two cameras are needed" in call("example", tmp_path / "empty")[2]


def test_the_example_runs_with_imported_models(call: Call, tmp_path: Path) -> None:
    """Stand-ins under the names the original's models get."""
    stills = tmp_path / "stills"
    write_stills(simulate(SimSettings(minutes=0.05, cameras=2, seed=5)), stills)
    call("models", "import", detector_graph(tmp_path / "d.onnx"), "--name", "retinanet-coco")
    call("models", "import", embedder_graph(tmp_path / "e.onnx"), "--name", "densenet-veri")
    code, out, _ = call("example", stills, "--models", "original", "--json")
    done = json.loads(out)
    assert code == 0
    assert done["models"] == "retinanet-coco, densenet-veri"
    assert done["match"]["queries"] > 0


def test_stores_are_exported_for_training_and_as_the_original_listed_them(call: Call, tmp_path: Path) -> None:
    stills, store = tmp_path / "stills", tmp_path / "store"
    write_stills(simulate(SimSettings(minutes=0.1, cameras=1, seed=5)), stills)
    stored = json.loads(call("run", stills, store, "--json")[1])
    for form, file in (("yolo", "data.yaml"), ("fiftyone", "labels.json")):
        written = json.loads(call("export", store, "--format", form, "--out", tmp_path / form, "--json")[1])
        assert written["boxes"] == stored["detections"]
        assert (tmp_path / form / file).exists()
    assert call("export", store, "--format", "original", "--out", tmp_path / "again")[0] == 0
    names, _ = read_detection_list(tmp_path / "again" / "again--detections.csv")
    assert len(names) == stored["detections"]
    assert len(read_listing(tmp_path / "again" / "tree.txt")) == len(list((tmp_path / "again").rglob("*")))
