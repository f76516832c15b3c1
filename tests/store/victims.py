"""Processes that write to a store and are killed, or write at the same time: run by test_processes.py.

LanceDB is imported once and then forked, before it does anything, because importing it is what
takes long.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from cctview.privacy import Policy
from cctview.store import create_store, open_store
from cctview.store.lance import durable, folder, packs, removal, tables
from cctview.store.lance import store as lance
from cctview.testing.samples import PER_FRAME, batch
from cctview.types import Detections, Frames

POLICY = Policy.default("tests")
BATCHES = [range(5), range(4, 9), range(7, 12)]


def child(work, *args):
    """Run ``work`` in a child process and return its number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # LanceDB warns of forks that come after its first use
        number = os.fork()
    if not number:
        try:
            work(*args)
        except BaseException as error:  # noqa: BLE001 - the parent has to see it
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return number


def ended(number):
    """Wait for a child; return 0, or the signal or status it ended with."""
    status = os.waitpid(number, 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def die_at(step):
    """Make this process kill itself before its ``step``-th change of the disk."""
    left = [step]

    def deadly(function):
        def wrapped(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return wrapped

    for owner, name in (
        (packs.PackWriter, "write"),
        (tables.Transaction, "add"),
        (tables.Transaction, "rewrite"),
        (tables, "sweep_packs"),
        (lance, "write_atomically"),
        (folder, "write_new"),
        (folder, "settle"),
        (folder, "write_atomically"),
        (tables.Transaction, "_drop_uncommitted"),
        (removal, "search_files"),
    ):
        setattr(owner, name, deadly(getattr(owner, name)))


def append_all(path, order=(0, 1, 2), step=None):
    tables._LOOSE = 2
    if step is not None:
        die_at(step)
    store = create_store(path, POLICY)
    for number in order:
        store.append(batch(BATCHES[number]))


def forget(path, step=None):
    if step is not None:
        die_at(step)
    open_store(path, write=True).forget(camera="733")


def watch(path):
    """Read until killed; what is seen must always be whole."""
    while not (Path(path) / "commit.json").exists():
        time.sleep(0.001)
    store = open_store(path)
    while True:
        frames = store.scan(Frames)
        found = store.scan(Detections)
        seen = np.bincount(np.searchsorted(frames.sort("id").id, found.frame[np.isin(found.frame, frames.id)]))
        if not np.isin(seen, (0, PER_FRAME)).all():
            raise AssertionError(f"a reader saw {seen} detections per frame")


def killed_at_steps(path):
    """Kill an append at every step of it, on one store after the other, then let it run through."""
    deaths = []
    for step in range(100):
        deaths.append(ended(child(append_all, f"{path}/{step}", (0, 2), step)))
        if ended(child(append_all, f"{path}/{step}")):
            raise AssertionError(f"the run after a kill at step {step} failed")
        if deaths[-1] == 0:
            break
    return deaths


def killed_at_random(path):
    """Kill the same run again and again at random times, then let it run through."""
    choice = random.Random(7)
    deaths = []
    for _ in range(12):
        victim = child(append_all, path)
        time.sleep(choice.uniform(0.005, 0.25))
        os.kill(victim, signal.SIGKILL)
        deaths.append(ended(victim))
    return [*deaths, ended(child(append_all, path))]


def forget_killed(path):
    """Kill a forget at every step of it, each time on a fresh store, then forget again."""
    deaths = []
    ended(child(append_all, f"{path}/whole", (0, 1, 2)))
    for step in range(60):
        place = shutil.copytree(f"{path}/whole", f"{path}/{step}")
        deaths.append(ended(child(forget, place, step)))
        if deaths[-1] == 0:
            break
        if ended(child(forget, place)):
            raise AssertionError(f"forget after a kill at step {step} failed")
    shutil.rmtree(f"{path}/whole")
    return deaths


def together(path):
    """Let three writers store the same frames in different orders, while a reader watches."""
    reader = child(watch, path)
    writers = [child(append_all, path, order) for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0))]
    ends = [ended(writer) for writer in writers]
    ends.append(ended(child(forget, path)))
    ends.append(ended(child(append_all, path)))
    os.kill(reader, signal.SIGKILL)
    return [*ends, ended(reader)]


if __name__ == "__main__":
    durable._flushed = durable.settle = lambda *_: None  # a kill takes nothing from the system's memory
    folder.settle = durable.settle
    scenes = (killed_at_steps, killed_at_random, forget_killed, together)
    ends = {scene.__name__: scene(f"{sys.argv[1]}/{scene.__name__}") for scene in scenes}
    sys.stdout.write(json.dumps(ends) + "\n")
