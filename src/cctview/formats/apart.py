"""Names that stay apart: stills of two cameras or runs may be called the same, their files may not."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator

import numpy as np

from cctview.types import Frames

__all__ = ["apart", "camera_files"]


def apart(frames: Frames) -> Frames:
    """Return the frames under names that no two share, also where a disk tells neither case nor accents apart.

    A name that is taken gets its camera before it, then its time behind it, then its id in place of that; all others
    stay.
    """
    names = frames.name.tolist()
    for longer in (_by_camera, _by_time, _by_id):
        taken = Counter(map(_key, names))
        double = [n for n, name in enumerate(names) if taken[_key(name)] > 1]
        if not double:
            break
        for n, name in zip(double, longer(frames[np.array(double)]), strict=True):
            names[n] = name
    return frames.replace(name=np.array(names, np.str_))


def camera_files(cameras: list[str]) -> dict[str, str]:
    """Return the name of a file for each camera; those that differ by case or accents alone are numbered."""
    seen: Counter[str] = Counter()
    files = {}
    for camera in sorted(set(cameras)):
        number = seen[_key(camera)]
        seen[_key(camera)] += 1
        files[camera] = f"{camera}~{number + 1}" if number else camera
    return files


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _by_camera(frames: Frames) -> Iterator[str]:
    pairs = zip(frames.camera.tolist(), frames.name.tolist(), strict=True)
    return (name if name.startswith(f"{camera}--") else f"{camera}--{name}" for camera, name in pairs)


def _by_time(frames: Frames) -> Iterator[str]:
    stamps = np.datetime_as_string(frames.time, "ms").tolist()
    times = (stamp.replace("T", "--").replace(":", ".") for stamp in stamps)
    return (f"{name}--{time}" for name, time in zip(_by_camera(frames), times, strict=True))


def _by_id(frames: Frames) -> Iterator[str]:
    ids = (f"{number & 0xFFFFFFFFFFFFFFFF:016x}" for number in frames.id.tolist())
    return (f"{name}--{number}" for name, number in zip(_by_camera(frames), ids, strict=True))
