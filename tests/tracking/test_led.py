"""Which way vehicles go where the flow is not clear."""

import numpy as np
import pytest

from cctview.tracking.led import Led, led_over, ways_led


def boxes(*feet):
    """Return boxes of 20 by 10 that stand at these places."""
    x, y = np.array(feet, np.float64).T
    return np.stack([x - 10, y - 10, x + 10, y], axis=1)


def many(count, way, place, first=0):
    """Return places that ``count`` vehicles led over, from ``first`` on, all at one."""
    at = np.tile(np.array(place, np.float64), (count, 1))
    return Led(at, first + np.arange(count), np.full(count, way == "towards"))


def told(led, place, owner=None, neighbours=8, clear=0.8):
    place = np.array(place, np.float64)
    return ways_led(led, place, np.arange(1000, 1000 + len(place)) if owner is None else owner, neighbours, clear)


def test_a_move_leads_over_all_places_between():
    box = boxes((0, 0), (100, 50), (300, 300), (301, 300), (0, 100), (50, 100))
    owner = np.array([3, 3, 5, 5, 7, 7])
    heading = np.array(["towards"] * 2 + ["away"] * 2 + ["away"] * 2)
    led = led_over(box, owner, heading)
    assert led.owner.tolist() == [3] * 5 + [7] * 5  # 5 hardly moved
    assert led.towards.tolist() == [True] * 5 + [False] * 5
    assert led.place[:5].tolist() == [[10, 5], [30, 15], [50, 25], [70, 35], [90, 45]]
    assert led.place[5:, 0].tolist() == pytest.approx([5, 15, 25, 35, 45])


@pytest.mark.parametrize("heading", ["across", "still"])
def test_who_goes_neither_way_leads_nowhere(heading):
    assert len(led_over(boxes((0, 0), (100, 0)), np.zeros(2, int), np.full(2, heading))) == 0


def test_from_one_vehicle_to_the_next_nobody_drove():
    assert len(led_over(boxes((0, 0), (100, 0)), np.array([0, 1]), np.full(2, "away"))) == 0


def test_the_nearest_decide():
    near, far = many(8, "towards", (0, 0)), many(8, "away", (50, 0), first=100)
    both = near.joined(far.place[:2], far.owner[:2], far.towards[:2])
    assert len(both) == 8 + 2 * 5  # who is seen at one place counts as much as a move
    assert told(both, [(5, 0), (45, 0)]).tolist() == ["towards", "away"]


def test_too_few_or_too_much_at_odds_is_unclear():
    assert told(many(8, "towards", (0, 0)), [(0, 0)]).tolist() == ["towards"]
    assert told(many(7, "towards", (0, 0)), [(0, 0)]).tolist() == ["still"]
    mixed = Led(np.zeros((8, 2)), np.arange(8), np.array([True] * 6 + [False] * 2))
    assert told(mixed, [(0, 0)]).tolist() == ["still"]
    assert told(mixed, [(0, 0)], clear=0.75).tolist() == ["towards"]
    assert told(mixed, np.zeros((0, 2))).tolist() == []


def test_nobody_vouches_for_himself():
    own = Led(np.zeros((8, 2)), np.array([0] * 7 + [1]), np.array([True] * 7 + [False]))
    assert told(own, [(0, 0)], owner=np.array([0])).tolist() == ["still"]  # one other is too few
    own = Led(np.zeros((8, 2)), np.array([0] * 6 + [1, 2]), np.array([True] * 6 + [False] * 2))
    assert told(own, [(0, 0)], owner=np.array([0])).tolist() == ["away"]


def test_who_is_clear_helps_to_tell_the_next():
    led = many(8, "towards", (0, 0)).joined(np.array([[60.0, 0]]), np.array([50]), np.array([False]))
    line = [(x, 0.0) for x in (10, 20, 25)]
    alone, along = told(led, [(38, 0)]), told(led, [*line, (38, 0)])
    assert alone.tolist() == ["still"]
    assert along.tolist() == ["towards"] * 4
