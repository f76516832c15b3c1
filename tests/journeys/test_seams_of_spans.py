"""What lies on the seam between two spans, by hand: nothing is handed over twice, lost, or claimed by nobody."""

from __future__ import annotations

import numpy as np
import pytest

from cctview.journeys import JourneySettings, LinkState, linked, linked_further
from cctview.network import CameraNetwork, Link
from cctview.testing import roads
from cctview.types import Cameras, Matches, Ragged, Tracklets

SECOND = np.timedelta64(1, "s")
REACH_S = 600.0
REASONS = ("looks", "size", "timing", "lane", "order", "context")


def at(seconds: float) -> np.datetime64:
    return roads.START + np.timedelta64(round(seconds * 1e9), "ns")


def tracklets(**places: tuple[str, float]) -> Tracklets:
    """One tracklet for each name of a single letter: its camera and when it passed."""
    count = len(places)
    box = np.tile(np.array([10, 10, 30, 30], np.float32), (count, 1))
    stamp = np.array([at(seconds) for _, seconds in places.values()], "datetime64[ns]")
    return Tracklets(
        id=np.array([ord(name) for name in places]),
        camera=np.array([camera for camera, _ in places.values()]),
        first_time=stamp,
        last_time=stamp,
        first_box=box,
        last_box=box,
        type=np.full(count, "car"),
        heading=np.full(count, "towards"),
        vector=np.tile(np.array([1, 0], np.float32), (count, 1)),
        spread=np.zeros(count),
        quality=np.ones(count),
        members=Ragged.from_lengths(np.array([ord(name) for name in places]), np.ones(count, int)),
    )


def road(*links: str) -> CameraNetwork:
    """A network of links such as "bc", each of them south and up to ten minutes long."""
    names = sorted(set("".join(links)))
    zeros = np.zeros(len(names))
    return CameraNetwork(
        cameras=Cameras(
            id=np.array(names),
            name=np.array(names),
            lat=zeros,
            lon=zeros,
            heading_deg=zeros,
            interval_s=zeros,
            clock_s=zeros,
        ),
        links=tuple(
            Link(origin=end[0], target=end[1], direction_deg=180.0, metres=1000.0, min_s=0.0, max_s=REACH_S)
            for end in links
        ),
    )


class Told:
    """A matcher that knows: ``rows`` are (query, its camera, camera, candidate, probability)."""

    meta = {"matcher": "told"}  # noqa: RUF012

    def __init__(self, *rows: tuple[str, str, str, str, float]) -> None:
        self.rows = rows

    def __call__(self, seen: Tracklets, network: CameraNetwork) -> tuple[Matches, dict[tuple[str, str], float]]:
        waits = {(link.origin, link.target): 0.0 for link in network.links}
        known = {chr(number) for number in seen.id.tolist()}
        rows = [row for row in self.rows if row[0] in known]
        if not rows:
            return Matches.empty(), waits
        ones = np.ones(len(rows), np.int64)
        sure = np.array([row[4] for row in rows], np.float32)

        def each(values: np.ndarray) -> Ragged:
            return Ragged.from_lengths(values, ones)

        nothing = np.zeros(len(rows), np.float32)
        table = Matches(
            query=np.array([ord(row[0]) for row in rows]),
            query_camera=np.array([row[1] for row in rows]),
            camera=np.array([row[2] for row in rows]),
            candidates=each(np.array([ord(row[3]) for row in rows])),
            distance=each(nothing),
            probability=each(sure),
            lag_s=each(nothing + 30),
            **{reason: each(nothing) for reason in REASONS},
            p_none=1 - sure,
        )
        return table, waits


def told(network: CameraNetwork, matcher: Told, *arrivals: tuple[Tracklets, float]) -> list[list[str]]:
    """The journeys that each arrival settles, as letters; an arrival is complete up to so many seconds."""
    parts = linked([(seen, at(until)) for seen, until in arrivals], network, matcher, JourneySettings())
    return [
        ["".join(map(chr, row)) for row in np.split(part.journeys.members.values, part.journeys.members.offsets[1:-1])]
        if len(part.journeys)
        else []
        for part in parts
    ]


