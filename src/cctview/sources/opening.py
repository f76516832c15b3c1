"""From what the user typed to a source."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

from cctview.errors import InputError, SourceNotFoundError, nearest
from cctview.naming import zone
from cctview.seams import Source
from cctview.sources.folder import IMAGE_ENDINGS, FolderSource

__all__ = ["VIDEO_ENDINGS", "open_source"]

VIDEO_ENDINGS = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".flv", ".3gp")
)


def open_source(
    spec: str | Path, *, timezone: str | None = None, camera: str | None = None, every_s: float | None = None
) -> Source:
    """Return the source behind a folder of stills, an image file, a video file, or an address.

    ``timezone`` is that of clock times in names, ``camera`` overrides the camera's name, ``every_s``
    thins a video. An address ``scheme://...`` belongs to the entry point of that name in the group
    ``cctview.sources``, a function from the address to a source. Raise SourceNotFoundError when nothing is
    there and InputError for anything else.
    """
    if "://" in str(spec):
        return _addressed(str(spec))
    if timezone is not None:
        zone(timezone)
    path = Path(spec).expanduser()
    if not path.exists():
        raise SourceNotFoundError(f"{spec}: no such file or folder{_hint(path)}")
    ending = path.suffix.lower()
    if path.is_dir() or (path.is_file() and ending in IMAGE_ENDINGS):
        return FolderSource(path, timezone=timezone, camera=camera)
    if path.is_file() and ending in VIDEO_ENDINGS:
        from cctview.sources.video import VideoSource  # noqa: PLC0415  the codecs take long to load

        return VideoSource(path, timezone=timezone, camera=camera, every_s=every_s)
    raise InputError(
        f"{spec}: neither a folder, nor an image ({_listed(IMAGE_ENDINGS)}), nor a video ({_listed(VIDEO_ENDINGS)})"
    )


def _addressed(spec: str) -> Source:
    scheme = spec.partition("://")[0]
    openers = entry_points(group="cctview.sources")
    if scheme not in openers.names:
        known = ", ".join(f"{name}://" for name in sorted(openers.names)) or "none is installed"
        raise InputError(
            f"{spec}: no source of this kind; give a folder, an image file, a video file, or an address ({known})"
        )
    opened: Source = openers[scheme].load()(spec)
    return opened


def _listed(endings: frozenset[str]) -> str:
    return ", ".join(sorted(endings))


def _hint(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; the folder {path.parent} is not there either"
    beside = [entry.name for entry in path.parent.iterdir()][:1000]
    return f" in {path.parent}; {nearest(path.name, beside)}" if 0 < len(beside) <= 50 else f" in {path.parent}"
