"""The columnar table every stage takes and returns: validated once, read-only, never iterated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar, cast, overload

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from cctview.errors import TableError, nearest

__all__ = ["Check", "Column", "Ragged", "RaggedColumn", "Table"]

S = TypeVar("S", bound=np.generic)
Check = Callable[[NDArray[Any]], NDArray[np.bool_]]
Index = slice | NDArray[np.bool_] | NDArray[np.integer[Any]]

_STRING = np.dtype("U")
_TIME = np.dtype("datetime64[ns]")


class Ragged(Generic[S]):
    """Hold rows of different lengths as one flat array and offsets.

    ``values`` is ``(M,)``; ``offsets`` is ``(N+1,)`` int64, rising from 0 to M. Row ``i`` is
    ``values[offsets[i]:offsets[i+1]]``.
    """

    __slots__ = ("offsets", "values")

    def __init__(self, values: NDArray[S], offsets: NDArray[np.int64]) -> None:
        """Raise TableError unless the offsets rise from 0 to ``len(values)``."""
        offsets = np.ascontiguousarray(offsets, np.int64)
        rising = offsets.ndim == 1 and len(offsets) > 0 and not np.any(np.diff(offsets) < 0)
        if not rising or offsets[0] != 0 or offsets[-1] != len(values):
            raise TableError(
                f"ragged offsets must rise from 0 to {len(values)}, got {offsets!r}; "
                "build them with Ragged.from_lengths"
            )
        self.values = _frozen(values)
        self.offsets = _frozen(offsets)

    @classmethod
    def from_lengths(cls, values: NDArray[S], lengths: ArrayLike) -> Self:
        """Build from the flat values (V, ...) and the length (R,) of each row."""
        return cls(values, np.concatenate([[0], np.cumsum(np.asarray(lengths, np.int64))]))

    @classmethod
    def grouped(cls, values: NDArray[S], group: NDArray[np.integer[Any]], groups: int) -> Self:
        """Collect values (V, ...) by group number (V,) in ``0..groups-1``, keeping their order within a group."""
        order = np.argsort(group, kind="stable")
        return cls.from_lengths(values[order], np.bincount(group, minlength=groups))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each row, ``(N,)``."""
        return np.diff(self.offsets)

    @property
    def row(self) -> NDArray[np.int64]:
        """The row number of each flat value, ``(M,)``."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def __getitem__(self, index: Index) -> Ragged[S]:
        rows = np.arange(len(self))[index]
        lengths = self.lengths[rows]
        starts = np.repeat(self.offsets[rows] - (np.cumsum(lengths) - lengths), lengths)
        return Ragged.from_lengths(self.values[starts + np.arange(int(lengths.sum()))], lengths)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Ragged)
            and np.array_equal(self.offsets, other.offsets)
            and np.array_equal(self.values, other.values)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Ragged({len(self)} rows, {len(self.values)} values)"


class Column(Generic[S]):
    """Declare one column: its dtype, the shape of one cell, and what its values must satisfy.

    ``cell`` lists the extents of one row's cell, ``None`` for any extent. ``check`` maps the
    values to a mask of good rows, and ``rule`` says in words what it asks for. A column with a
    ``default`` may be left out: its rows then all hold that.
    """

    def __init__(
        self,
        dtype: type[S] | str,
        cell: tuple[int | None, ...] = (),
        check: Check | None = None,
        rule: str = "",
        default: float | None = None,
    ) -> None:
        self.dtype = np.dtype(dtype)
        self.cell = cell
        self.check = check
        self.rule = rule
        self.default = default
        self.name = ""

    def __set_name__(self, owner: type[Table], name: str) -> None:
        self.name = name
        owner.columns = {**owner.columns, name: self}

    @overload
    def __get__(self, instance: None, owner: type[Table]) -> Self: ...
    @overload
    def __get__(self, instance: Table, owner: type[Table]) -> NDArray[S]: ...
    def __get__(self, instance: Table | None, owner: type[Table]) -> Self | NDArray[S]:
        return self if instance is None else instance._data[self.name]

    def validated(self, value: Any, table: str) -> Any:
        """Return ``value`` as a read-only array that satisfies the declaration, or raise TableError."""
        where = f"{table}.{self.name}"
        array = self._typed(value, where)
        extents_fit = array.ndim == 1 + len(self.cell) and all(
            want in (None, got) for want, got in zip(self.cell, array.shape[1:], strict=True)
        )
        if not extents_fit:
            shape = ", ".join(["N", *("D" if want is None else str(want) for want in self.cell)])
            raise TableError(f"{where}: expected shape ({shape}), got {array.shape}")
        self._check_values(array, where)
        return _frozen(array)

    def _typed(self, value: Any, where: str) -> NDArray[Any]:
        array = np.asarray(value)
        if array.size == 0:
            extents = tuple(0 if want is None else want for want in self.cell)
            keeps = array.ndim == 1 + len(self.cell)
            return np.zeros(array.shape if keeps else (len(array), *extents), self.dtype)
        wanted = self.dtype.kind
        same = array.dtype.kind == wanted or (wanted == "f" and array.dtype.kind in "iu")
        if not (same or (wanted == "i" and array.dtype.kind == "u")):
            raise TableError(f"{where}: expected {self.dtype}, got {array.dtype}; convert it first")
        return np.ascontiguousarray(array, None if self.dtype == _STRING else self.dtype)

    def _check_values(self, array: NDArray[Any], where: str) -> None:
        if self.dtype.kind in "fM":
            finite = np.isfinite(array).reshape(len(array), -1).all(axis=1) if len(array) else np.ones(0, np.bool_)
            _require(finite, array, where, "finite values")
        if self.check is not None and len(array):
            _require(self.check(array), array, where, self.rule)


class RaggedColumn(Column[S]):
    """Declare a column whose cells are rows of different lengths."""

    @overload  # type: ignore[override]
    def __get__(self, instance: None, owner: type[Table]) -> Self: ...
    @overload
    def __get__(self, instance: Table, owner: type[Table]) -> Ragged[S]: ...
    def __get__(self, instance: Table | None, owner: type[Table]) -> Self | Ragged[S]:
        return self if instance is None else instance._data[self.name]

    def validated(self, value: Any, table: str) -> Any:
        """Return ``value`` as a Ragged of checked values, or raise TableError."""
        if not isinstance(value, Ragged):
            raise TableError(f"{table}.{self.name}: expected Ragged, got {type(value).__name__}")
        return Ragged(super().validated(value.values, table), value.offsets)


class Table:
    """Base of the tables: aligned read-only columns plus ``meta`` that says who produced them.

    Subclasses declare columns as class attributes. Index with a mask, an index array or a slice;
    rows are never handed out one by one.
    """

    columns: ClassVar[dict[str, Column[Any]]] = {}
    __slots__ = ("_data", "meta")

    def __init__(self, *, meta: Mapping[str, str] | None = None, **columns: Any) -> None:
        """Raise TableError naming the column, the first bad row, and what was expected."""
        name = type(self).__name__
        for given in columns.keys() - self.columns.keys():
            raise TableError(f"{name} has no column {given!r}; {nearest(given, self.columns)}")
        for missing in self.columns.keys() - columns.keys() - self.defaults().keys():
            raise TableError(f"{name} needs the column {missing!r}")
        rows = len(next(iter(columns.values()), ()))
        filled = {key: np.full(rows, value) for key, value in self.defaults().items()} | columns
        self._data: dict[str, Any] = {key: column.validated(filled[key], name) for key, column in self.columns.items()}
        self.meta: dict[str, str] = dict(meta or {})
        lengths = {key: len(value) for key, value in self._data.items()}
        if len(set(lengths.values())) > 1:
            raise TableError(f"{name}: columns differ in length: {lengths}")

    @classmethod
    def defaults(cls) -> dict[str, float]:
        """Return the columns that may be left out, and what their rows hold then."""
        return {key: column.default for key, column in cls.columns.items() if column.default is not None}

    @classmethod
    def empty(cls, meta: Mapping[str, str] | None = None) -> Self:
        """Return a table without rows."""
        blank = {key: _blank(column) for key, column in cls.columns.items()}
        return cls(meta=meta, **blank)

    @classmethod
    def concat(cls, tables: Sequence[Self]) -> Self:
        """Stack tables of one producer; raise TableError when their ``meta`` differ."""
        filled = [table for table in tables if len(table)] or list(tables[:1])
        if not filled:
            return cls.empty()
        for other in filled[1:]:
            if other.meta != filled[0].meta:
                raise TableError(
                    f"{cls.__name__}: cannot join rows of different producers: {filled[0].meta} and {other.meta}"
                )
        joined = {key: _stack([table._data[key] for table in filled]) for key in cls.columns}
        return cls(meta=filled[0].meta, **joined)

    def __len__(self) -> int:
        return len(next(iter(self._data.values())))

    def __getitem__(self, index: Index) -> Self:
        if np.ndim(cast("Any", index)) == 0 and not isinstance(index, slice):
            raise TypeError(f"{type(self).__name__} hands out no single rows; use table[i:i+1] or a mask")
        return self._with({key: value[index] for key, value in self._data.items()})

    def __iter__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is a table of columns and refuses to be iterated")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, type(self))
            and self.meta == other.meta
            and all(_same(self._data[key], other._data[key]) for key in self.columns)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows)"

    def replace(self, **columns: Any) -> Self:
        """Return a copy with some columns exchanged."""
        return type(self)(meta=self.meta, **{**self._data, **columns})

    def sort(self, *keys: str) -> Self:
        """Return the rows ordered by these columns, the first one most significant."""
        return self[np.lexsort([self._data[key] for key in reversed(keys)])]

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table; ``meta`` rides in the schema."""
        arrays = {key: _to_arrow(value) for key, value in self._data.items()}
        return pa.table(arrays).replace_schema_metadata(self.meta or None)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        """Read back what ``to_arrow`` gave; columns that are not declared are left out, defaults filled in."""
        meta = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        if not table.num_rows:
            return cls.empty(meta)
        declared = cls.columns.keys() - (cls.defaults().keys() - set(table.column_names))
        data = {key: _from_arrow(table.column(key), cls.columns[key]) for key in cls.columns if key in declared}
        return cls(meta=meta, **data)

    def _with(self, data: dict[str, Any]) -> Self:
        """Skip validation: rows of a valid table are valid."""
        new = object.__new__(type(self))
        new._data = {key: value if isinstance(value, Ragged) else _frozen(value) for key, value in data.items()}
        new.meta = self.meta
        return new