LATER = (tracklets(z=("a", 1400.0)), 1500.0)


@pytest.mark.parametrize(
    ("came", "spans"), [(299.0, [["pq"], []]), (300.0, [[], ["pq"]]), (301.0, [[], ["pq"]]), (899.0, [[], ["pq"]])]
)
def test_a_journey_that_ends_on_the_seam_is_handed_over_once(came: float, spans: list[list[str]]) -> None:
    seen = tracklets(p=("a", came - 30.0), q=("b", came))
    matcher = Told(("p", "a", "b", "q", 0.9))
    assert told(road("ab"), matcher, (seen, 300.0 + REACH_S), LATER) == spans


@pytest.mark.parametrize("rival_s", [0.0, 150.0, 290.0])
def test_who_claimed_an_end_is_remembered_as_long_as_others_may_want_it(rival_s: float) -> None:
    """``r`` went on to d, yet is the likeliest to have been c; ``q`` must not get it when r's own way is told."""
    seen = tracklets(r=("b", rival_s), d=("d", rival_s + 5), q=("b", 400.0), c=("c", 590.0))
    matcher = Told(("r", "b", "d", "d", 0.95), ("r", "b", "c", "c", 0.9), ("q", "b", "c", "c", 0.6))
    spans = told(road("bc", "bd"), matcher, (seen, 300.0 + REACH_S), LATER)
    assert spans[0] == ["rd"]
    assert spans[1] == []


def test_memory_goes_back_two_links_and_no_further() -> None:
    matcher = Told()
    early = tracklets(**{name: ("a", 700.0 + 100.0 * k) for k, name in enumerate("efghijklmnop")})
    state, part = linked_further(LinkState(), (early, at(3000.0)), road("ab"), matcher, JourneySettings())
    assert part.until == at(3000.0 - REACH_S)
    assert part.since == LinkState().since
    kept = early.first_time >= part.until - 2 * round(REACH_S) * SECOND
    assert 0 < kept.sum() < len(early)
    assert state.ends.id.tolist() == early.id[kept].tolist()
    assert state.since == part.until


@pytest.mark.parametrize(("clocks", "until"), [((0.0, 0.0), 2400.0), ((-600.0, 5.0), 1800.0), ((900.0, 0.0), 2400.0)])
def test_a_clock_that_is_behind_makes_an_arrival_complete_earlier(clocks: tuple[float, float], until: float) -> None:
    """By what the slowest clock lacks; one that is ahead changes nothing."""
    plain = road("ab")
    network = CameraNetwork(cameras=plain.cameras.replace(clock_s=np.array(clocks)), links=plain.links)
    _, part = linked_further(LinkState(), (tracklets(), at(3000.0)), network, Told(), JourneySettings())
    assert part.until == at(until)


@pytest.mark.parametrize(("complete", "until"), [(1499.0, 600.0), (1500.0, 900.0), (1501.0, 900.0)])
def test_what_is_final_is_told_in_whole_intervals(complete: float, until: float) -> None:
    _, part = linked_further(LinkState(), (tracklets(), at(complete)), road("ab"), Told(), JourneySettings())
    assert part.until == at(until)


def test_only_likely_first_choices_are_remembered() -> None:
    seen = tracklets(p=("a", 0.0), q=("b", 30.0), r=("a", 10.0), s=("b", 40.0))
    matcher = Told(("p", "a", "b", "q", 0.5), ("r", "a", "b", "s", 0.49))
    state, part = linked_further(LinkState(), (seen, at(300.0)), road("ab"), matcher, JourneySettings())
    assert [chr(name) for name in state.likely.query.tolist()] == ["p"]
    assert [chr(name) for name in part.matches.query.tolist()] == ["p", "r"]
    assert state.ends.vector.shape == (4, 1)
    assert state.ends.members.values.tolist() == []
