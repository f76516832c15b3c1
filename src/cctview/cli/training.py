"""Write stored detections for people who train detectors or look through data: YOLO, FiftyOne."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cctview.seams import Store
    from cctview.types import Frames

__all__ = ["TRAINING_FORMATS", "export_training"]

TRAINING_FORMATS = ("yolo", "fiftyone")
_AT_ONCE = 256
_ID = re.compile(r"(?:frame |still )?\b[0-9a-f]{16}\b|(?:frame|still) -?[0-9]+")


def export_training(store: Store, form: str, out: Path) -> dict[str, Any]:
    """Write stills and the boxes in them into a folder; say how many were written.

    Stills the policy did not keep are listed without a picture, and counted by the reason.
    """
    from cctview.formats.apart import apart
    from cctview.formats.training import FiftyOneWriter, YoloWriter
    from cctview.types import Detections, Frames

    frames, detections = apart(store.scan(Frames)), store.scan(Detections)
    pictures, boxes, without = 0, 0, Counter[str]()
    with YoloWriter(out) if form == "yolo" else FiftyOneWriter(out) as writer:
        for start in range(0, len(frames), _AT_ONCE):
            part = frames[start : start + _AT_ONCE]
            encoded = _pictures(store, part, without)
            pictures += len(encoded)
            boxes += writer.write(part, detections, encoded)
    told = {"written": str(out), "stills": len(frames), "pictures": pictures, "boxes": boxes}
    return {**told, "stills without a picture": dict(without)} if without else told


def _pictures(store: Store, frames: Frames, without: Counter[str]) -> dict[int, bytes]:
    """Return the JPEG bytes of the frames, by id, where the store kept them; count why it did not."""
    from cctview.errors import MissingError, PolicyError, StoreError

    found: dict[int, bytes] = {}
    for number in range(len(frames)):
        try:
            (found[int(frames.id[number])],) = store.pixels(frames.id[number : number + 1])
        except (StoreError, MissingError, PolicyError) as error:
            without[_ID.sub("a still", str(error))] += 1
    return found
