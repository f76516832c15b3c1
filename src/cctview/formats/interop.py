"""Our tables as those of other libraries, in memory: supervision, Arrow, pandas, polars.

Nothing here is needed by cctview itself; each function says what to install.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.table import Table
from cctview.types import OBJECT_TYPES, Detections, Frame, row_ids

__all__ = ["from_supervision", "to_pandas", "to_polars", "to_supervision"]

_TYPES = np.array(OBJECT_TYPES)


def to_supervision(detections: Detections) -> Any:
    """Return ``supervision.Detections`` over the same boxes and scores, without copying them.

    ``class_id`` counts our object types; ``data`` holds ``class_name``, ``id``, ``frame``, ``camera``
    and ``time``. Raise InputError when supervision is not installed.
    """
    supervision = _library("supervision")
    return supervision.Detections(
        xyxy=detections.box,
        confidence=detections.score,
        class_id=(detections.type[:, None] == _TYPES).argmax(axis=1),
        data={
            "class_name": detections.type,
            "id": detections.id,
            "frame": detections.frame,
            "camera": detections.camera,
            "time": detections.time,
        },
        metadata=dict(detections.meta),
    )


def from_supervision(found: Any, frame: Frame, producer: str) -> Detections:
    """Return the detections another library found in a still, best first, cut at its borders.

    Types are read from ``class_name``, or from ``class_id`` counted as ``to_supervision`` does; rows of
    other types, and boxes outside of the still, are left out. Raise InputError when neither is there.
    """
    height, width = frame.image.shape[:2]
    box = np.clip(np.asarray(found.xyxy, np.float32), 0, np.array([width, height] * 2, np.float32))
    types = _types(found)
    score = np.ones(len(box), np.float32) if found.confidence is None else np.asarray(found.confidence, np.float32)
    rows = np.flatnonzero(np.isin(types, _TYPES) & (box[:, :2] < box[:, 2:]).all(axis=1))
    rows = rows[np.argsort(-score[rows], kind="stable")]
    rank = np.arange(1, len(rows) + 1)
    owner = np.full(len(rows), frame.id)
    return Detections(
        meta={"detector": producer},
        id=row_ids(owner, rank, producer),
        frame=owner,
        camera=np.full(len(rows), frame.camera),
        time=np.full(len(rows), frame.time, "datetime64[ns]"),
        rank=rank,
        box=box[rows],
        score=score[rows],
        type=types[rows],
    )


def to_pandas(table: Table) -> Any:
    """Return a table as a pandas DataFrame; raise InputError when pandas is not installed."""
    _library("pandas")
    return table.to_arrow().to_pandas()


def to_polars(table: Table) -> Any:
    """Return a table as a polars DataFrame; raise InputError when polars is not installed."""
    return _library("polars").from_arrow(table.to_arrow())


def _types(found: Any) -> NDArray[np.str_]:
    named = found.data.get("class_name")
    if named is not None:
        return np.asarray(named, np.str_)
    if found.class_id is None:
        raise InputError("these supervision.Detections name no types; give them data['class_name'] or class_id")
    numbers = np.asarray(found.class_id, np.int64)
    return np.where((numbers >= 0) & (numbers < len(_TYPES)), _TYPES[numbers.clip(0, len(_TYPES) - 1)], "")


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(f"this needs {error.name}, which is not installed; pip install {name}") from error
