"""What a store holds, in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from cctview.store.lance.packs import FOLDER
from cctview.store.lance.proof import files_below
from cctview.store.lance.tables import Snapshot
from cctview.store.schema import LAYOUTS

__all__ = ["summed_up"]


def summed_up(folder: Path, view: Snapshot) -> dict[str, Any]:
    """Return rows, bytes, oldest and newest time and producer of each table."""
    tables = {name: _summary(folder, view, name) for name in LAYOUTS}
    tables["frames"]["pixel_bytes"] = sum(path.stat().st_size for path in files_below(folder / FOLDER))
    return tables


def _summary(folder: Path, view: Snapshot, name: str) -> dict[str, Any]:
    files = files_below(folder / f"{name}.lance")
    if not view.has(name):
        return {"rows": 0, "bytes": 0, "oldest": None, "newest": None, "producer": {}}
    state = view.commit.tables[name]
    oldest, newest = _extremes(view, name)
    size = sum(path.stat().st_size for path in files)
    return {"rows": state.rows, "bytes": size, "oldest": oldest, "newest": newest, "producer": state.meta}


def _extremes(view: Snapshot, name: str) -> tuple[str | None, str | None]:
    """Return the first and last time of a table as ISO 8601."""
    column = LAYOUTS[name].time
    if not column:
        return None, None
    ends = [pc.min_max(batch.column(column)) for batch in view.batches(name, [column]) if batch.num_rows]
    low, high = (
        np.datetime64(pick(end[key].value for end in ends), "ns") for key, pick in (("min", min), ("max", max))
    )
    return tuple(f"{np.datetime_as_string(value)}Z" for value in (low, high))  # type: ignore[return-value]
