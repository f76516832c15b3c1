from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cctview.errors import SettingsError
from cctview.network import parse_network
from cctview.sim import SimSettings
from cctview.sim.plan import Plan

SETTINGS = SimSettings(minutes=1, cameras=3, seed=5, clock_s=2.0, turns=2, faults=0.1)


def test_the_parts_of_a_plan_are_the_same_in_whatever_order_they_are_asked_for() -> None:
    one, other = Plan(SETTINGS), Plan(SETTINGS)
    _ = one.layout, one.poses, one.timetable
    _ = other.timetable, other.poses, other.layout
    assert np.array_equal(one.timetable.told, other.timetable.told)
    assert [pose.yaw for pose in one.poses] == [pose.yaw for pose in other.poses]
    assert one.network_toml() == other.network_toml()


def test_each_purpose_has_its_own_random_numbers_and_another_seed_gives_others() -> None:
    plan, other = Plan(SETTINGS), Plan(SimSettings(seed=6))
    draws = [plan.rng("road"), plan.rng("camera"), plan.rng("camera", 1), other.rng("road")]
    assert len({rng.random() for rng in draws}) == len(draws)
    assert plan.rng("camera", 1).random() == plan.rng("camera", 1).random()


def test_second_zero_is_the_light_asked_for_and_times_count_from_there_in_nanoseconds() -> None:
    for light, moment in (
        ("day", "2020-05-05T17:07:52"),
        ("dusk", "2020-05-06T00:02:10"),
        ("night", "2020-05-06T02:07:52"),
    ):
        plan = Plan(SimSettings(light=light))
        assert plan.start == np.datetime64(moment)
        assert (plan.times(np.array([0.0, 1.5])) - plan.start).astype(int).tolist() == [0, 1_500_000_000]


def test_names_tell_local_time_and_milliseconds_only_where_stills_come_like_video() -> None:
    moment = np.datetime64("2020-05-05T17:07:52.250", "ns")
    assert Plan(SETTINGS).name("sim-1", moment) == "sim-1--2020-05-05--13.07.52--original"
    assert Plan(SimSettings(interval_s=0.2)).name("sim-1", moment) == "sim-1--2020-05-05--13.07.52.250--original"


def test_the_network_of_a_plan_is_the_given_one_or_that_of_the_world_it_laid() -> None:
    plan = Plan(SETTINGS)
    assert plan.network.cameras.id.tolist() == list(plan.cameras) == ["sim-1", "sim-2", "sim-3"]
    given = parse_network(plan.network_toml())
    assert Plan(SETTINGS, given).network == given


def test_a_given_network_keeps_its_names_and_takes_the_time_zone_that_the_names_of_stills_are_in() -> None:
    given = parse_network(Plan(SETTINGS).network_toml())
    names = np.array(['5th "Ave" \\', "Ünter", "c"], np.str_)
    odd = replace(given, cameras=given.cameras.replace(name=names), timezone="Asia/Singapore")
    assert parse_network(Plan(SETTINGS, odd).network_toml()) == replace(odd, timezone="America/New_York")


def test_recorded_trajectories_beside_a_network_are_refused_before_the_file_is_read() -> None:
    given = parse_network(Plan(SETTINGS).network_toml())
    with pytest.raises(SettingsError, match="leave out either"):
        _ = Plan(SimSettings(trajectories="missing.xml"), given).layout
