from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from cctview.detect import load_detector
from cctview.embed import load_embedder
from cctview.network import CameraNetwork, load_network
from cctview.pipeline import RunReport, RunSettings, link, run, spans_of
from cctview.privacy import Policy
from cctview.progress import silent
from cctview.seams import Store
from cctview.sim import SimSettings, simulate, write_stills
from cctview.sources import Known, Skipped, open_source
from cctview.store import create_store, open_store
from cctview.store.lance.store import LanceStore
from cctview.types import Detections, Embeddings, Frame, Frames, Journeys, Matches, Table, Tracklets

TABLES: tuple[type[Table], ...] = (Frames, Detections, Embeddings, Tracklets, Matches, Journeys)


@pytest.fixture(scope="session")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sim") / "stills"
    write_stills(simulate(SimSettings(minutes=1.5, cameras=3, seed=3)), folder)
    return folder


def run_into(store: Store, stills: Path, **settings: int) -> RunReport:
    return run(
        open_source(stills),
        store,
        load_network(stills / "network.toml"),
        load_detector(),
        load_embedder(),
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
    assert report.skipped == []
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


class Interrupting:
    """A source that is interrupted after some stills."""

    name = "interrupting"

    def __init__(self, stills: Path, after: int) -> None:
        self.inner = open_source(stills)
        self.after = after

    def count(self) -> int | None:
        return None

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        for number, item in enumerate(self.inner.frames(known)):
            if number == self.after:
                raise KeyboardInterrupt
            yield item


def test_an_interrupted_run_keeps_what_it_did_and_goes_on(
    done: tuple[Store, RunReport], stills: Path, tmp_path: Path
) -> None:
    store = new_store(tmp_path / "store")
    report = RunReport()
    with pytest.raises(KeyboardInterrupt):
        run(
            Interrupting(stills, 60),
            store,
            CameraNetwork(),
            load_detector(),
            load_embedder(),
            settings=RunSettings(workers=1, batch=8, append=16),
            report=report,
        )
    assert 0 < len(store.scan(Frames)) == report.stills < 60
    assert report.seconds > 0
    run_into(store, stills)
    assert contents(store)["Frames"] == contents(done[0])["Frames"]


def test_spans_do_not_show(
    done: tuple[Store, RunReport], stills: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store"
    shutil.copytree(cast("LanceStore", done[0]).path, path)
    store = open_store(path, write=True)
    monkeypatch.setattr("cctview.pipeline._SPAN", np.timedelta64(45, "s"))
    monkeypatch.setattr("cctview.pipeline._IN_VIEW", np.timedelta64(20, "s"))
    steps: list[tuple[int, int | None]] = []
    report = RunReport()
    roads = load_network(stills / "network.toml")
    link(store, roads, RunSettings(), report, lambda stage, at, total: steps.append((at, total)))
    ours, theirs = contents(store), contents(done[0])
    assert steps == [(3, 6), (6, 6)]
    assert report.tracklets == len(ours["Tracklets"]) == pytest.approx(len(theirs["Tracklets"]), rel=0.1)
    assert report.journeys == len(ours["Journeys"]) == pytest.approx(len(theirs["Journeys"]), rel=0.2)
    assert report.journeys > 0
    assert min(report.stage_seconds[stage] for stage in ("track", "match", "store")) > 0
    again = RunReport()
    link(store, roads, RunSettings(workers=1), again, silent)
    assert contents(store) == ours


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
    report = run(open_source(folder), store, CameraNetwork(), load_detector(), load_embedder())
    assert report.stills == 20
    assert len(report.skipped) == 3
    assert all(any(name in item.where for item in report.skipped) for name in broken)


def test_memory_is_bounded_by_pixels_not_by_stills() -> None:
    settings = RunSettings(workers=1, batch=32, batch_bytes=3 * 2160 * 3840 * 3)
    from cctview.pipeline import _batches

    class Large:
        name = "large"

        def count(self) -> int | None:
            return 10

        def frames(self, known: Callable[[int], bool]) -> Iterator[Frame]:
            image = np.zeros((2160, 3840, 3), np.uint8)
            noon = np.datetime64("2020-05-05T12:00:00", "ns")
            for number in range(10):
                yield Frame(image=image, camera="a", time=noon, name=f"{number}", digest=number)

    class Nothing:
        def columns(self, table: type[Table], names: list[str]) -> pa.Table:
            return table.empty().to_arrow().select(names)

    sizes = [len(batch) for batch in _batches(Large(), Nothing(), settings, RunReport())]  # type: ignore[arg-type]
    assert sizes == [3, 3, 3, 1]


MORNING = np.datetime64("2020-05-05T08:00:00", "ns")
SECOND = np.timedelta64(1, "s")


def every_5_s(begin: np.datetime64, minutes: float) -> np.ndarray:
    return begin + np.arange(0, minutes * 60, 5).astype(int) * SECOND


@pytest.mark.parametrize(("minutes", "detections", "count"), [(59, 0, 1), (61, 0, 2), (600, 0, 10), (30, 900_000, 3)])
def test_stills_without_a_gap_are_cut_into_equal_spans_of_an_hour_or_less(
    minutes: float, detections: int, count: int
) -> None:
    times = every_5_s(MORNING, minutes)
    spans = spans_of(np.random.default_rng(0).permutation(times), detections)
    assert len(spans) == count
    first, last = times[0], times[-1]
    assert spans[0][0] == first
    assert spans[-1][1] == last + np.timedelta64(1, "ns")
    assert [before for _, before in spans[:-1]] == [after for after, _ in spans[1:]]
    assert {after - first for after, _ in spans} == {(last - first) // count * k for k in range(count)}


def test_an_hour_without_stills_parts_spans_and_a_shorter_pause_does_not() -> None:
    last = every_5_s(MORNING, 10)[-1]
    hour = np.timedelta64(1, "h")
    for pause, count in ((hour, 1), (hour + SECOND, 2)):
        times = np.concatenate([every_5_s(MORNING, 10), every_5_s(last + pause, 10)])
        assert len(spans_of(times, 0)) == (2 if count == 2 else 1 + int((times[-1] - times[0]) // hour))


def test_time_without_stills_costs_no_span() -> None:
    far = [np.datetime64("1970-01-01T00:00:07", "ns"), MORNING, MORNING + np.timedelta64(120, "D")]
    times = np.concatenate([far[:1], every_5_s(far[1], 90), every_5_s(far[2], 10)])
    spans = spans_of(times, 1000)
    assert len(spans) == 4
    assert spans[0] == (far[0], far[0] + np.timedelta64(1, "ns"))
    assert all(any(after <= time < before for after, before in spans) for time in times)
    assert all(before - after <= np.timedelta64(1, "h") for after, before in spans)


def test_detections_are_shared_out_over_stretches_by_their_stills() -> None:
    times = np.concatenate([every_5_s(MORNING, 30), every_5_s(MORNING + np.timedelta64(1, "D"), 10)])
    assert len(spans_of(times, 1_500_000)) == 3 + 1
    assert spans_of(times[:0], 0) == []
