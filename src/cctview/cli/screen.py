"""What a verb shows: progress on stderr, the answer on stdout, as words or as JSON."""

from __future__ import annotations

import json
import re
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from cctview.seams import Progress

__all__ = ["Json", "Lines", "Terminated", "answer", "interruptible", "progress", "say", "visible"]

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
_INTERRUPTED, _TERMINATED = 130, 143
_FIRST_LINE_S, _LAST_LINE_S = 10.0, 120.0  # a log gets a line soon enough to be seen and then ever fewer
# What moves a terminal's cursor, colours it or turns the direction of writing; also line breaks within a name.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Terminated(KeyboardInterrupt):
    """Somebody asked the program to end (SIGTERM): treated as Ctrl-C, with an exit code of its own."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into one sentence and exit code 130 or 143; what is done stays done."""
    with _terminable():
        try:
            yield
        except Terminated:
            say("ended from outside; what was done stays, and the same command goes on from there")
            sys.exit(_TERMINATED)
        except KeyboardInterrupt:
            say("interrupted; what was done stays, and the same command goes on from there")
            sys.exit(_INTERRUPTED)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM raise Terminated, where this is the main thread, as nowhere else signals can be heard."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(*_: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, heard)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def progress() -> Iterator[Progress]:
    """Give a progress callback: bars on a terminal, a line now and then in a log."""
    if not sys.stderr.isatty():
        yield Lines(time.monotonic, say)
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


class Lines:
    """Progress in a log: a line after ten seconds of a stage, each next one after twice as long, up to two minutes."""

    def __init__(self, clock: Callable[[], float], write: Callable[[str], None]) -> None:
        """Take the time from ``clock``, in seconds, and hand lines to ``write``."""
        self._clock, self._write = clock, write
        self._begun: dict[str, tuple[float, int]] = {}
        self._due: dict[str, tuple[float, float]] = {}

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Tell how far a stage is."""
        now = self._clock()
        begun, first = self._begun.setdefault(stage, (now, done))
        due, pause = self._due.setdefault(stage, (now + _FIRST_LINE_S, _FIRST_LINE_S))
        if now < due:
            return
        longer = min(2 * pause, _LAST_LINE_S)
        self._due[stage] = (now + longer, longer)
        rate = (done - first) / (now - begun)
        of = "" if total is None else f" of {total:,}"
        left = "" if total is None or rate <= 0 else f", {_clock_of((total - done) / rate)} left"
        self._write(f"{stage}: {done:,}{of}, {rate:,.1f} a second{left}")


def _clock_of(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def visible(text: str) -> str:
    """Return a text from outside with everything that would move or colour a terminal written out."""
    return _UNSEEN.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def answer(values: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the answer of a verb: one JSON object, or aligned lines for people."""
    if as_json:
        sys.stdout.write(json.dumps(values, default=str, indent=2) + "\n")
        return
    shown = {
        visible(key.replace("_", " ")): _words(value) for key, value in values.items() if value not in (None, {}, [])
    }
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
        return "\n".join(f"{visible(str(key))}: {_words(entry)}" for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        return "\n".join(_words(entry) for entry in value)
    return visible(str(value))


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
    rows = [(visible(str(name)), row) for name, row in rows]
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
