"""Which files are stills: by the ending of their names, else by their first bytes."""

from __future__ import annotations

import re
from functools import cache

__all__ = ["IMAGE_ENDINGS", "VIDEO_ENDINGS", "looks_like_image", "split_ending"]

_COMMON = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
_RARE = (".heic", ".heif", ".avif", ".jp2", ".jxl")  # opened where Pillow can, else reported
IMAGE_ENDINGS = frozenset((*_COMMON, *_RARE))
VIDEO_ENDINGS = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".flv", ".3gp", ".h264", ".dav")
)
_ENDING = re.compile(r"(?P<ending>\.[A-Za-z][A-Za-z0-9]{0,9})(?:\.[0-9]{1,5}|[?&;@].*|~| \([0-9]{1,3}\))?", re.DOTALL)
_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"\xff\x0a", b"BM")
_BRANDS = frozenset((b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis"))
_JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"


@cache
def _known_endings() -> re.Pattern[str]:
    names = "|".join(re.escape(ending) for ending in sorted(IMAGE_ENDINGS | VIDEO_ENDINGS, key=len, reverse=True))
    return re.compile(
        rf"(?P<ending>{names})(?:\.[0-9]{{1,5}}|[?&;@].*|~| ?\([0-9]{{1,3}}\))?", re.IGNORECASE | re.DOTALL
    )


def split_ending(name: str) -> tuple[str, str]:
    """Return a file's name without the ending of its kind, and this ending in small letters, perhaps "".

    What downloads add behind an ending goes with it (``a.jpg.1``, ``a.jpg?t=1``, ``a.jpg~``); a dot within the
    name that no known ending follows, as in ``13.34.29``, stays.
    """
    for found in _known_endings().finditer(name):
        if found.end() == len(name) and found.start() > 0:
            return name[: found.start()], found["ending"].lower()
    other = _ENDING.fullmatch(name, max(name.rfind("."), 0))
    if other and other.start() > 0:
        return name[: other.start()], other["ending"].lower()
    return name, ""


def looks_like_image(head: bytes) -> bool:
    """Return whether a file that begins with these bytes (32 are enough) is an image of a kind that is read."""
    if head[4:8] == b"ftyp":
        return head[8:12] in _BRANDS
    if head[:4] == b"RIFF":
        return head[8:12] == b"WEBP"
    return head.startswith((*_HEADS, _JP2))
