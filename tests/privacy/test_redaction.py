from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cctview.errors import TableError
from cctview.geometry import widened
from cctview.privacy import redact

boxes = hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(4)), elements=st.floats(-30, 60, width=32))


@given(boxes, st.floats(0, 1))
def test_every_touched_pixel_is_black_and_no_other_changes(found, grow):
    image = np.random.default_rng(0).integers(1, 255, (20, 30, 3), dtype=np.uint8)
    before = image.copy()
    expected = image.copy()
    for x1, y1, x2, y2 in widened(found.astype(np.float64), grow).tolist():
        left, top = (max(0, int(np.floor(edge))) for edge in (x1, y1))
        right, bottom = (max(0, int(np.ceil(edge))) for edge in (x2, y2))
        expected[top:bottom, left:right] = 0
    assert np.array_equal(redact(image, found, grow), expected)
    assert np.array_equal(image, before)


def test_a_view_with_reversed_channels_is_redacted_too():
    image = np.full((8, 8, 3), 200, np.uint8)[:, ::-1, ::-1]
    assert not redact(image, np.array([[0.0, 0, 8, 8]]), 0).any()


@pytest.mark.parametrize("found", [np.array([[0, 0, np.nan, 4]]), np.array([[0, 0, np.inf, 4]]), np.zeros((2, 3))])
def test_a_box_that_cannot_be_drawn_is_an_error(found):
    with pytest.raises(TableError, match="black out"):
        redact(np.zeros((4, 4, 3), np.uint8), found)
