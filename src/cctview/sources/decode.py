"""Bytes to pixels: what is not one whole, sane image is refused before it can do harm."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from cctview.errors import FrameError
from cctview.extras import cv2

__all__ = ["DecodeLimits", "Decoded", "decode"]

_JPEG, _END_OF_IMAGE, _START_OF_SCAN = b"\xff\xd8\xff", b"\xff\xd9", b"\xff\xda"
_PNG = b"\x89PNG\r\n\x1a\n"
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_ORIENTATION = 0x0112
_MISSING_GREY = 128


@dataclass(frozen=True, kw_only=True)
class DecodeLimits:
    """What is refused: files and images too large to be a still, and images too small to show a road."""

    max_bytes: int = 128_000_000
    max_pixels: int = 64_000_000
    min_side: int = 16


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels, ``uint8 (H, W, 3)`` RGB, and whether the JPEG bytes show them as they are."""

    image: NDArray[np.uint8]
    is_jpeg: bool


@dataclass(frozen=True)
class _JpegHeader:
    width: int
    height: int
    components: int
    has_exif: bool


def decode(data: bytes, where: str, limits: DecodeLimits | None = None) -> Decoded:
    """Decode one still; raise FrameError saying why it cannot be used.

    The declared size is checked before a pixel is decoded. JPEG and PNG cut short, images whose lower part
    was never received, and files that are no image are refused. EXIF orientation is applied.
    """
    limits = limits or DecodeLimits()
    if not data:
        raise FrameError(f"{where}: the file is empty")
    if data.startswith(_PNG) and data.rfind(b"IEND") < data.rfind(b"IDAT"):
        raise FrameError(f"{where}: truncated PNG; the end of the image is missing")
    if data.startswith(_JPEG):
        decoded = _jpeg(data, where, limits)
    else:
        decoded = Decoded(_odd(data, where, limits), is_jpeg=False)
    if _lower_part_missing(decoded.image):
        raise FrameError(f"{where}: half decoded; the lower part of the image was never received")
    return decoded


def _jpeg(data: bytes, where: str, limits: DecodeLimits) -> Decoded:
    header = _jpeg_header(data)
    if header is None:
        raise FrameError(f"{where}: damaged JPEG; it has no image header")
    _check_size(header.width, header.height, where, limits)
    if data.rfind(_END_OF_IMAGE) < data.rfind(_START_OF_SCAN):
        raise FrameError(f"{where}: truncated JPEG; the end of the image is missing")
    if header.components not in (1, 3) or (header.has_exif and _is_turned(data)):
        return Decoded(_odd(data, where, limits), is_jpeg=False)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or pixels.shape[:2] != (header.height, header.width):
        raise FrameError(f"{where}: damaged JPEG; it cannot be decoded")
    return Decoded(_rgb(pixels), is_jpeg=True)


def _jpeg_header(data: bytes) -> _JpegHeader | None:
    """Walk the marker segments (ITU T.81, annex B) up to the frame header."""
    place, has_exif = 2, False
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF or marker in _LONE_MARKERS:
            place += 1 if marker == 0xFF else 2
            continue
        if marker in _FRAME_HEADERS:
            height, width, components = struct.unpack_from(">HHB", data, place + 5)
            return _JpegHeader(width, height, components, has_exif)
        has_exif = has_exif or (marker == 0xE1 and data[place + 4 : place + 8] == b"Exif")
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _is_turned(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.getexif().get(_ORIENTATION, 1) not in (0, 1)
    except (OSError, ValueError, SyntaxError, struct.error):
        return False


def _odd(data: bytes, where: str, limits: DecodeLimits) -> NDArray[np.uint8]:
    """Decode by Pillow, which knows all the rare kinds of image and cuts none of them short."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # size is checked here, and odd metadata harms nobody
            with Image.open(io.BytesIO(data)) as image:
                _check_size(*image.size, where, limits)
                return _rgb(np.array(_eight_bit(ImageOps.exif_transpose(image)).convert("RGB")))
    except FrameError:
        raise
    except UnidentifiedImageError as error:
        raise FrameError(f"{where}: not an image{_looks_like(data)}") from error
    except Image.DecompressionBombError as error:
        raise FrameError(f"{where}: refused, {error}") from error
    except Exception as error:  # damaged files end in any exception of the format's own reader
        raise FrameError(f"{where}: damaged or truncated image ({error})") from error


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit and float grey to 8 bits, and lay transparent images over black."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype(np.float64)
        top = 65535.0 if image.mode.startswith("I") else max(float(np.nanmax(values)), 1.0)
        return Image.fromarray(np.clip(values * (255 / top), 0, 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, (0, 0, 0, 255)), layered)
    return image


def _check_size(width: int, height: int, where: str, limits: DecodeLimits) -> None:
    if width * height > limits.max_pixels:
        raise FrameError(
            f"{where}: refused, it declares {width} x {height} pixels, more than {limits.max_pixels / 1e6:g} million"
        )
    if min(width, height) < limits.min_side:
        raise FrameError(f"{where}: {width} x {height} pixels are too few; each side needs {limits.min_side}")


def _lower_part_missing(image: NDArray[np.uint8]) -> bool:
    """Tell the two traces of data that ran out: plain mid grey, and rows that repeat the one above.

    libjpeg fills missing blocks with grey 128; video decoders continue the last row downwards, which
    leaves stripes, perhaps with a caption over their lower end. Cards without detail are neither.
    """
    height = len(image)
    if (image[-8:] == _MISSING_GREY).all() and not (image[: height // 8] == _MISSING_GREY).all():
        return True
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


def _rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels, np.uint8)


def _looks_like(data: bytes) -> str:
    head = data[:256].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return " but a web page; the server sent an error page"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return " but text"
    return ", or of a kind that is not known"
