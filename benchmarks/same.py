"""Compare two stores table by table, bit for bit: rows, ids, every column; exit 1 when anything differs.

    python benchmarks/same.py OLD NEW [--json] [--skip TABLE ...]

The stores may be made by different versions of the program: tables are read with LanceDB alone, at the version that
the commit names. When and where a still was put away is not compared.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_PUT_AWAY = {"imported", "pack", "offset", "length"}
_KEYS = {"embeddings": ["detection"], "matches": ["query", "camera"]}
_FIRST = 3  # rows named for each difference


def main() -> None:
    """Print what differs, and say by the exit code whether anything does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument("--skip", nargs="*", default=[], help="tables that are not compared")
    asked = parser.parse_args()
    found = compared(asked.old, asked.new, set(asked.skip))
    print(json.dumps(found, indent=2) if asked.json else _words(found))
    sys.exit(not all(table["same"] for table in found.values()))


def compared(old: Path, new: Path, skip: set[str]) -> dict[str, dict[str, Any]]:
    """Return for each table of either store its rows in both, and what differs."""
    commits = [json.loads((path / "commit.json").read_text(encoding="utf-8"))["tables"] for path in (old, new)]
    names = sorted({*commits[0], *commits[1]} - skip)
    return {
        name: _compared(name, *(_read(path, name, tables) for path, tables in zip((old, new), commits, strict=True)))
        for name in names
    }


def _read(path: Path, name: str, tables: dict[str, Any]) -> tuple[pa.Table, dict[str, str]]:
    """Return the rows of a table as the commit has them, and its meta."""
    if name not in tables:
        return pa.table({}), {}
    table = lancedb.connect(path).open_table(name)
    table.checkout(tables[name]["version"])
    return table.to_arrow(), tables[name]["meta"]


def _compared(name: str, old: tuple[pa.Table, dict[str, str]], new: tuple[pa.Table, dict[str, str]]) -> dict[str, Any]:
    (left, meta), (right, other) = old, new
    told: dict[str, Any] = {"rows": [left.num_rows, right.num_rows]}
    columns = [set(table.column_names) - _PUT_AWAY for table in (left, right)]
    shared = sorted(columns[0] & columns[1])
    if left.num_rows and right.num_rows:
        keys = [_keys(table, _KEYS.get(name) or _named(left, shared)) for table in (left, right)]
        places = np.intersect1d(*keys, return_indices=True)[1:]
        told["only in old"], told["only in new"] = (len(key) - len(places[0]) for key in keys)
        rows = [table.take(place) for table, place in zip((left, right), places, strict=True)]
        different = {column: _different(rows[0][column], rows[1][column]) for column in shared}
        told["columns that differ"] = {
            column: _described(rows[0][column], rows[1][column], wrong)
            for column, wrong in different.items()
            if wrong.any()
        }
        told["rows equal"] = int((~np.any(list(different.values()), axis=0)).sum())
    told["columns only in one"] = sorted(columns[0] ^ columns[1]) if left.num_rows and right.num_rows else []
    told["meta that differs"] = {
        key: [meta.get(key), other.get(key)] for key in sorted({*meta, *other}) if meta.get(key) != other.get(key)
    }
    told["same"] = told["rows"] == [told.get("rows equal", 0)] * 2
    return told


def _named(table: pa.Table, columns: list[str]) -> list[str]:
    """Return the columns that name a row: its id, else all that are no measure."""
    if "id" in columns:
        return ["id"]
    return [name for name in columns if pa.types.is_string(table[name].type) or pa.types.is_timestamp(table[name].type)]


def _keys(table: pa.Table, names: list[str]) -> NDArray[np.str_]:
    parts = [table[name].cast(pa.int64()) if pa.types.is_timestamp(table[name].type) else table[name] for name in names]
    return np.array(pc.binary_join_element_wise(*(part.cast(pa.string()) for part in parts), "|").to_pylist())


def _different(old: pa.ChunkedArray, new: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which rows differ in any bit: (N,)."""
    left, right = (column.combine_chunks() for column in (old, new))
    if left.type != right.type:
        return np.ones(len(left), np.bool_)
    if pa.types.is_fixed_size_list(left.type):
        width = left.type.list_size
        return (_bits(left.flatten()) != _bits(right.flatten())).reshape(-1, width).any(axis=1)
    if pa.types.is_list(left.type) or pa.types.is_large_list(left.type):
        return _different_lists(left, right)
    return np.asarray(_bits(left) != _bits(right))


def _different_lists(left: Any, right: Any) -> NDArray[np.bool_]:
    sizes, others = (column.value_lengths().to_numpy(zero_copy_only=False) for column in (left, right))
    wrong = np.asarray(sizes != others)
    same = pa.array(np.flatnonzero(~wrong))
    flat = _bits(left.take(same).flatten()) != _bits(right.take(same).flatten())
    row = np.repeat(np.flatnonzero(~wrong), sizes[~wrong])
    wrong[row[flat]] = True
    return wrong


def _bits(values: Any) -> NDArray[Any]:
    """Return values as integers of their bits, or as text."""
    if pa.types.is_string(values.type):
        return np.array(values.to_pylist(), np.str_)
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    array = np.ascontiguousarray(values.to_numpy(zero_copy_only=False))
    return array.view(f"i{array.dtype.itemsize}") if array.dtype.kind == "f" else array


def _described(old: pa.ChunkedArray, new: pa.ChunkedArray, wrong: NDArray[np.bool_]) -> dict[str, Any]:
    """Return how many rows differ and the first of them on both sides."""
    first = pa.array(np.flatnonzero(wrong)[:_FIRST])
    shown = [[str(value)[:80] for value in column.take(first).to_pylist()] for column in (old, new)]
    return {"rows": int(wrong.sum()), "old": shown[0], "new": shown[1]}


def _words(found: dict[str, dict[str, Any]]) -> str:
    lines = []
    for name, table in found.items():
        lines.append(f"{name:<14}{'same' if table['same'] else 'DIFFERENT'}, {table['rows'][1]:,} rows")
        for key in ("only in old", "only in new", "columns only in one", "meta that differs"):
            lines += [f"    {key}: {table[key]}"] if table.get(key) else []
        if table["rows"][0] != table["rows"][1]:
            lines.append(f"    rows: {table['rows'][0]:,} before, {table['rows'][1]:,} now")
        for column, told in table.get("columns that differ", {}).items():
            lines.append(f"    {column}: {told['rows']:,} rows differ, first {told['old']} -> {told['new']}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
