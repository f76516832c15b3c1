"""How each table lies in LanceDB: its name, order, and the columns it has besides its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import SettingsError
from cctview.types import (
    Breaks,
    Detections,
    Embeddings,
    Frames,
    Journeys,
    Matches,
    Passages,
    Table,
    Tracklets,
    TravelTimes,
)

__all__ = [
    "LAYOUTS",
    "Layout",
    "among",
    "condition",
    "contained",
    "ids_of",
    "instant",
    "layout_of",
    "loaded",
    "stored",
    "times",
]

T = TypeVar("T", bound=Table)
_LITERALS = 2048
_UNIT_TOLERANCE = 1e-3
_PLAIN = {"lance-encoding:compression": "none"}
_TIMESTAMP = pa.timestamp("ns", "UTC")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One stored table: ``id``, ``camera`` and ``time`` name the columns that filters act on, if any.

    ``order`` is the order ``scan`` answers in; it may name stored columns the table type lacks.
    ``indexed`` are the columns that single rows are looked up by.
    """

    name: str
    table: type[Table]
    id: str = "id"
    camera: str = ""
    time: str = ""
    order: tuple[str, ...]
    indexed: tuple[str, ...] = ()

    @property
    def read(self) -> list[str]:
        """The stored columns that ``scan`` needs; those with a default may be missing in an older store."""
        return list(dict.fromkeys((*self.table.columns, *self.order)))


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            name="frames", table=Frames, camera="camera", time="time", order=("camera", "time", "id"), indexed=("id",)
        ),
        Layout(
            name="detections",
            table=Detections,
            camera="camera",
            time="time",
            order=("camera", "time", "frame", "rank", "id"),
            indexed=("id", "frame"),
        ),
        Layout(
            name="embeddings",
            table=Embeddings,
            id="detection",
            camera="camera",
            time="time",
            order=("camera", "time", "frame", "rank", "detection"),
            indexed=("detection", "camera", "time"),
        ),
        Layout(
            name="tracklets",
            table=Tracklets,
            camera="camera",
            time="first_time",
            order=("camera", "first_time", "id"),
            indexed=("id",),
        ),
        Layout(name="passages", table=Passages, camera="camera", time="time", order=("camera", "time", "id")),
        Layout(
            name="matches",
            table=Matches,
            id="query",
            camera="query_camera",
            order=("query_camera", "query", "camera"),
            indexed=("query",),
        ),
        Layout(
            name="travel_times",
            table=TravelTimes,
            id="",
            camera="origin",
            time="start",
            order=("origin", "target", "start"),
        ),
        Layout(name="breaks", table=Breaks, id="", camera="camera", time="time", order=("camera", "time", "kind")),
        Layout(name="journeys", table=Journeys, time="start", order=("start", "id")),
    )
}


def layout_of(table: type[Table]) -> Layout:
    """Return the layout of a table type; raise SettingsError for one that is not stored."""
    for layout in LAYOUTS.values():
        if layout.table is table:
            return layout
    known = ", ".join(layout.table.__name__ for layout in LAYOUTS.values())
    raise SettingsError(f"{table.__name__} is not stored; stored are {known}")


def stored(table: Table, extra: Mapping[str, pa.Array] | None = None) -> pa.Table:
    """Return the rows as they are stored: with extra columns, vectors as float16.

    Vectors that had another length than 1 stay float32, so that the model's own can be given back.
    """
    if not len(table):
        return pa.table({})
    arrow = table.to_arrow()
    if "vector" in table.columns and not _scaled(table):
        arrow = arrow.set_column(arrow.schema.get_field_index("vector"), "vector", _half(table.vector))  # type: ignore[attr-defined]
    for name, column in (extra or {}).items():
        arrow = arrow.append_column(name, column)
    return arrow.cast(pa.schema([_plain(field) for field in arrow.schema]))


def loaded(arrow: pa.Table, layout: Layout, table: type[T], meta: Mapping[str, str]) -> T:
    """Return stored rows in the order of their layout, vectors as float32 of unit length again."""
    ordered = arrow.sort_by([(name, "ascending") for name in layout.order])
    rows = table.from_arrow(ordered.replace_schema_metadata(dict(meta) or None))
    if "vector" not in table.columns or not len(rows):
        return rows
    vectors: NDArray[np.float32] = rows.vector  # type: ignore[attr-defined]
    return rows.replace(vector=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def times(values: NDArray[np.datetime64]) -> pa.Array:
    """Return times as an Arrow column."""
    return pa.array(values.astype("datetime64[ns]"), _TIMESTAMP)


def condition(
    layout: Layout,
    *,
    camera: str | None = None,
    after: np.datetime64 | None = None,
    before: np.datetime64 | None = None,
) -> str:
    """Return the SQL of a filter, empty when all rows are asked for."""
    if camera is not None and not layout.camera:
        raise SettingsError(f"{layout.table.__name__} belong to no single camera; scan Tracklets with camera= instead")
    if not layout.time and (after is not None or before is not None):
        raise SettingsError(f"{layout.table.__name__} have no time; scan Tracklets with after= and before= instead")
    parts = [
        "" if camera is None else f"{layout.camera} = {_quoted(camera)}",
        "" if after is None else f"{layout.time} >= {instant(after)}",
        "" if before is None else f"{layout.time} < {instant(before)}",
    ]
    return " AND ".join(part for part in parts if part)


def among(column: str, ids: NDArray[np.int64]) -> Iterator[str]:
    """Yield SQL filters that together ask for these ids, short enough to be parsed quickly."""
    distinct = np.unique(ids)
    for start in range(0, len(distinct), _LITERALS):
        yield f"{column} IN ({', '.join(map(str, distinct[start : start + _LITERALS].tolist()))})"


def contained(values: NDArray[np.int64], ordered: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which values are among the sorted ids."""
    if not len(ordered):
        return np.zeros(len(values), np.bool_)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    same: NDArray[np.bool_] = ordered[place] == values
    return same


def ids_of(column: Any) -> NDArray[np.int64]:
    """Return an Arrow column of ids as an array."""
    values: NDArray[np.int64] = (
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    )
    return values


def instant(time: np.datetime64) -> str:
    """Return a time as an SQL literal; a plain CAST would cut it to microseconds."""
    nanoseconds = int(time.astype("datetime64[ns]").astype(np.int64))
    return f"arrow_cast({nanoseconds}, 'Timestamp(Nanosecond, Some(\"UTC\"))')"


def _plain(field: pa.Field) -> pa.Field:
    """Ask Lance to keep ids as they are: packed to 63 bits, no search of the bytes would find them."""
    if field.type == pa.int64():
        return field.with_metadata(_PLAIN)
    if field.type == pa.large_list(pa.int64()):
        return field.with_type(pa.large_list(pa.field("item", pa.int64(), metadata=_PLAIN)))
    return field


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _scaled(table: Table) -> bool:
    return isinstance(table, Embeddings) and not np.allclose(table.length, 1, rtol=0, atol=_UNIT_TOLERANCE)


def _half(vectors: NDArray[np.float32]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(vectors, np.float16).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
