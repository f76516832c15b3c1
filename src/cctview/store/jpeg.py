"""Stills as the bytes that are kept: JPEG without a word about who took it where."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FrameError
from cctview.extras import cv2

__all__ = ["encode", "stripped"]

_QUALITY = 90
_JFIF_LENGTH = 16
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START, _END, _SCAN, _JFIF, _EXIF, _ADOBE, _COMMENT = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xFE
_NO_SEGMENT = frozenset({*range(0xC0), *range(0xD0, 0xD9), 0xFF})


def encode(image: NDArray[np.uint8]) -> bytes:
    """Return the JPEG bytes of an RGB image."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise FrameError(f"an image of shape {image.shape} cannot be encoded as JPEG; leave it out")
    return data.tobytes()


def stripped(encoded: bytes) -> bytes | None:
    """Return the same JPEG without comments, application data and anything after its end.

    Return None when that may change the picture or cannot be done safely: it is no complete JPEG,
    or has EXIF data, which may turn it.
    """
    if encoded[:2] != bytes((0xFF, _START)):
        return None
    kept = [encoded[:2]]
    place = 2
    while place + 1 < len(encoded) and encoded[place] == 0xFF:
        marker = encoded[place + 1]
        if marker == _END:
            return b"".join([*kept, encoded[place : place + 2]])
        if marker in _NO_SEGMENT or (marker == _EXIF and encoded[place + 4 : place + 8] == b"Exif"):
            return None
        end = place + 2 + max(2, int.from_bytes(encoded[place + 2 : place + 4]))
        if marker == _SCAN:
            following = _MARKER.search(encoded, end)
            end = following.start() if following else len(encoded)
        if _needed(marker, end - place - 2):
            kept.append(encoded[place:end])
        place = end
    return None


def _needed(marker: int, length: int) -> bool:
    """Return whether a decoder needs this segment; a JFIF one that is longer holds a thumbnail."""
    application = _JFIF <= marker <= 0xEF
    return marker != _COMMENT and (not application or marker == _ADOBE or (marker == _JFIF and length == _JFIF_LENGTH))
