"""The one door by which Pillow opens what somebody else sent."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

__all__ = ["open_image"]

# Pillow knows some forty kinds more, among them PostScript, for which it starts another program on a stranger's file.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "HEIF", "AVIF", "JPEG2000", "JXL")


def open_image(source: bytes | Path) -> Image.Image:
    """Open an image of the kinds that a still may have, by its bytes or its path; close it after use.

    Raises what Pillow raises: UnidentifiedImageError for any other kind, DecompressionBombError, and for damaged
    files the OSError, ValueError, SyntaxError or struct.error of the format's own reader.
    """
    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=formats)
