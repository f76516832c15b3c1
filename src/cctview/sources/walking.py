"""The files below a folder: which are stills, and what else lies there, counted by what it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cctview.naming import is_output
from cctview.sources.endings import IMAGE_ENDINGS, VIDEO_ENDINGS, looks_like_image, split_ending
from cctview.sources.source import Noticed

__all__ = ["Found", "walked"]

_THUMBNAILS = frozenset(("@eadir", "#recycle", "$recycle.bin", ".thumbnails", "lost+found"))
_UNFINISHED = frozenset((".tmp", ".part", ".partial", ".crdownload", ".swp", ".filepart"))
_HEAD = 32  # bytes that tell the kind of a file


@dataclass
class Found:
    """The files that are stills, in no order, what was left out, by what it is, and folders that cannot be read.

    ``links`` are the linked folders that are yet to be gone into.
    """

    stills: list[str] = field(default_factory=list)
    others: dict[str, Noticed] = field(default_factory=dict)
    unread: list[OSError] = field(default_factory=list)
    links: list[str] = field(default_factory=list)

    def leave(self, what: str, where: str) -> None:
        """Count something that is left out."""
        before = self.others.get(what)
        self.others[what] = Noticed(what, before.count + 1, before.where) if before else Noticed(what, 1, where)


def walked(folder: Path) -> Found:
    """Find the stills below a folder.

    A file is one by the ending of its name, else by its first bytes. A linked folder is gone into once, unless it
    leads to a place that is read anyway or to a folder that holds this one; hidden folders, outputs beside stills
    and thumbnails are left out. Everything left out is counted.
    """
    found = Found()
    seen = set(_walk(folder, found))
    while found.links:
        links, found.links = sorted(found.links), []
        for link in links:
            _follow(link, folder, seen, found)
    return found


def _walk(top: Path, found: Found) -> Iterator[str]:
    """Add what lies below a folder, linked folders for later; yield the folders as they are without links."""
    for parent, folders, files in os.walk(top, onerror=found.unread.append):
        yield os.path.realpath(parent)
        folders[:] = [name for name in folders if _is_read(name, parent, found)]
        paths = (os.path.join(parent, name) for name in folders)  # noqa: PTH118  a Path for each of millions is slow
        found.links += [path for path in paths if os.path.islink(path)]  # noqa: PTH114
        for name in files:
            _sort(parent, name, found)


def _follow(link: str, folder: Path, seen: set[str], found: Found) -> None:
    target = os.path.realpath(link)
    if folder.is_relative_to(target):
        found.leave("a link to a folder that holds this one", link)
    elif target in seen:
        found.leave("a link to a folder that is read anyway", link)
    else:
        found.leave("a linked folder, followed", link)
        seen.update(_walk(Path(link), found))


def _is_read(name: str, parent: str, found: Found) -> bool:
    why = _why_left(name)
    if why:
        found.leave(why, os.path.join(parent, name))  # noqa: PTH118
    return not why


def _why_left(name: str) -> str:
    if name.lower() in _THUMBNAILS:
        return "a folder of thumbnails or deleted files"
    if name.startswith("."):
        return "a hidden folder"
    return "a folder of outputs beside stills" if is_output(name) or name == "matches" else ""


def _sort(parent: str, name: str, found: Found) -> None:
    path = os.path.join(parent, name)  # noqa: PTH118  a Path for each of millions is slow
    stem, ending = split_ending(name)
    if name.startswith("."):
        found.leave("a hidden file", path)
    elif is_output(stem):
        found.leave("an output beside stills", path)
    elif ending in IMAGE_ENDINGS:
        found.stills.append(path)
    elif ending in VIDEO_ENDINGS:
        found.leave("a video beside stills; give it by itself", path)
    elif ending in _UNFINISHED:
        found.leave(f"an unfinished file ({ending})", path)
    elif _is_image(path):
        found.stills.append(path)
    else:
        found.leave(f"no picture ({ending or 'no ending'})", path)


def _is_image(path: str) -> bool:
    """Return whether an ordinary file begins like an image; what cannot be read does not."""
    try:
        if not os.path.isfile(path) or not os.path.getsize(path):  # noqa: PTH113, PTH202
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            return looks_like_image(file.read(_HEAD))
    except OSError:
        return False
