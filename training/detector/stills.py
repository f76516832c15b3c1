"""The stills that the detector learns from, with the rules that keep the dev score honest."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
CLIP_STEP = 5
GUARD = timedelta(seconds=60)


@dataclass(frozen=True)
class Still:
    """One training still: a name that is unique over all sources, its source, and RGB pixels."""

    name: str
    domain: str
    image: Image

    @property
    def camera(self) -> str:
        """The fixed view it comes from; each clip is its own."""
        parts = {"fdr": self.name.split("--")[0], "london-24h": self.name.split("_")[0]}
        own = self.name.rpartition("_")[0] if self.domain == "clip" else self.name
        return f"{self.domain}/{parts.get(self.domain, own)}"


def training_stills(data: Path) -> Iterator[Still]:
    """Yield every still that may be trained on, source by source, in a fixed order."""
    yield from _fdr(data / "fdr")
    yield from _london_24h(data / "london-24h")
    yield from _clips(data / "london-24h" / "clips")
    for path in sorted((data / "uk-stills" / "images").glob("*.jpg")):
        yield Still(path.stem, "uk", read_rgb(path))


def read_rgb(path: Path) -> Image:
    """Decode an image file to uint8 RGB (H, W, 3)."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f"{path}: not an image; remove it from the data folder")
    return np.ascontiguousarray(pixels[:, :, ::-1])


def _fdr(folder: Path) -> Iterator[Still]:
    """Every still of each camera, none within a minute of a hand-labelled one."""
    labelled = [i["file_name"] for i in json.loads((folder / "boxes.json").read_text())["images"]]
    guarded = [_camera_time(name) for name in labelled]
    for camera in sorted((folder / "frames").iterdir()):
        for path in sorted(camera.rglob("*--original.jpeg")):
            name, time = _camera_time(path.name)
            if all(name != n or abs(time - t) > GUARD for n, t in guarded):
                yield Still(path.name.removesuffix("--original.jpeg"), "fdr", read_rgb(path))


def _camera_time(name: str) -> tuple[str, datetime]:
    camera, day, clock = name.split("--")[:3]
    return camera, datetime.strptime(f"{day} {clock} +0000", "%Y-%m-%d %H.%M.%S %z")


def _london_24h(folder: Path) -> Iterator[Still]:
    with (folder / "frames.csv").open() as lines:
        for row in csv.DictReader(lines):
            path = folder / row["path"]
            if row["placeholder"] == "0" and path.exists():
                yield Still(path.stem, "london-24h", read_rgb(path))


def _clips(folder: Path) -> Iterator[Still]:
    for path in sorted(folder.glob("*.mp4")):
        video, index = cv2.VideoCapture(str(path)), 0
        while True:
            ok, pixels = video.read()
            if not ok:
                break
            if index % CLIP_STEP == 0:
                yield Still(f"{path.stem}_{index:04d}", "clip", np.ascontiguousarray(pixels[:, :, ::-1]))
            index += 1
        video.release()
