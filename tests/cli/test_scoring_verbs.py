import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest

from cctview.journeys import chain
from cctview.matching import match
from cctview.testing import roads
from cctview.tracking import track
from labels import frames_of, travellers, write_coco_truth, write_links


class Shelf:
    """A store that hands out given tables."""

    network = None

    def __init__(self, *tables):
        self.tables = {type(table): table for table in tables}

    def scan(self, kind, **_):
        return self.tables[kind]

    def pixels(self, ids):
        return [cv2.imencode(".jpg", np.full((240, 352, 3), 90, np.uint8))[1].tobytes()] * len(ids)


@pytest.fixture
def features(tmp_path):
    rng = np.random.default_rng(2)
    middle = rng.random((4, 1920))
    for side in ("query", "test"):
        tracks = {
            f"{n:04}_{side}": (middle[n] + 0.1 * rng.random((3, 1920))).round(6).tolist()
            for n in range(2 if side == "query" else 4)
        }
        (tmp_path / f"{side}.json").write_text(json.dumps(tracks))
    return tmp_path / "query.json", tmp_path / "test.json"


@pytest.mark.parametrize(("metric", "aggregate"), [("MCD", "mean50"), ("MED", "med"), ("RSCR", "min")])
def test_tracks_are_ranked_from_files_of_features(call, features, tmp_path, metric, aggregate):
    code, out, _ = call(
        "match", "--features", *features, "--metric", metric, "--aggregate", aggregate,
        "--definition", "reference-code", "--out", tmp_path / "ranking.json", "--json",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["queries"] == 2
    ranking = json.loads((tmp_path / "ranking.json").read_text())
    assert (ranking["metric"], ranking["aggregation"]) == (metric, aggregate)
    for name, entry in ranking["tracks"].items():
        assert entry["class"] == name.split("_")[0] == entry["ranking"]["1"]["class"]
        distances = [entry["ranking"][str(rank)]["distance"] for rank in range(1, 5)]
        assert distances == sorted(distances)


def test_ranking_tracks_and_matching_a_folder_do_not_mix(call, features, tmp_path):
    assert call("match", tmp_path, "--features", *features)[0] == 2
    assert call("match", tmp_path)[0] == 2
    code, _, err = call("match", "--features", *features, "--metric", "MDC", "--out", tmp_path / "r.json")
    assert code == 1
    assert "did you mean" in err


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The tables of a road of two cameras, and a folder with what is true of it."""
    folder = tmp_path_factory.mktemp("scored")
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=150, both_ways=False, whole_seconds=True))
    frames, tracklets = frames_of(seen.detections), track(seen.detections, seen.embeddings)
    matches = match(tracklets, seen.network)
    write_links(folder / "links.json", seen, travellers(seen, ("c1", "c2"), 20))
    write_coco_truth(folder / "truth.json", seen, frames)
    chains = chain(matches, tracklets, seen.network)
    return Shelf(seen.detections, frames, tracklets, matches, chains), folder


@pytest.fixture
def stored(scene, monkeypatch):
    monkeypatch.setattr("cctview.store.open_store", lambda path: scene[0])
    return scene[1]


def test_a_gate_is_kept_or_missed(call, stored, tmp_path):
    gate = tmp_path / "gate.toml"
    gate.write_text('[[reid]]\ntruth = "links.json"\nat_least = {"all / vehicles" = 5}\n')
    verb = ("reid", "--links", stored / "links.json", "--store", "any", "--json")
    code, out, _ = call("eval", "--gate", gate, *verb)
    assert code == 0
    assert json.loads(out)["gate"] == {"numbers": 1, "missed": []}
    gate.write_text('[[reid]]\ntruth = "links.json"\nat_least = {"all / rank-1" = 1.5}\n')
    code, out, err = call("eval", *verb, "--gate", gate)
    assert code == 3
    assert "gate missed: all / rank-1" in err
    assert json.loads(out)["gate"]["missed"]
    assert "reliability" in json.loads(call("eval", *verb)[1])


@pytest.mark.parametrize("verb", ["tracking", "journeys"])
def test_tracks_and_journeys_are_scored_by_full_truth_and_by_links(call, stored, verb):
    wanted = {"tracking": {"cameras", "all"}, "journeys": {"step precision", "reliability"}}[verb]
    for truth in ("truth.json", "links.json"):
        code, out, _ = call("eval", verb, "--truth", stored / truth, "--store", "any", "--json")
        assert code == 0
        assert wanted <= set(json.loads(out))
    code, _, err = call("eval", verb, "--truth", stored / "none.json", "--store", "any")
    assert code == 1
    assert "not there" in err


def test_the_documented_commands_score_and_draw(call, stored, monkeypatch):
    monkeypatch.chdir(stored)
    page = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    cctview (eval .*)$", page, re.MULTILINE)
    assert len(commands) >= 6
    for command in commands:
        code, out, err = call(*command.split(), "--json")
        assert code == 0, err
        assert json.loads(out)
    for name in ("matches.svg", "journeys.svg"):
        picture = ET.fromstring((stored / name).read_text(encoding="utf-8"))
        assert [mark for mark in picture.iter() if mark.get("class") == "dot"]


@pytest.mark.parametrize("form", ["mot", "coco", "aicity", "veri"])
@pytest.mark.parametrize("what", ["detections", "tracklets", "journeys"])
def test_boxes_are_exported(call, stored, tmp_path, form, what):
    out = tmp_path / "out"
    code, said, err = call("export", "any", "--what", what, "--format", form, "--out", out, "--json")
    if (form, what) == ("veri", "detections"):
        assert code == 1
        assert "identities" in err
        return
    assert code == 0
    assert json.loads(said)["boxes"] > 0
    assert out.exists()
    assert call("export", "any", "--what", "matches", "--format", form, "--out", out)[0] == 1
