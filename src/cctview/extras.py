"""Libraries that come with an extra: loaded on first use, and where they are missing the command that installs them.

Stills are decoded by simplejpeg and OpenCV, and models run by onnxruntime; whoever only tracks, matches or exports
what is stored needs none of them. Every message about a missing library is made here.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cctview.errors import MissingExtraError

if TYPE_CHECKING:
    import cv2
    import simplejpeg

__all__ = ["cv2", "imported", "later", "missing", "simplejpeg"]

_EXTRAS = {
    "av": "video",
    "cv2": "vision",
    "fastapi": "web",
    "h5py": "convert",
    "nicegui": "web",
    "onnx": "convert",
    "onnxruntime": "vision",
    "pydantic": "web",
    "simplejpeg": "vision",
    "starlette": "web",
    "torch": "train",
    "uvicorn": "web",
}


class _Later(ModuleType):
    """A module that is imported when something of it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(imported(self.__name__), name)


def later(module: str) -> ModuleType:
    """Return a stand-in for a module, which is imported when something of it is first asked for."""
    return _Later(module)


if not TYPE_CHECKING:
    cv2 = later("cv2")
    simplejpeg = later("simplejpeg")


def imported(module: str) -> ModuleType:
    """Return a module, imported; raise MissingExtraError where a library that comes with an extra is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        known = missing(error)
        if known is None:
            raise
        raise known from error


def missing(error: ModuleNotFoundError) -> MissingExtraError | None:
    """Return what to tell where a library is missing: the command that installs it; None for one without an extra."""
    library = (error.name or "").partition(".")[0]
    if library not in _EXTRAS:
        return None
    return MissingExtraError(
        f"this needs {library}, which is not installed; run: pip install 'cctview[{_EXTRAS[library]}]'"
    )
