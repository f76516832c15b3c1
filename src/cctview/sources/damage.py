"""Pictures whose lower part was never received, told from masks, caption bars and plain cards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cctview.extras import cv2

__all__ = ["missing_part"]

_GREY = (128, 128, 128)  # libjpeg's fill for blocks that did not come, before and after another encoding
_GREY_OFF = 2
_GREEN = (0, 135, 0)  # a video decoder's frame of zeros (Y'CbCr 0, 0, 0)
_GREEN_OFF = 24  # 709 and limited range, and what another encoding adds
_GREY_SHARE = 0.3  # plain grey up to here may be a mask or a bar for words; what was cut off is mostly more
_GREEN_SHARE = 1 / 16  # nobody paints a mask in this green; less than a row of blocks is nothing
_GREY_BETWEEN = 0.1  # of a picture's pixels are that grey by chance; between words it is most of them
_BLOCK = 8


def missing_part(image: NDArray[np.uint8]) -> str:
    """Return what is missing of an image ``uint8 (H, W, 3)`` RGB: "lower part", "whole", or "" for nothing.

    Data that ran out leave three traces: plain mid grey (libjpeg), the green of an empty frame (video decoders), and
    rows that repeat the one above (video decoders), perhaps with a caption over their lower end. A bar or mask of
    grey ends in a straight line; where data ran out in the middle of a row of blocks, there is a step.
    """
    height = len(image)
    green = _plain_below(image, _GREEN, _GREEN_OFF)
    if green == height:
        return "whole"
    if green >= height * _GREEN_SHARE:
        return "lower part"
    return "lower part" if _grey_below(image) or _repeated(image) else ""


def _grey_below(image: NDArray[np.uint8]) -> bool:
    height = len(image)
    rows = _plain_below(image, _GREY, _GREY_OFF)
    if not rows or rows == height:
        return False
    above = _plain_below(image[::-1], _GREY, _GREY_OFF)
    if above * 2 >= rows:
        return False  # a letterbox, or a card
    return rows >= height * _GREY_SHARE or (rows >= _BLOCK and _has_step(image, height - rows))


def _plain_below(image: NDArray[np.uint8], colour: tuple[int, int, int], off: int) -> int:
    """Return how many rows from the lower border upwards are of one colour all along."""
    if (np.abs(image[-1, :, :].astype(np.int16) - colour) > off).any():
        return 0
    plain: NDArray[np.bool_] = np.all(np.abs(image.astype(np.int16) - np.array(colour, np.int16)) <= off, axis=(1, 2))
    return len(image) if plain.all() else int(np.argmin(plain[::-1]))


def _has_step(image: NDArray[np.uint8], top: int) -> bool:
    """Return whether the row of blocks above a grey bar is picture on its left and grey to its right end.

    Words in a bar stand on grey, a picture does not.
    """
    grey = np.abs(image[max(top - _BLOCK, 0) : top].astype(np.int16) - _GREY[0]).max(axis=2) <= _GREY_OFF
    columns = grey.all(axis=0)
    left = int(np.flatnonzero(~columns).max(initial=-1)) + 1
    step = 0 < left <= len(columns) - 2 * _BLOCK
    return bool(step and grey[:, :left].mean() < _GREY_BETWEEN)


def _repeated(image: NDArray[np.uint8]) -> bool:
    height = len(image)
    if _striped(image[height * 5 // 6 : height * 9 // 10 + 2]).mean() < 0.5:
        return False
    striped = _striped(image)
    return bool(striped.mean() < 0.95 and _longest_run(striped) > height / 6)


def _striped(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which rows change along themselves but hardly from the row above, ``(H-1,)``."""
    green = np.ascontiguousarray(image[:, ::4, 1])
    down = cv2.absdiff(green[1:], green[:-1]).mean(axis=1)
    along = cv2.absdiff(green[:-1, 1:], green[:-1, :-1]).mean(axis=1)
    striped: NDArray[np.bool_] = (down <= 0.1 * along) & (along > 2)
    return striped


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    return int(np.max(edges[1::2] - edges[::2], initial=0))
