"""Bytes to pixels: what is not one whole, sane image is refused before it can do harm."""

from __future__ import annotations

import re
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from cctview.errors import FrameError
from cctview.extras import simplejpeg
from cctview.sources.damage import missing_part
from cctview.sources.opened import open_image

__all__ = ["DecodeLimits", "Decoded", "decode"]

_JPEG, _END_OF_IMAGE, _START_OF_SCAN = b"\xff\xd8\xff", b"\xff\xd9", b"\xff\xda"
_PNG = b"\x89PNG\r\n\x1a\n"
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset((0xC2, 0xC6, 0xCA, 0xCE))
_COEFFICIENTS = 64  # of a block
_LONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_ORIENTATION = 0x0112
_MOST_BEFORE_JPEG = 4096  # bytes: a part's header is a few lines
_NO_TEXT = re.compile(rb"[^\t\r\n -~]")
_CUT_SHORT = "Corrupt JPEG data: premature end of data segment"  # libjpeg's words


@dataclass(frozen=True, kw_only=True)
class DecodeLimits:
    """What is refused: files and images too large to be a still, and images too small to show a road."""

    max_bytes: int = 128_000_000
    max_pixels: int = 64_000_000
    min_side: int = 16


@dataclass(frozen=True, eq=False)
class Decoded:
    """Pixels, ``uint8 (H, W, 3)`` RGB, the JPEG bytes that show them as they are, perhaps none, and what was odd."""

    image: NDArray[np.uint8]
    jpeg: bytes = b""
    oddity: str = ""


@dataclass(frozen=True)
class _JpegHeader:
    width: int
    height: int
    components: int
    has_exif: bool
    sequential: bool


def decode(data: bytes, where: str, limits: DecodeLimits | None = None) -> Decoded:
    """Decode one still; raise FrameError saying why it cannot be used.

    The declared size is checked before a pixel is decoded. JPEG and PNG cut short, images whose lower part
    was never received, and files that are no image are refused. A JPEG that lacks nothing but its end marker, or
    that stands behind line breaks or the header of a part, is taken. EXIF orientation is applied.
    """
    limits = limits or DecodeLimits()
    if not data:
        raise FrameError(f"{where}: the file is empty")
    if data.startswith(_PNG) and data.rfind(b"IEND") < data.rfind(b"IDAT"):
        raise FrameError(f"{where}: truncated PNG; the end of the image is missing")
    begin = _start_of_jpeg(data)
    decoded = Decoded(_odd(data, where, limits)) if begin is None else _jpeg(data[begin:], where, limits)
    missing = missing_part(decoded.image)
    if missing:
        raise FrameError(f"{where}: half decoded; the {missing} of the image was never received")
    return decoded


def _start_of_jpeg(data: bytes) -> int | None:
    """Return where a JPEG begins: at once, or behind line breaks or the header of a part of a multipart stream."""
    if data.startswith(_JPEG):
        return 0
    begin = data.find(_JPEG, 0, _MOST_BEFORE_JPEG)
    return begin if begin > 0 and not _NO_TEXT.search(data, 0, begin) else None


def _jpeg(data: bytes, where: str, limits: DecodeLimits) -> Decoded:
    header = _jpeg_header(data)
    if header is None:
        raise FrameError(f"{where}: damaged JPEG; it has no image header")
    _check_size(header.width, header.height, where, limits)
    ended = data.rfind(_END_OF_IMAGE) >= data.rfind(_START_OF_SCAN)
    if not ended:
        data = data.rstrip(b"\xff") + _END_OF_IMAGE
    if header.components not in (1, 3):
        return Decoded(_odd(data, where, limits))
    pixels, oddity = _decompressed(data, where)
    if not ended and (oddity == _CUT_SHORT or not (header.sequential or _every_scan_began(data))):
        raise FrameError(f"{where}: truncated JPEG; the end of the image is missing")
    if header.has_exif and _is_turned(data):
        return Decoded(_odd(data, where, limits), oddity=oddity)
    return Decoded(pixels, data, oddity)


def _decompressed(data: bytes, where: str) -> tuple[NDArray[np.uint8], str]:
    """Return the pixels and what the decoder found odd; it says that to us and not to the terminal."""
    try:
        return simplejpeg.decode_jpeg(data, strict=True), ""
    except ValueError as warning:
        oddity = re.sub(r"[0-9]+ extraneous bytes.*", "extraneous bytes before a marker", str(warning))
    try:
        return simplejpeg.decode_jpeg(data, strict=False), oddity
    except ValueError as error:
        raise FrameError(f"{where}: damaged JPEG; it cannot be decoded ({error})") from error


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
            return _JpegHeader(width, height, components, has_exif, marker not in _PROGRESSIVE)
        has_exif = has_exif or (marker == 0xE1 and data[place + 4 : place + 8] == b"Exif")
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _every_scan_began(data: bytes) -> bool:
    """Return whether the scans of a progressive JPEG carry every coefficient of every component to its last bit."""
    exact: dict[int, set[int]] = {}
    place = data.find(_START_OF_SCAN)
    while 0 <= place < len(data) - 10:
        count = data[place + 4]
        first, last, bits = data[place + 5 + 2 * count : place + 8 + 2 * count]
        for component in data[place + 5 : place + 5 + 2 * count : 2]:
            done = exact.setdefault(component, set())
            done.update(range(first, last + 1) if bits & 0x0F == 0 else ())
        place = data.find(_START_OF_SCAN, place + 2)
    return bool(exact) and all(len(done) == _COEFFICIENTS for done in exact.values())


def _is_turned(data: bytes) -> bool:
    try:
        with open_image(data) as image:
            return image.getexif().get(_ORIENTATION, 1) not in (0, 1)
    except (OSError, ValueError, SyntaxError, struct.error):
        return False


def _odd(data: bytes, where: str, limits: DecodeLimits) -> NDArray[np.uint8]:
    """Decode by Pillow, which knows all the rare kinds of image and cuts none of them short."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # size is checked here, and odd metadata harms nobody
            with open_image(data) as image:
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


def _rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels, np.uint8)


def _looks_like(data: bytes) -> str:
    head = data[:256].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        return " but a web page; the server sent an error page"
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return " but text"
    return ", or of a kind that is not known"
