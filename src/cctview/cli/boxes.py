"""Write what a store holds in the formats of trackers and re-identification: MOT, COCO, AI City, VeRi."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cctview.errors import SettingsError, nearest

if TYPE_CHECKING:
    from cctview.formats.boxes import Boxes
    from cctview.seams import Store
    from cctview.types import Frames

__all__ = ["BOX_FORMATS", "export_boxes"]

BOX_FORMATS = ("mot", "coco", "aicity", "veri")
_WHAT = ("detections", "tracklets", "journeys")
_AT_ONCE = 64


def export_boxes(store: Store, what: str, form: str, out: Path) -> dict[str, Any]:
    """Write boxes of all detections, or with the identity of their tracklet or journey; say what was written."""
    if what not in _WHAT:
        raise SettingsError(f"--what {what!r} has no boxes for the format {form}; {nearest(what, _WHAT)}")
    if form == "veri" and what == "detections":
        raise SettingsError("VeRi needs identities; choose --what tracklets or --what journeys")
    frames, boxes = _boxes(store, what)
    return {"written": str(out), "boxes": _written(store, frames, boxes, form, out)}


def _boxes(store: Store, what: str) -> tuple[Frames, Boxes]:
    from cctview.formats.apart import apart
    from cctview.formats.boxes import camera_boxes, track_numbers
    from cctview.types import Detections, Frames, Journeys, Tracklets

    frames, detections = apart(store.scan(Frames)), store.scan(Detections)
    if what == "detections":
        return frames, camera_boxes(frames, detections)
    journeys = store.scan(Journeys) if what == "journeys" else None
    return frames, camera_boxes(frames, detections, track_numbers(detections, store.scan(Tracklets), journeys))


def _written(store: Store, frames: Frames, boxes: Boxes, form: str, out: Path) -> int:
    from cctview.formats.aicity import write_aicity
    from cctview.formats.coco import write_coco
    from cctview.formats.mot import write_mot
    from cctview.formats.veri import write_veri

    if form == "veri":
        return write_veri(out, boxes, _stills(store, frames))
    if form == "mot":
        write_mot(out, boxes)
    elif form == "aicity":
        write_aicity(out, boxes)
    else:
        write_coco(out, boxes, frames)
    return len(boxes)


def _stills(store: Store, frames: Frames) -> Iterator[tuple[str, bytes]]:
    """Yield the name and JPEG bytes of each still that the store kept."""
    for start in range(0, len(frames), _AT_ONCE):
        part = frames[start : start + _AT_ONCE]
        yield from zip(part.name.tolist(), store.pixels(part.id), strict=True)
