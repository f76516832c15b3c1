"""What a verb shows: progress on stderr, the answer on stdout, as words or as JSON."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from cctview.progress import silent
from cctview.seams import Progress

__all__ = ["Json", "answer", "interruptible", "progress", "say"]

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
_INTERRUPTED = 130


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C into one sentence and exit code 130; what is done stays done."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted; what was done stays, and the same command goes on from there")
        sys.exit(_INTERRUPTED)


@contextmanager
def progress() -> Iterator[Progress]:
    """Give a progress callback: bars on a terminal, nothing when stderr is not one."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield show


def answer(values: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the answer of a verb: one JSON object, or aligned lines for people."""
    if as_json:
        sys.stdout.write(json.dumps(values, default=str, indent=2) + "\n")
        return
    shown = {key.replace("_", " "): _words(value) for key, value in values.items() if value not in (None, {}, [])}
    width = max(map(len, shown), default=0)
    for key, value in shown.items():
        lines = value.splitlines() or [""]
        sys.stdout.write(f"{key:<{width}}  {lines[0]}\n")
        sys.stdout.writelines(f"{'':<{width}}  {line}\n" for line in lines[1:])


def say(message: str) -> None:
    """Print a remark for people on stderr."""
    sys.stderr.write(message + "\n")


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if rows := _rows(value):
        return _table(rows)
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_words(entry)}" for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        return "\n".join(_words(entry) for entry in value)
    return str(value)


def _rows(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """Return named rows of cells where value is mappings that share their keys; the longer side goes down."""
    named = list(value.items()) if isinstance(value, Mapping) else [("", row) for row in _listed(value)]
    if not named or not all(isinstance(row, Mapping) for _, row in named):
        return []
    if len({tuple(row) for _, row in named}) > 1 or not all(
        _is_cell(cell) for _, row in named for cell in row.values()
    ):
        return []
    if isinstance(value, Mapping) and len(named[0][1]) > len(named):
        return [(key, {name: row[key] for name, row in named}) for key in named[0][1]]
    return named


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _is_cell(value: Any) -> bool:
    return not isinstance(value, (Mapping, list, tuple))


def _table(rows: list[tuple[str, Mapping[str, Any]]]) -> str:
    """Return rows under their columns' names; long names take several lines."""
    first = max(len(name) for name, _ in rows)
    columns = []
    for key in rows[0][1]:
        cells = [_words(row[key]) for _, row in rows]
        columns.append((*_wrapped(str(key), max(map(len, cells))), cells))
    high = max(len(head) for head, _, _ in columns)
    lines = [""] * high + [name for name, _ in rows]
    shown = [line.ljust(first) for line in lines]
    for head, width, cells in columns:
        column = [""] * (high - len(head)) + head + cells
        shown = [f"{line}  {cell:>{width}}" for line, cell in zip(shown, column, strict=True)]
    return "\n".join((line if first else line[2:]).rstrip() for line in shown)


def _wrapped(name: str, width: int) -> tuple[list[str], int]:
    """Return a column's name in lines, and the width of the column."""
    width = max(width, *map(len, name.split()), 1)
    return textwrap.wrap(name, width) or [""], width
