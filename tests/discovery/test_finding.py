from __future__ import annotations

import numpy as np
import pytest

from cctview.discovery import discover
from cctview.types import Tracklets

THREE = {"a": 0.0, "b": 40.0, "c": 140.0}


def ends(links) -> list[str]:
    return [f"{link.origin}{link.target}" for link in links]


@pytest.fixture(scope="module")
def found(drive):
    return discover(drive(THREE))


def test_each_neighbour_is_found_both_ways_and_no_other(found) -> None:
    assert ends(found.links) == ["ab", "ba", "bc", "cb"]
    assert all(link.sure and link.probability > 0.999 for link in found.links)


def test_travel_times_are_right_within_three_in_a_hundred(found) -> None:
    median = {f"{link.origin}{link.target}": link.timing.median_s for link in found.links}
    assert median == pytest.approx({"ab": 40, "ba": 40, "bc": 100, "cb": 100}, rel=0.03)
    for link in found.links:
        timing = link.timing
        assert (
            timing.p05_s <= timing.p10_s < timing.low_s < timing.median_s < timing.high_s < timing.p90_s <= timing.p95_s
        )


def test_how_vehicles_are_seen_at_both_ends_is_told(found) -> None:
    assert {link.origin + link.target: (link.leaves, link.arrives) for link in found.links} == {
        "ab": ("towards", "towards"), "bc": ("towards", "towards"),
        "ba": ("away", "away"), "cb": ("away", "away"),
    }  # fmt: skip


def test_the_share_found_again_is_no_more_than_there_was(found) -> None:
    # nine in ten are seen at each camera
    assert all(0.3 < link.share <= 0.93 for link in found.links)
    assert all(link.found == pytest.approx(link.share * 135, abs=12) for link in found.links)


def test_a_way_that_two_links_add_up_to_leads_through_their_camera(found) -> None:
    assert [(link.origin, link.target, link.through) for link in found.through] == [("a", "c", "b"), ("c", "a", "b")]
    assert found.through[0].timing.median_s == pytest.approx(140, rel=0.03)


def test_what_was_looked_at_is_told(found) -> None:
    assert (found.cameras, found.quiet, found.flows) == (("a", "b", "c"), (), 6)
    assert found.tried == 12
    assert 11 < found.minutes < 16


def test_a_camera_with_no_traffic_is_named_and_does_no_harm(drive) -> None:
    lone = drive({"t": 0.0}, each=5)
    found = discover(Tracklets.concat([drive({"a": 0.0, "b": 30.0}), lone]))
    assert found.quiet == ("t",)
    assert ends(found.links) == ["ab", "ba"]


def test_vehicles_that_are_never_the_same_make_no_link(drive) -> None:
    assert [discover(drive(THREE, strangers=True, seed=seed)).links for seed in range(8)] == [()] * 8


@pytest.mark.parametrize("tracklets", ["none", "one camera", "half a minute"])
def test_too_little_is_no_error(drive, tracklets) -> None:
    made = {
        "none": Tracklets.empty(),
        "one camera": drive({"a": 0.0}),
        "half a minute": drive({"a": 0.0, "b": 1.0}, minutes=0.5, each=40),
    }[tracklets]
    found = discover(made)
    assert (found.links, found.through, found.clocks) == ((), (), ())


def test_a_wrong_clock_is_told_and_does_not_turn_a_link_round(drive) -> None:
    found = discover(drive(THREE, clock_s={"b": 60.0}))
    clocks = {clock.camera: clock for clock in found.clocks}
    assert clocks["b"].ahead_s == pytest.approx(60, abs=3)
    assert [clocks[camera].ahead_s for camera in "ac"] == pytest.approx([0, 0], abs=3)
    assert found.clock_s("b") == -clocks["b"].ahead_s
    assert ends(found.links) == ["ab", "ba", "bc", "cb"]
    assert found.links[0].timing.median_s == pytest.approx(40, abs=3)


def test_of_one_way_alone_no_clock_is_known(drive) -> None:
    found = discover(drive({"a": 0.0, "b": 50.0}, ways=["towards"], clock_s={"b": 20.0}))
    assert found.clocks == ()
    assert [(link.origin, link.target, round(link.timing.median_s / 70, 1)) for link in found.links] == [
        ("a", "b", 1.0)
    ]


def test_vehicles_whose_way_was_misjudged_make_no_link_of_their_own(drive) -> None:
    made = drive({"a": 0.0, "b": 40.0}, ways=["towards"], each=300)
    wrong = np.arange(len(made)) % 5 == 0
    beside = np.array([150, 0, 150, 0])
    told = made.replace(
        heading=np.where(wrong, "away", made.heading),
        first_box=np.where(wrong[:, None], made.last_box + beside, made.first_box).astype(np.float32),
        last_box=np.where(wrong[:, None], made.first_box + beside, made.last_box).astype(np.float32),
    )
    (link,) = discover(told).links
    assert (link.leaves, link.arrives) == ("towards", "towards")


def test_a_side_road_is_found_among_those_the_main_road_does_not_explain(drive) -> None:
    main = drive({"a": 0.0, "b": 40.0}, ways=["towards"], each=300, missed=0.02)
    side = drive({"a": 0.0, "s": 25.0}, ways=["towards"], each=40, missed=0.02, seed=9)
    other = drive({"s": 0.0}, ways=["towards"], each=200, seed=5)
    found = discover(Tracklets.concat([main, side, other]))
    assert {("a", "b"), ("a", "s")} == {(link.origin, link.target) for link in found.links}
