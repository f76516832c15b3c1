"""Which camera a path names: a folder of its own, else what stands before the time in the file's name."""

from __future__ import annotations

import re
from pathlib import PurePath

from cctview.naming import parse_still_name
from cctview.sources.endings import split_ending
from cctview.sources.names import Stamp, numbered_folders

__all__ = ["camera_in_path"]

# Folders that software makes and that name no camera.
_PLAIN_FOLDERS = frozenset(
    (
        *("archive", "camera", "cameras", "captures", "clips", "data", "events", "export", "exports", "frames"),
        *(
            "images",
            "image",
            "img",
            "imgs",
            "jpeg",
            "jpg",
            "media",
            "photos",
            "pictures",
            "png",
            "record",
            "recordings",
        ),
        *("recordings_export", "snapshot", "snapshots", "stills", "timelapse", "upload", "uploads", "video", "videos"),
    )
)
_CHANNEL_FOLDER = re.compile(r"[0-9]{3}")  # <date>/001/jpg/<hour>: the recorder's channel of a camera, not its name
# What software writes before a time: kinds of picture, counters, phones. None of them is a camera's name.
_WORDS = (
    *("alarm", "bild", "cap", "capture", "clip", "dji", "dsc", "dscf", "dscn", "event", "foto"),
    *("frame", "gopr", "image", "img", "last", "latest", "mot", "motion", "mov", "mvi", "mvimg", "original", "pano"),
    *("photo", "pic", "picture", "pxl", "rec", "record", "recording", "screen shot", "screenshot", "screen recording"),
    *("signal", "snap", "snapshot", "still", "thumb", "timelapse", "timer", "vid", "video", "whatsapp image"),
    *("whatsapp video", "wp", "bildschirmfoto", "captura de pantalla", "captura"),
)
_NO_CAMERA = re.compile(
    rf"cam|camera|[a-z]|(?:{'|'.join(_WORDS)})(?:[-_. ]*[0-9]+)?(?:[-_. ]+(?:at|um|on|du|del))?", re.IGNORECASE
)
_EVENT = re.compile(
    r"[0-9]{2,}-[0-9]{14}-(?:[0-9]{2}|snapshot)"
)  # Motion's default: the number of an event comes first
_SIDE = re.compile(  # dash cameras write the side that they look to behind the time
    r"[-_](front|back|rear|left_repeater|right_repeater|left_pillar|right_pillar|interior)\b", re.IGNORECASE
)


def camera_in_path(path: PurePath, stamp: Stamp) -> str | None:
    """Return the camera that a path below the given folder names, or None.

    It is the one in the original's names, else the first folder that is neither part of a date nor a plain word like
    "images", else what stands before the time in the name unless that is software's word or a counter, else a side
    ("front") behind the time.
    """
    stem, _ = split_ending(path.name)
    original = parse_still_name(stem)
    if original:
        return original.camera
    return _camera_folder(path.parts[:-1], stamp) or _in_name(stem, stamp)


def _camera_folder(folders: tuple[str, ...], stamp: Stamp) -> str | None:
    timed = stamp.folders | numbered_folders(folders)
    for number, folder in enumerate(folders):
        plain = folder.lower() in _PLAIN_FOLDERS or (number - 1 in timed and _CHANNEL_FOLDER.fullmatch(folder))
        year_of_next = len(folder) == 4 and number + 1 in timed and folders[number + 1].startswith(folder)
        if not (number in timed or plain or year_of_next):
            return folder
    return None


def _in_name(stem: str, stamp: Stamp) -> str | None:
    begin, end = stamp.span
    if begin == end or _EVENT.fullmatch(stem):
        return None
    before = stem[:begin].rstrip("-_. @,([{").lstrip("-_. ([{")
    if before and not _NO_CAMERA.fullmatch(before):
        return before
    side = _SIDE.match(stem, end)
    return side[1] if side else None
