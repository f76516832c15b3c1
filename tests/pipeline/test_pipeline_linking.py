from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import roadside

from cctview.execute import SerialExecutor
from cctview.matching import BeliefMatcher, MatchSettings
from cctview.network import CameraNetwork
from cctview.pipeline import RunSettings, link
from cctview.pipeline.analysing import Analysis, joined
from cctview.pipeline.linking import Linker, stills_of
from cctview.pipeline.spans import Span
from cctview.pipeline.standing import loaded
from cctview.progress import silent
from cctview.seams import Store
from cctview.tracking import RoadTracker, TrackSettings
from cctview.tracking.passages import passages
from cctview.types import (
    Breaks,
    Detections,
    Embeddings,
    Frames,
    Journeys,
    Matches,
    Passages,
    Tracklets,
    TravelTimes,
)

MINUTE = np.timedelta64(1, "m")
DERIVED = (Tracklets, Matches, Journeys, TravelTimes)


@pytest.fixture
def short_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vehicles are in view for a minute, so that a quarter of an hour has something to settle."""
    monkeypatch.setattr("cctview.pipeline.linking._IN_VIEW", np.timedelta64(1, "m"))


def linker(store: Store, **methods: object) -> Linker:
    usual = {"tracker": RoadTracker(), "matcher": BeliefMatcher(), "settings": RunSettings(), "progress": silent}
    return Linker(store=store, executor=SerialExecutor(), **{**usual, **methods})


def fill(store: Store, road: roadside.Road, frames: list) -> None:
    found = road(frames)
    looks = road.looks(frames, found, None)
    part = Analysis(frames=frames, detections=found, embeddings=looks, people=Detections.empty(), seconds={})
    store.append(joined([part]))


def minutes_of(road: roadside.Road, minutes: int) -> Iterator[list]:
    first = road.frames[0].time
    for start in range(0, 15, minutes):
        yield [f for f in road.frames if start * MINUTE <= f.time - first < (start + minutes) * MINUTE]


@pytest.fixture(scope="module")
def filled(road: roadside.Road, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """All of the road, linked as a whole."""
    store = roadside.new_store(tmp_path_factory.mktemp("filled") / "store")
    store.set_network(road.network)
    fill(store, road, road.frames)
    link(store, executor=SerialExecutor())
    return store


def test_what_is_linked_carries_the_network_and_the_methods(filled: Store, road: roadside.Road) -> None:
    for kind in DERIVED[:3]:
        table = filled.scan(kind)
        assert len(table) > 0
        assert table.meta["network"] == road.network.digest
        assert table.meta["tracker"] == "road"
    assert filled.scan(Matches).meta["matcher"] == "belief"
    assert filled.states() == {}


def test_linking_again_changes_nothing_and_says_what_it_made(filled: Store) -> None:
    before = {kind: filled.scan(kind) for kind in DERIVED}
    steps: list[tuple[str, int, int | None]] = []
    report = link(filled, progress=lambda *step: steps.append(step))
    assert {kind: filled.scan(kind) for kind in DERIVED} == before
    told = report.linking
    assert told is not None
    assert (told.tracklets, told.matches, told.journeys) == tuple(len(before[kind]) for kind in DERIVED[:3])
    assert (told.whole, told.reason, told.unknown, told.unseen, told.anew) == (True, "", (), (), {})
    counted = len(filled.scan(Passages).members.values)
    assert sum(told.uncounted.values()) + counted == told.tracklets
    assert steps == [("tracklets", 2, 2)]
    assert min(report.stage_seconds[stage] for stage in ("track", "match", "store")) > 0
    assert report.seconds == pytest.approx(sum(report.stage_seconds.values()))


def test_cameras_that_took_no_part_are_named(road: roadside.Road, tmp_path: Path) -> None:
    store = roadside.new_store(tmp_path / "store")
    fill(store, road, [frame for frame in road.frames if frame.camera == "c1"][:60])
    cases = [
        (None, "no camera network with links is known", (), ()),
        (replace(road.network, links=()), "no camera network with links is known", (), ("c2",)),
        (road.network, "no two cameras that a link joins have stills", (), ("c2",)),
        (replace(road.network, cameras=road.network.cameras[road.network.cameras.id == "c2"], links=()), None, ("c1",), ("c2",)),
    ]  # fmt: skip
    for network, reason, unknown, unseen in cases:
        if network is not None:
            store.set_network(network)
        told = link(store).linking
        assert told is not None
        assert told.journeys == 0
        assert told.tracklets > 0
        assert told.reason == (reason or "no camera network with links is known")
        assert (told.unknown, told.unseen) == (unknown, unseen)


def test_passages_are_those_of_the_tracklets_that_are_stored(filled: Store) -> None:
    counted = filled.scan(Passages)
    assert len(counted) > 50
    whole = passages(filled.scan(Tracklets), filled.scan(Detections), filled.scan(Breaks))
    assert np.array_equal(np.sort(counted.id), np.sort(whole.id))
    assert counted.meta["network"] == filled.network.digest


def test_passages_of_what_grows_are_told_when_enough_came_to_show_the_line(
    road: roadside.Road, tmp_path: Path, filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cctview.pipeline.linking._COUNT_EVERY", np.timedelta64(450, "s"))
    store, told = roadside.new_store(tmp_path / "store"), []
    store.set_network(road.network)
    for frames in minutes_of(road, 3):
        fill(store, road, frames)
        linker(store).further()
        told.append(len(store.scan(Passages)))
    assert told[0] == told[1] == 0
    assert 0 < told[2] == told[3]
    assert len(np.unique(store.scan(Passages).id)) == told[-1]
    before = filled.scan(Passages)
    early = before.time < road.frames[0].time + 8 * MINUTE
    assert told[2] == pytest.approx(np.count_nonzero(early), rel=0.2)


def test_an_empty_store_links_to_empty_tables(tmp_path: Path) -> None:
    report = link(roadside.new_store(tmp_path / "store"))
    assert (report.tracklets, report.matches, report.journeys) == (0, 0, 0)


def test_another_tracker_and_matcher_are_asked(road: roadside.Road, tmp_path: Path) -> None:
    store = roadside.new_store(tmp_path / "store")
    store.set_network(road.network)
    fill(store, road, road.frames[:200])
    link(store, tracker=RoadTracker(TrackSettings(threshold=4.0)), matcher=BeliefMatcher(MatchSettings(k=3)))
    meta = store.scan(Matches).meta
    assert (meta["threshold"], meta["matcher_k"]) == ("4.0", "3")


def test_only_cameras_with_stills_in_a_span_are_read(road: roadside.Road, tmp_path: Path) -> None:
    store = roadside.new_store(tmp_path / "store")
    fill(store, road, [frame for frame in road.frames if frame.camera == "c1"][:20])
    late = road.frames[-1].time + np.timedelta64(300, "D")
    fill(store, road, [replace(frame, camera="c2", time=late) for frame in road.frames[:1]])
    scanned: list[str] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def scan(self, table: type, **where: object) -> object:
            scanned.append(f"{table.__name__} {where['camera']}")
            return store.scan(table, **where)

    link(Watched(), settings=RunSettings(discover=False))  # type: ignore[arg-type]
    assert sorted(scanned) == sorted(
        f"{kind} {camera}" for kind in ("Frames", "Detections", "Embeddings") for camera in ("c1", "c2")
    )


def test_stills_know_which_cameras_took_them_when(filled: Store, road: roadside.Road) -> None:
    stills = stills_of(filled)
    assert len(stills.time) == len(road.frames)
    first = road.frames[0]
    assert stills.cameras_in(Span(first.time, first.time + np.timedelta64(1, "ns"))) == [first.camera]
    assert stills.cameras_in(Span(first.time, road.frames[-1].time)) == ["c1", "c2"]
    assert stills.cameras_in(Span(first.time - MINUTE, first.time)) == []


def reached(store: Store) -> dict[str, np.datetime64]:
    """The time of the last still that is linked, by camera."""
    one = linker(store)
    return loaded(store.states(), one.tracker, one._made()).reached


@pytest.fixture(scope="module")
def grown(road: roadside.Road, tmp_path_factory: pytest.TempPathFactory):
    """The road linked three minutes at a time, each time from what is stored, and what that reported."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("cctview.pipeline.linking._IN_VIEW", np.timedelta64(1, "m"))
        store = roadside.new_store(tmp_path_factory.mktemp("grown") / "store")
        store.set_network(road.network)
        reports = []
        for frames in minutes_of(road, 3):
            fill(store, road, frames)
            reports.append(linker(store).further())
    return store, reports


