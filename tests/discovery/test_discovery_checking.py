from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from cctview.discovery import Discovery, checked, discover, words_of
from cctview.network import CameraNetwork, parse_network

FILE = """
[[camera]]
id = "a"
lat = 52.53
lon = 13.4
heading = "N"
[[camera]]
id = "b"
lat = 52.525
lon = 13.4
heading = "N"
[[camera]]
id = "c"
lat = 52.51
lon = 13.4
heading = "N"
[[link]]
from = "a"
to = "b"
direction = "S"
[[link]]
from = "b"
to = "c"
direction = "S"
[[link]]
from = "c"
to = "b"
direction = "N"
[[link]]
from = "b"
to = "a"
direction = "N"
"""
STATIONS = {"a": 0.0, "b": 40.0, "c": 140.0}


@pytest.fixture(scope="module")
def found(drive):
    return discover(drive(STATIONS))


def told(text: str, found: Discovery):
    assert text != FILE
    return checked(parse_network(text), found)


def test_a_right_file_is_confirmed_without_a_word(found) -> None:
    verdict = checked(parse_network(FILE), found)
    assert (verdict.wrong, verdict.lacks, verdict.unseen) == ((), (), ())
    assert verdict.confirmed == (("a", "b"), ("b", "c"), ("c", "b"), ("b", "a"))


def test_a_link_that_was_forgotten_is_offered_with_its_time_and_evidence(found) -> None:
    verdict = told(FILE[: FILE.rindex("[[link]]")], found)
    assert verdict.wrong == ()
    (lacking,) = verdict.lacks
    assert re.match(r"b \(away\) -> a \(away\), 4[01] s \(", lacking)
    assert "standard deviations above chance" in lacking


@pytest.mark.parametrize("direction", ["S", "N"])
def test_a_link_with_its_ends_exchanged_is_to_be_turned_round(found, direction) -> None:
    first, _, back, last = parse_network(FILE).links
    other = replace(first, origin="c", target="b", direction_deg=180.0 if direction == "S" else 0.0)
    network = replace(
        parse_network(FILE), links=(first, other, last) if direction == "S" else (first, other, last, back)
    )
    verdict = checked(network, found)
    if direction == "S":
        assert verdict.wrong[0].startswith("link c -> b: its traffic goes the other way, b (towards) -> c (towards)")
        assert verdict.wrong[0].endswith("swap from and to")
    else:
        assert verdict.wrong == ()
        assert len(verdict.lacks) == 1


def test_a_one_way_link_that_is_reversed_is_named(drive) -> None:
    found = discover(drive({"a": 0.0, "b": 40.0}, ways=["towards"]))
    links = [link for link in parse_network(FILE).links if (link.origin, link.target) == ("b", "a")]
    verdict = checked(replace(parse_network(FILE), links=tuple(links)), found)
    (wrong,) = verdict.wrong
    assert wrong.startswith("link b -> a: its traffic goes the other way, a (towards) -> b (towards), 40 s")
    assert (verdict.lacks, verdict.confirmed, verdict.unseen) == ((), (), ())


def test_a_direction_that_is_turned_is_named_at_both_cameras(found) -> None:
    verdict = told(FILE.replace('to = "c"\ndirection = "S"', 'to = "c"\ndirection = "N"'), found)
    assert [sentence.partition(" are seen")[0] for sentence in verdict.wrong] == [
        "link b -> c: vehicles at b",
        "link b -> c: vehicles at c",
    ]
    assert "from the front, not from the back" in verdict.wrong[0]


def test_a_heading_that_is_turned_is_named_on_every_link_there(found) -> None:
    verdict = told(FILE.replace('heading = "N"', 'heading = "S"', 1), found)
    assert len(verdict.wrong) == 2
    assert all("turn the heading of a" in sentence for sentence in verdict.wrong)


def test_a_length_in_the_wrong_unit_is_named_with_the_time_it_takes(found) -> None:
    verdict = told(FILE.replace('to = "b"\ndirection = "S"', 'to = "b"\ndirection = "S"\nmiles = 30', 1), found)
    (wrong,) = verdict.wrong
    assert wrong.startswith("link a -> b: it takes 40 s (")
    assert "write min_s = 2" in wrong


def test_a_link_that_leads_past_a_camera_is_to_be_split(found) -> None:
    verdict = told(FILE + '[[link]]\nfrom = "a"\nto = "c"\ndirection = "S"\n', found)
    (wrong,) = verdict.wrong
    assert wrong.startswith("link a -> c: its traffic passes b on the way (139 s")


def test_a_clock_that_is_a_minute_off_is_named_with_what_to_write(drive) -> None:
    found = discover(drive(STATIONS, clock_s={"b": 60.0}))
    verdict = checked(parse_network(FILE), found)
    (wrong,) = verdict.wrong
    assert re.match(r"clock of b: (59|60|61) s ahead of the others, give or take \d s", wrong)
    assert re.search(r"write clock_s = -(59|60|61)$", wrong)
    set_wrong = parse_network(FILE.replace('id = "b"', 'id = "b"\nclock_s = 60'))
    assert checked(set_wrong, found).wrong[0].endswith("write clock_s = 0")


def test_two_cameras_whose_names_were_exchanged_are_named(drive) -> None:
    found = discover(drive({"a": 0.0, "x": 40.0, "y": 100.0, "z": 180.0, "b": 230.0}))
    chain = ["a", "y", "x", "z", "b"]
    links = "".join(
        f'[[link]]\nfrom = "{one}"\nto = "{other}"\nmin_s = 0\nmax_s = 900\n'
        for a, b in pairwise(chain)
        for one, other in ((a, b), (b, a))
    )
    (wrong,) = checked(parse_network(links), found).wrong
    assert wrong.startswith("cameras x and y look exchanged")
    assert "data show 8 of 8 links, as it is 4" in wrong


def test_a_link_without_traffic_is_only_said_to_be_unseen(found) -> None:
    more = parse_network(FILE + '[[camera]]\nid = "d"\nlat = 52.4\nlon = 13.4\nheading = "N"\n'
                         '[[link]]\nfrom = "c"\nto = "d"\n')  # fmt: skip
    assert checked(more, found).unseen == ()
    assert checked(more, replace(found, cameras=("a", "b", "c", "d"))).unseen == (("c", "d"),)


def test_without_a_word_every_link_is_lacking(found) -> None:
    assert len(checked(CameraNetwork(), found).lacks) == 4


def test_what_was_found_is_told_in_one_sentence(found) -> None:
    words = words_of(found)
    assert words.startswith("found 4 links among 3 cameras: a (towards) -> b (towards), 40 s (")
    assert words.count("sure") == 4
    nothing = Discovery(cameras=("a", "b"), minutes=3.04)
    assert words_of(nothing) == "no link shows among 2 cameras in 3.0 minutes"
