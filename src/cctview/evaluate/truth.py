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
from cctview.types import VEHICLE_TYPES, Detections, Frames, Tracklets

__all__ = ["TrackTruth", "found_boxes", "read_track_truth"]

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackTruth:
    """True boxes (N,); their ``frame`` is the place of the still in time among all frames of the store.

    ``ignored`` boxes count neither way; ``labelled`` (F,) says in which stills of the store all vehicles
    are labelled; ``skipped`` names what in the file could not be used.
    """

    boxes: TrackedBoxes
    ignored: NDArray[np.bool_]
    labelled: NDArray[np.bool_]
    skipped: tuple[str, ...] = ()


def read_track_truth(path: Path, frames: Frames) -> TrackTruth:
    """Read what is true of the frames of a store.

    ``path`` is a store, whose tracklets are taken for true; a COCO file with identities, such as the
    simulator's ``truth.json``, whose stills are found by name; a MOT file or folder, or an AI City file,
    whose frame n is the n-th still of that camera. Raises MissingError when no still of it is in the store.
    """
    if not path.exists():
        raise SourceNotFoundError(f"{path}: is not there; give a store, or a COCO, MOT or AI City file")
    if path.is_dir() and (path / "commit.json").exists():
        return _of_store(path, frames)
    place = _places(frames)
    if path.suffix.lower() == ".json":
        return _of_coco(path, frames, place)
    found = read_mot(path) if path.is_dir() or _commas(path) else read_aicity(path)
    boxes = _renamed(found.boxes, frames, path)
    row = _numbered(boxes, frames)
    last = {camera: int(boxes.frame[boxes.camera == camera].max()) for camera in np.unique(boxes.camera).tolist()}
    until = np.array([last.get(camera, 0) for camera in frames.camera.tolist()])
    beyond = int((row < 0).sum())
    told = (*found.skipped, f"{beyond} boxes lie in stills that are not in the store") if beyond else found.skipped
    return _truth(boxes[row >= 0], place[row[row >= 0]], place, frame_numbers(frames) <= until, told)


def found_boxes(frames: Frames, detections: Detections, track: Ints) -> TrackedBoxes:
    """Return the detections that have a track (N,), -1 for none, with frames numbered as those of a truth."""
    kept = np.flatnonzero((track >= 0) & np.isin(detections.type, VEHICLE_TYPES))
    order = np.argsort(frames.id, kind="stable")
    row = order[np.searchsorted(frames.id, detections.frame[kept], sorter=order)]
    return TrackedBoxes(frame=_places(frames)[row], track=track[kept], box=detections.box[kept])


def _places(frames: Frames) -> Ints:
    """Return the place of each still among all, by time and camera."""
    place = np.empty(len(frames), np.intp)
    place[np.lexsort((frames.id, np.unique(frames.camera, return_inverse=True)[1], frames.time))] = np.arange(
        len(frames)
    )
    return place


def _of_coco(path: Path, frames: Frames, place: Ints) -> TrackTruth:
    found, stills = read_coco_boxes(path)
    names = {name: row for row, name in enumerate(frames.name.tolist())}
    listed = np.array([names[still] for still in stills if still in names], np.intp)
    if not len(listed):
        raise MissingError(
            f"{path}: none of its {len(stills)} stills is in the store; run its images into the store first"
        )
    row = np.array([names.get(still, -1) for still in found.boxes.still.tolist()], np.intp)
    labelled = np.isin(np.arange(len(frames)), listed)
    if len(found.boxes) and not found.boxes.identity.any():
        raise FormatError(f"{path}: its annotations have no identities; expected 'track_id' or 'identity'")
    return _truth(found.boxes[row >= 0], place[row[row >= 0]], place, labelled, found.skipped)


def _of_store(path: Path, frames: Frames) -> TrackTruth:
    store = open_store(path)
    detections = store.scan(Detections)
    own = store.scan(Frames)
    track = tracklet_rows(store.scan(Tracklets), detections)
    kept = np.flatnonzero(track >= 0)
    asked, given, theirs = still_numbers(
        (detections.camera[kept], detections.time[kept]), (frames.camera, frames.time), (own.camera, own.time)
    )
    order = np.argsort(given, kind="stable")
    row = order[np.minimum(np.searchsorted(given, asked, sorter=order), len(order) - 1)] if len(order) else asked
    there = given[row] == asked if len(order) else np.zeros(0, np.bool_)
    labelled = np.isin(given, theirs)
    if not labelled.any():
        raise MissingError(f"{path}: shares no still with the store; give a store of the same cameras and times")
    place = _places(frames)
    boxes = TrackedBoxes(frame=place[row[there]], track=track[kept[there]], box=detections.box[kept[there]])
    return TrackTruth(boxes=boxes, ignored=np.zeros(len(boxes), np.bool_), labelled=labelled[np.argsort(place)])


def _truth(
    boxes: Boxes, place: Ints, places: Ints, labelled: NDArray[np.bool_], skipped: tuple[str, ...]
) -> TrackTruth:
    """Return the boxes of a file; what is no vehicle, or has no identity, is ignored."""
    ignored = boxes.ignored | ~np.isin(boxes.type, VEHICLE_TYPES) | (boxes.identity == 0)
    fresh = np.where(boxes.identity > 0, boxes.identity, boxes.identity.max(initial=0) + 1 + np.arange(len(boxes)))
    keys, first = np.unique(np.stack([place, fresh]), axis=1, return_index=True)
    twice = len(boxes) - keys.shape[1]
    tracked = TrackedBoxes(frame=place[first], track=fresh[first], box=boxes.box[first])
    told = (*skipped, f"{twice} boxes name an identity a second time in one still") if twice else skipped
    return TrackTruth(boxes=tracked, ignored=ignored[first], labelled=labelled[np.argsort(places)], skipped=told)


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
    both = np.concatenate([frames.camera, boxes.camera])
    camera = np.unique(both, return_inverse=True)[1].astype(np.int64)
    numbers = np.concatenate([frame_numbers(frames), boxes.frame])
    key = camera * (int(numbers.max(initial=0)) + 1) + numbers
    ours, theirs = key[: len(frames)], key[len(frames) :]
    order = np.argsort(ours)
    row = order[np.minimum(np.searchsorted(ours, theirs, sorter=order), len(order) - 1)] if len(order) else theirs
    return np.where(ours[row] == theirs, row, -1) if len(order) else np.full(len(theirs), -1)


def _commas(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return "," in file.readline(1000)
