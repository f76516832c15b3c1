"""What LanceDB needs besides the layouts: conditions in its SQL, and ids that lie in its files as they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.store.layouts import Term, Where

__all__ = ["among", "plain", "sql"]

_LITERALS = 2048  # ids in one condition: parsed in a few milliseconds, and twice as many take four times as long
_PLAIN = {"lance-encoding:compression": "none"}


def sql(where: Where) -> str:
    """Return terms as SQL, empty for none."""
    return " AND ".join(f"{term.column} {term.relation} {_literal(term)}" for term in where)


def among(column: str, ids: NDArray[np.int64]) -> Iterator[str]:
    """Yield SQL conditions that together ask for these ids, short enough to be parsed quickly."""
    distinct = np.unique(ids)
    for start in range(0, len(distinct), _LITERALS):
        yield f"{column} IN ({', '.join(map(str, distinct[start : start + _LITERALS].tolist()))})"


def plain(rows: pa.Table) -> pa.Table:
    """Ask Lance to keep ids as they are: packed to 63 bits, no search of the bytes would find them."""
    return rows.cast(pa.schema([_plain(field) for field in rows.schema]))


def _plain(field: pa.Field) -> pa.Field:
    if field.type == pa.int64():
        return field.with_metadata(_PLAIN)
    if field.type == pa.large_list(pa.int64()):
        return field.with_type(pa.large_list(pa.field("item", pa.int64(), metadata=_PLAIN)))
    return field


def _literal(term: Term) -> str:
    """Return a value as an SQL literal; a plain CAST would cut a time to microseconds."""
    if isinstance(term.value, np.datetime64):
        nanoseconds = int(term.value.astype("datetime64[ns]").astype(np.int64))
        return f"arrow_cast({nanoseconds}, 'Timestamp(Nanosecond, Some(\"UTC\"))')"
    return str(term.value) if isinstance(term.value, int) else "'" + str(term.value).replace("'", "''") + "'"
