"""VeRi folders: crops named ``<vehicle>_c<camera>_<frame>_<n>.jpg``, and lists of names for query and test.

The layout of VeRi-776 (Liu et al. 2016): ``image_query/`` with ``name_query.txt``, ``image_test/`` with
``name_test.txt`` and ``test_track.txt``, ``image_train/`` with ``name_train.txt``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError
from cctview.extras import cv2
from cctview.formats.boxes import Boxes
from cctview.formats.files import write_bytes, write_text
from cctview.naming import pixel_boxes
from cctview.table import Ragged

__all__ = ["VeriImages", "read_veri", "write_veri"]

_NAME = re.compile(r"(?P<vehicle>[0-9]{1,9})_c(?P<camera>[0-9]{1,6})_(?P<frame>[0-9]{1,12})_[0-9]+\.(?:jpg|jpeg|png)")
_PARTS = ("query", "test", "train")
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
_MOST_NAMES_BYTES = 100_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class VeriImages:
    """Crops of one part (N,): where each lies, which vehicle and camera it shows, and what was left out."""

    path: tuple[Path, ...]
    vehicle: NDArray[np.int64]
    camera: NDArray[np.int64]
    frame: NDArray[np.int64]
    skipped: tuple[str, ...] = ()


def read_veri(folder: Path, part: str) -> VeriImages:
    """Read which crops a part ("query", "test" or "train") has, by its list or else by its folder.

    Names of another form and files that are not there are counted and named. Raises FormatError when
    the part is not there or has no usable crop.
    """
    images, listing = folder / f"image_{part}", folder / f"name_{part}.txt"
    if part not in _PARTS or not images.is_dir():
        raise FormatError(f"{folder}: has no image_{part}/; expected a VeRi folder with " + ", ".join(_PARTS))
    names = _listed(listing) if listing.is_file() else sorted(path.name for path in images.iterdir())
    found = [(name, _NAME.fullmatch(name)) for name in names]
    skipped = [f"{part}: {name[:80]!r} is no name of a crop" for name, fields in found if not fields]
    good = [(images / name, fields) for name, fields in found if fields]
    skipped += [f"{part}: {path.name} is not there" for path, _ in good if not path.is_file()]
    good = [(path, fields) for path, fields in good if path.is_file()]
    if not good:
        raise FormatError(f"{folder}: no crop of {part} can be used; " + (skipped[0] if skipped else "it is empty"))
    vehicle, camera, frame = (
        np.array([int(fields[key]) for _, fields in good], np.int64) for key in ("vehicle", "camera", "frame")
    )
    return VeriImages(
        path=tuple(path for path, _ in good), vehicle=vehicle, camera=camera, frame=frame, skipped=tuple(skipped)
    )


def write_veri(folder: Path, boxes: Boxes, stills: Iterable[tuple[str, bytes]]) -> int:
    """Write the crops of all boxes with an identity, and return how many.

    ``stills`` gives the JPEG bytes of each named still. The middle crop of each vehicle at each camera
    is a query, all are the test; cameras are numbered, their names stand in ``cameras.json``.
    """
    cameras, camera = np.unique(boxes.camera, return_inverse=True)
    names = _names(boxes, camera + 1)
    written = np.zeros(len(boxes), np.bool_)
    order = np.argsort(boxes.still, kind="stable")
    order = order[boxes.identity[order] > 0]
    sorted_stills = boxes.still[order]
    for still, data in stills:
        begin, end = (np.searchsorted(sorted_stills, still, side=side) for side in _SIDES)
        for row, crop in _crops(data, boxes, order[begin:end]):
            write_bytes(folder / "image_test" / names[row], crop)
            written[row] = True
    kept = np.flatnonzero(written)
    group, first = np.unique(np.stack([boxes.identity[kept], camera[kept]]), axis=1, return_inverse=True)
    tracks = Ragged.grouped(kept, first.reshape(-1), group.shape[1])
    queries = tracks.values[tracks.offsets[:-1] + tracks.lengths // 2]
    for row in queries.tolist():
        write_bytes(folder / "image_query" / names[row], (folder / "image_test" / names[row]).read_bytes())
    write_text(folder / "name_query.txt", "".join(f"{names[row]}\n" for row in queries.tolist()))
    write_text(folder / "name_test.txt", "".join(f"{names[row]}\n" for row in kept.tolist()))
    lines = np.split(np.array(names, np.str_)[tracks.values], tracks.offsets[1:-1]) if len(kept) else []
    write_text(folder / "test_track.txt", "".join(" ".join(line) + "\n" for line in lines))
    write_text(folder / "cameras.json", json.dumps({f"c{n:03}": c for n, c in enumerate(cameras.tolist(), 1)}) + "\n")
    return len(kept)


def _names(boxes: Boxes, camera: NDArray[np.int64]) -> list[str]:
    columns = (boxes.identity.tolist(), camera.tolist(), boxes.frame.tolist())
    return [f"{vehicle:04}_c{place:03}_{frame:08}_0.jpg" for vehicle, place, frame in zip(*columns, strict=True)]


def _crops(data: bytes, boxes: Boxes, rows: NDArray[np.intp]) -> Iterator[tuple[int, bytes]]:
    """Yield the boxes of a still that show something, as JPEG."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data and len(rows) else None
    if image is None:
        return
    height, width = image.shape[:2]
    corners = np.clip(pixel_boxes(boxes.box[rows]), 0, np.array([width, height, width, height]))
    for row, (x1, y1, x2, y2) in zip(rows.tolist(), corners.tolist(), strict=True):
        if x2 > x1 and y2 > y1:
            yield row, cv2.imencode(".jpg", image[y1:y2, x1:x2], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def _listed(path: Path) -> list[str]:
    try:
        if path.stat().st_size > _MOST_NAMES_BYTES:
            raise FormatError(f"{path}: refused, larger than {_MOST_NAMES_BYTES / 1e6:g} MB")
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: cannot be read as a list of names ({error})") from error
