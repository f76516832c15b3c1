from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cctview.errors import NetworkFileError
from cctview.network import CameraNetwork, load_network, parse_network
from cctview.testing import roads
from cctview.tracking import track

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


def test_cameras_and_links_are_read() -> None:
    network = parse_network(THREE)
    assert network.timezone == "America/New_York"
    assert network.cameras.id.tolist() == ["a", "b", "c"]
    assert network.heading("b") == 200
    assert network.heading("z") is None
    first, second = network.links
    assert first.metres == pytest.approx(482.8, abs=0.1)
    assert first.direction_deg == 180
    assert first.min_s < 12
    assert first.max_s > 22
    assert second.metres == pytest.approx(1112, rel=1e-2)
    assert second.direction_deg == pytest.approx(180, abs=1)
    assert (second.min_s, second.max_s) == (10, 90)


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


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("lat = 40.75", "lat = 400", "camera 'a': lat must be a number from -90 to 90, got 400"),
        ("lat = 40.75", 'lat = "x"', "lat must be a number"),
        ("lat = 40.75", "", "lat must be a number.*None"),
        ('heading = "N"', 'heading = "up"', "heading must be one of N"),
        ('heading = "N"', 'heading = "N"\nclock_s = 3601', "clock_s must be a number from -3600 to 3600"),
        ('id = "b"', 'id = "a"', "listed twice"),
        ('id = "b"', "", "id must be a text"),
        ('to = "b"', 'to = "bb"', "no camera 'bb'; did you mean 'b'"),
        ("miles = 0.3", "mile = 0.3", "unknown key 'mile'; did you mean 'miles'"),
        ("miles = 0.3", "miles = -1", "miles must be"),
        ("min_s = 10", "min_s = 100", "min_s 100 must be below max_s 90"),
        ('"America/New_York"', '"Mars"', "no time zone 'Mars'"),
        ("[[link]]", "[[lnk]]", "unknown key 'lnk'"),
        ("[[camera]]", "[[camera", "not valid TOML"),
    ],
)
def test_a_wrong_entry_is_named_with_the_fix(old: str, new: str, words: str) -> None:
    with pytest.raises(NetworkFileError, match=words):
        parse_network(THREE.replace(old, new, 1))


def test_entries_that_are_no_tables_are_refused() -> None:
    with pytest.raises(NetworkFileError, match="expected a table"):
        parse_network("camera = [1]")


def test_the_shoreline_is_read() -> None:
    network = parse_network("shoreline = [[40.7, -73.97], [40.8, -73]]")
    assert network.shoreline == ((40.7, -73.97), (40.8, -73.0))
    assert parse_network("").shoreline == ()


@pytest.mark.parametrize(
    "points", ["3", "[[40.7, -73.9]]", "[[40.7, -73.9], [1]]", "[[40.7, 'x'], [1, 2]]", "[[91, 0], [0, 0]]"]
)
def test_a_wrong_shoreline_is_refused(points: str) -> None:
    with pytest.raises(NetworkFileError, match="shoreline must be"):
        parse_network(f"shoreline = {points}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NetworkFileError, match="cannot be read"):
        load_network(tmp_path / "no.toml")


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
