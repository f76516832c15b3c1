"""Look at all of a store: what is damaged, where, and what can be done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.store.layouts import LAYOUTS, View, contained, ids_of
from cctview.types import frame_id

__all__ = ["DERIVED", "REFERENCES", "Checked", "Finding", "dangling", "rows_checked", "strays"]

Ids = NDArray[np.int64]
DERIVED = ("tracklets", "passages", "matches", "journeys", "travel_times", "breaks")
REFERENCES = (
    ("detections", "frame", "frames"),
    ("embeddings", "detection", "detections"),
    ("tracklets", "members", "detections"),
    ("passages", "members", "tracklets"),
    ("matches", "query", "tracklets"),
    ("matches", "candidates", "tracklets"),
    ("journeys", "members", "tracklets"),
)
_ANEW = "take them out with --repair, then make them anew with `cctview track`"


@dataclass(frozen=True, eq=False, kw_only=True)
class Finding:
    """One thing that is damaged: its ``kind``, where it stands, what is wrong, and what can be done.

    ``table`` names the table it concerns and ``ids`` (N,) the rows or frames, where those are known.
    """

    kind: str
    where: str
    problem: str
    remedy: str
    table: str = ""
    ids: Ids = field(default_factory=lambda: np.zeros(0, np.int64))

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}; {self.remedy}"


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was looked at (``counts`` by name), what is damaged, and ``notes`` on what could not be looked at.

    After a repair ``lost`` says what was taken out or put in place of what was damaged, and ``findings`` is what is
    still damaged.
    """

    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is damaged."""
        return not self.findings


def rows_checked(view: View, name: str) -> Iterator[Finding]:
    """Read all rows of a table: yield what its columns may not hold, ids that repeat, and frames that are others."""
    layout = LAYOUTS[name]
    try:
        batches = list(view.batches(name, layout.read))
        for batch in batches:
            layout.table.from_arrow(pa.Table.from_batches([batch]).select(_own(layout.table, batch)))
    except Exception as error:  # noqa: BLE001 - whatever keeps rows from being read is damage
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        yield Finding(
            kind="rows", where=name, table=name, problem=f"its rows cannot be used ({reason})", remedy=_remedy(name)
        )
        return
    if layout.id and name != "matches":
        ids = ids_of(pa.chunked_array([batch.column(layout.id) for batch in batches], pa.int64()))
        twice = _repeated(ids)
        if len(twice):
            problem = f"{len(twice)} ids stand in it more than once"
            yield Finding(kind="rows", where=name, table=name, ids=twice, problem=problem, remedy=_remedy(name))
    if name == "frames":
        strange = np.concatenate([np.zeros(0, np.int64), *map(_renamed, batches)])
        if len(strange):
            problem = f"{len(strange)} frames are not what their ids were made from"
            yield Finding(kind="rows", where=name, table=name, ids=strange, problem=problem, remedy=_remedy(name))


def dangling(view: View) -> Iterator[Finding]:
    """Yield the references to rows that are not there."""
    for name, column, owner in REFERENCES:
        ids = strays(view, name, column, owner)
        if len(ids):
            problem = f"{len(ids)} of its rows name {owner} that are not stored ({column})"
            yield Finding(kind="reference", where=name, table=name, ids=ids, problem=problem, remedy=_remedy(name))


def strays(view: View, name: str, column: str, owner: str) -> Ids:
    """Return the ids that a column of a table names and that the table of their owners does not hold."""
    if not view.has(name):
        return np.zeros(0, np.int64)
    known, found = view.ids(owner), []
    for batch in view.batches(name, [column]):
        cells = batch.column(column)
        ids = ids_of(cells if cells.type == pa.int64() else cells.flatten())
        found.append(ids[~contained(ids, known)])
    return np.unique(np.concatenate([np.zeros(0, np.int64), *found]))


def _own(table: Any, batch: pa.RecordBatch) -> list[str]:
    return [name for name in table.columns if name in batch.schema.names]


def _renamed(batch: pa.RecordBatch) -> Ids:
    """Return the frames whose id is not the hash of their camera, time and content."""
    columns = (batch.column("camera"), batch.column("time").cast(pa.int64()), batch.column("digest"))
    camera, time, digest = (column.to_pylist() for column in columns)
    ids = ids_of(batch.column("id"))
    made = (frame_id(*of) for of in zip(camera, np.array(time, "datetime64[ns]"), digest, strict=True))
    return ids[np.fromiter(made, np.int64, len(ids)) != ids]


def _repeated(ids: Ids) -> Ids:
    values, counts = np.unique(ids, return_counts=True)
    repeated: Ids = values[counts > 1]
    return repeated


def _remedy(name: str) -> str:
    if name in DERIVED:
        return _ANEW
    return "restore the folder from a backup, or take out what cannot be used with --repair"
