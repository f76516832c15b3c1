from __future__ import annotations

import pytest

from cctview.discovery import discover, learnt_network, said_network
from cctview.network import CameraNetwork, network_toml, parse_network

PLACED = """
timezone = "Europe/Berlin"
[[camera]]
id = "a"
name = "at the bridge"
lat = 52.5
lon = 13.4
heading = "N"
[[camera]]
id = "b"
lat = 52.51
lon = 13.4
"""


@pytest.fixture(scope="module")
def found(drive):
    return discover(drive({"a": 0.0, "b": 40.0}, clock_s={"a": 0.0}))


def test_what_was_found_is_a_network_that_reads_back(found) -> None:
    network = learnt_network(found)
    assert parse_network(network_toml(network)) == network
    assert network.cameras.placed.tolist() == network.cameras.aimed.tolist() == [False, False]
    there, back = network.links
    assert (there.origin, there.target, there.leaves, there.arrives) == ("a", "b", "towards", "towards")
    assert there.min_s < 33
    assert 47 < there.max_s < 120
    assert there.learnt.p10_s < there.learnt.median_s < there.learnt.p90_s
    assert there.learnt.median_s == pytest.approx(40, rel=0.05)
    assert (there.measured, there.metres) == (False, pytest.approx(640, rel=0.05))
    assert abs(there.direction_deg - back.direction_deg) == 180


def test_what_somebody_said_stays_and_tells_lengths_and_directions(found) -> None:
    said = parse_network(PLACED)
    network = learnt_network(found, said)
    assert network.timezone == "Europe/Berlin"
    assert network.cameras.name.tolist() == ["at the bridge", "b"]
    there, back = network.links
    # towards the camera that looks north is southward
    assert (there.direction_deg, back.direction_deg) == (180.0, 0.0)
    assert there.metres == pytest.approx(1112, rel=0.01)
    assert there.measured
    assert said_network(network) == said


def test_links_that_somebody_said_are_not_learnt_again(found) -> None:
    said = parse_network(PLACED + '[[link]]\nfrom = "a"\nto = "b"\nmetres = 900\n')
    links = learnt_network(found, said).links
    assert [(link.origin, link.target, link.learnt is None) for link in links] == [("a", "b", True), ("b", "a", False)]
    assert links[0] == said.links[0]


def test_of_a_network_that_was_learnt_nothing_was_said_but_names(found) -> None:
    said = said_network(learnt_network(found))
    assert said.links == ()
    assert said.cameras.id.tolist() == ["a", "b"]
    assert learnt_network(found, said) == learnt_network(found)
    assert said_network(CameraNetwork()) == CameraNetwork()


def test_a_clock_that_is_wrong_is_put_right_where_nobody_set_it(drive) -> None:
    found = discover(drive({"a": 0.0, "b": 40.0, "c": 90.0}, clock_s={"b": 45.0}))
    network = learnt_network(found)
    assert dict(zip(network.cameras.id.tolist(), network.cameras.clock_s.tolist(), strict=True)) == pytest.approx(
        {"a": 0, "b": -45, "c": 0}, abs=3
    )
    assert said_network(network).cameras.clock_s.tolist() == [0, 0, 0]


def test_cameras_that_look_at_each_other_get_opposite_headings(drive) -> None:
    made = drive({"a": 0.0, "b": 40.0})
    at_b = made.camera == "b"
    from_behind = made.replace(
        heading=[
            {"towards": "away", "away": "towards"}[way] if b else way for way, b in zip(made.heading, at_b, strict=True)
        ],
        first_box=[*(last if b else first for first, last, b in zip(made.first_box, made.last_box, at_b, strict=True))],
        last_box=[*(first if b else last for first, last, b in zip(made.first_box, made.last_box, at_b, strict=True))],
    )
    network = learnt_network(discover(from_behind))
    assert abs(float(network.cameras.heading_deg[0]) - float(network.cameras.heading_deg[1])) == 180
    assert {(link.leaves, link.arrives) for link in network.links} == {("towards", "away")}
