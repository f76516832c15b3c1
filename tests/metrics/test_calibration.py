import numpy as np
import pytest

from cctview.errors import InputError
from cctview.metrics.calibration import count_calibration, count_open_set
from cctview.metrics.journeys import RIGHT, UNKNOWN, WRONG, count_journeys
from cctview.table import Ragged


def test_reliability_by_hand():
    counts = count_calibration(np.array([0.91, 0.97, 0.05, 1.0]), np.array([True, False, False, True]))
    top = counts.reliability()[-1]
    assert [row["answers"] for row in counts.reliability()] == [1, 3]
    assert (top["from"], top["to"], top["right"]) == (0.9, 1.0, pytest.approx(2 / 3))
    assert top["stated"] == pytest.approx(0.96)
    assert counts.error() == pytest.approx((0.05 + abs(2.88 - 2)) / 4)


def test_counts_add_up():
    rng = np.random.default_rng(0)
    probability, right = rng.random(50), rng.random(50) < 0.5
    whole = count_calibration(probability, right)
    parts = count_calibration(probability[:20], right[:20]) + count_calibration(probability[20:], right[20:])
    assert parts.error() == pytest.approx(whole.error())
    levels = (0.2, 0.8)
    both = count_open_set(probability[:20], right[:20], levels) + count_open_set(probability[20:], right[20:], levels)
    assert both.rates() == count_open_set(probability, right, levels).rates()


def test_open_set_rates_by_hand():
    rates = count_open_set(np.array([0.95, 0.9, 0.4]), np.array([True, False, True]), (0.5, 0.9, 0.99)).rates()
    assert rates["0.9"] == {"answered": 2, "share": pytest.approx(2 / 3), "wrong": 1, "wrong share": 0.5}
    assert rates["0.99"] == {"answered": 0, "share": 0, "wrong": 0, "wrong share": 0}


def test_thresholds_must_agree():
    one, other = (count_open_set(np.ones(1), np.ones(1, bool), (level,)) for level in (0.5, 0.9))
    with pytest.raises(InputError, match="do not add up"):
        one + other


def test_journeys_add_up_and_one_wrong_step_is_enough():
    steps = Ragged.from_lengths(np.array([RIGHT, RIGHT, RIGHT, WRONG, UNKNOWN, RIGHT], np.int8), [2, 2, 2])
    counts = count_journeys(steps, np.array([1.0, 0.5, 0.9]), found_steps=3, true_steps=6)
    scores = (counts + counts).scores()
    assert (scores["steps judged"], scores["journeys judged"], scores["true steps"]) == (10, 4, 12)
    assert (scores["step precision"], scores["step recall"], scores["journey precision"]) == (0.8, 0.5, 0.5)
    assert scores["calibration error"] == pytest.approx(0.25)
