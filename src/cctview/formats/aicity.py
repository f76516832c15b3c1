"""AI City Challenge files of multi-camera tracking: ``camera object frame x y width height xworld yworld``.

Fields are separated by blanks; cameras are numbers, so names are numbered in their order and written
beside the file. Frames count from 1. World coordinates are not known here and written as -1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from cctview.formats.boxes import Boxes, BoxRow, Identities, from_one, given_identity, number, read_lines
from cctview.formats.files import read_json, write_text

__all__ = ["read_aicity", "write_aicity"]


def read_aicity(path: Path) -> Identities:
    """Read a file of one box per line; cameras get their names back where the file of names lies beside it.

    Raises FormatError when nothing can be used.
    """
    names = read_json(_names(path)) if _names(path).is_file() else {}
    return from_one(read_lines(path, lambda line: _row(line, names)))


def write_aicity(path: Path, boxes: Boxes) -> list[Path]:
    """Write the boxes, and ``<name>.cameras.json`` with the name of each camera number; return both paths."""
    cameras, camera = np.unique(boxes.camera, return_inverse=True)
    sides = np.concatenate([boxes.box[:, :2], boxes.box[:, 2:] - boxes.box[:, :2]], axis=1)
    columns = ((camera + 1).tolist(), boxes.identity.tolist(), boxes.frame.tolist(), *sides.T.tolist())
    lines = [
        f"{place} {identity} {frame} {x:.4f} {y:.4f} {width:.4f} {height:.4f} -1 -1\n"
        for place, identity, frame, x, y, width, height in zip(*columns, strict=True)
    ]
    write_text(path, "".join(lines))
    write_text(_names(path), json.dumps({str(n): name for n, name in enumerate(cameras.tolist(), 1)}, indent=1) + "\n")
    return [path, _names(path)]


def _names(path: Path) -> Path:
    return path.with_name(f"{path.stem}.cameras.json")


def _row(line: str, names: dict[str, Any]) -> BoxRow:
    fields = line.split()
    if len(fields) < 7:
        raise ValueError(f"expected at least 7 fields, got {len(fields)}")
    x, y, width, height = (float(field) for field in fields[3:7])
    return BoxRow(
        camera=str(names.get(fields[0], fields[0])),
        identity=given_identity(fields[1]),
        frame=number(fields[2]),
        box=(x, y, width, height),
    )
