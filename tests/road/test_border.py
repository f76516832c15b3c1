import numpy as np
import pytest

from cctview.road.border import cut_by_border, extent_of

EXTENT = np.array([352.0, 240.0])


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ([50, 50, 90, 90], False),
        ([1.9, 50, 90, 90], True),
        ([2.0, 50, 90, 90], False),
        ([50, 0, 90, 90], False),
        ([50, 50, 350.1, 90], True),
        ([50, 50, 350.0, 90], False),
        ([50, 50, 90, 238.1], True),
        ([50, 50, 90, 238.0], False),
    ],
)
def test_left_right_and_lower_border_cut_and_the_upper_does_not(box, cut):
    assert cut_by_border(np.array([box], float), EXTENT, 2.0).tolist() == [cut]


def test_any_shape_of_boxes():
    boxes = np.array([[[0, 0, 9, 9], [5, 5, 9, 8]], [[5, 0, 30, 20], [5, 5, 9, 9]]], float)
    assert extent_of(boxes).tolist() == [30, 20]
    assert extent_of(boxes[:0]).tolist() == [0, 0]
    assert cut_by_border(boxes, extent_of(boxes), 1.0).tolist() == [[True, False], [True, False]]
