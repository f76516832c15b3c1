from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cctview.network import CameraNetwork, Learnt, Link, network_toml, parse_network
from cctview.types import Cameras

words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=12)
zones = st.sampled_from([None, "America/New_York", "Europe/Berlin"])


@st.composite
def networks(draw):
    """Any network that can be said in a file."""
    names = draw(st.lists(words, min_size=0, max_size=5, unique=True))
    count = len(names)

    def numbers(low, high):
        return np.array(draw(st.lists(st.floats(low, high), min_size=count, max_size=count)))

    def said():
        return np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), np.bool_)

    placed = said()
    cameras = Cameras(
        id=np.array(names, np.str_),
        name=np.array(draw(st.lists(words, min_size=count, max_size=count)), np.str_),
        lat=np.where(placed, numbers(-90, 90), 0.0),
        lon=np.where(placed, numbers(-180, 180), 0.0),
        heading_deg=numbers(0, 359.99),
        interval_s=numbers(0, 86_400),
        clock_s=numbers(-3600, 3600),
        placed=placed,
        aimed=said(),
    )
    way = st.sampled_from(["", "towards", "away", "right", "left"])
    share = st.floats(0, 1)
    learnt = st.builds(
        lambda low, more, part, sure, z: Learnt(
            median_s=low + more, p10_s=low, p90_s=low + 2 * more, share=part, evidence=z, probability=sure
        ),
        *(st.floats(0, 1e5), st.floats(0, 1e5), share, share, st.floats(0, 1e3)),
    )
    ends = st.integers(0, count - 1)
    links = st.builds(
        lambda a, b, degrees, metres, low, more, ways, measured, told: Link(
            origin=names[a],
            target=names[b],
            direction_deg=degrees,
            metres=metres,
            min_s=low,
            max_s=low + more,
            leaves=ways[0],
            arrives=ways[1],
            measured=measured,
            learnt=told,
        ),
        *(ends, ends, st.floats(0, 359.99), st.floats(0, 1e6), st.floats(0, 3e5), st.floats(1, 3e5)),
        *(st.tuples(way, way), st.booleans(), st.one_of(st.none(), learnt)),
    )
    points = st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=2, max_size=4)
    return CameraNetwork(
        cameras=cameras,
        links=tuple(draw(st.lists(links, max_size=4))) if count else (),
        timezone=draw(zones),
        shoreline=tuple(draw(st.one_of(st.just([]), points))),
    )


@given(networks())
def test_a_network_survives_its_text(network) -> None:
    again = parse_network(network_toml(network))
    assert again == network
    assert again.digest == network.digest
    assert network_toml(again) == network_toml(network)


def test_the_text_can_be_read_by_people() -> None:
    network = parse_network('[[camera]]\nid = "a"\nname = "5th \\"Av\\""\nlat = 1\nlon = 2\nheading = "NE"\n')
    assert network_toml(network).splitlines()[:6] == [
        "[[camera]]",
        'id = "a"',
        'name = "5th \\"Av\\""',
        "lat = 1.0",
        "lon = 2.0",
        "heading = 45.0",
    ]


def test_a_long_link_without_bounds_survives() -> None:
    far = parse_network(
        '[[camera]]\nid = "a"\nlat = 1\nlon = 2\nheading = 0\n[[camera]]\nid = "b"\nlat = 1\nlon = 2\nheading = 0\n'
        '[[link]]\nfrom = "a"\nto = "b"\nmetres = 1e6\n[[link]]\nfrom = "b"\nto = "a"\n'
    )
    assert far.links[0].max_s == 1_000_100 / 2.5 + 60
    assert far.links[1].metres == 0
    assert parse_network(network_toml(far)) == far


def test_the_digest_tells_networks_apart_by_what_steers_linking() -> None:
    network = parse_network(
        'timezone = "Europe/Berlin"\n[[camera]]\nid = "a"\nlat = 1\nlon = 2\nheading = 0\n'
        '[[camera]]\nid = "b"\nlat = 1\nlon = 3\nheading = 0\n[[link]]\nfrom = "a"\nto = "b"\n'
    )
    (link,) = network.links
    cameras = network.cameras
    others = [
        replace(network, links=()),
        replace(network, links=(replace(link, metres=link.metres + 1),)),
        replace(network, links=(replace(link, max_s=link.max_s + 1),)),
        replace(network, links=(replace(link, direction_deg=1.0),)),
        replace(network, cameras=cameras.replace(clock_s=np.array([0.0, 0.1]))),
        replace(network, cameras=cameras.replace(heading_deg=np.array([0.0, 0.1]))),
        replace(network, cameras=cameras.replace(lat=np.array([1.0, 1.1]))),
        replace(network, cameras=cameras.replace(interval_s=np.array([0.0, 1.1]))),
    ]
    assert len({network.digest, *(other.digest for other in others)}) == 1 + len(others)
    named = replace(network, cameras=cameras.replace(name=np.array(["x", "y"])), shoreline=((1.0, 2.0), (3.0, 4.0)))
    assert named.digest == network.digest
    assert network.meta == {"network": network.digest, "timezone": "Europe/Berlin"}
    assert replace(network, timezone=None).meta == {"network": network.digest, "timezone": ""}
