"""Traffic obeys the road: nobody overlaps, everybody moves on, and demand is met."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import pytest

from cctview.network import parse_network
from cctview.sim import SimSettings, simulate
from cctview.sim.world.arrivals import STEP_S, flow
from cctview.sim.world.built_in import build_layout
from cctview.sim.world.fleet import KINDS
from cctview.sim.world.road import LANE_WIDTH, LANES, lane_offset, winding
from cctview.sim.world.traffic import Traffic, stroll


@pytest.fixture(scope="module")
def layout():
    return build_layout(SimSettings(cameras=3), None, np.random.default_rng(1))


@pytest.fixture(scope="module")
def road(layout):
    return layout.roads[0]


@pytest.fixture(scope="module", params=[15.0, 60.0, 85.0])
def history(request) -> list[Traffic]:
    layout = build_layout(SimSettings(cameras=3, traffic=request.param), None, np.random.default_rng(1))
    return list(islice(flow(layout, request.param, np.random.default_rng(2)), 240))


def gaps_in_lanes(traffic: Traffic) -> np.ndarray:
    """Return the free space between neighbours; a vehicle changing lanes takes room in both."""
    changing = traffic.change_left > 0
    row = np.concatenate([np.arange(len(traffic)), np.flatnonzero(changing)])
    lane = np.concatenate([traffic.lane, traffic.came_from[changing]]) + 10 * traffic.way[row]
    order = np.lexsort((traffic.travelled[row], lane))
    row, lane = row[order], lane[order]
    same = lane[1:] == lane[:-1]
    return ((traffic.travelled - traffic.length)[row[1:]] - traffic.travelled[row[:-1]])[same]


def test_vehicles_of_one_lane_never_overlap(history):
    assert min(gaps_in_lanes(traffic).min(initial=np.inf) for traffic in history) > 0.3


def test_vehicles_in_neighbouring_lanes_keep_their_sides_apart(history, road):
    for traffic in history[::10]:
        s, d, _ = traffic.at(traffic.time, road)
        alongside = np.abs(s[:, None] - s) < (traffic.length[:, None] + traffic.length) / 2
        apart = np.abs(d[:, None] - d)
        np.fill_diagonal(alongside, False)  # noqa: FBT003
        assert apart[alongside].min(initial=np.inf) > 0.5 * LANE_WIDTH


def test_speeds_are_those_of_a_road(history):
    speed = np.concatenate([traffic.speed for traffic in history])
    assert speed.min() >= 0
    assert 8 < np.median(speed) < 26
    assert speed.max() < 33


def test_a_jam_stands_where_free_traffic_flows():
    speed = {}
    for demand in (15.0, 110.0):
        layout = build_layout(SimSettings(cameras=1, traffic=demand), None, np.random.default_rng(1))
        later = list(islice(flow(layout, demand, np.random.default_rng(2)), 200))[-1]
        near_the_end = later.travelled > layout.length[0] - 400
        speed[demand] = float(np.mean(later.speed[near_the_end]))
    assert speed[15.0] > 16
    assert speed[110.0] < 7


@pytest.mark.parametrize("world", ["grid", "motorway"])
def test_other_worlds_keep_their_vehicles_apart(world):
    layout = build_layout(SimSettings(cameras=4, world=world), None, np.random.default_rng(1))
    history = list(islice(flow(layout, 40.0, np.random.default_rng(2)), 200))
    assert min(gaps_in_lanes(traffic).min(initial=np.inf) for traffic in history[::5]) > 0.3
    pace = np.concatenate([traffic.speed for traffic in history])
    assert np.mean(pace < 0.3) > 0.03 if world == "grid" else np.median(pace) > 22


def test_vehicles_keep_their_number_when_they_turn_into_another_street():
    layout = build_layout(SimSettings(cameras=4, world="grid"), None, np.random.default_rng(1))
    history = list(islice(flow(layout, 40.0, np.random.default_rng(2)), 300))
    identity = np.concatenate([traffic.identity for traffic in history])
    road = np.concatenate([traffic.way >> 1 for traffic in history])
    streets = np.unique(np.stack([identity, road], axis=1), axis=0)
    assert np.max(np.bincount(streets[:, 0])) >= 2


def test_a_camera_network_becomes_roads_with_its_cameras():
    text = "".join(
        f'[[camera]]\nid = "{name}"\nlat = 40.{n}\nlon = -73.9\nheading = "{heading}"\n'
        for n, (name, heading) in enumerate((("a", "N"), ("b", "S"), ("c", "N"), ("d", "E")), start=1)
    ) + "".join(
        f'[[link]]\nfrom = "{a}"\nto = "{b}"\ndirection = "{way}"\nmetres = {metres}\n'
        for a, b, way, metres in (("a", "b", "S", 400), ("b", "c", "S", 900), ("b", "d", "E", 700))
    )
    simulation = simulate(SimSettings(minutes=1), parse_network(text))
    assert sorted(simulation.plan.cameras) == ["a", "b", "c", "d"]
    sites = {site.name: site for site in simulation.plan.layout.sites}
    assert sites["a"].against
    assert not sites["b"].against
    assert {(link.origin, link.target) for link in simulation.plan.network.links} == {
        ("a", "b"),
        ("b", "c"),
        ("b", "d"),
    }
    roads = [road for road in simulation.plan.layout.roads if road.length > 600]
    assert len(simulation.plan.layout.roads) == len(roads) == 3


def test_as_many_vehicles_pass_as_were_asked_for(layout):
    history = list(islice(flow(layout, 40.0, np.random.default_rng(3)), 1200))
    middle = layout.roads[0].length / 2
    before, after = history[0], history[-1]
    entered = after.identity.max() - before.identity.max()
    minutes = len(history) * STEP_S / 60
    ramps = 4 * 0.12
    assert entered / minutes == pytest.approx(40 * (2 + ramps), rel=0.15)
    assert np.count_nonzero(after.travelled > middle) > 10


def test_the_mix_has_every_kind_and_every_vehicle_keeps_its_own(history):
    known: dict[int, tuple[int, float]] = {}
    for traffic in history[::20]:
        for identity, kind, length in zip(traffic.identity, traffic.kind, traffic.length, strict=True):
            assert known.setdefault(int(identity), (int(kind), float(length))) == (kind, length)
    if len(known) > 200:
        assert {KINDS[kind] for kind, _ in known.values()} == set(KINDS)


def test_some_change_lanes_and_move_across_smoothly(history, road):
    changes = sum(int(np.count_nonzero(traffic.change_left > 0)) for traffic in history)
    assert changes > 0
    for one, two in pairwise(history[:200]):
        both, first, second = np.intersect1d(one.identity, two.identity, return_indices=True)
        sideways = two.at(two.time, road)[1][second] - one.at(one.time, road)[1][first]
        assert len(both)
        assert np.abs(sideways).max() < 2.1 * STEP_S


def test_positions_between_steps_lie_between_them(history, road):
    one = history[50]
    start, _, _ = one.at(one.time, road)
    later, _, _ = one.at(one.time + 0.1, road)
    sense = np.where(one.direction == 0, 1, -1)
    np.testing.assert_allclose((later - start) * sense, one.speed * 0.1, atol=1e-9)


def test_the_two_directions_drive_on_their_own_right(history, road):
    traffic = history[0]
    _, d, _ = traffic.at(traffic.time, road)
    assert np.all(d[traffic.direction == 0] > 1)
    assert np.all(d[traffic.direction == 1] < -1)


def test_no_traffic_is_a_valid_wish(layout):
    assert len(next(flow(layout, 0.0, np.random.default_rng(0)))) == 0


def test_the_reversed_road_is_the_same_ground():
    road = winding(1000.0, np.random.default_rng(3))
    s, d = np.array([100.0, 700.0]), np.array([4.0, -9.0])
    back = road.reversed()
    np.testing.assert_allclose(back.place(1000.0 - s, -d), road.place(s, d), atol=1e-6)
    np.testing.assert_allclose(np.cos(back.heading(1000.0 - s) - road.heading(s)), -1, atol=1e-9)


def test_road_coordinates_survive_a_round_trip(road):
    rng = np.random.default_rng(4)
    s, d = rng.uniform(0, road.length, 200), rng.uniform(-60, 60, 200)
    back_s, back_d = road.locate(road.place(s, d), s + rng.uniform(-20, 20, 200))
    np.testing.assert_allclose(back_s, s, atol=0.05)
    np.testing.assert_allclose(back_d, d, atol=0.05)


def test_lanes_lie_side_by_side():
    lanes = lane_offset(np.zeros(LANES, np.int64), np.arange(LANES))
    np.testing.assert_allclose(np.diff(lanes), LANE_WIDTH)
    np.testing.assert_allclose(lane_offset(np.ones(LANES, np.int64), np.arange(LANES)), -lanes)


def test_people_walk_on_both_walkways(road):
    people = stroll(road, (15.0, 17.0), np.random.default_rng(0))
    s, d, _ = people.at(0.0, road)
    moved, _, _ = people.at(10.0, road)
    assert set(np.sign(d)) == {-1.0, 1.0}
    assert np.all((np.abs(d) >= 15) & (np.abs(d) <= 17))
    walked = np.abs(moved - s)
    assert np.median(walked) == pytest.approx(13.5, abs=3)
