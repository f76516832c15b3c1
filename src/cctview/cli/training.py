"""Write stored detections for people who train detectors or look through data: YOLO, FiftyOne."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cctview.seams import Store
    from cctview.types import Frames

__all__ = ["TRAINING_FORMATS", "export_training"]

TRAINING_FORMATS = ("yolo", "fiftyone")
_AT_ONCE = 256


def export_training(store: Store, form: str, out: Path) -> dict[str, Any]:
    """Write stills and the boxes in them into a folder; say how many were written.

    Stills the policy did not keep are listed without a picture.
    """
    from cctview.formats.training import FiftyOneWriter, YoloWriter
    from cctview.types import Detections, Frames

    frames, detections = store.scan(Frames), store.scan(Detections)
    pictures = boxes = 0
    with YoloWriter(out) if form == "yolo" else FiftyOneWriter(out) as writer:
        for start in range(0, len(frames), _AT_ONCE):
            part = frames[start : start + _AT_ONCE]
            encoded = _pictures(store, part)
            pictures += len(encoded)
            boxes += writer.write(part, detections, encoded)
    return {"written": str(out), "stills": len(frames), "pictures": pictures, "boxes": boxes}


def _pictures(store: Store, frames: Frames) -> dict[int, bytes]:
    """Return the JPEG bytes of the frames, by id, where the store kept them."""
    from cctview.errors import MissingError, PolicyError, StoreError

    found: dict[int, bytes] = {}
    for number in range(len(frames)):
        try:
            (found[int(frames.id[number])],) = store.pixels(frames.id[number : number + 1])
        except (StoreError, MissingError, PolicyError):
            continue
    return found
