from __future__ import annotations

import cv2
import numpy as np
import pytest

from cctview.store.colours import colour_of
from cctview.store.filters import COLOURS

RGB = {
    "black": (20, 20, 20),
    "grey": (120, 120, 120),
    "white": (230, 230, 230),
    "red": (200, 30, 30),
    "orange": (230, 120, 20),
    "yellow": (230, 210, 30),
    "green": (30, 140, 60),
    "blue": (30, 60, 190),
}


@pytest.mark.parametrize("colour", RGB)
def test_a_painted_box_has_its_colour(colour):
    image = np.full((60, 80, 3), 110, np.uint8)
    image[20:40, 30:60] = RGB[colour]
    still = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    assert colour_of(still, np.array([[30, 20, 60, 40], [0, 0, 20, 15]], np.float32)) == [colour, "grey"]


def test_every_colour_there_is_can_be_told():
    assert set(RGB) == set(COLOURS)


def test_a_quarter_of_coloured_pixels_outvotes_the_grey_ones():
    for share, colour in ((0.3, "red"), (0.2, "grey")):
        image = np.full((100, 100, 3), 120, np.uint8)
        image[: round(100 * share)] = RGB["red"]
        still = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
        inner = np.array([[-100 / 3, -100 / 3, 400 / 3, 400 / 3]], np.float32)  # its middle is the whole image
        assert colour_of(still, inner) == [colour]


def test_a_box_at_the_edge_has_at_least_one_pixel():
    image = np.full((10, 10, 3), RGB["blue"], np.uint8)
    still = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    assert colour_of(still, np.array([[9.9, 9.9, 30, 30], [-9, -9, 0.2, 0.2]], np.float32)) == ["blue", "blue"]


def test_what_is_no_picture_has_no_colour():
    assert colour_of(b"no picture", np.zeros((2, 4), np.float32)) == ["", ""]
