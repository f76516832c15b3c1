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
