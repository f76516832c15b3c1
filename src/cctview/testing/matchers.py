"""What every matcher must do, as tests.

A plug-in's own test module subclasses the suite and says how to make its matcher::

    from cctview.testing.matchers import MatcherContract

    class TestMine(MatcherContract):
        def make(self):
            return MyMatcher()

The suite asks what the rest of the program relies on, not how good the answers are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import passing_time
from cctview.matching import MatchState, settle
from cctview.network import CameraNetwork
from cctview.seams import Matcher
from cctview.testing.roads import START, Scenery, drive
from cctview.tracking import track
from cctview.types import REASONS, Matches, Tracklets, rows_of

__all__ = ["MatcherContract", "scene"]

_SLACK = 1e-4  # probabilities are stored as float32
_SECOND = np.timedelta64(1, "s")
_LATER = np.timedelta64(10**7, "s")


@cache
def scene() -> tuple[Tracklets, CameraNetwork]:
    """Return the tracklets of three cameras along a road, and their network: made once."""
    seen = drive(Scenery(cameras=("c1", "c2", "c3"), seconds=150))
    return track(seen.detections, seen.embeddings), seen.network


_ANSWERS: dict[type[MatcherContract], tuple[Matches, Mapping[tuple[str, str], float]]] = {}


class MatcherContract:
    """Subclass, and override ``make``; pytest finds the tests."""

    def make(self) -> Matcher:
        """Return the matcher under test."""
        raise NotImplementedError

    def answer(self) -> tuple[Matches, Mapping[tuple[str, str], float]]:
        """Return what the matcher says of the whole scene: asked once, for a matcher is a pure function."""
        suite = type(self)
        if suite not in _ANSWERS:
            _ANSWERS[suite] = self.make()(*scene())
        return _ANSWERS[suite]

    def test_one_row_for_each_query_and_link(self) -> None:
        """Rows are of links, or of such as skip a camera; no query is answered twice on one."""
        tracklets, network = scene()
        matches, waits = self.answer()
        links = {(link.origin, link.target) for link in (*network.links, *network.skipping())}
        rows = list(zip(matches.query.tolist(), matches.camera.tolist(), strict=True))
        assert len(rows) == len(set(rows)) > 0
        assert set(zip(matches.query_camera.tolist(), matches.camera.tolist(), strict=True)) <= links
        assert set(waits) <= links
        assert np.array_equal(tracklets.camera[rows_of(tracklets.id, matches.query)], matches.query_camera)

    def test_candidates_are_of_the_other_camera_and_later_within_the_window(self) -> None:
        """And the lag that is told is the one between the two passing times."""
        tracklets, network = scene()
        matches, _ = self.answer()
        windows = {
            (link.origin, link.target): (link.min_s, link.max_s) for link in (*network.links, *network.skipping())
        }
        row, found = matches.candidates.row, rows_of(tracklets.id, matches.candidates.values)
        lag = _lags(tracklets, matches)
        ends = zip(matches.query_camera.tolist(), matches.camera.tolist(), strict=True)
        low, high = np.array([windows[end] for end in ends])[row].T
        assert len(row)
        assert np.array_equal(tracklets.camera[found], matches.camera[row])
        assert np.allclose(lag, matches.lag_s.values, atol=1e-3)
        assert np.all(lag > 0)
        assert np.all((lag >= low - _SLACK) & (lag <= high + _SLACK))

    def test_candidates_come_by_falling_probability(self) -> None:
        """The first is the likeliest, and none comes twice."""
        matches, _ = self.answer()
        row, sure = matches.candidates.row, matches.probability.values
        assert np.all(np.diff(sure)[row[1:] == row[:-1]] <= _SLACK)
        pairs = np.column_stack([row, matches.candidates.values])
        assert len(np.unique(pairs, axis=0)) == len(pairs)

    def test_probabilities_sum_to_one_at_most(self) -> None:
        """Those of a query's candidates and that of "it is not there"; none is outside [0, 1]."""
        matches, _ = self.answer()
        total = np.bincount(matches.candidates.row, matches.probability.values, len(matches)) + matches.p_none
        assert np.all((matches.p_none >= 0) & (matches.p_none <= 1))
        assert np.all((matches.probability.values >= 0) & (matches.probability.values <= 1))
        assert np.all(total <= 1 + _SLACK)

    def test_reasons_add_up_to_the_probability(self) -> None:
        """They are log-odds in nats."""
        matches, _ = self.answer()
        total = np.sum([getattr(matches, name).values for name in REASONS], axis=0, dtype=np.float64)
        assert np.allclose(1 / (1 + np.exp(-total)), matches.probability.values, atol=1e-3)

    def test_the_order_of_rows_does_not_matter(self) -> None:
        """Neither does the date."""
        tracklets, network = scene()
        matches, waits = self.answer()
        shuffled = tracklets[np.random.default_rng(1).permutation(len(tracklets))]
        later = {name: getattr(shuffled, name) + _LATER for name in ("first_time", "last_time")}
        again, other = self.make()(shuffled.replace(**later), network)
        assert np.array_equal(matches.query, again.query)
        assert np.allclose(matches.p_none, again.p_none, atol=_SLACK)
        assert waits.keys() == other.keys()

    def test_the_same_again(self) -> None:
        """A matcher is a pure function: what it saw before does not count."""
        tracklets, network = scene()
        matcher = self.make()
        matcher(tracklets[: len(tracklets) // 2], network)
        assert matcher(tracklets, network)[0] == self.answer()[0]

    def test_no_links_no_rows(self) -> None:
        """Nor without tracklets, nor where one end of every link saw nothing."""
        tracklets, network = scene()
        matcher = self.make()
        lone = tracklets[tracklets.camera == "c1"]
        for given, plan in ((tracklets, CameraNetwork()), (Tracklets.empty(), network), (lone, network)):
            matches, _ = matcher(given, plan)
            assert isinstance(matches, Matches)
            assert not len(matches.candidates.values)

    def test_the_method_stands_in_the_meta(self) -> None:
        """What made the matches, and what made the tracklets before them."""
        tracklets, _ = scene()
        matcher, (matches, _) = self.make(), self.answer()
        assert matcher.meta["matcher"]
        assert matcher.meta.items() <= matches.meta.items()
        assert tracklets.meta.items() <= matches.meta.items()

    def test_a_wait_covers_the_lags_of_its_link(self) -> None:
        """No candidate is further away than the seconds after which its query is settled."""
        matches, waits = self.answer()
        ends = zip(matches.query_camera.tolist(), matches.camera.tolist(), strict=True)
        wait = np.array([waits[end] for end in ends])[matches.candidates.row]
        assert np.all(np.isfinite(wait))
        assert np.all(matches.lag_s.values <= wait + _SLACK)

    def test_each_query_is_settled_once(self) -> None:
        """Handed over a minute at a time, from a state that was stored in between, every query gets one answer."""
        tracklets, network = scene()
        matcher = self.make()
        whole, waits = self.answer()
        state, answers, done = MatchState(), [], np.zeros(len(tracklets), np.bool_)
        for second in (60, 120, 180, 180 + round(max(waits.values())) + 400):
            now = START + second * _SECOND
            new = (tracklets.last_time < now) & ~done
            done |= new
            state, settled = settle(MatchState.load(state.dump()), tracklets[new], now, network, matcher)
            answers += list(zip(settled.query.tolist(), settled.camera.tolist(), strict=True))
        assert len(answers) == len(set(answers))
        assert set(zip(whole.query.tolist(), whole.camera.tolist(), strict=True)) <= set(answers)


def _lags(tracklets: Tracklets, matches: Matches) -> NDArray[np.float64]:
    """Return the seconds between query and candidate of every pair, by their passing times."""
    time = passing_time(tracklets)
    found = time[rows_of(tracklets.id, matches.candidates.values)]
    asked = time[rows_of(tracklets.id, matches.query)[matches.candidates.row]]
    return (found - asked) / _SECOND
