"""The line at which a direction is counted."""

import numpy as np
import pytest

from cctview.tracking.gates import GatePriors, learn_gate

PRIORS = GatePriors()


def road(sign, slow=1.0):
    """Places from 10 to 60 away along a straight road, and moves of 8 in 2 s where near, ``slow`` of it beyond 40."""
    start = np.linspace(10, 50, 41)
    length = np.where(start > 40, 8 * slow, 8.0)
    ends = [np.column_stack([np.zeros(41), way]) for way in (start, start + length)]
    places = np.column_stack([np.zeros(501), np.linspace(10, 60, 501)])
    begin, end = ends if sign > 0 else ends[::-1]
    return places, begin, end, np.full(41, 2.0)


@pytest.mark.parametrize(("heading", "sign"), [("away", 1), ("towards", -1)])
def test_the_line_lies_one_step_beyond_the_near_end(heading, sign):
    gate = learn_gate(heading, *road(sign), still_s=2.5, priors=PRIORS)
    assert gate.ahead.tolist() == pytest.approx([0, sign])
    assert (gate.speed, gate.step) == pytest.approx((4.0, 10.0))
    near = 10 + 50 * PRIORS.beyond
    assert gate.line == pytest.approx(sign * (near + 10.0), abs=0.01)
    place = np.array([[0.0, near + 10], [0, near + 13], [2, near + 10]])
    assert gate.along(place).tolist() == pytest.approx([0, 3 * sign, 0], abs=0.01)
    assert np.abs(gate.across(place) - gate.across(place)[0]).tolist() == pytest.approx([0, 0, 2])


def test_the_line_keeps_clear_of_the_near_end_where_stills_come_fast():
    gate = learn_gate("away", *road(1), still_s=0.1, priors=PRIORS)
    assert gate.step == PRIORS.clearance
    assert gate.line == pytest.approx(10 + 50 * PRIORS.beyond + PRIORS.clearance, abs=0.01)


def test_the_speed_is_that_near_the_line():
    assert learn_gate("away", *road(1, slow=0.25), still_s=2.0, priors=PRIORS).speed == pytest.approx(4.0)


def test_across_the_view_the_line_lies_in_the_middle():
    places, begin, end, seconds = road(1)
    turned = [part[:, ::-1] for part in (places, begin, end)]
    gate = learn_gate("across", *turned, seconds, 2.0, PRIORS)
    assert gate.ahead.tolist() == pytest.approx([1, 0])
    assert gate.line == pytest.approx(35, abs=0.1)


def test_too_few_moves_teach_no_line():
    places, begin, end, seconds = road(1)
    enough = PRIORS.fewest_moves
    assert learn_gate("away", places, begin[:enough], end[:enough], seconds[:enough], 2.0, PRIORS) is not None
    few = enough - 1
    assert learn_gate("away", places, begin[:few], end[:few], seconds[:few], 2.0, PRIORS) is None


def test_the_speed_is_the_way_of_all_by_the_time_of_all():
    """Short moves tell a speed badly: twice four a second in 2 s and nothing in 0.2 s are hardly less than four."""
    places, begin, end, seconds = road(1)
    end, seconds = end.copy(), seconds.copy()
    end[::2], seconds[::2] = begin[::2], 0.2
    speed = learn_gate("away", places, begin, end, seconds, 2.0, PRIORS).speed
    assert speed == pytest.approx(4 * 2 / 2.2, rel=0.05)
