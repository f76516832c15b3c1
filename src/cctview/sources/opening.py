"""From what the user typed to a source."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from cctview.errors import InputError, SourceNotFoundError, nearest
from cctview.naming import zone
from cctview.plugins import load_plugin, plugin_names
from cctview.seams import Source
from cctview.sources.endings import IMAGE_ENDINGS, VIDEO_ENDINGS, split_ending

__all__ = ["open_source"]

_FILES = ("folder", "video")  # opened by path; every other source has an address


def open_source(
    spec: str | Path,
    *,
    timezone: str | None = None,
    camera: str | None = None,
    every_s: float | None = None,
    fps: float | None = None,
    start: str | None = None,
    usual_timezone: str | None = None,
) -> Source:
    """Return the source behind a folder of stills, an image file, a video file, or an address.

    ``timezone`` is that of clock times in names, ``camera`` overrides the camera's name, ``every_s`` thins what comes
    too fast, ``fps`` and ``start`` say how fast a video was and when it began; ``usual_timezone`` stands in for
    ``timezone`` where the source has use for one. An address ``scheme://...`` belongs to the entry point of that name
    in the group ``cctview.sources``: something to call with the address and with those of the options that it
    declares. Raise SourceNotFoundError when nothing is there and InputError for anything else, such as an option that
    this source does not take.
    """
    for name in (timezone, usual_timezone):
        if name is not None:
            zone(name)
    kind, where = _kind(spec)
    opener = load_plugin("sources", kind)
    given = {"timezone": timezone, "camera": camera, "every_s": every_s, "fps": fps, "start": start}
    options = _taken(opener, str(spec), {name: value for name, value in given.items() if value is not None})
    if usual_timezone is not None and "timezone" in inspect.signature(opener).parameters:
        options.setdefault("timezone", usual_timezone)
    opened: Source = opener(where, **options)
    return opened


def _kind(spec: str | Path) -> tuple[str, str | Path]:
    """Return the entry point that a source belongs to, and what it is called with."""
    scheme, is_address, rest = str(spec).partition("://")
    if not is_address:
        return _file_kind(spec)
    if scheme in _FILES:
        return _file_kind(rest)
    if scheme not in plugin_names("sources"):
        known = ", ".join(f"{name}://" for name in plugin_names("sources") if name not in _FILES) or "none is installed"
        raise InputError(
            f"{spec}: no source of this kind; give a folder, an image file, a video file, or an address ({known})"
        )
    return scheme, str(spec)


def _file_kind(spec: str | Path) -> tuple[str, Path]:
    path = Path(spec).expanduser()
    if not path.exists():
        raise SourceNotFoundError(f"{spec}: no such file or folder{_hint(path)}")
    _, ending = split_ending(path.name)
    if path.is_dir() or (path.is_file() and ending in IMAGE_ENDINGS):
        return "folder", path
    if path.is_file() and ending in VIDEO_ENDINGS:
        return "video", path
    raise InputError(
        f"{spec}: neither a folder, nor an image ({_listed(IMAGE_ENDINGS)}), nor a video ({_listed(VIDEO_ENDINGS)})"
    )


def _taken(opener: Any, spec: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options; raise InputError for one that the opener does not declare."""
    declared = inspect.signature(opener).parameters
    for name in options.keys() - declared.keys():
        takes = sorted(declared.keys() & {"timezone", "camera", "every_s", "fps", "start"})
        raise InputError(
            f"{spec}: this source takes no {name}; leave it out" + (f" (it takes {', '.join(takes)})" if takes else "")
        )
    return options


def _listed(endings: frozenset[str]) -> str:
    return ", ".join(sorted(endings))


def _hint(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; the folder {path.parent} is not there either"
    beside = [entry.name for entry in path.parent.iterdir()][:1000]
    return f" in {path.parent}; {nearest(path.name, beside)}" if 0 < len(beside) <= 50 else f" in {path.parent}"
