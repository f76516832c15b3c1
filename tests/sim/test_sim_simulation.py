"""A simulation tells the same story every time, and the story makes sense across cameras."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cctview.errors import SettingsError
from cctview.network import parse_network
from cctview.sim import SimSettings, simulate


def test_the_same_seed_gives_the_same_stills(settings, stills):
    again = list(simulate(settings).frames())
    assert [frame.jpeg for frame in again] == [frame.jpeg for frame in stills]
    for one, two in zip(again, stills, strict=True):
        np.testing.assert_array_equal(one.boxes, two.boxes)
        np.testing.assert_array_equal(one.identities, two.identities)


def test_reading_twice_gives_the_same_stills(simulation, stills):
    assert next(simulation.frames()).jpeg == stills[0].jpeg


def test_another_seed_gives_another_world(settings, stills):
    other = next(simulate(dataclasses.replace(settings, seed=6)).frames())
    assert other.jpeg != stills[0].jpeg


def test_stills_come_in_time_order_at_irregular_gaps(settings, stills):
    times = np.array([frame.time for frame in stills])
    assert times.dtype == np.dtype("datetime64[ns]")
    assert np.all(np.diff(times) >= np.timedelta64(0))
    for camera in ("sim-1", "sim-2"):
        gaps = np.diff(times[[frame.camera == camera for frame in stills]]) / np.timedelta64(1, "s")
        assert gaps.min() >= 1.0
        assert gaps.max() <= 3.0
        assert gaps.mean() == pytest.approx(settings.interval_s, abs=0.3)
        assert gaps.std() > 0.1


def test_names_are_unique_and_in_local_time(stills):
    assert len({frame.name for frame in stills}) == len(stills)
    frame = stills[0]
    stamp = (frame.time - np.timedelta64(4, "h")).astype("datetime64[s]").item()
    assert frame.name == f"{frame.camera}--{stamp:%Y-%m-%d--%H.%M.%S}--original.jpeg"


def test_video_like_rates_have_even_gaps_and_names_to_the_millisecond():
    frames = list(
        simulate(SimSettings(minutes=0.05, cameras=1, interval_s=0.1, seed=4, width=176, height=120)).frames()
    )
    gaps = np.diff([frame.time for frame in frames]) / np.timedelta64(1, "s")
    assert gaps.min() > 0.08
    assert gaps.max() < 0.12
    assert len({frame.name for frame in frames}) == len(frames) >= 28


def test_arrays_of_a_still_agree(settings, stills):
    for frame in stills:
        count = len(frame.boxes)
        assert frame.image.shape == (settings.height, settings.width, 3)
        assert frame.image.dtype == np.uint8
        assert frame.boxes.dtype == np.float32
        assert frame.identities.dtype == np.int64
        assert len(frame.types) == len(frame.identities) == len(frame.visibility) == count
        assert len(np.unique(frame.identities)) == count
        assert np.all(frame.boxes[:, 2:] > frame.boxes[:, :2])
        assert np.all((frame.boxes >= 0) & (frame.boxes <= [settings.width, settings.height] * 2))


def test_people_are_in_the_picture_too(stills):
    kinds = np.concatenate([frame.types for frame in stills])
    assert {"car", "person"} <= set(kinds.tolist()) <= {"car", "truck", "bus", "motorcycle", "person"}


def test_sizes_are_those_of_a_traffic_camera():
    frames = list(simulate(SimSettings(minutes=0.2, cameras=3, seed=1)).frames())
    boxes = np.concatenate([frame.boxes[frame.types != "person"] for frame in frames])
    size = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
    asked = size[size >= 7]
    assert 10 < np.median(asked) < 24
    assert np.percentile(size, 99) < 130


def test_vehicles_reach_the_next_camera_in_order_after_a_plausible_time():
    settings = SimSettings(minutes=2.0, cameras=2, seed=2, traffic=20, interval_s=2.0, width=176, height=120)
    seen: dict[str, dict[int, list[float]]] = {"sim-1": {}, "sim-2": {}}
    simulation = simulate(settings)
    for frame in simulation.frames():
        at = (frame.time - simulation.plan.start) / np.timedelta64(1, "s")
        for identity in frame.identities[frame.types != "person"].tolist():
            seen[frame.camera].setdefault(identity, []).append(at)
    both = sorted(set(seen["sim-1"]) & set(seen["sim-2"]))
    lag = np.array([np.mean(seen["sim-2"][who]) - np.mean(seen["sim-1"][who]) for who in both])
    assert len(both) >= 20
    assert np.count_nonzero(lag > 0) >= 5
    assert np.count_nonzero(lag < 0) >= 5
    speed = settings.spacing_m / np.abs(lag)
    assert 12 < np.median(speed) < 30
    assert speed.min() > 6


def test_night_is_darker_than_dusk_and_dusk_than_day():
    level = {
        light: np.mean(
            [f.image[20:].mean() for f in simulate(SimSettings(minutes=0.06, cameras=1, light=light)).frames()]
        )
        for light in ("day", "dusk", "night")
    }
    assert level["night"] < 0.75 * level["dusk"] < 0.6 * level["day"]


def test_light_does_not_change_where_vehicles_are():
    day, night = (
        next(simulate(SimSettings(minutes=0.06, cameras=1, light=light)).frames()) for light in ("day", "night")
    )
    np.testing.assert_array_equal(day.identities, night.identities)
    np.testing.assert_allclose(day.boxes, night.boxes)


def test_the_network_file_links_neighbours_both_ways():
    simulation = simulate(SimSettings(cameras=3, spacing_m=804.672))
    network = parse_network(simulation.plan.network_toml())
    assert network.cameras.id.tolist() == ["sim-1", "sim-2", "sim-3"]
    assert {(link.origin, link.target) for link in network.links} == {
        ("sim-1", "sim-2"), ("sim-2", "sim-1"), ("sim-2", "sim-3"), ("sim-3", "sim-2"),
    }  # fmt: skip
    assert [link.metres for link in network.links] == pytest.approx([804.672] * 4, rel=1e-3)
    assert network.timezone == "America/New_York"
    assert np.ptp(network.cameras.lat) == pytest.approx(2 * 804.672 / 111_195, rel=0.1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"minutes": 0}, "minutes"),
        ({"cameras": 0}, "cameras"),
        ({"traffic": float("nan")}, "traffic"),
        ({"width": 10}, "width"),
        ({"light": "nigth"}, "did you mean 'night'"),
        ({"interval_s": 0.01}, "interval_s"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_settings_are_refused_by_name(wrong, says):
    with pytest.raises(SettingsError, match=says):
        SimSettings(**wrong)


def test_larger_stills_are_possible():
    frame = next(simulate(SimSettings(minutes=0.05, cameras=1, width=960, height=540)).frames())
    assert frame.image.shape == (540, 960, 3)
    assert len(frame.boxes)
