"""The numbers of journeys: hashed, and each does what is said beside it."""

from dataclasses import fields, replace

import numpy as np
import pytest

from cctview.journeys import JourneySettings, LinkState, chain, chains, linked_further, spans
from cctview.journeys.priors import PRIORS
from cctview.network import CameraNetwork, Link
from cctview.priors import fingerprint
from cctview.testing import roads
from cctview.testing.by_hand import matches_of, tracklets_of
from cctview.types import Matches

ROWS = [(1, "c1", "c2", [2], [0.9], [20.0]), (2, "c2", "c3", [3], [0.8], [40.0])]
SEEN = tracklets_of(["c1", "c2", "c3"], [0, 20, 60])
CAMERAS = roads.network(roads.Scenery(cameras=("c1", "c2", "c3"))).cameras


def turning(degrees):
    """Two links, the second of which turns by so much."""
    ends = (("c1", "c2", 0.0), ("c2", "c3", degrees))
    links = tuple(
        Link(origin=one, target=two, direction_deg=way, metres=400.0, min_s=5.0, max_s=100.0) for one, two, way in ends
    )
    return CameraNetwork(cameras=CAMERAS, links=links)


@pytest.mark.parametrize(("degrees", "members"), [(99.0, [1, 2, 3]), (101.0, [1, 2]), (259.0, [1, 2])])
def test_who_turns_by_more_than_a_hundred_degrees_has_turned_back(degrees, members):
    assert chain(matches_of(ROWS), SEEN, turning(degrees)).members.values.tolist() == members


def test_the_weaker_of_the_two_goes():
    rows = [(1, "c1", "c2", [2], [0.7], [20.0]), ROWS[1]]
    assert chain(matches_of(rows), SEEN, turning(170.0)).members.values.tolist() == [2, 3]


def test_links_are_learnt_from_five_minutes_before_as_well():
    held = []

    def watching(tracklets, network):
        held.append(sorted(tracklets.id.tolist()))
        return Matches.empty(), {("c1", "c2"): 100.0}

    watching.meta = {"matcher": "watching"}
    seen = tracklets_of(["c1"] * 5, [0, 199, 201, 450, 1000])
    state = LinkState()
    for rows, second in ((slice(0, 4), 600), (slice(4, 5), 1200)):
        now = roads.START + second * np.timedelta64(1, "s")
        state, _ = linked_further(state, (seen[rows], now), turning(0.0), watching, JourneySettings())
    assert held == [[1, 2, 3, 4], [3, 4, 5]], "300 s and the wait of 100 s before 600 s"


@pytest.mark.parametrize("field", [field.name for field in fields(PRIORS)])
def test_another_number_makes_other_journeys(field, monkeypatch):
    before = chain(matches_of(ROWS), SEEN, turning(0.0)).meta["journeys_priors"]
    assert before == fingerprint(PRIORS)
    other = replace(PRIORS, **{field: getattr(PRIORS, field) + 1})
    for module in (chains, spans):
        monkeypatch.setattr(module, "PRIORS", other)
    assert chain(matches_of(ROWS), SEEN, turning(0.0)).meta["journeys_priors"] != before
