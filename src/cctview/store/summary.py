"""What a table of a store holds, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.compute as pc

from cctview.store.layouts import LAYOUTS, View

__all__ = ["summed_up"]


def summed_up(view: View, name: str, *, rows: int, size: int, meta: Mapping[str, str]) -> dict[str, Any]:
    """Return rows, bytes, oldest and newest time (ISO 8601, UTC) and producer of a table."""
    if not view.has(name):
        return {"rows": 0, "bytes": 0, "oldest": None, "newest": None, "producer": {}}
    oldest, newest = _extremes(view, name)
    return {"rows": rows, "bytes": size, "oldest": oldest, "newest": newest, "producer": dict(meta)}


def _extremes(view: View, name: str) -> tuple[str | None, str | None]:
    """Return the first and last time of a table as ISO 8601."""
    column = LAYOUTS[name].time
    if not column:
        return None, None
    ends = [pc.min_max(batch.column(column)) for batch in view.batches(name, [column]) if batch.num_rows]
    low, high = (
        np.datetime64(pick(end[key].value for end in ends), "ns") for key, pick in (("min", min), ("max", max))
    )
    return f"{np.datetime_as_string(low)}Z", f"{np.datetime_as_string(high)}Z"
