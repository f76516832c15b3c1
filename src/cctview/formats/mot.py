"""MOT Challenge files: one text file per camera, ``frame,id,x,y,width,height,score,class,visibility``.

Results carry -1 in the last columns; ground truth has a class (a number of MOT16, or a name) and,
in the seventh column, 1 for what counts and 0 for what is to be ignored. Frames count from 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cctview.errors import FormatError
from cctview.formats.apart import camera_files
from cctview.formats.boxes import Boxes, BoxRow, Identities, from_one, given_identity, number, read_lines
from cctview.formats.files import file_name, write_text
from cctview.types import OBJECT_TYPES

__all__ = ["read_mot", "write_mot"]

# MOT16 (Milan et al. 2016), table 3; what stands for no object type of ours is read as ignored.
_CLASSES = {1: "person", 2: "person", 3: "car", 4: "bicycle", 5: "motorcycle", 7: "person"}


def read_mot(path: Path, camera: str | None = None) -> Identities:
    """Read one MOT file, or all of a folder: ``<camera>.txt`` or ``<camera>/gt/gt.txt``, and ``det/det.txt``.

    Frames that count from 0 and identities from 0 are read as such. ``camera`` names the only camera of a single
    file; without it the file's or sequence's name does. Raises FormatError when nothing can be used.
    """
    if not path.is_dir():
        return from_one(_one_file(path, camera or _sequence(path)))
    files = sorted(path.glob("*.txt")) or sorted(path.glob("*/gt/gt.txt")) or sorted(path.glob("*/det/det.txt"))
    if not files:
        raise FormatError(f"{path}: no MOT files here; expected <camera>.txt or <camera>/gt/gt.txt")
    parts = [_one_file(file, _sequence(file)) for file in files]
    whole = Identities(Boxes.concat([part.boxes for part in parts]), sum((part.skipped for part in parts), ()))
    return from_one(whole)


def _sequence(path: Path) -> str:
    return path.parents[1].name if path.parent.name in {"gt", "det"} else path.stem


def _one_file(path: Path, camera: str) -> Identities:
    return read_lines(path, lambda line: _row(line, camera))


def write_mot(folder: Path, boxes: Boxes) -> list[Path]:
    """Write ``<camera>.txt`` per camera into a folder, and return the paths; identity 0 becomes -1.

    Boxes with four decimals, scores with six. Type and ignored have no place in results.
    """
    written = []
    for camera, name in camera_files(boxes.camera.tolist()).items():
        path = folder / file_name(f"{name}.txt")
        write_text(path, _text(boxes[boxes.camera == camera]))
        written.append(path)
    return written


def _text(boxes: Boxes) -> str:
    sides = np.concatenate([boxes.box[:, :2], boxes.box[:, 2:] - boxes.box[:, :2]], axis=1)
    identity = np.where(boxes.identity > 0, boxes.identity, -1)
    columns = (boxes.frame.tolist(), identity.tolist(), *sides.T.tolist(), boxes.score.tolist())
    return "".join(
        f"{frame},{name},{x:.4f},{y:.4f},{width:.4f},{height:.4f},{score:.6f},-1,-1,-1\n"
        for frame, name, x, y, width, height, score in zip(*columns, strict=True)
    )


def _row(line: str, camera: str) -> BoxRow:
    fields = line.split(",")
    if len(fields) < 6:
        raise ValueError(f"expected at least 6 fields, got {len(fields)}")
    x, y, width, height = (float(field) for field in fields[2:6])
    flag = float(fields[6]) if len(fields) > 6 else 1.0
    kind = fields[7].strip() if len(fields) > 7 else "-1"
    known = kind in OBJECT_TYPES
    code = 0 if known else int(float(kind))
    truth = known or code > 0
    return BoxRow(
        camera=camera,
        frame=number(fields[0]),
        identity=given_identity(fields[1]),
        box=(x, y, width, height),
        score=1.0 if truth else flag,
        type=kind if known else _CLASSES.get(code, "car"),
        ignored=truth and (flag == 0 or (code > 0 and code not in _CLASSES)),
    )
