import json
import sys

import numpy as np
import pytest

import roads
from cctview.cli import main
from cctview.match import match
from cctview.track import track
from labels import travellers, write_links


@pytest.fixture
def call(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["cctview", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out, shown.err

    return run


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
    """A store with a road of two cameras, links of its vehicles, and its network file."""
    folder = tmp_path_factory.mktemp("scored")
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=150, both_ways=False, whole_seconds=True))
    tracklets = track(seen.detections, seen.embeddings)
    matches = match(tracklets, seen.network)
    links = write_links(folder / "links.json", seen, travellers(seen, ("c1", "c2"), 20))
    return seen, tracklets, matches, links


class Shelf:
    """A store that hands out given tables."""

    def __init__(self, *tables):
        self.tables = {type(table): table for table in tables}

    def scan(self, kind, **_):
        return self.tables[kind]


def test_a_gate_is_kept_or_missed(call, scene, tmp_path, monkeypatch):
    seen, tracklets, matches, links = scene
    monkeypatch.setattr("cctview.store.open_store", lambda path: Shelf(seen.detections, tracklets, matches))
    gate = tmp_path / "gate.toml"
    gate.write_text('[[reid]]\ntruth = "links.json"\nat_least = {"all / vehicles" = 5}\n')
    verb = ("reid", "--links", links, "--store", tmp_path, "--json")
    code, out, _ = call("eval", "--gate", gate, *verb)
    assert code == 0
    assert json.loads(out)["gate"] == {"numbers": 1, "missed": []}
    gate.write_text('[[reid]]\ntruth = "links.json"\nat_least = {"all / rank-1" = 1.5}\n')
    code, out, err = call("eval", *verb, "--gate", gate)
    assert code == 3
    assert "gate missed: all / rank-1" in err
    assert json.loads(out)["gate"]["missed"]
    assert "reliability" in json.loads(call("eval", *verb)[1])