def _frozen(array: NDArray[S]) -> NDArray[S]:
    view = array.view()
    view.flags.writeable = False
    return view


def _require(good: NDArray[np.bool_], array: NDArray[Any], where: str, rule: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise TableError(f"{where}: expected {rule}, got {array[row]!r} in row {row}")


def _blank(column: Column[Any]) -> Any:
    values = np.zeros((0, *(0 if want is None else want for want in column.cell)), column.dtype)
    return Ragged(values, np.zeros(1, np.int64)) if isinstance(column, RaggedColumn) else values


def _stack(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], Ragged):
        lengths = np.concatenate([part.lengths for part in parts])
        return Ragged.from_lengths(np.concatenate([part.values for part in parts]), lengths)
    return np.concatenate(parts)


def _same(left: Any, right: Any) -> bool:
    return bool(left == right) if isinstance(left, Ragged) else np.array_equal(left, right)


def _to_arrow(value: Any) -> pa.Array:
    if isinstance(value, Ragged):
        return pa.LargeListArray.from_arrays(value.offsets, _to_arrow(value.values))
    if value.ndim == 2:
        flat = pa.array(np.ascontiguousarray(value).reshape(-1))
        return pa.FixedSizeListArray.from_arrays(flat, value.shape[1])
    if value.dtype == _TIME:
        return pa.array(value, pa.timestamp("ns", "UTC"))
    return pa.array(value.tolist(), pa.string()) if value.dtype.kind == "U" else pa.array(value)


def _from_arrow(chunked: pa.ChunkedArray, column: Column[Any]) -> Any:
    array = chunked.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0)
    if isinstance(column, RaggedColumn):
        lengths = array.value_lengths().to_numpy(zero_copy_only=False)
        return Ragged.from_lengths(_values(array.flatten(), column), lengths)
    if column.cell:
        width = array.type.list_size
        return _values(array.flatten(), column).reshape(len(array), width)
    return _values(array, column)


def _values(array: pa.Array, column: Column[Any]) -> NDArray[Any]:
    if column.dtype == _STRING:
        return np.array(array.to_pylist(), dtype=np.str_)
    if column.dtype == _TIME:
        return array.cast(pa.int64()).to_numpy(zero_copy_only=False).view("datetime64[ns]")
    return array.to_numpy(zero_copy_only=False).astype(column.dtype, copy=False)
