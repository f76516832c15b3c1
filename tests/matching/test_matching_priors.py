"""What the numbers of the matching say to one another, and that a changed one is another matcher."""

from dataclasses import fields, replace

import numpy as np
import pytest

from cctview.matching import BeliefMatcher, matcher
from cctview.matching.priors import PRIORS
from cctview.priors import fingerprint
from cctview.road.priors import ROAD

NUMBERS = [field.name for field in fields(PRIORS) if field.name != "road"]


@pytest.mark.parametrize("name", NUMBERS)
def test_every_number_counts_in_the_hash(name):
    value = getattr(PRIORS, name)
    other = (*value, 1.09) if isinstance(value, tuple) else value + 1
    assert fingerprint(replace(PRIORS, **{name: other})) != fingerprint(PRIORS)


def test_the_road_that_matching_looks_at_counts_too():
    assert PRIORS.road == ROAD
    other = replace(PRIORS, road=replace(ROAD, edge_px=9.0))
    assert fingerprint(other) != fingerprint(PRIORS)


def test_the_hash_stands_in_the_meta(monkeypatch):
    told = BeliefMatcher().meta["matcher_priors"]
    assert told == fingerprint(PRIORS)
    monkeypatch.setattr(matcher, "PRIORS", replace(PRIORS, room=1.5))
    assert BeliefMatcher().meta["matcher_priors"] != told


def test_numbers_agree_with_one_another():
    assert 0 < PRIORS.away_deg < 90 < PRIORS.towards_deg < 180
    assert PRIORS.strangers_near_s < PRIORS.strangers_far_s
    assert PRIORS.promised > 0, "one vehicle is nearer than strangers"
    assert PRIORS.peak_narrow_bins < PRIORS.peak_wide_bins
    assert PRIORS.slot_s * PRIORS.slots == 60, "a minute, as is told of it"
    assert 0 < PRIORS.cool < PRIORS.heat
    assert PRIORS.room > 1
    assert min(PRIORS.rim) > 1


def test_19_of_20_speeds_are_between_5_and_53_metres_a_second():
    """As the line beside the number says."""
    ends = PRIORS.usual_speed_mps * np.exp(np.array([-2, 2]) * PRIORS.speed_spread)
    assert ends == pytest.approx([4.8, 53.1], abs=0.1)