def test_a_store_that_grows_is_linked_as_it_grows(grown, filled: Store) -> None:
    store, reports = grown
    assert [report.linking.whole for report in reports] == [True, False, False, False, False]
    assert reports[0].linking.anew == {
        "no states are stored: nothing was linked yet, or rows were removed or replaced since": 1
    }
    assert all(report.linking.anew == {} for report in reports[1:])
    assert sum(report.tracklets for report in reports) == len(store.scan(Tracklets))
    assert sum(report.matches for report in reports) == len(store.scan(Matches))
    assert sum(report.journeys for report in reports) == len(store.scan(Journeys)) > 0
    assert len(store.scan(Tracklets)) == pytest.approx(len(filled.scan(Tracklets)), rel=0.15)


def test_no_detection_is_in_two_tracklets_and_no_query_is_answered_twice(grown) -> None:
    store, _ = grown
    members = store.scan(Tracklets).members.values
    assert len(np.unique(members)) == len(members)
    matches = store.scan(Matches)
    asked = list(zip(matches.query.tolist(), matches.camera.tolist(), strict=True))
    assert len(set(asked)) == len(asked)


def test_what_grew_is_what_spans_of_the_same_length_give(grown, road: roadside.Road, tmp_path: Path, short_spans: None, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    store, _ = grown
    ends = [(frames[0].time, frames[-1].time + np.timedelta64(1, "ns")) for frames in minutes_of(road, 3)]
    other = roadside.new_store(tmp_path / "store")
    other.set_network(road.network)
    fill(other, road, road.frames)
    monkeypatch.setattr("cctview.pipeline.linking.spans_of", lambda times, detections: [Span(*end) for end in ends])
    linker(other).further()
    for kind in DERIVED:
        assert other.scan(kind) == store.scan(kind), kind
    assert other.states().keys() == store.states().keys()


def test_a_still_that_comes_twice_or_late_is_not_linked_again(grown, road: roadside.Road) -> None:
    store, _ = grown
    before = store.scan(Tracklets)
    report = linker(store).further()
    assert (report.tracklets, report.linking.whole, report.linking.late) == (0, False, 0)
    assert store.scan(Tracklets) == before
    last = {frame.camera: frame.time for frame in road.frames}
    assert reached(store) == last


def test_breaks_are_found_where_stills_come_a_minute_at_a_time(road: roadside.Road, tmp_path: Path) -> None:
    store = roadside.new_store(tmp_path / "store")
    mine = [frame for frame in road.frames if frame.camera == "c1"][:240]
    silent_s = np.timedelta64(200, "s")
    fill(store, road, mine[:120])
    linker(store).further()
    for begin in (120, 180):
        part = [replace(frame, time=frame.time + silent_s) for frame in mine[begin : begin + 60]]
        fill(store, road, part)
        linker(store).further()
    breaks = store.scan(Breaks)
    assert breaks.kind.tolist() == ["gap"]
    assert breaks.time[0] == mine[120].time + silent_s


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("forget", "rows were removed"),
        ("network", "no states are stored"),
        ("tracker", "the tracker changed since"),
        ("matcher", "the matcher changed since"),
        ("both", "the tracker and the matcher changed since"),
        ("damage", "cannot be read"),
        ("camera", "camera 'c2' has its first stills"),
    ],
)
def test_states_of_no_use_are_told_and_everything_is_linked_anew(
    change: str, reason: str, road: roadside.Road, tmp_path: Path
) -> None:
    store = roadside.new_store(tmp_path / "store")
    store.set_network(road.network)
    frames = road.frames[:160] if change != "camera" else [frame for frame in road.frames[:160] if frame.camera == "c1"]
    fill(store, road, frames[:-20])
    linker(store).further()
    methods = {}
    if change == "forget":
        store.forget(ids=np.array([frames[3].id]))
    elif change == "network":
        store.set_network(CameraNetwork())
    elif change == "damage":
        store.extend([], {**store.states(), "ends": b"no Arrow"})
    elif change == "camera":
        fill(store, road, [frame for frame in road.frames if frame.camera == "c2"][200:205])
    if change in ("tracker", "both"):
        methods["tracker"] = RoadTracker(TrackSettings(threshold=4.0))
    if change in ("matcher", "both"):
        methods["matcher"] = BeliefMatcher(MatchSettings(k=3))
    fill(store, road, frames[-20:])
    told = linker(store, **methods).further().linking
    assert told.whole
    ((why, times),) = told.anew.items()
    assert reason in why
    assert times == 1
    assert len(store.scan(Tracklets)) == told.tracklets > 0
    again = linker(store, **methods).further().linking
    assert again.anew == {}


