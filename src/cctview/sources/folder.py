"""Stills in a folder, in the original's layout or any other, and single image files."""

from __future__ import annotations

import os
import stat
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from cctview.errors import FrameError, InputError
from cctview.naming import still_stem
from cctview.network import CameraNetwork
from cctview.sources.cameras import camera_in_path
from cctview.sources.decode import DecodeLimits, decode
from cctview.sources.endings import IMAGE_ENDINGS, split_ending
from cctview.sources.names import date_has_two_readings
from cctview.sources.source import Known, Noticed, Notices, Skipped
from cctview.sources.times import Stamp, exif_time, file_time, name_time
from cctview.sources.walking import Found, walked
from cctview.types import Frame, content_id, frame_id

__all__ = ["FolderSource"]

_FILE_TIME = "a time taken from the file system, good to a minute: neither name nor EXIF data tell it"
_TWO_READINGS = "a time taken from the file system: day and month in the name could be either"


@dataclass(frozen=True, slots=True)
class _Still:
    """One line of the listing, kept small: an archive has millions."""

    path: str
    camera: str
    name: str
    time: np.datetime64
    error_s: float
    notice: str = ""


class FolderSource:
    """The stills below a folder, or one image file, ordered by camera, time and name.

    The camera is the one the path below the folder names (see ``camera_in_path``), else the folder's
    own name; ``camera`` overrides both. Outputs beside the stills are not stills. Linked folders are read once; a
    linked file that lies elsewhere is not followed. What is no still is told by ``noticed``.
    """

    network: CameraNetwork | None = None
    live = False

    def __init__(
        self,
        path: Path,
        *,
        timezone: str | None = None,
        camera: str | None = None,
        limits: DecodeLimits | None = None,
    ) -> None:
        """Take the time zone of clock times in names; see ``name_time`` for what holds without one."""
        self.name = str(path)
        self._root = path.resolve()
        self._timezone = timezone
        self._camera = camera
        self._limits = limits or DecodeLimits()
        self._notices = Notices()

    def count(self) -> int:
        """Return how many files look like stills."""
        return len(self._listing)

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        """Yield each still; ``known`` is asked before decoding."""
        for item in self._listing:
            yield item if isinstance(item, Skipped) else self._read(item, known)
        self._notices.add(*self._found.others.values())

    def noticed(self) -> tuple[Noticed, ...]:
        """Return what was guessed or left out since this was last asked."""
        return self._notices.taken()

    def _read(self, still: _Still, known: Callable[[int], bool]) -> Frame | Skipped | Known:
        path = Path(still.path)
        try:
            data = _content(path, self._limits.max_bytes)
            digest = content_id(data)
            frame = frame_id(still.camera, still.time, digest)
            if known(frame):
                return Known(frame)
            decoded = decode(data, path.name, self._limits)
        except (FrameError, OSError) as error:
            return _skipped(path, error)
        notices = (still.notice, decoded.oddity and f"a JPEG taken as it is: {decoded.oddity}")
        self._notices.add(*(Noticed(notice, where=_readable(still.path)) for notice in notices if notice))
        return Frame(
            image=decoded.image,
            camera=still.camera,
            time=still.time,
            time_error_s=still.error_s,
            name=still.name,
            digest=digest,
            encoded=decoded.jpeg,
        )

    @cached_property
    def _found(self) -> Found:
        return walked(self._root) if self._root.is_dir() else Found([str(self._root)])

    @cached_property
    def _listing(self) -> list[_Still | Skipped]:
        folder = self._root if self._root.is_dir() else self._root.parent
        found = self._found
        if not (found.stills or found.unread):
            raise InputError(f"{self.name}: {_nothing(found)}")
        items = [self._entry(path, folder) for path in sorted(found.stills)]
        refused = [item for item in items if isinstance(item, Skipped)]
        refused += [_skipped(Path(error.filename), error) for error in found.unread]
        stills = _with_own_names([item for item in items if isinstance(item, _Still)])
        return [*sorted(stills, key=lambda still: (still.camera, still.time, still.name, still.path)), *refused]

    def _entry(self, text: str, folder: Path) -> _Still | Skipped:
        path = Path(text)
        try:
            _require_own_file(path, folder)
            inner = path.relative_to(folder)
            stamp = name_time(inner, self._timezone)
            notice = ""
            if stamp is None:
                stamp, notice = self._other_time(path)
        except (FrameError, OSError) as error:
            return _skipped(path, error)
        camera = self._camera or camera_in_path(inner, stamp) or folder.name or "camera"
        written, camera = camera, sys.intern(unicodedata.normalize("NFC", _readable(camera)))
        if written != camera:
            what = f"a still of {camera}, whose name is written there in another Unicode form"
            self._notices.add(Noticed(what, where=_readable(text)))
        name = _readable(still_stem(split_ending(path.name)[0]))
        return _Still(text, camera, name, stamp.time, stamp.error_s, notice)

    def _other_time(self, path: Path) -> tuple[Stamp, str]:
        stamp = exif_time(_content(path, self._limits.max_bytes), self._timezone)
        if stamp:
            return stamp, ""
        return file_time(path), _TWO_READINGS if date_has_two_readings(split_ending(path.name)[0]) else _FILE_TIME


def _nothing(found: Found) -> str:
    """Say why a folder without stills has none."""
    if not found.others:
        return f"no stills below this folder; expected files ending in {', '.join(sorted(IMAGE_ENDINGS))}"
    there = "; ".join(f"{notice.count} x {notice.what}" for notice in found.others.values())
    return f"no stills below this folder, only: {there}"


def _require_own_file(path: Path, folder: Path) -> None:
    """Raise FrameError unless this is an ordinary file that lies in the folder."""
    if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(folder):
        raise FrameError(f"{path.name}: a link that leads out of the folder is not followed")
    if not stat.S_ISREG(path.stat().st_mode):
        raise FrameError(f"{path.name}: not an ordinary file")


def _content(path: Path, limit: int) -> bytes:
    size = path.stat().st_size
    if size > limit:
        raise FrameError(f"{path.name}: refused, {size} bytes are more than the {limit} a still may have")
    return path.read_bytes()


def _with_own_names(stills: list[_Still]) -> list[_Still]:
    """Give stills of equal file names names of their own, by their camera and then their time."""
    for rename in (_by_camera, _by_time):
        uses = Counter(still.name for still in stills)
        stills = [still if uses[still.name] == 1 else replace(still, name=rename(still)) for still in stills]
    return stills


def _by_camera(still: _Still) -> str:
    return f"{still.camera}--{still.name}"


def _by_time(still: _Still) -> str:
    stamp = np.datetime_as_string(still.time, "ms")
    return f"{still.name}--{stamp.replace(':', '.').replace('T', '--')}"


def _skipped(path: Path, error: Exception) -> Skipped:
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return Skipped(_readable(str(path)), _readable(reason.removeprefix(f"{path.name}: ")))


def _readable(name: str) -> str:
    """Replace the bytes of a file name that are no UTF-8: they can be neither stored nor printed."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
