"""The simulator as a source, worlds on disk, and what a perfect and a blind program score in them."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from cctview import open_source
from cctview.errors import InputError, SettingsError
from cctview.evaluate.world import Found, score_world
from cctview.network import load_network
from cctview.privacy import Policy
from cctview.sim import SimSettings, simulate
from cctview.simulated import SimulatedSource, open_simulated, store_world, truth_of, write_world
from cctview.sources import Known, Skipped
from cctview.store import create_store
from cctview.types import Detections, Frame, Journeys, Matches, Tracklets, TravelTimes

SMALL = {"width": 176, "height": 120}


@pytest.fixture(scope="module")
def faulty() -> SimulatedSource:
    settings = SimSettings(minutes=0.6, cameras=1, faults=0.5, clock_s=4.0, seed=3, **SMALL)
    return SimulatedSource("sim://", simulate(settings))


@pytest.fixture(scope="module")
def handed_out(faulty):
    return list(faulty.frames(lambda _: False))


@pytest.fixture(scope="module")
def hour():
    """A world that is not drawn, long enough for journeys."""
    simulation = simulate(SimSettings(minutes=4, cameras=3, seed=2))
    return simulation, truth_of(simulation)


def everything(world) -> Found:
    tables = world.tables
    return Found(
        detections=tables.detections,
        tracklets=tables.tracklets,
        matches=tables.matches,
        journeys=world.journeys,
        travel_times=world.travel_times,
    )


def test_faults_arrive_as_they_would_from_a_real_camera(faulty, handed_out):
    frames = [item for item in handed_out if isinstance(item, Frame)]
    broken = [item for item in handed_out if isinstance(item, Skipped)]
    assert len(handed_out) == faulty.count()
    assert broken
    assert all("truncated" in item.reason for item in broken)
    assert len({frame.digest for frame in frames}) < len(frames)
    assert {still.fault for still in faulty.drawn} == {"", "repeated", "half sent"}


def test_a_wrong_clock_shows_in_the_name_and_not_in_the_truth(faulty, handed_out):
    whole = [still for still in faulty.drawn if not still.fault]
    told = np.array([(still.time - faulty.simulation.plan.start) / np.timedelta64(1, "s") for still in whole])
    ahead = told - np.array([still.at for still in whole])
    np.testing.assert_allclose(ahead, ahead[0], atol=1e-6)
    assert abs(ahead[0]) > 0.1
    assert len(handed_out) > 5


def test_what_is_stored_already_is_not_handed_out_again(faulty, handed_out):
    ids = {item.id for item in handed_out if isinstance(item, Frame)}
    again = list(faulty.frames(lambda frame: frame in ids))
    assert not [item for item in again if isinstance(item, Frame)]
    assert {item.id for item in again if isinstance(item, Known)} == ids


def test_an_address_opens_a_simulation(tmp_path):
    source = open_simulated("sim://grid?minutes=0.5&cameras=3&traffic=jam&light=night&faults=0.1")
    settings = source.simulation.plan.settings
    assert (settings.world, settings.cameras, settings.traffic, settings.light) == ("grid", 3, 100.0, "night")
    assert len(source.network.cameras) == 3
    (tmp_path / "roads.toml").write_text(source.simulation.plan.network_toml())
    same = open_simulated(f"sim://{tmp_path / 'roads.toml'}?minutes=0.5")
    assert same.network.cameras.id.tolist() == source.network.cameras.id.tolist()
    assert len(same.network.links) == len(source.network.links)


def test_open_source_finds_the_simulator_by_its_scheme():
    assert isinstance(open_source("sim://corridor?minutes=0.1&cameras=1"), SimulatedSource)
    with pytest.raises(InputError, match="sim://"):
        open_source("nothing://here")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("sim://?minute=3", "did you mean 'minutes'"),
        ("sim://corridor?minutes=long", "must be a number"),
        ("sim://corridor?traffic=much", "free, light, busy"),
        ("sim://corridoor", "did you mean 'corridor'"),
    ],
)
def test_a_wrong_address_is_refused_by_name(spec, says):
    with pytest.raises(SettingsError, match=says):
        open_simulated(spec)


def test_the_truth_scores_full_marks(hour):
    _, world = hour
    scores = score_world(world, everything(world))
    assert scores["detection"]["AP50"] == pytest.approx(1)
    assert scores["detection"]["recall"] == 1
    assert scores["tracking"]["IDF1"] == pytest.approx(1)
    assert scores["matches"]["rank-1"] == 1
    assert scores["matches"]["wrong of the sure"] == 0
    assert scores["journeys"]["steps right"] == 1
    assert scores["journeys"]["true steps found"] == 1
    assert scores["travel times"]["median error s"] == 0


def test_a_blind_program_scores_nothing(hour):
    _, world = hour
    nothing = Found(
        detections=Detections.empty(),
        tracklets=Tracklets.empty(),
        matches=Matches.empty(),
        journeys=Journeys.empty(),
        travel_times=TravelTimes.empty(),
    )
    scores = score_world(world, nothing)
    assert scores["detection"]["recall"] == 0
    assert scores["journeys"]["true steps found"] == 0


def test_journeys_that_swap_vehicles_are_wrong(hour):
    _, world = hour
    found = everything(world)
    swapped = np.roll(found.journeys.members.values, 1)
    chains = found.journeys.replace(members=type(found.journeys.members)(swapped, found.journeys.members.offsets))
    mixed = Found(**{**{name: getattr(found, name) for name in Found.__dataclass_fields__}, "journeys": chains})
    scores = score_world(world, mixed)["journeys"]
    assert scores["steps right"] < 0.4
    assert scores["journeys wholly right"] < 0.2


def test_true_travel_times_follow_the_speed_of_the_vehicles(hour):
    simulation, world = hour
    seconds = world.travel_times.median_s
    metres = simulation.plan.settings.spacing_m
    assert len(seconds) >= 4
    assert np.all((metres / seconds > 10) & (metres / seconds < 32))


def test_a_world_on_disk_holds_all_its_truth(tmp_path):
    simulation = simulate(SimSettings(minutes=0.15, cameras=2, seed=5, **SMALL))
    world = write_world(simulation, tmp_path)
    truth = tmp_path / "truth"
    assert len(list(tmp_path.rglob("*.jpeg"))) == len(world.tables.frames) > 0
    assert len(json.loads((tmp_path / "truth.json").read_text())["images"]) == len(world.tables.frames)
    assert load_network(truth / "network.toml").cameras.id.tolist() == ["sim-1", "sim-2"]
    with (truth / "sightings.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(world.sightings)
    for name in ("tracklets", "matches", "journeys", "travel-times"):
        assert (truth / f"{name}.csv").read_text().count("\n") >= 1
    rows = np.loadtxt(truth / "mot" / "sim-1" / "gt" / "gt.txt", delimiter=",", ndmin=2)
    mine = world.sightings[(world.sightings.camera == "sim-1") & (world.sightings.type != "person")]
    assert len(rows) == len(mine)
    assert rows[:, 0].min() >= 1
    assert set(rows[:, 6]) <= {0.0, 1.0}
    assert "seqLength=" in (truth / "mot" / "sim-1" / "seqinfo.ini").read_text()


def test_frames_of_the_truth_are_those_a_run_would_store(tmp_path):
    simulation = simulate(SimSettings(minutes=0.1, cameras=1, seed=5, **SMALL))
    world = write_world(simulation, tmp_path)
    read = list(open_source(tmp_path, timezone="America/New_York").frames(lambda _: False))
    assert sorted(frame.id for frame in read if isinstance(frame, Frame)) == sorted(world.tables.frames.id.tolist())


def test_a_store_of_the_truth_scores_full_marks(tmp_path):
    simulation = simulate(SimSettings(minutes=0.15, cameras=2, seed=5, **SMALL))
    store = create_store(tmp_path / "store", Policy.default("a test"))
    world = store_world(simulation, store)
    assert len(store.scan(Detections)) == len(world.tables.detections) > 0
    assert len(store.scan(Tracklets)) == len(world.tables.tracklets)


def test_a_world_without_stills_says_nearly_the_same_as_the_drawn_one():
    simulation = simulate(SimSettings(minutes=0.15, cameras=1, seed=5))
    source = SimulatedSource("sim://", simulation)
    list(source.frames(lambda _: False))
    drawn, quick = source.world().sightings, simulation.sightings()
    shown = drawn[(drawn.type == "car") & (drawn.visibility > 0.95)]
    keys, told = (list(zip(side.still.tolist(), side.identity.tolist(), strict=True)) for side in (shown, quick))
    boxes = dict(zip(told, quick.whole, strict=True))
    pairs = [(box, boxes[key]) for key, box in zip(keys, shown.whole, strict=True) if key in boxes]
    assert len(pairs) > 0.9 * len(shown)
    mine, theirs = (np.array(side) for side in zip(*pairs, strict=True))
    size = np.sqrt(np.prod(mine[:, 2:] - mine[:, :2], axis=1))
    assert np.median(np.abs(mine - theirs).max(axis=1) / size) < 0.15
