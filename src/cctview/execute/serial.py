"""Work done where it is asked for, one piece after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["SerialExecutor"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class SerialExecutor:
    """Do each piece of work when its result is asked for: nothing runs ahead, and errors keep their full traceback.

    ``workers`` is taken so that every executor is made the same way; there is only ever one.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = 1 if workers is None else min(workers, 1)

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield ``work(item)`` for each item; see ``Executor``."""
        for item in items:
            yield work(item)
