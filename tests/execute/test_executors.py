from __future__ import annotations

import threading

import pytest

from cctview.errors import SettingsError
from cctview.execute import SerialExecutor, ThreadExecutor
from cctview.plugins import load_plugin, plugin_names
from cctview.testing.executors import ExecutorContract


class TestSerial(ExecutorContract):
    def make(self, workers: int) -> SerialExecutor:
        return SerialExecutor(workers)


class TestThreads(ExecutorContract):
    def make(self, workers: int) -> ThreadExecutor:
        return ThreadExecutor(workers)


def test_threads_really_work_side_by_side_and_no_more_of_them_than_asked_for() -> None:
    meeting, running, most = threading.Barrier(3, timeout=30), [], []

    def work(number: int) -> int:
        running.append(number)
        most.append(len(running))
        meeting.wait()
        running.remove(number)
        return number

    assert list(ThreadExecutor(3).map(work, range(6))) == list(range(6))
    assert max(most) <= 3


def test_one_piece_more_than_workers_is_asked_for() -> None:
    asked: list[int] = []

    def items():
        for number in range(10):
            asked.append(number)
            yield number

    results = ThreadExecutor(2).map(abs, items())
    next(results)
    assert len(asked) == 3
    results.close()


def test_closing_waits_for_what_is_under_way_and_drops_the_rest() -> None:
    begun, ended, gate = [], [], threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number:
            gate.wait(30)
        ended.append(number)
        return number

    results = ThreadExecutor(1).map(work, range(10))
    assert next(results) == 0
    gate.set()
    results.close()
    assert begun == ended
    assert len(begun) <= 2


def test_less_than_one_worker_is_refused() -> None:
    with pytest.raises(SettingsError, match="1 or more"):
        ThreadExecutor(0)


def test_they_are_found_by_the_door_for_everybody() -> None:
    assert {"serial", "threads"} <= set(plugin_names("executors"))
    assert load_plugin("executors", "serial") is SerialExecutor
    assert load_plugin("executors", "threads") is ThreadExecutor
