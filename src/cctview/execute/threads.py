"""Work on threads of this process: NumPy, OpenCV and the model runtimes let others run while they compute."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from cctview.errors import SettingsError

__all__ = ["ThreadExecutor"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class ThreadExecutor:
    """Work on ``workers`` threads, as many as processors by default, with at most one more piece waiting.

    Raises SettingsError for less than one worker.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers if workers is not None else os.cpu_count() or 1
        if self.workers < 1:
            raise SettingsError(f"workers is {workers}: choose 1 or more")

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
        """Yield ``work(item)`` for each item, in their order; see ``Executor``.

        Items are asked for on the calling thread. When the iterator is closed or fails, pieces that have not begun
        are dropped and those under way are waited for, so that no work outlives it.
        """
        pending: deque[Future[Result]] = deque()
        with ThreadPoolExecutor(self.workers, "cctview") as pool:
            try:
                for item in items:
                    pending.append(pool.submit(work, item))
                    if len(pending) > self.workers:
                        yield pending.popleft().result()
                while pending:
                    yield pending.popleft().result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