def test_a_still_from_the_future_waits_for_its_time(road: roadside.Road, tmp_path: Path) -> None:
    store = roadside.new_store(tmp_path / "store")
    ahead = np.datetime64("now", "ns") + np.timedelta64(1, "D")
    frames = road.frames[:40]
    fill(store, road, [*frames, replace(road.frames[41], time=ahead)])
    assert linker(store).further().linking.late == 0
    assert max(reached(store).values()) == frames[-1].time
    assert len(store.scan(Frames)) == 41
    assert len(store.scan(Embeddings)) > 0


def test_what_is_removed_while_linking_goes_on_is_in_no_state(road: roadside.Road, tmp_path: Path) -> None:
    store = roadside.new_store(tmp_path / "store")
    store.set_network(road.network)
    fill(store, road, road.frames[:140])
    linker(store).further()
    fill(store, road, road.frames[140:160])
    doomed = store.scan(Frames).camera[0]
    told = []

    def forgets(stage: str, done: int, total: int | None) -> None:
        if not told:
            store.forget(camera=doomed)
        told.append(stage)

    linking = linker(store, progress=forgets).further().linking
    assert linking.whole
    assert doomed not in store.scan(Tracklets).camera
    remembered = {camera for camera, _ in json.loads(store.states()["about"])["cameras"]}
    assert remembered == set(store.scan(Frames).camera.tolist())
    assert doomed not in remembered
