"""What every executor must do, as tests.

A plug-in's own test module subclasses the suite and says how to make its executor::

    from cctview.testing.executors import ExecutorContract

    class TestMine(ExecutorContract):
        def make(self, workers: int):
            return MyExecutor(workers)

Work is handed over as functions of a module with plain values, so that an executor may send it elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cctview.seams import Executor

__all__ = ["ExecutorContract"]

_MANY = 40


class ExecutorContract:
    """Subclass, and override ``make``; pytest finds the tests."""

    def make(self, workers: int) -> Executor:
        """Return the executor under test with so many workers."""
        raise NotImplementedError

    def test_results_come_in_the_order_of_their_items(self) -> None:
        """Unequal pieces of work, more of them than workers."""
        sizes = [3000, 1, 2000, 2, 1000, 3, 4, 5]
        for workers in (1, 3):
            found = list(self.make(workers).map(_summed, sizes))
            assert found == [size * (size - 1) // 2 for size in sizes]

    def test_nothing_to_do_is_no_result(self) -> None:
        """No item, no result."""
        assert list(self.make(2).map(_summed, [])) == []

    def test_values_come_back_as_they_are(self) -> None:
        """Arrays keep type, shape and every bit; what is bound to the work arrives too."""
        items = [np.linspace(0, 1, count, dtype=np.float32) for count in (1, 5, 0)]
        for given, got in zip(items, self.make(2).map(partial(_scaled, factor=2.0), items), strict=True):
            assert got.dtype == np.float32
            assert np.array_equal(got, given * np.float32(2.0))

    def test_items_are_asked_for_as_they_are_needed(self) -> None:
        """However many there are, only a bounded number is held."""
        asked: list[int] = []
        results = self.make(2).map(_summed, _noted(_MANY, asked))
        assert next(results) == 0
        assert len(asked) < _MANY // 2
        assert len(list(results)) == _MANY - 1
        assert asked == list(range(_MANY))

    def test_an_error_of_the_work_is_raised_where_its_result_would_come(self) -> None:
        """What comes before it is handed over first, and the error keeps its type and words."""
        results = self.make(2).map(_not_three, range(_MANY))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        _raises(results, "three")

    def test_an_error_of_the_items_ends_the_results(self) -> None:
        """An error while items are made is raised to whoever asks for results, and none is raised twice."""
        results = self.make(1).map(_summed, _breaking(5))
        got: list[int] = []
        try:
            got.extend(results)
        except ValueError as error:
            assert str(error) == "no more items"
        else:
            raise AssertionError("the error of the items was lost")
        assert len(got) <= 5

    def test_closing_ends_the_work(self) -> None:
        """A result that nobody wants any more keeps no items coming; the next map starts from the beginning."""
        asked: list[int] = []
        executor = self.make(2)
        results = executor.map(_summed, _noted(_MANY, asked))
        next(results)
        close = getattr(results, "close", None)
        assert close is not None, "map returns an iterator that can be closed"
        close()
        before = len(asked)
        assert before < _MANY
        assert next(results, None) is None
        assert list(executor.map(_summed, [3])) == [3]
        assert len(asked) == before


def _summed(size: int) -> int:
    return int(np.arange(size).sum())


def _scaled(values: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    return values * np.float32(factor)


def _not_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def _noted(count: int, asked: list[int]) -> Iterator[int]:
    for number in range(count):
        asked.append(number)
        yield number


def _breaking(count: int) -> Iterator[int]:
    yield from range(count)
    raise ValueError("no more items")


def _raises(results: Iterator[int], words: str) -> None:
    try:
        next(results)
    except ValueError as error:
        assert str(error) == words
    else:
        raise AssertionError("the error of the work was lost")
