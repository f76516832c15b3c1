from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from cctview import original
from cctview.detect import load_detector
from cctview.embed import HistogramEmbedder
from cctview.errors import InputError, MissingError
from cctview.formats.original import read_detections, read_features, read_matches, write_features
from cctview.privacy import Policy
from cctview.sim import SimSettings, simulate, write_stills
from cctview.sources import open_source
from cctview.store import create_store
from cctview.types import Detections, Embeddings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_stills(simulate(SimSettings(minutes=0.1, cameras=2, seed=4)), tmp_path, nested=False)
    original.detect(open_source(tmp_path), tmp_path, load_detector())
    return tmp_path


def test_features_come_from_stills_or_from_crops(folder: Path) -> None:
    original.extract(folder, HistogramEmbedder())
    from_stills = {path.name: read_features(path).vectors for path in folder.glob("*--features.json")}
    for path in (*folder.glob("*--features.json"), *folder.glob("*--original.jpeg")):
        path.unlink()
    report = original.extract(folder, HistogramEmbedder())
    assert report.skipped == []
    again = {path.name: read_features(path).vectors for path in folder.glob("*--features.json")}
    assert {name: part.shape for name, part in again.items()} == {
        name: part.shape for name, part in from_stills.items()
    }
    likeness = np.concatenate([(again[name] * part).sum(axis=1) for name, part in from_stills.items()])
    assert np.median(likeness) > 0.8  # not all: people are black in the crops


def test_what_cannot_be_used_is_reported_and_the_rest_goes_on(folder: Path) -> None:
    first, second, third = sorted(folder.glob("*--detections.json"))[:3]
    first.write_text("{")
    Path(str(second).replace("--detections.json", "--original.jpeg")).write_bytes(b"gone")
    Path(str(third).replace("--detections.json", "--original.jpeg")).unlink()
    shutil.rmtree(third.with_suffix(""), ignore_errors=True)
    report = original.extract(folder, HistogramEmbedder())
    assert {Path(item.where).name for item in report.skipped} >= {first.name, second.name}
    assert report.counts["stills"] >= len(list(folder.glob("*--detections.json"))) - 3


def test_distances_are_euclidean_and_name_their_targets(folder: Path) -> None:
    original.extract(folder, HistogramEmbedder())
    original.match(folder, "sim-1", ["sim-2"])
    found = read_matches(folder / "sim-1--matches.json")
    vectors = {}
    for path in folder.glob("*--features.json"):
        part = read_features(path)
        vectors |= dict(zip(part.names.tolist(), part.vectors, strict=True))
    for base, target, distance in zip(found.base[:50], found.target[:50], found.distance[:50], strict=True):
        assert distance == pytest.approx(np.linalg.norm(vectors[base] - vectors[target]), abs=1e-6)
    copies = [path.name for path in (folder / "matches").rglob("cam-1--*.jpeg")]
    assert any(found.target[0] in name for name in copies)


def test_the_distances_of_the_originals_sample(real_data: Path, tmp_path: Path) -> None:
    shutil.copytree(real_data / "original" / "sample", tmp_path / "sample", copy_function=shutil.copyfile)
    original.match(tmp_path / "sample", "733-681-N", ["735-683-N", "732-680-N", "731-679-N"])
    found = read_matches(tmp_path / "sample" / "733-681-N--matches.json")
    base = np.strings.find(found.base, "--detections--1--") >= 0
    target = np.strings.find(found.target, "731-679-N--2020-05-05--13.36.56--detections--6--") >= 0
    assert found.distance[base & target].tolist() == pytest.approx([19.864319], abs=1e-4)


def test_the_originals_sample_is_imported_without_its_people(real_data: Path, tmp_path: Path) -> None:
    store = create_store(tmp_path / "store", Policy.default("tests"))
    report = original.import_tree(real_data / "original" / "sample", store, load_detector())
    assert report.counts["frames"] == 6
    assert report.counts["people_dropped"] > 0
    detections, embeddings = store.scan(Detections), store.scan(Embeddings)
    assert "person" not in detections.type
    assert embeddings.vector.shape == (len(detections), 1920)
    again = original.import_tree(real_data / "original" / "sample", store, load_detector())
    assert again.counts["frames_known"] == 6
    assert len(store.scan(Detections)) == len(detections)
    original.export_tree(store, tmp_path / "out")
    for path in sorted((real_data / "original" / "sample").rglob("*--detections.json")):
        ours, theirs = read_detections(tmp_path / "out" / path.name), read_detections(path)
        vehicles = theirs.type != "person"
        assert ours.names.tolist() == theirs.names[vehicles].tolist()
        assert ours.score == pytest.approx(theirs.score[vehicles], abs=1e-6)
        assert not vehicles.all() or (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
        features = path.name.replace("--detections", "--features")
        back, given = read_features(tmp_path / "out" / features), read_features(path.with_name(features))
        rows = np.isin(given.names, back.names)
        assert back.names.tolist() == given.names[rows].tolist()
        assert back.vectors == pytest.approx(given.vectors[rows], rel=1e-6, abs=0)


def test_stills_the_policy_does_not_keep_are_exported_without_pictures(folder: Path, tmp_path: Path) -> None:
    store = create_store(tmp_path / "store", Policy(purpose="tests", keep_frames=False))
    original.import_tree(folder, store, load_detector())
    report = original.export_tree(store, tmp_path / "out")
    assert report.counts["stills"] > 0
    assert report.counts["pictures"] == 0
    assert not list((tmp_path / "out").rglob("*.jpeg"))


def test_features_of_different_models_are_not_compared(folder: Path) -> None:
    original.extract(folder, HistogramEmbedder())
    path = min(folder.glob("sim-2--*--features.json"))
    found = read_features(path)
    write_features(path, found.still, found.names, np.ones((len(found.names), 7)), "other")
    with pytest.raises(InputError, match="different models"):
        original.match(folder, "sim-1", ["sim-2"])


def test_a_folder_without_detections(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="cctview detect"):
        original.extract(tmp_path, HistogramEmbedder())
