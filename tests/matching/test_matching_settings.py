"""What may be asked of the matcher, and what is refused."""

import re
from dataclasses import asdict

import pytest

from cctview.errors import SettingsError
from cctview.matching import BeliefMatcher, MatchSettings

ENDS = [
    ("k", 1, 1000),
    ("rounds", 0, 100),
    ("learn_pairs", 100, 100_000_000),
    ("chunk_queries", 10, 1_000_000),
    ("min_quality", 0.0, 1.0),
    ("order_rounds", 0, 20),
    ("views", 0.0, 1.0),
    ("rivalry", 0.0, 1.0),
]


@pytest.mark.parametrize(("name", "low", "high"), ENDS)
def test_both_ends_may_be_chosen_and_nothing_beyond(name, low, high):
    assert getattr(MatchSettings(**{name: low}), name) == low
    assert getattr(MatchSettings(**{name: high}), name) == high
    for wrong in (low - 1, high + 1, float("nan"), float("inf")):
        said = re.escape(f"'{name}' is {wrong}: choose a value from {low:g} to {high:g}")
        with pytest.raises(SettingsError, match=said):
            MatchSettings(**{name: wrong})


def test_every_number_has_a_range():
    numbers = {name for name, value in asdict(MatchSettings()).items() if not isinstance(value, bool)}
    assert numbers == {name for name, *_ in ENDS}


@pytest.mark.parametrize("name", sorted(asdict(MatchSettings())))
def test_each_stands_in_the_meta_of_what_is_made(name):
    settings = MatchSettings()
    assert BeliefMatcher(settings).meta[f"matcher_{name}"] == str(getattr(settings, name))


def test_the_usual_ones():
    """What a run does when nobody asks; measured figures in the results are of these."""
    assert asdict(MatchSettings()) == {
        "k": 10,
        "rounds": 12,
        "learn_pairs": 100_000,
        "chunk_queries": 2000,
        "min_quality": 0.3,
        "lanes": True,
        "light": True,
        "hubs": True,
        "heights": True,
        "lane_keeping": True,
        "order_rounds": 1,
        "views": 0.5,
        "rivalry": 0.7,
        "gaps": True,
    }
