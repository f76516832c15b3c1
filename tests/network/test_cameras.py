from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cctview.network import CameraNetwork, Learnt, load_network, parse_network
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Breaks

THREE = """
timezone = "America/New_York"
[[camera]]
id = "a"
lat = 40.75
lon = -73.96
heading = "N"
[[camera]]
id = "b"
lat = 40.74
lon = -73.97
heading = 200
[[camera]]
id = "c"
lat = 40.73
lon = -73.97
heading = "S"
[[link]]
from = "a"
to = "b"
direction = "S"
miles = 0.3
[[link]]
from = "b"
to = "c"
min_s = 10
max_s = 90
"""


def test_clocks_that_are_wrong_are_told_by_camera() -> None:
    network = parse_network(THREE.replace('id = "b"', 'id = "b"\nclock_s = -61.5'))
    assert network.clock_s(np.array(["b", "z", "a", "b"])).tolist() == [-61.5, 0, 0, -61.5]
    assert CameraNetwork().clock_s(np.array(["a"])).tolist() == [0]
    assert network.among(["b", "c"]).clock_s(np.array(["c", "b"])).tolist() == [0, -61.5]


def test_tracklets_are_put_on_one_clock() -> None:
    seen = roads.drive(roads.Scenery(cameras=("a", "b"), seconds=60))
    tracklets = track(seen.detections, seen.embeddings)
    network = parse_network(THREE.replace('id = "b"', 'id = "b"\nclock_s = 1.5'))
    moved = network.on_one_clock(tracklets)
    late = np.where(tracklets.camera == "b", np.timedelta64(1500, "ms"), np.timedelta64(0, "ms"))
    assert (moved.first_time == tracklets.first_time + late).all()
    assert (moved.last_time == tracklets.last_time + late).all()
    assert late.any()
    assert parse_network(THREE).on_one_clock(tracklets) is tracklets


def test_a_camera_without_stills_is_bridged() -> None:
    (bridge,) = parse_network(THREE).among(["a", "c"]).links
    assert (bridge.origin, bridge.target) == ("a", "c")
    assert bridge.metres == pytest.approx(482.8 + 1112, rel=1e-2)
    assert parse_network(THREE).among(["a", "b", "c", "unknown"]).links == parse_network(THREE).links
    assert parse_network(THREE).among(["a"]).links == ()


def test_the_real_network(real_data: Path) -> None:
    network = load_network(real_data / "fdr" / "network.toml")
    present = [camera for camera in network.cameras.id.tolist() if not camera.startswith("732")]
    links = {(link.origin, link.target): link for link in network.among(present).links}
    seen = {
        ("733-681-N", "735-683-N"): (12, 22),
        ("735-683-N", "731-679-N"): (172, 228),
        ("253-134-S", "689-640-S"): (40, 70),
        ("689-640-S", "253-134-S"): (44, 66),
    }
    assert links.keys() == seen.keys()
    assert all(links[pair].min_s <= low and high <= links[pair].max_s for pair, (low, high) in seen.items())


def test_cameras_it_does_not_know_are_named_once_and_sorted() -> None:
    network = parse_network(THREE)
    assert network.unknown(["z", "a", "y", "z", "c"]) == ("y", "z")
    assert network.unknown([]) == ()
    assert CameraNetwork().unknown(["a"]) == ("a",)


def test_a_stamped_table_carries_the_network_beside_its_producer() -> None:
    network = parse_network(THREE)
    table = Breaks(
        meta={"producer": "x"}, camera=np.array(["a"]), time=np.array(["2026-01-01"], "M8[ns]"), kind=np.array(["gap"])
    )
    stamped = network.stamped(table)
    assert stamped.meta == {"producer": "x", "network": network.digest, "timezone": "America/New_York"}
    assert table.meta == {"producer": "x"}
    assert stamped.camera.tolist() == ["a"]


def test_links_over_a_camera_bend_by_a_right_angle_at_most() -> None:
    def over(degrees: float) -> int:
        text = THREE.replace("min_s = 10", f"direction = {degrees}\nmin_s = 10")
        return len(parse_network(text).skipping())

    assert [over(degrees) for degrees in (180, 90, 270, 89, 271, 0)] == [1, 1, 1, 0, 0, 0]


def test_a_link_over_a_camera_is_as_long_as_both() -> None:
    (both,) = parse_network(THREE).skipping()
    first, second = parse_network(THREE).links
    assert (both.origin, both.target, both.direction_deg) == ("a", "c", first.direction_deg)
    assert both.metres == first.metres + second.metres
    assert (both.min_s, both.max_s) == (first.min_s + second.min_s, first.max_s + second.max_s)


def test_what_data_told_of_a_link_does_not_change_the_hash_but_how_it_is_driven_does() -> None:
    network = parse_network(THREE)
    first, second = network.links
    told = Learnt(median_s=18, p10_s=12, p90_s=22, share=0.5, evidence=30, probability=1)
    assert replace(network, links=(replace(first, learnt=told), second)).digest == network.digest
    for other in (replace(first, leaves="away"), replace(first, measured=False)):
        assert replace(network, links=(other, second)).digest != network.digest
    aimless = network.cameras.replace(aimed=np.array([True, False, True]))
    assert replace(network, cameras=aimless).digest != network.digest


def test_a_network_that_says_no_more_than_before_keeps_its_hash() -> None:
    assert parse_network(THREE).digest == "9036a01427ff620b"
