"""What the tests of the original's files share: simulated stills with detections."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from cctview.types import Detections, Frame, content_id, row_ids

STILL = "733-681-N--2020-05-05--13.34.29"
TYPES = np.array(["car", "bus", "car", "person"])
BOXES = np.array([[88, 54, 98, 65], [139, 88, 170, 117], [0, 0, 352, 240], [241, 68, 247, 81]], np.float32)


def still(name: str = STILL, seed: int = 0) -> Frame:
    image = np.random.default_rng(seed).integers(0, 255, (240, 352, 3), np.uint8)
    return Frame(
        image=image,
        camera=name.split("--", maxsplit=1)[0],
        time=np.datetime64("2020-05-05T17:34:29", "ns"),
        name=name,
        digest=content_id(name),
    )


def detections_of(
    frame: Frame, boxes: np.ndarray = BOXES, types: np.ndarray = TYPES, scores: np.ndarray | None = None
) -> Detections:
    rank = np.arange(len(boxes)) + 1
    owner = np.full(len(boxes), frame.id)
    return Detections(
        meta={"detector": "simulated"},
        id=row_ids(owner, rank, "simulated"),
        frame=owner,
        camera=np.repeat(frame.camera, len(boxes)),
        time=np.repeat(frame.time, len(boxes)),
        rank=rank,
        box=boxes,
        score=np.linspace(0.3, 1, len(boxes), dtype=np.float32) if scores is None else scores,
        type=types,
    )


def save_still(folder: Path, frame: Frame) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    Image.fromarray(frame.image).save(buffer, "JPEG")
    path = folder / f"{frame.name}--original.jpeg"
    path.write_bytes(buffer.getvalue())
    return path
