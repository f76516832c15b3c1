"""How each table is stored: its name, its order, the columns it has besides its own, and which rows are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

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
    "Term",
    "View",
    "Where",
    "condition",
    "contained",
    "ids_of",
    "layout_of",
    "loaded",
    "require_ids",
    "stored",
    "times",
]

T = TypeVar("T", bound=Table)
Ids = NDArray[np.int64]
_UNIT_TOLERANCE = 1e-3  # vectors this near to unit length lose nothing more as float16, which keeps 11 bits
_TIMESTAMP = pa.timestamp("ns", "UTC")


class Term(NamedTuple):
    """One thing that a stored column must satisfy."""

    column: str
    relation: Literal["=", "<", ">", ">="]
    value: str | int | np.datetime64 | None


Where = tuple[Term, ...]


class View(Protocol):
    """The tables as one commit has them: what reading, searching and removing need of any store."""

    def has(self, name: str) -> bool:
        """Return whether the table holds rows."""
        ...

    def rows(self, name: str, columns: list[str], where: Where = ()) -> pa.Table:
        """Return these columns of the rows that satisfy all terms."""
        ...

    def batches(self, name: str, columns: list[str], where: Where = ()) -> Iterator[pa.RecordBatch]:
        """Yield the same in batches of bounded size."""
        ...

    def rows_among(self, name: str, columns: list[str], ids: Ids, where: Where = (), by: str = "") -> pa.Table:
        """Return the rows with these ids (N,) in column ``by``; ids that are not there are passed over."""
        ...

    def nearest(self, name: str, vector: NDArray[np.float32], where: Where, count: int) -> pa.Table:
        """Return ids and cosine distances (``_distance``) of the rows nearest to a vector ``(D,)``."""
        ...

    def ids(self, name: str, where: Where = ()) -> Ids:
        """Return the sorted ids of the rows that satisfy all terms."""
        ...


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


def require_ids(layout: Layout) -> None:
    """Raise SettingsError for a table whose rows have no ids."""
    if not layout.id:
        raise SettingsError(f"{layout.table.__name__} have no ids; scan them with camera=, after= and before=")


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
    return arrow


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
) -> Where:
    """Return what rows must satisfy, nothing when all are asked for; raise SettingsError for what they do not have."""
    if camera is not None and not layout.camera:
        raise SettingsError(f"{layout.table.__name__} belong to no single camera; scan Tracklets with camera= instead")
    if not layout.time and (after is not None or before is not None):
        raise SettingsError(f"{layout.table.__name__} have no time; scan Tracklets with after= and before= instead")
    terms = [Term(layout.camera, "=", camera), Term(layout.time, ">=", after), Term(layout.time, "<", before)]
    return tuple(term for term in terms if term.value is not None)


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


def _scaled(table: Table) -> bool:
    return isinstance(table, Embeddings) and not np.allclose(table.length, 1, rtol=0, atol=_UNIT_TOLERANCE)


def _half(vectors: NDArray[np.float32]) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(vectors, np.float16).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
