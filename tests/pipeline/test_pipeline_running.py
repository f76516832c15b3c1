from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import roadside

from cctview.errors import SettingsError, StoreError
from cctview.execute import SerialExecutor, ThreadExecutor
from cctview.network import CameraNetwork
from cctview.pipeline import Run, RunReport, RunSettings, link, run
from cctview.seams import Store
from cctview.store import Expiry
from cctview.types import Detections, Embeddings, Frames, Journeys, Matches, Tracklets

TABLES = (Frames, Detections, Embeddings, Tracklets, Matches, Journeys)


def going(road: roadside.Road, store: Store, source: roadside.Stills, **options: object) -> Run:
    usual = {"network": road.network, "executor": SerialExecutor(), "settings": RunSettings(batch=16, append=64)}
    options = {**usual, **options}
    network = options.pop("network")
    return Run(source, store, network, road, None, **options)  # type: ignore[arg-type]


def contents(store: Store) -> dict[str, object]:
    return {table.__name__: store.scan(table) for table in TABLES}


@pytest.fixture(scope="module")
def done(road: roadside.Road, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, RunReport]:
    """A run over all of the road."""
    store = roadside.new_store(tmp_path_factory.mktemp("done") / "store")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cctview.pipeline.analysing.embed", road.looks)
        return store, going(road, store, roadside.Stills(road.frames)).driven()


def test_a_run_stores_links_and_adds_up(done: tuple[Store, RunReport], road: roadside.Road) -> None:
    store, report = done
    assert report.stills == len(road.frames) == len(store.scan(Frames))
    assert report.detections == len(store.scan(Detections)) == len(road.detections)
    assert (report.tracklets, report.matches) == (len(store.scan(Tracklets)), len(store.scan(Matches)))
    assert report.journeys == len(store.scan(Journeys)) > 10
    assert report.stored["frames"] == report.stills
    assert list(report.stage_seconds) and report.seconds > 0  # noqa: PT018
    assert {"decode", "detect", "embed", "track", "match", "store", "discover"} == set(report.stage_seconds)
    assert store.network == road.network


def test_each_step_tells_its_part_and_progress_counts_stills(seeing: roadside.Road, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int | None]] = []
    run_ = going(
        seeing,
        roadside.new_store(tmp_path / "store"),
        roadside.Stills(seeing.frames[:100]),
        progress=lambda *step: steps.append(step),
    )
    assert run_.report == RunReport()
    parts = list(run_)
    assert sum(parts, RunReport()) == run_.report
    assert run_.report.stills == 100
    stills = [(done, total) for stage, done, total in steps if stage == "stills"]
    assert stills == sorted(stills)
    assert stills[-1] == (100, 100)
    assert ("tracklets", 2, 2) in steps


def test_workers_and_batches_do_not_change_the_result(
    done: tuple[Store, RunReport], seeing: roadside.Road, tmp_path: Path
) -> None:
    store = roadside.new_store(tmp_path / "store")
    settings = RunSettings(batch=7, append=50)
    going(seeing, store, roadside.Stills(seeing.frames), executor=ThreadExecutor(3), settings=settings).driven()
    assert contents(store) == contents(done[0])


def test_a_run_repeated_adds_nothing_and_a_still_that_comes_twice_is_known(
    seeing: roadside.Road, tmp_path: Path
) -> None:
    store, frames = roadside.new_store(tmp_path / "store"), seeing.frames[:60]
    twice = going(seeing, store, roadside.Stills([*frames, *frames[:10]])).driven()
    assert (twice.stills, twice.known) == (60, 10)
    before = contents(store)
    again = going(seeing, store, roadside.Stills(frames)).driven()
    assert (again.stills, again.known, again.tracklets) == (0, 60, twice.tracklets)
    assert contents(store) == before


def test_without_a_network_of_its_own_a_run_takes_the_stores_else_the_sources(
    seeing: roadside.Road, tmp_path: Path
) -> None:
    store, frames = roadside.new_store(tmp_path / "store"), seeing.frames
    none = going(seeing, store, roadside.Stills(frames), network=None).driven()
    assert none.tracklets > 0
    assert none.linking is not None
    assert none.linking.learnt.startswith("found 2 links among 2 cameras")
    assert none.journeys > 0
    assert all(link.learnt for link in store.network.links)
    first = going(seeing, store, roadside.Stills(frames, network=seeing.network), network=None).driven()
    assert first.journeys > 0
    assert store.network == seeing.network
    kept = going(seeing, store, roadside.Stills(frames, network=CameraNetwork()), network=None).driven()
    assert kept.journeys == first.journeys
    given = going(seeing, store, roadside.Stills(frames), network=CameraNetwork()).driven()
    assert given.linking is not None
    assert given.linking.learnt == none.linking.learnt
    assert given.journeys == none.journeys


