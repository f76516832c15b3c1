import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.metrics.calibration import Answers, wilson
from cctview.metrics.journeys import RIGHT, UNKNOWN, WRONG, count_journeys
from cctview.table import Ragged


def answers(probability, right):
    return Answers(probability=np.array(probability, float), right=np.array(right, bool))


def honest(count, seed=0):
    """Answers that are right as often as they say."""
    rng = np.random.default_rng(seed)
    probability = rng.random(count)
    return answers(probability, rng.random(count) < probability)


def test_reliability_by_hand():
    some = answers([0.91, 0.97, 0.05, 1.0], [True, False, False, True])
    low, top = some.reliability().rows()
    assert (low["answers"], top["answers"]) == (1, 3)
    assert (top["from"], top["to"], top["right"]) == (0.9, 1.0, pytest.approx(2 / 3))
    assert top["stated"] == pytest.approx(0.96)
    assert top["right, 95 % from"] < 2 / 3 < top["right, 95 % to"]
    assert some.error() == pytest.approx((0.05 + abs(2.88 - 2)) / 4)


def test_intervals_of_shares_are_those_worked_by_hand():
    """None of 3: from 0 to z²/(n + z²); 8 of 10 as in Wilson's formula."""
    low, high = wilson(np.array([0.0, 8.0]), np.array([3, 10]))
    z2 = 1.959963984540054**2
    assert (low[0], high[0]) == (0, pytest.approx(z2 / (3 + z2)))
    assert (low[1], high[1]) == (pytest.approx(0.490162, abs=1e-6), pytest.approx(0.943318, abs=1e-6))


@given(st.integers(0, 50), st.integers(0, 2**32 - 1))
def test_answers_add_up(cut, seed):
    whole = honest(50, seed)
    parts = [answers(whole.probability[part], whole.right[part]) for part in (slice(cut), slice(cut, None))]
    both = parts[0] + parts[1]
    assert both.error() == whole.error()
    assert both.reliability().rows() == whole.reliability().rows()
    assert both.open_set((0.2, 0.8)) == whole.open_set((0.2, 0.8))


def test_open_set_rates_by_hand():
    rates = answers([0.95, 0.9, 0.4], [True, False, True]).open_set((0.5, 0.9, 0.99))
    assert rates["0.9"] == {"answered": 2, "share": pytest.approx(2 / 3), "wrong": 1, "wrong share": 0.5}
    assert rates["0.99"] == {"answered": 0, "share": 0, "wrong": 0, "wrong share": 0}


def test_a_threshold_is_not_rounded_to_the_precision_of_the_answers():
    rates = Answers(probability=np.full(1, 0.9, np.float32), right=np.ones(1, bool)).open_set((0.9,))
    assert rates["0.9"]["answered"] == 0  # 0.9 as float32 lies below 0.9


def test_honest_answers_err_by_chance_alone_and_less_the_more_there_are():
    few, many = honest(100).scores(), honest(10_000).scores()
    for scores in (few, many):
        assert scores["error"] < scores["error by chance, 95 % below"]
        assert scores["error by chance"] < scores["error by chance, 95 % below"]
        assert abs(scores["stated minus right"]) < 0.05
    assert many["error by chance"] == pytest.approx(few["error by chance"] / 10, rel=0.1)


def test_the_error_by_chance_of_one_bin_is_the_mean_deviation_of_a_binomial():
    """Of 4 answers at 0.5 in one bin: E|X - 2| / 4 = (2 * 2 * 1/16 + 2 * 1 * 4/16) / 4 = 3/16."""
    mean, most = answers([0.5] * 4, [True] * 4).error_by_chance()
    assert mean == pytest.approx(3 / 16, abs=0.01)
    assert most == 0.5


@pytest.mark.parametrize(("right", "sign"), [(False, 1), (True, -1)])
def test_answers_that_are_too_sure_or_too_shy_stand_out_of_chance(right, sign):
    scores = answers(np.linspace(0.4, 0.6, 60), [right] * 60).scores()
    assert scores["stated minus right"] == pytest.approx(0.5 * sign)
    assert scores["error"] > 2 * scores["error by chance, 95 % below"]
    assert scores["error, 95 % from"] <= scores["error"] <= scores["error, 95 % to"]


def test_the_interval_covers_the_error_of_other_draws():
    """Answers at 0.9 of which 0.6 are right: the true error is 0.3."""
    rng = np.random.default_rng(1)
    covered = [
        low <= 0.3 <= high
        for low, high in (answers([0.9] * 80, rng.random(80) < 0.6).error_interval() for _ in range(100))
    ]
    assert 0.88 <= np.mean(covered) <= 1


def test_no_answers_have_no_error():
    nothing = answers([], [])
    assert set(nothing.scores().values()) == {0}
    assert nothing.reliability().rows() == []
    assert nothing.open_set((0.5,))["0.5"]["share"] == 0


def test_journeys_add_up_and_one_wrong_step_is_enough():
    steps = Ragged.from_lengths(np.array([RIGHT, RIGHT, RIGHT, WRONG, UNKNOWN, RIGHT], np.int8), [2, 2, 2])
    counts = count_journeys(steps, np.array([1.0, 0.5, 0.9]), found_steps=3, true_steps=6)
    scores = (counts + counts).scores()
    assert (scores["steps judged"], scores["journeys judged"], scores["true steps"]) == (10, 4, 12)
    assert (scores["step precision"], scores["step recall"], scores["journey precision"]) == (0.8, 0.5, 0.5)
    assert scores["calibration error"] == pytest.approx(0.25)
