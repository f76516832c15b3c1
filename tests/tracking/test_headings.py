import numpy as np
import pytest
from scenes import PRIORS, a_lens, on_road

from cctview.tracking.headings import headings


def heading(first, last):
    box = np.concatenate([on_road(*first), on_road(*last)])
    return headings(a_lens().road, box, np.array([0, 0]), np.array([0]), np.array([1]), PRIORS)[0]


@pytest.mark.parametrize(
    ("first", "last", "way"),
    [
        (([60.0], 0.0), ([20.0], 0.0), "towards"),
        (([20.0], 0.0), ([60.0], 0.0), "away"),
        (([20.0], -5.0), ([20.1], 5.0), "across"),
        (([30.0], 0.0), ([30.2], 0.0), "still"),
    ],
)
def test_a_tracklet_goes_where_the_ground_says(first, last, way):
    assert heading(first, last) == way


def test_what_was_seen_once_goes_as_its_place_does():
    many = np.concatenate([np.concatenate([on_road([60.0 - n / 9], 2.0), on_road([20.0], 2.0)]) for n in range(9)])
    alone = np.concatenate([on_road([20.0], 2.0), on_road([20.0], -8.0)])
    chain = np.append(np.repeat(np.arange(9), 2), [9, 10])
    first, last = np.append(np.arange(0, 18, 2), [18, 19]), np.append(np.arange(1, 18, 2), [18, 19])
    found = headings(a_lens().road, np.concatenate([many, alone]), chain, first, last, PRIORS)
    assert found.tolist() == ["towards"] * 10 + ["still"]


@pytest.mark.parametrize(("aside", "way"), [(0.0, "towards"), (15.0, "towards"), (20.0, "towards"), (45.0, "across")])
def test_across_is_far_more_aside_than_nearer(aside, way):
    """Ten metres nearer: from thirty aside on, a vehicle goes across."""
    assert heading((40.0, 0.0), (30.0, aside)) == way


@pytest.mark.parametrize(("vehicles", "way"), [(1, "still"), (12, "away")])
def test_one_vehicle_makes_no_flow(vehicles, way):
    """Who was seen once goes as its place does, as soon as enough were seen to move there."""
    boxes = np.concatenate([*[on_road([28.0, 34.0], 0.0)] * vehicles, on_road(30.0, 0.0)])
    chain = np.append(np.repeat(np.arange(vehicles), 2), vehicles)
    first = np.append(2 * np.arange(vehicles), 2 * vehicles)
    last = np.append(2 * np.arange(vehicles) + 1, 2 * vehicles)
    found = headings(a_lens().road, boxes, chain, first, last, PRIORS)
    assert found[:-1].tolist() == ["away"] * vehicles
    assert found[-1] == way


def test_a_place_of_both_ways_has_no_flow():
    boxes = np.concatenate([*[on_road([28.0, 34.0], 0.0), on_road([34.0, 28.0], 0.0)] * 6, on_road(30.0, 0.0)])
    chain, first = np.append(np.repeat(np.arange(12), 2), 12), np.append(2 * np.arange(12), 24)
    last = np.append(2 * np.arange(12) + 1, 24)
    assert headings(a_lens().road, boxes, chain, first, last, PRIORS)[-1] == "still"
