from __future__ import annotations

import numpy as np
import pytest

from cctview.detect.stretch import Stretch, stacked

RULE = Stretch(stride=32, max_side=640, least_pixels=384 * 256)


@pytest.mark.parametrize(
    ("height", "width", "shape"),
    [
        (240, 352, (256, 384)),
        (288, 352, (288, 352)),
        (480, 640, (480, 640)),
        (1080, 1920, (352, 640)),
        (200, 200, (256, 256)),
        (60, 100, (128, 128)),
    ],
)
def test_shapes_are_near_multiples_of_the_stride(height: int, width: int, shape: tuple[int, int]) -> None:
    assert RULE.shape(height, width) == shape


def test_a_still_of_the_right_size_passes_unchanged() -> None:
    image = np.random.default_rng(0).integers(0, 255, (288, 352, 3), dtype=np.uint8)
    batch, scale = stacked([image], RULE)
    assert np.array_equal(batch[0], image)
    assert scale.tolist() == [1, 1, 1, 1]


def test_what_is_stretched_fills_the_picture() -> None:
    image = np.zeros((240, 352, 3), np.uint8)
    image[120:, 176:] = 200
    batch, scale = stacked([image, image], RULE)
    assert batch[1, -1, -1].tolist() == [200, 200, 200]
    rows, columns = np.nonzero(batch[1, ..., 0] > 100)
    assert [columns.min(), rows.min()] == pytest.approx([176 * scale[0], 120 * scale[1]], abs=1)