def interrupting(at: int, error: BaseException) -> Callable[[int], None]:
    def before(number: int) -> None:
        if number == at:
            raise error

    return before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StoreError("the disk is gone"), ValueError("odd")])
def test_a_run_that_is_broken_off_links_what_is_there(
    error: BaseException, seeing: roadside.Road, tmp_path: Path
) -> None:
    store, heard = roadside.new_store(tmp_path / "store"), []
    run_ = going(seeing, store, roadside.Stills(seeing.frames, before=interrupting(150, error)))
    with pytest.raises(type(error)):
        run_.driven(broken=heard.append)
    assert heard == [error]
    assert 128 <= run_.report.stills == len(store.scan(Frames)) <= 150
    assert run_.report.tracklets == len(store.scan(Tracklets)) > 0
    assert run_.report.seconds > 0
    before = contents(store)
    link(store)
    assert contents(store) == before


def test_nothing_new_is_not_linked_when_a_run_is_broken_off(seeing: roadside.Road, tmp_path: Path) -> None:
    run_ = going(
        seeing,
        roadside.new_store(tmp_path / "store"),
        roadside.Stills(seeing.frames, before=interrupting(0, KeyboardInterrupt())),
    )
    with pytest.raises(KeyboardInterrupt):
        run_.driven()
    assert run_.report.linking is None


