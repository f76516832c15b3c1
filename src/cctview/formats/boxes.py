"""Boxes with identities, still by still: what the tracking formats of others have in common."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError
from cctview.table import Column, Table
from cctview.types import OBJECT_TYPES, Detections, Frames, Journeys, Tracklets, rows_of

__all__ = [
    "BoxRow",
    "Boxes",
    "Identities",
    "boxes_of",
    "camera_boxes",
    "frame_numbers",
    "from_one",
    "given_identity",
    "number",
    "read_lines",
    "sound",
    "track_numbers",
]

_MOST_BYTES = 1_000_000_000
_SHOWN = 80


def _ordered(box: NDArray[Any]) -> NDArray[np.bool_]:
    return (box[:, 0] < box[:, 2]) & (box[:, 1] < box[:, 3])


class Boxes(Table):
    """One box of one object in one still.

    ``frame`` counts the stills of a camera from 1, ``still`` is the name of the still where the format
    has one; ``identity`` 0 means that none was given; ``ignored`` boxes count neither way.
    """

    camera = Column(np.str_)
    frame = Column(np.int64, check=lambda values: values >= 0, rule="frame numbers >= 0")
    still = Column(np.str_)
    identity = Column(np.int64, check=lambda values: values >= 0, rule="identities >= 0")
    box = Column(np.float64, (4,), check=_ordered, rule="boxes with x1 < x2 and y1 < y2")
    score = Column(np.float32, check=lambda values: (values >= 0) & (values <= 1), rule="a value in [0, 1]")
    type = Column(np.str_, check=lambda values: np.isin(values, OBJECT_TYPES), rule="one of " + ", ".join(OBJECT_TYPES))
    ignored = Column(np.bool_)


@dataclass(frozen=True, kw_only=True)
class BoxRow:
    """One row of a file; ``box`` is x, y, width and height. An identity may be 0 or a name; None is none."""

    camera: str
    frame: int
    box: tuple[float, float, float, float]
    still: str = ""
    identity: int | str | None = None
    score: float = 1.0
    type: str = "car"
    ignored: bool = False


@dataclass(frozen=True)
class Identities:
    """What was read: the boxes, and for each broken row where it stands and why it was left out."""

    boxes: Boxes
    skipped: tuple[str, ...]


def read_lines(path: Path, parse: Callable[[str], BoxRow]) -> Identities:
    """Read a text file of one box per line; lines that cannot be used are counted and named.

    ``parse`` raises ValueError or IndexError for a broken line. Raises FormatError when the file cannot
    be read, is not text, or holds no good line among broken ones.
    """
    rows, skipped = [], []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            rows.append(sound(parse(line)))
        except (ValueError, IndexError, OverflowError) as error:
            skipped.append(f"{path.name}, line {number}: {error} in {line[:_SHOWN]!r}")
    if skipped and not rows:
        raise FormatError(f"{path}: no line can be used; {skipped[0]}")
    return Identities(boxes_of(rows), tuple(skipped))


def boxes_of(rows: list[BoxRow]) -> Boxes:
    """Return the rows as a table."""
    box = np.array([row.box for row in rows], np.float64).reshape(-1, 4)
    return Boxes(
        camera=np.array([row.camera for row in rows], np.str_),
        frame=np.array([row.frame for row in rows], np.int64),
        still=np.array([row.still for row in rows], np.str_),
        identity=_identities([row.identity for row in rows]),
        box=np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1),
        score=np.array([row.score for row in rows], np.float32),
        type=np.array([row.type for row in rows], np.str_),
        ignored=np.array([row.ignored for row in rows], np.bool_),
    )


def _identities(given: list[int | str | None]) -> NDArray[np.int64]:
    """Return the identities with 0 for none; the object that a file calls 0, and names, get numbers that are free."""
    free = max((one for one in given if isinstance(one, int)), default=0) + 1
    others = dict.fromkeys(one for one in given if one == 0 or isinstance(one, str))
    numbers = {one: free + n for n, one in enumerate(others)}
    return np.array([0 if one is None else numbers.get(one, one) for one in given], np.int64)


def given_identity(text: Any) -> int | None:
    """Return the identity that a file gives as a whole number from 0, None for -1; raise ValueError otherwise."""
    value = number(text, -1)
    return None if value < 0 else value


def from_one(found: Identities) -> Identities:
    """Return boxes whose frames count from 1, of files that count them from 0: these have a frame 0."""
    boxes = found.boxes
    return replace(found, boxes=boxes.replace(frame=boxes.frame + 1)) if (boxes.frame == 0).any() else found


def frame_numbers(frames: Frames) -> NDArray[np.int64]:
    """Return the place of each still among those of its camera in time, from 1: ``(N,)``."""
    order = np.lexsort((frames.id, frames.time, np.unique(frames.camera, return_inverse=True)[1]))
    camera = frames.camera[order]
    starts = np.flatnonzero(np.append(True, camera[1:] != camera[:-1])[: len(camera)])
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order))) + 1
    return numbers


def track_numbers(detections: Detections, tracklets: Tracklets, journeys: Journeys | None = None) -> NDArray[np.int64]:
    """Return a number from 1 per detection (N,), of its tracklet or of its journey; 0 where it has none."""
    number = np.arange(1, len(tracklets) + 1)
    if journeys is not None:
        number = np.zeros(len(tracklets), np.int64)
        number[rows_of(tracklets.id, journeys.members.values)] = journeys.members.row + 1
    identity = np.zeros(len(detections), np.int64)
    identity[rows_of(detections.id, tracklets.members.values)] = number[tracklets.members.row]
    return identity


def camera_boxes(frames: Frames, detections: Detections, identity: NDArray[np.int64] | None = None) -> Boxes:
    """Return the detections of a store with their identities (N,); where these are given, only rows that have one."""
    kept = np.arange(len(detections)) if identity is None else np.flatnonzero(identity > 0)
    rows = rows_of(frames.id, detections.frame[kept])
    boxes = Boxes(
        camera=detections.camera[kept],
        frame=frame_numbers(frames)[rows],
        still=frames.name[rows],
        identity=np.zeros(len(kept), np.int64) if identity is None else identity[kept],
        box=detections.box[kept].astype(np.float64),
        score=detections.score[kept],
        type=detections.type[kept],
        ignored=np.zeros(len(kept), np.bool_),
    )
    return boxes[np.lexsort((detections.rank[kept], boxes.frame, np.unique(boxes.camera, return_inverse=True)[1]))]


def sound(row: BoxRow) -> BoxRow:
    """Return the row, or raise ValueError saying what is impossible about it."""
    if not all(math.isfinite(value) for value in (*row.box, row.score)):
        raise ValueError("a number is not finite")
    if row.box[2] <= 0 or row.box[3] <= 0:
        raise ValueError(f"a box of {row.box[2]:g} x {row.box[3]:g} pixels")
    if row.frame < 0 or (isinstance(row.identity, int) and row.identity < 0):
        raise ValueError(f"frame {row.frame} of object {row.identity}")
    return replace(row, score=min(max(row.score, 0.0), 1.0))


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FormatError(f"{path}: refused, larger than {_MOST_BYTES / 1e6:g} MB")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is not a text file ({error.reason})") from error


def number(text: Any, least: int = 0) -> int:
    """Return a whole number that a format may write as 3 or 3.0; raise ValueError for anything else."""
    value = float(text)
    if not value.is_integer() or value < least:
        raise ValueError(f"expected a whole number from {least}, got {text!r}")
    return int(value)
