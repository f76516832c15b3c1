from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cctview.detect import load_detector
from cctview.embed import load_embedder
from cctview.execute import ThreadExecutor
from cctview.network import load_network
from cctview.pipeline import RunReport, RunSettings, run
from cctview.privacy import Policy
from cctview.seams import Store
from cctview.sim import SimSettings, simulate, write_stills
from cctview.sources import open_source
from cctview.store import create_store, open_store
from cctview.types import Detections, Embeddings, Frames, Journeys, Matches, Table, Tracklets

TABLES: tuple[type[Table], ...] = (Frames, Detections, Embeddings, Tracklets, Matches, Journeys)


@pytest.fixture(scope="session")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sim") / "stills"
    write_stills(simulate(SimSettings(minutes=1.5, cameras=3, seed=3)), folder)
    return folder


def run_into(store: Store, stills: Path, workers: int | None = None, **settings: int) -> RunReport:
    return run(
        open_source(stills),
        store,
        load_network(stills / "network.toml"),
        load_detector(),
        load_embedder(),
        executor=ThreadExecutor(workers),
        settings=RunSettings(**settings),
    )


def new_store(folder: Path) -> Store:
    return create_store(folder, Policy.default("tests"))


@pytest.fixture(scope="session")
def done(stills: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, RunReport]:
    store = new_store(tmp_path_factory.mktemp("store") / "store")
    return store, run_into(store, stills)


def contents(store: Store) -> dict[str, Table]:
    return {table.__name__: store.scan(table) for table in TABLES}


def test_stills_become_journeys(done: tuple[Store, RunReport], stills: Path) -> None:
    store, report = done
    files = list(stills.rglob("*.jpeg"))
    assert report.stills == len(files) == len(store.scan(Frames))
    assert report.detections == len(store.scan(Detections)) > 3 * len(files)
    assert report.tracklets == len(store.scan(Tracklets)) > 0
    assert report.journeys == len(store.scan(Journeys)) > 0
    assert report.skipped == ()
    assert {"decode", "detect", "embed", "track", "match", "store"} <= report.stage_seconds.keys()


def test_people_are_blacked_out_and_never_stored(done: tuple[Store, RunReport]) -> None:
    store, report = done
    assert report.people > 0
    assert report.stored["people_redacted"] >= report.people
    assert "person" not in store.scan(Detections).type


def test_a_run_repeated_adds_nothing(done: tuple[Store, RunReport], stills: Path) -> None:
    store, first = done
    before = contents(store)
    again = run_into(store, stills)
    assert (again.stills, again.known) == (0, first.stills)
    assert contents(store) == before


def test_batch_sizes_and_threads_do_not_change_the_result(
    done: tuple[Store, RunReport], stills: Path, tmp_path: Path
) -> None:
    other = new_store(tmp_path / "store")
    run_into(other, stills, workers=1, batch=7, append=20)
    ours, theirs = contents(done[0]), contents(other)
    assert ours["Frames"] == theirs["Frames"]
    assert np.array_equal(ours["Detections"].id, theirs["Detections"].id)
    assert np.allclose(ours["Detections"].box, theirs["Detections"].box, atol=0.05)
    assert len(ours["Journeys"]) == pytest.approx(len(theirs["Journeys"]), abs=2)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a POSIX signal")
def test_a_killed_run_started_again_ends_where_an_undisturbed_one_does(
    done: tuple[Store, RunReport], stills: Path, tmp_path: Path
) -> None:
    path = tmp_path / "store"
    new_store(path)
    command = [sys.executable, "-m", "cctview", "run", str(stills), str(path)]
    command += ["--network", str(stills / "network.toml")]
    for delay in (1.5, 2.5, 3.5):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, capture_output=True)
    assert contents(open_store(path)) == contents(done[0])


def test_bad_stills_are_counted_and_the_rest_goes_on(stills: Path, tmp_path: Path) -> None:
    good = sorted(stills.rglob("*.jpeg"))[:20]
    folder = tmp_path / "mixed"
    folder.mkdir()
    for path in good:
        (folder / path.name).write_bytes(path.read_bytes())
    bytes_of_one = good[0].read_bytes()
    broken = {"empty": b"", "cut": bytes_of_one[: len(bytes_of_one) // 2], "page": b"<html>offline</html>"}
    for name, data in broken.items():
        (folder / f"{name}--2020-05-05--13.00.00--original.jpeg").write_bytes(data)
    store = new_store(tmp_path / "store")
    report = run(open_source(folder), store, None, load_detector(), load_embedder())
    assert report.stills == 20
    assert len(report.skipped) == 3
    assert all(any(name in item.where for item in report.skipped) for name in broken)