def test_a_second_interrupt_stops_at_once(
    seeing: roadside.Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, calls = roadside.new_store(tmp_path / "store"), []

    def again(*_: object) -> None:
        calls.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr("cctview.pipeline.linking.linked_further", again)
    run_ = going(seeing, store, roadside.Stills(seeing.frames, before=interrupting(150, KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        run_.driven()
    assert len(calls) == 1
    assert len(store.scan(Frames)) == run_.report.stills >= 128
    assert len(store.scan(Tracklets)) == 0


def test_an_interrupt_while_the_end_is_linked_does_not_begin_again(
    seeing: roadside.Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def interrupted(*_: object) -> None:
        calls.append(1)
        raise KeyboardInterrupt

    monkeypatch.setattr("cctview.pipeline.linking.linked_further", interrupted)
    run_ = going(seeing, roadside.new_store(tmp_path / "store"), roadside.Stills(seeing.frames[:50]))
    with pytest.raises(KeyboardInterrupt):
        run_.driven()
    assert len(calls) == 1


def test_where_linking_fails_too_the_first_error_is_told_with_it(
    seeing: roadside.Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = roadside.new_store(tmp_path / "store")

    def full(*_: object) -> None:
        raise StoreError("no room to link")

    monkeypatch.setattr("cctview.pipeline.linking.linked_further", full)
    run_ = going(
        seeing, store, roadside.Stills(seeing.frames, before=interrupting(100, StoreError("the disk is full")))
    )
    with pytest.raises(StoreError, match="the disk is full") as told:
        run_.driven()
    assert told.value.__notes__ == ["what is there could not be linked: no room to link"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> RunSettings:
    """Link whenever something came; a minute in view."""
    monkeypatch.setattr("cctview.pipeline.linking._IN_VIEW", np.timedelta64(1, "m"))
    return RunSettings(batch=16, append=1000, link_every_s=0, whole_below=0)


def periods(monkeypatch: pytest.MonkeyPatch, stills: int) -> None:
    """Let it be time to link after so many stills."""
    counted = iter(range(10**6))
    monkeypatch.setattr("cctview.pipeline.running._passed", lambda *_: next(counted) % stills == stills - 1)


def test_a_source_that_never_ends_is_linked_as_it_goes(
    done: tuple[Store, RunReport],
    seeing: roadside.Road,
    tmp_path: Path,
    quick: RunSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    periods(monkeypatch, 150)
    store = roadside.new_store(tmp_path / "store")
    grown: list[tuple[int, int]] = []
    for part in (run_ := going(seeing, store, roadside.Stills(seeing.frames, live=True), settings=quick)):
        if part.linking:
            grown.append((len(store.scan(Tracklets)), len(store.scan(Journeys))))
    assert len(grown) >= len(seeing.frames) // 150
    assert grown == sorted(grown)
    assert 0 < grown[0][0] < grown[-1][0]
    assert grown[-1][1] > 0
    assert run_.report.tracklets == grown[-1][0]
    assert run_.report.journeys == grown[-1][1]
    assert grown[-1][0] == pytest.approx(done[1].tracklets, rel=0.15)


def test_what_never_ends_goes_on_where_it_was_stopped(
    seeing: roadside.Road, tmp_path: Path, quick: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = []
    for name, cuts in (("through", (900,)), ("stopped", (300, 600, 900))):
        periods(monkeypatch, 150)
        store = roadside.new_store(tmp_path / name)
        for begin, end in zip((0, *cuts), cuts, strict=False):
            frames = seeing.frames[begin:end]
            report = going(seeing, store, roadside.Stills(frames, live=True), settings=quick).driven()
            assert report.linking is not None
            assert report.linking.anew.keys() == (set() if begin else report.linking.anew.keys())
        stores.append(contents(store))
    assert stores[0] == stores[1]


def test_stills_that_come_too_late_are_counted_and_take_part_when_all_is_linked_again(
    seeing: roadside.Road, tmp_path: Path, quick: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    periods(monkeypatch, 100)
    store, frames = roadside.new_store(tmp_path / "store"), seeing.frames[:300]
    swapped = [*frames[:50], *frames[60:200], *frames[50:60], *frames[200:]]
    report = going(seeing, store, roadside.Stills(swapped, live=True), settings=quick).driven()
    assert report.linking is not None
    assert report.linking.late == 10
    assert report.stills == 300
    members = store.scan(Tracklets).members.values
    missed = seeing(frames[50:60]).id
    assert not np.isin(missed, members).any()
    link(store)
    assert np.isin(missed, store.scan(Tracklets).members.values).any()


def test_a_small_store_is_linked_as_a_whole_when_its_source_ends_or_is_stopped(
    done: tuple[Store, RunReport], seeing: roadside.Road, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RunSettings(batch=16, append=64)
    store = roadside.new_store(tmp_path / "store")
    report = going(seeing, store, roadside.Stills(seeing.frames, live=True), settings=settings).driven()
    assert contents(store) == contents(done[0])
    assert report.journeys == done[1].journeys
    stopped = roadside.new_store(tmp_path / "stopped")
    source = roadside.Stills(seeing.frames, live=True, before=interrupting(len(seeing.frames) - 1, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        going(seeing, stopped, source, settings=settings).driven()
    assert len(stopped.scan(Journeys)) > 10


def test_the_clock_says_when_it_is_time_to_link(monkeypatch: pytest.MonkeyPatch) -> None:
    from cctview.pipeline.running import _passed

    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    assert [_passed(start, 60.0) for start in (39.0, 40.0, 41.0)] == [True, True, False]


@pytest.mark.parametrize("name", ["batch", "batch_bytes", "append", "link_every_s", "whole_below"])
def test_settings_that_make_no_sense_are_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        RunSettings(**{name: -1})  # type: ignore[arg-type]


def test_the_verb_is_a_run_driven_to_its_end(seeing: roadside.Road, tmp_path: Path) -> None:
    store = roadside.new_store(tmp_path / "store")
    report = run(roadside.Stills(seeing.frames[:30]), store, seeing.network, seeing, None)  # type: ignore[arg-type]
    assert report.stills == 30 == len(store.scan(Frames))


def test_what_becomes_too_old_goes_while_the_run_lasts(seeing: roadside.Road, tmp_path: Path) -> None:
    store = roadside.new_store(tmp_path / "store")
    run_ = going(seeing, store, roadside.Stills(seeing.frames[:64]))
    run_._expiry = Expiry(store, every_s=0.005)
    for part in run_:
        if part.stills:
            store.set_policy(replace(store.policy, keep_frames=False))
            while store.summary()["frames"]["pixel_bytes"]:
                pass
    assert run_.report.stored["expired_pixels"] == run_.report.stored["pixels"] > 0
    assert run_.report.tracklets > 0
