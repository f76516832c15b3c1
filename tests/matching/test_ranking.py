"""Rows of matches from judged pairs, by hand."""

import numpy as np
import pytest

from cctview.matching.pairs import Meetings
from cctview.matching.ranking import ranked
from cctview.network import Link

LINK = Link(origin="a", target="b", direction_deg=0, metres=800, min_s=10, max_s=100)
MET = Meetings(np.array([0, 0, 0, 2]), np.array([0, 1, 2, 1]), np.array([20.0, 30.0, 40.0, 25.0]))
BELIEF = np.array([0.1, 0.5, 0.2, 0.9])
LOOKS = np.array([1.0, 2.0, 3.0, 4.0])


def rows(k=10, belief=BELIEF):
    asked, gallery = np.array([11, 12, 13]), np.array([21, 22, 23])
    return ranked(
        LINK, asked, gallery, MET, belief / 10, belief, {"looks": LOOKS, "lane": -LOOKS / 2}, k=k, meta={"a": "b"}
    )


def test_candidates_by_falling_belief_with_what_belongs_to_them():
    table = rows()
    assert table.meta == {"a": "b"}
    assert table.query.tolist() == [11, 12, 13]
    assert set(table.query_camera.tolist()) == {"a"}
    assert set(table.camera.tolist()) == {"b"}
    assert table.candidates.lengths.tolist() == [3, 0, 1]
    assert table.candidates.values.tolist() == [22, 23, 21, 22]
    assert table.probability.values.tolist() == pytest.approx([0.5, 0.2, 0.1, 0.9])
    assert table.distance.values.tolist() == pytest.approx([0.05, 0.02, 0.01, 0.09])
    assert table.lag_s.values.tolist() == [30, 40, 20, 25]
    assert table.looks.values.tolist() == [2, 3, 1, 4]
    assert table.lane.values.tolist() == [-1, -1.5, -0.5, -2]
    assert table.timing.values.tolist() == [0, 0, 0, 0]


def test_what_is_missing_to_one_is_nobody():
    assert rows().p_none.tolist() == pytest.approx([0.2, 1.0, 0.1], abs=1e-6)
    over = rows(belief=np.array([0.5, 0.5, 0.2, 0.9]))
    assert over.p_none[0] == 0


def test_context_is_the_rest_of_the_log_odds():
    table = rows()
    total = sum(getattr(table, name).values for name in ("looks", "size", "timing", "lane", "order", "context"))
    assert 1 / (1 + np.exp(-total)) == pytest.approx(table.probability.values, abs=1e-6)
    assert table.context.values[0] == pytest.approx(-1.0, abs=1e-6)
    assert np.all(np.isfinite(rows(belief=np.array([0.0, 1.0, 0.0, 1.0])).context.values))


def test_k_cuts_the_list_and_not_the_chance_of_nobody():
    table = rows(k=2)
    assert table.candidates.values.tolist() == [22, 23, 22]
    assert table.p_none.tolist() == rows().p_none.tolist()


def test_of_equals_the_earlier_comes_first():
    assert rows(belief=np.array([0.2, 0.2, 0.2, 0.2])).candidates.values.tolist() == [21, 22, 23, 22]
