"""The numbers fit each other; that each counts in the hash is held in tests/road."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from cctview.priors import fingerprint
from cctview.tracking import RoadTracker, SortPriors, SortTracker, TrackPriors
from cctview.tracking.motion import _histograms

PRIORS = TrackPriors()


def test_bins_and_what_smooths_them_have_as_many_axes():
    assert len(PRIORS.place_bins) + len(PRIORS.motion_bins) == len(PRIORS.motion_smooth)
    assert 2 + len(PRIORS.change_bins) == len(PRIORS.change_smooth)
    assert len(PRIORS.like_smooth) == 3
    for histogram in _histograms(PRIORS):
        assert histogram.prior.sum() == pytest.approx(1)
        assert (histogram.prior > 0).all()


def test_an_odd_number_of_bins_has_a_middle_for_what_stays():
    assert [count % 2 for count in PRIORS.motion_bins] == [1, 1]


def test_quantiles_and_ranges_rise():
    for rising in (PRIORS.like_bins, PRIORS.like_reach, PRIORS.place_px, PRIORS.small_px, PRIORS.stays_range):
        assert (np.diff(rising) > 0).all()
    assert (PRIORS.like_bins[0] > 0, PRIORS.like_bins[-1] < 1) == (True, True)
    assert PRIORS.overlaps[0] < PRIORS.overlaps[1]
    assert PRIORS.parked[1] < len(PRIORS.like_bins)


@pytest.mark.parametrize(
    "name",
    ["near_share", "odd", "fresh_least", "fresh_start", "inertia", "flow_clear", "turn_divergence", "rush_share"],
)
def test_shares_are_shares(name):
    assert 0 < getattr(PRIORS, name) < 1


def test_both_trackers_agree_where_they_say_so():
    sort = SortPriors()
    for name in ("same_px", "same_look", "pooling_least", "across"):
        assert getattr(sort, name) == getattr(PRIORS, name)


def test_numbers_are_not_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        PRIORS.odd = 0.5


def test_the_tracklets_say_under_which_numbers_they_were_made():
    other = replace(PRIORS, bend=0.2)
    assert RoadTracker().meta["tracker_priors"] == fingerprint(PRIORS)
    assert RoadTracker(priors=other).meta["tracker_priors"] == fingerprint(other) != fingerprint(PRIORS)
    assert SortTracker().meta["tracker_priors"] == fingerprint(SortPriors())
