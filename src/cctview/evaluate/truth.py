"""True identities of boxes, still by still, from any file that tells them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError, MissingError, SourceNotFoundError, nearest
from cctview.evaluate.links import still_numbers, tracklet_rows
from cctview.formats.aicity import read_aicity
from cctview.formats.boxes import Boxes, frame_numbers
from cctview.formats.coco import read_coco_boxes
from cctview.formats.mot import read_mot
from cctview.metrics.overlap import TrackedBoxes
from cctview.store import open_store
from cctview.types import VEHICLE_TYPES, Detections, Frames, Tracklets, rows_among, rows_of

__all__ = ["TrackTruth", "read_track_truth"]

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackTruth:
    """True boxes (N,) in the stills of a store, whose ``frames`` (F,) stand here by time, camera and id.

    A box's ``frame`` is the row of its still; ``ignored`` boxes count neither way; ``labelled`` (F,) says in
    which stills all vehicles are labelled; ``skipped`` names what in the file could not be used.
    """

    frames: Frames
    boxes: TrackedBoxes
    ignored: NDArray[np.bool_]
    labelled: NDArray[np.bool_]
    skipped: tuple[str, ...] = ()

    def found(self, detections: Detections, tracklets: Tracklets) -> TrackedBoxes:
        """Return the vehicles detected that have a tracklet, in the same frames, under its row."""
        track = tracklet_rows(tracklets, detections)
        kept = np.flatnonzero((track >= 0) & np.isin(detections.type, VEHICLE_TYPES))
        frame = rows_of(self.frames.id, detections.frame[kept])
        return TrackedBoxes(frame=frame, track=track[kept], box=detections.box[kept])


def read_track_truth(path: Path, frames: Frames) -> TrackTruth:
    """Read what is true of the frames of a store.

    ``path`` is a store, whose tracklets are taken for true; a COCO file with identities, such as the
    simulator's ``truth.json``, whose stills are found by name; a MOT file or folder, or an AI City file,
    whose frame n is the n-th still of that camera. Raises SourceNotFoundError when there is no such
    path, MissingError when no still of it is in the store, FormatError when no box of it counts.
    """
    if not path.exists():
        raise SourceNotFoundError(f"{path}: is not there; give a store, or a COCO, MOT or AI City file")
    ordered = frames.sort("time", "camera", "id")
    if path.is_dir() and (path / "commit.json").exists():
        return _of_store(path, ordered)
    truth = _of_coco(path, ordered) if path.suffix.lower() == ".json" else _of_numbered(path, ordered)
    if len(truth.boxes) and truth.ignored.all():
        raise FormatError(
            f"{path}: all of its {len(truth.boxes)} boxes are ignored or of no vehicle; expected some of type "
            f"{', '.join(VEHICLE_TYPES)} (class 3 in MOT files) that count"
        )
    return truth


def _of_coco(path: Path, frames: Frames) -> TrackTruth:
    found, stills = read_coco_boxes(path)
    names = {name: row for row, name in enumerate(frames.name.tolist())}
    listed = [names[still] for still in stills if still in names]
    if not listed:
        raise MissingError(
            f"{path}: none of its {len(stills)} stills is in the store; run its images into the store first"
        )
    if len(found.boxes) and not found.boxes.identity.any():
        raise FormatError(f"{path}: its annotations have no identities; expected 'track_id' or 'identity'")
    row = np.array([names.get(still, -1) for still in found.boxes.still.tolist()], np.intp)
    return _truth(frames, found.boxes, row, np.isin(np.arange(len(frames)), listed), found.skipped)


def _of_numbered(path: Path, frames: Frames) -> TrackTruth:
    """Read a MOT or AI City file: the stills of each camera are labelled up to the last one that has a box."""
    found = read_mot(path) if path.is_dir() or _commas(path) else read_aicity(path)
    boxes = _renamed(found.boxes, frames, path)
    last = {camera: int(boxes.frame[boxes.camera == camera].max()) for camera in np.unique(boxes.camera).tolist()}
    until = np.array([last.get(camera, 0) for camera in frames.camera.tolist()])
    row = _numbered(boxes, frames)
    beyond = int((row < 0).sum())
    told = (*found.skipped, f"{beyond} boxes lie in stills that are not in the store") if beyond else found.skipped
    return _truth(frames, boxes, row, frame_numbers(frames) <= until, told)


def _of_store(path: Path, frames: Frames) -> TrackTruth:
    store = open_store(path)
    detections, own = store.scan(Detections), store.scan(Frames)
    track = tracklet_rows(store.scan(Tracklets), detections)
    detections, track = detections[track >= 0], track[track >= 0]
    sides = [(table.camera, table.time) for table in (detections, frames, own)]
    asked, given, theirs = still_numbers(*sides, unit="ms")  # names of stills tell times to the millisecond
    labelled = np.isin(given, theirs)
    if not labelled.any():
        raise MissingError(f"{path}: shares no still with the store; give a store of the same cameras and times")
    row = rows_among(given, asked)
    boxes = TrackedBoxes(frame=row[row >= 0], track=track[row >= 0], box=detections.box[row >= 0])
    return TrackTruth(frames=frames, boxes=boxes, ignored=np.zeros(len(boxes), np.bool_), labelled=labelled)


def _truth(
    frames: Frames, boxes: Boxes, row: Ints, labelled: NDArray[np.bool_], skipped: tuple[str, ...]
) -> TrackTruth:
    """Return the boxes of a file that lie in these rows of ``frames``, those at -1 left out.

    What is no vehicle, or has no identity, is ignored.
    """
    boxes, row = boxes[row >= 0], row[row >= 0]
    ignored = boxes.ignored | ~np.isin(boxes.type, VEHICLE_TYPES) | (boxes.identity == 0)
    fresh = np.where(boxes.identity > 0, boxes.identity, boxes.identity.max(initial=0) + 1 + np.arange(len(boxes)))
    keys, first = np.unique(np.stack([row, fresh]), axis=1, return_index=True)
    twice = len(boxes) - keys.shape[1]
    tracked = TrackedBoxes(frame=row[first], track=fresh[first], box=boxes.box[first])
    told = (*skipped, f"{twice} boxes name an identity a second time in one still") if twice else skipped
    return TrackTruth(frames=frames, boxes=tracked, ignored=ignored[first], labelled=labelled, skipped=told)


def _renamed(boxes: Boxes, frames: Frames, path: Path) -> Boxes:
    """Return the boxes under the store's camera names: the same, or its only one for a file of one camera."""
    theirs, ours = np.unique(boxes.camera).tolist(), np.unique(frames.camera).tolist()
    if len(theirs) == len(ours) == 1:
        return boxes.replace(camera=np.full(len(boxes), ours[0]))
    for camera in theirs:
        if camera not in ours:
            raise MissingError(f"{path}: the store has no camera {camera!r}; {nearest(camera, ours)}")
    return boxes


def _numbered(boxes: Boxes, frames: Frames) -> Ints:
    """Return the frame row of each box by camera and number, -1 where the store has no such still."""
    camera = np.unique(np.concatenate([frames.camera, boxes.camera]), return_inverse=True)[1]
    number = np.concatenate([frame_numbers(frames), boxes.frame])
    key = camera.astype(np.int64) * (int(number.max(initial=0)) + 1) + number
    return rows_among(key[: len(frames)], key[len(frames) :])


def _commas(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return "," in file.readline(1000)
