from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

from cctview.cli import main
from cctview.cli.app import app
from cctview.sim import SimSettings, simulate, write_stills

ROOT = Path(__file__).resolve().parents[2]
Call = Callable[..., "Result"]


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict[str, object]:
        return json.loads(self.out)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*words: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["cctview", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return Result(int(ended.value.code or 0), shown.out, shown.err)

    return run


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "stills"
    write_stills(simulate(SimSettings(minutes=1, cameras=2, seed=5)), folder)
    return folder


@pytest.fixture(scope="module")
def store(stills: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "store"
    command = [sys.executable, "-m", "cctview", "run", stills, path, "--network", stills / "network.toml", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["stills"] == len(list(stills.rglob("*.jpeg")))
    assert done.stderr == ""
    return path


@pytest.fixture
def copied(store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(store, tmp_path / "copy"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


COLUMNS = {
    "detections": "detection,camera,time,type,score,x1,y1,x2,y2,tracklet",
    "tracklets": "tracklet,camera,first_time,last_time,detections,type,heading",
    "matches": "query,query_camera,camera,rank,candidate,distance,probability,lag_s,p_none,"
    "looks,size,timing,lane,order,context",
    "journeys": "journey,step,camera,tracklet,first_time,last_time,probability",
}


@pytest.mark.parametrize("what", COLUMNS)
def test_export_writes_the_promised_columns(what: str, call: Call, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    assert call("export", store, "--what", what, "--format", "csv", "--out", out).code == 0
    assert out.read_text().splitlines()[0] == COLUMNS[what]
    assert len(rows(out)) > 0


def test_exported_tables_refer_to_each_other(call: Call, store: Path, tmp_path: Path) -> None:
    tables = {}
    for what in COLUMNS:
        call("export", store, "--what", what, "--out", tmp_path / what)
        tables[what] = rows(tmp_path / what)
    known = {row["tracklet"] for row in tables["tracklets"]}
    assert {row["tracklet"] for row in tables["detections"]} - {""} == known
    assert {row["query"] for row in tables["matches"]} | {row["candidate"] for row in tables["matches"]} <= known
    assert {row["tracklet"] for row in tables["journeys"]} <= known


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
@pytest.mark.parametrize("what", [*COLUMNS, "frames", "embeddings", "lanes"])
def test_every_table_in_every_format(what: str, form: str, call: Call, store: Path, tmp_path: Path) -> None:
    done = call("export", store, "--what", what, "--format", form, "--out", tmp_path / "table", "--json")
    assert done.code == 0
    assert (tmp_path / "table").stat().st_size > 100


def test_export_as_the_originals_files_and_import_again(call: Call, store: Path, tmp_path: Path) -> None:
    exported = call("export", store, "--format", "original", "--out", tmp_path / "tree", "--json").json
    assert exported["stills"] == exported["pictures"] > 0
    assert exported["detections"] == exported["features"] > 0
    imported = call("import", tmp_path / "tree", tmp_path / "again", "--json").json
    assert imported["frames"] == exported["stills"]
    assert imported["detections"] == exported["detections"]
    for path in (store, tmp_path / "again"):
        call("export", path, "--what", "detections", "--out", tmp_path / f"{path.name}.csv")
    ours, theirs = rows(tmp_path / f"{store.name}.csv"), rows(tmp_path / "again.csv")
    assert sorted(row["detection"] for row in ours) == sorted(row["detection"] for row in theirs)


def test_a_second_run_adds_nothing_and_says_so(call: Call, copied: Path, stills: Path) -> None:
    again = call("run", stills, copied, "--network", stills / "network.toml", "--json").json
    assert again["stills"] == 0
    assert again["stored before"] == len(list(stills.rglob("*.jpeg")))


def test_track_keeps_to_the_network_that_the_store_knows(call: Call, copied: Path) -> None:
    before = [call("export", copied, "--what", what, "--out", copied / what).out for what in ("matches", "journeys")]
    done = call("track", copied, "--json").json
    assert done["journeys"] > 0
    assert [
        call("export", copied, "--what", what, "--out", copied / what).out for what in ("matches", "journeys")
    ] == before


def test_without_a_network_and_with_one_camera_no_link_shows(call: Call, stills: Path, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    for path in sorted(stills.rglob("sim-1*.jpeg"))[:20]:
        shutil.copy(path, tmp_path / "few")
    first = call("run", tmp_path / "few", tmp_path / "s", "--json").json
    assert first["tracklets"] > 0
    assert first["journeys"] == 0
    assert first["why no journeys"] == "no camera network with links is known (--network)"
    assert first["links learnt"].startswith("no link shows among 1 cameras in 0.")
    assert call("track", tmp_path / "s", "--json").json["links learnt"] == first["links learnt"]
    assert call("network", "show", tmp_path / "s").code == 1
    plan = (stills / "network.toml").read_text().replace("sim-1", "sim-9")
    (tmp_path / "other.toml").write_text(plan)
    told = call("track", tmp_path / "s", "--network", tmp_path / "other.toml", "--json").json
    assert told["cameras the network does not know"] == ["sim-1"]
    assert told["cameras of the network without stills"] == ["sim-2", "sim-9"]
    assert call("track", tmp_path / "s", "--json").json == told


def test_methods_and_places_are_chosen_by_name(call: Call, copied: Path) -> None:
    assert call("track", copied, "--matcher", "nearest", "--on", "serial", "--json").json["matches"] > 0
    for option, wrong, sentence in (
        ("--tracker", "rod", "did you mean 'road'"),
        ("--matcher", "belif", "did you mean 'belief'"),
        ("--on", "thread", "did you mean 'threads'"),
    ):
        failed = call("track", copied, option, wrong)
        assert failed.code == 1
        assert sentence in failed.err


def test_journeys_are_listed_for_people(call: Call, store: Path) -> None:
    shown = call("journeys", store, "--top", "2").out
    assert re.search(r"[01]\.\d\d  sim-\d \S+  ->  sim-\d ", shown)


def test_the_three_original_verbs(call: Call, stills: Path, tmp_path: Path) -> None:
    for path in sorted(stills.rglob("*.jpeg"))[::6]:
        shutil.copy(path, tmp_path)
    first = call("detect", tmp_path, "--out", tmp_path, "--min-score", "0.3", "--json").json
    assert first["detections"] > 0
    assert call("detect", tmp_path, "--out", tmp_path, "--min-score", "0.3", "--json").json["done before"] > 0
    assert call("extract", tmp_path, "--json").json["features"] > 0
    matched = call("match", tmp_path, "--base", "sim-1", "--target", "sim-2", "--json").json
    assert matched["distances"] == matched["queries"] * matched["gallery"] > 0
    assert (tmp_path / "sim-1--matches.json").exists()
    wrong = call("match", tmp_path, "--base", "sim-1", "--target", "sim-3")
    assert wrong.code == 1
    assert "no features of camera 'sim-3'; did you mean" in wrong.err


def test_json_only_writes_nothing_but_json(call: Call, stills: Path, tmp_path: Path) -> None:
    still = next(stills.rglob("*.jpeg"))
    odd = tmp_path / "in" / "X.jpg"
    odd.parent.mkdir()
    shutil.copy(still, odd)
    assert call("detect", odd, "--out", tmp_path / "out", "--json-only").code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["X--detections.json"]


def test_policy_is_shown_changed_and_enforced(call: Call, copied: Path) -> None:
    assert call("policy", "show", copied, "--json").json["policy"]["keep_frames"] is True
    changed = call("policy", "set", copied, "keep_frames=false", "purpose=counting", "--json").json
    assert changed["policy"]["purpose"] == "counting"
    assert changed["stills removed"] > 0
    wrong = call("policy", "set", copied, "keep_frame=false")
    assert wrong.code == 1
    assert "did you mean 'keep_frames'" in wrong.err
    assert call("policy", "set", copied).code == 1


def test_forget_by_camera_time_and_name(call: Call, copied: Path, tmp_path: Path) -> None:
    call("export", copied, "--what", "detections", "--out", tmp_path / "d.csv")
    name = rows(tmp_path / "d.csv")[0]["detection"]
    gone = call("forget", copied, "--id", name, "--json").json
    assert gone["removed"]["detections"] >= 1
    assert gone["proof"]["found"] == 0
    call("export", copied, "--what", "journeys", "--out", tmp_path / "j.csv")
    journey = rows(tmp_path / "j.csv")[0]["journey"]
    assert call("forget", copied, "--id", journey, "--json").json["removed"]["journeys"] == 1
    assert call("forget", copied, "--camera", "sim-1", "--json").json["removed"]["frames"] > 0
    assert call("forget", copied, "--before", "2100-01-01", "--json").json["removed"]["frames"] > 0
    assert call("forget", copied, "--before", "2100-01-01").err.startswith("nothing stored")
    for words in ([], ["--before", "soon"], ["--id", "0123456789abcdef"], ["--id", "x--detections--1"]):
        assert call("forget", copied, *words).code == 1


def test_a_video_is_a_source(call: Call, real_data: Path, tmp_path: Path) -> None:
    clip = next((real_data / "london" / "videos").glob("*.mp4"))
    done = call("run", clip, tmp_path / "store", "--json").json
    assert done["stills"] > 200
    assert done["tracklets"] > 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "{tmp}/nowhere", "{tmp}/s"], "no such file or folder"),
        (["run", "{stills}", "{file}"], "file"),
        (["run", "{stills}", "{stills}"], "store"),
        (["run", "{stills}", "{tmp}/s", "--network", "{file}"], "network|TOML|unknown key|decode"),
        (["run", "{stills}", "{tmp}/s", "--detector", "cctview-dett"], "did you mean 'cctview-det'"),
        (["run", "{stills}", "{tmp}/s", "--embedder", "nothing"], "no model named"),
        (["run", "{stills}", "{tmp}/s", "--provider", "gpu"], "no execution provider"),
        (["run", "{stills}", "{tmp}/s", "--timezone", "Mars/Base"], "no time zone"),
        (["export", "{tmp}/nowhere", "--out", "{tmp}/x"], "no store"),
        (["export", "{store}", "--what", "journey", "--out", "{tmp}/x"], "did you mean 'journeys'"),
        (["export", "{store}", "--format", "xml", "--out", "{tmp}/x"], "no format 'xml'"),
        (["extract", "{tmp}"], "run `cctview detect`"),
        (["simulate", "{tmp}/x", "--minutes", "-1"], "minutes"),
        (["simulate", "{tmp}/x", "--trajectories", "{file}"], "not an XML file"),
        (["eval", "detection", "--truth", "{file}", "--images", "{tmp}"], "not a COCO file"),
        (["eval", "detection", "--truth", "{tmp}/no", "--images", "{tmp}"], "cannot be read"),
    ],
)
def test_errors_are_one_clear_sentence_and_exit_1(
    words: list[str], sentence: str, call: Call, stills: Path, store: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("this = 1")
    places = {"tmp": str(tmp_path), "stills": str(stills), "store": str(store), "file": str(file)}
    failed = call(*(word.format(**places) for word in words))
    assert failed.code == 1
    assert re.search(sentence, failed.err)
    assert failed.err.startswith("error: ")
    assert len(failed.err.strip().splitlines()) == 1
    assert "error" in call(*(word.format(**places) for word in words), "--json").json


def test_misuse_exits_2(call: Call) -> None:
    assert call("runn").code == 2
    assert call("run").code == 2
    assert call("match", ".", "--base", "a").code == 2


def test_a_folder_with_many_broken_stills_is_processed_and_reported(call: Call, stills: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    good = sorted(stills.rglob("*.jpeg"))[:40]
    for path in good:
        shutil.copy(path, folder)
    data = good[0].read_bytes()
    bad = [
        b"",
        b"\0" * 400,
        data[: len(data) // 3],
        data[:-40],
        b"<!doctype html><p>busy",
        b"plain text",
        b"PK\3\4" + data,
    ]
    for number, content in enumerate(bad):
        (folder / f"sim-1--2020-05-06--10.00.0{number}--original.jpeg").write_bytes(content)
    done = call("run", folder, tmp_path / "store", "--json")
    assert done.code == 0
    assert done.json["stills"] == len(good)
    assert done.json["skipped"] == len(bad)
    for number in range(len(bad)):
        assert f"10.00.0{number}" in " ".join(done.json["skipped stills"])


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is sent the POSIX way")
def test_ctrl_c_is_one_sentence_and_the_run_goes_on(stills: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cctview", "run", str(stills), str(tmp_path / "store"), "--workers", "1", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        time.sleep(0.1)
        if (tmp_path / "store" / "policy.toml").exists():
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode != 0:  # a fast machine may be done already
        assert process.returncode == 130
        assert "goes on from there" in err
        assert "Traceback" not in err
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["stills"] + told["stored before"] == len(list(stills.rglob("*.jpeg")))


def test_doctor_and_models_name_what_is_here(call: Call) -> None:
    assert "cpu" in call("doctor", "--json").json["providers"]
    assert set(call("models", "verify", "--json").json) <= set(call("models", "list", "--json").json)


def test_bench_measures_every_stage(call: Call, stills: Path) -> None:
    told = call("bench", "pipeline", "--stills", stills, "--json").json
    assert told["stills per second"] > 0
    stages = told["ms per still, summed over threads"]
    assert {"decode", "detect", "embed", "track", "discover", "match", "store"} == set(stages)


def verbs() -> list[str]:
    return sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_has_help_and_stands_in_the_reference(verb: str, call: Call) -> None:
    shown = call(verb, "--help")
    assert shown.code == 0
    assert len(shown.out.splitlines()) > 3
    assert re.search(rf"`(cctview )?{verb}\b|cctview {verb}\b", (ROOT / "docs/reference.md").read_text())
