"""Stills in a folder, in the original's layout or any other, and single image files."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from cctview.errors import FrameError, InputError
from cctview.naming import is_output, still_stem
from cctview.network import CameraNetwork
from cctview.sources.decode import DecodeLimits, decode
from cctview.sources.source import Known, Skipped
from cctview.sources.times import Stamp, camera_in_path, exif_time, file_time, name_time
from cctview.types import Frame, content_id, frame_id

__all__ = ["IMAGE_ENDINGS", "FolderSource"]

_COMMON = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
_RARE = (".heic", ".heif", ".avif", ".jp2", ".jxl")  # opened where Pillow can, else reported
IMAGE_ENDINGS = frozenset((*_COMMON, *_RARE))


@dataclass(frozen=True, slots=True)
class _Still:
    """One line of the listing, kept small: an archive has millions."""

    path: str
    camera: str
    name: str
    time: np.datetime64
    error_s: float


class FolderSource:
    """The stills below a folder, or one image file, ordered by camera, time and name.

    The camera is the one the path below the folder names (see ``camera_in_path``), else the folder's
    own name; ``camera`` overrides both. Outputs beside the stills are not stills. Links that lead
    out of the folder are not followed.
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

    def count(self) -> int:
        """Return how many files look like stills."""
        return len(self._listing)

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        """Yield each still; ``known`` is asked before decoding."""
        for item in self._listing:
            yield item if isinstance(item, Skipped) else self._read(item, known)

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
        return Frame(
            image=decoded.image,
            camera=still.camera,
            time=still.time,
            time_error_s=still.error_s,
            name=still.name,
            digest=digest,
            encoded=data if decoded.is_jpeg else b"",
        )

    @cached_property
    def _listing(self) -> list[_Still | Skipped]:
        folder = self._root if self._root.is_dir() else self._root.parent
        unread: list[OSError] = []
        paths = sorted(_images(self._root, unread.append)) if self._root.is_dir() else [str(self._root)]
        if not (paths or unread):
            raise InputError(
                f"{self.name}: no stills below this folder; expected files ending in {', '.join(sorted(IMAGE_ENDINGS))}"
            )
        items = [self._entry(path, folder) for path in paths]
        refused = [item for item in items if isinstance(item, Skipped)]
        refused += [_skipped(Path(error.filename), error) for error in unread]
        stills = _with_own_names([item for item in items if isinstance(item, _Still)])
        return [*sorted(stills, key=lambda still: (still.camera, still.time, still.name, still.path)), *refused]

    def _entry(self, text: str, folder: Path) -> _Still | Skipped:
        path = Path(text)
        try:
            _require_own_file(path, folder)
            inner = path.relative_to(folder)
            stamp = name_time(inner, self._timezone) or self._other_time(path)
        except (FrameError, OSError) as error:
            return _skipped(path, error)
        camera = self._camera or camera_in_path(inner, stamp) or folder.name or "camera"
        camera = sys.intern(_readable(camera))
        return _Still(text, camera, _readable(still_stem(path.stem)), stamp.time, stamp.error_s)

    def _other_time(self, path: Path) -> Stamp:
        return exif_time(_content(path, self._limits.max_bytes), self._timezone) or file_time(path)


def _images(folder: Path, on_error: Callable[[OSError], None]) -> Iterator[str]:
    """Yield the files that look like stills, in no order; hidden and output folders are left out."""
    for parent, folders, files in os.walk(folder, onerror=on_error):
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_output_folder(name)]
        for name in files:
            stem, ending = os.path.splitext(name)  # noqa: PTH122  a Path for each of millions is slow
            if ending.lower() in IMAGE_ENDINGS and not name.startswith(".") and not is_output(stem):
                yield os.path.join(parent, name)  # noqa: PTH118


def _is_output_folder(name: str) -> bool:
    return is_output(name) or name == "matches"


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
