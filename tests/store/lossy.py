"""Lose one write after another in what a store does, and see that no commit is broken: run by test_durable.py."""

from __future__ import annotations

import ctypes
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from cctview.errors import StoreError
from cctview.privacy import Policy
from cctview.store import create_store, open_store
from cctview.store.lance import durable
from cctview.testing.samples import CAMERAS, SECOND, START, batch, filled, journeys, matches, tracklets
from cctview.types import Detections, Embeddings, Frames, Journeys, Matches, Tracklets

POLICY = Policy.default("tests")
TABLES = (Frames, Detections, Embeddings, Tracklets, Matches, Journeys)
STEP = 19  # of so many writes one is lost, beginning with another one for each kind of work
SHIM = ctypes.CDLL(None)


def contents(store):
    rows = {table.__name__: store.scan(table) for table in TABLES}
    found = store.scan(Frames, ids=rows["Frames"].id)
    kept = {} if not store.policy.keep_frames else {"pixels": store.pixels(found.id)}
    return {**rows, **kept, "states": dict(store.states()), "policy": store.policy}


def append(store):
    store.append(batch(range(20, 40)))


def link(store):
    made = tracklets(store.scan(Detections), store.scan(Embeddings), size=3)
    store.replace([made, matches(made, *CAMERAS[:2]), journeys(made, *CAMERAS[:2])])
    store.extend([], {"beliefs": b"x" * 500})


def forget(store):
    store.forget(before=START + 3 * SECOND)


def policy(store):
    store.set_policy(replace(store.policy, keep_frames=False, frames_days=1.0))
    store.expire(np.datetime64("now", "ns"))


def lost(place, work, number, error):
    """Do the work while its ``number``-th write fails; return how that ended, after looking at what it left."""
    store, end = open_store(place, write=True), "done"
    SHIM.lose_write_in(ctypes.c_long(number), ctypes.c_int(error))
    try:
        work(store)
    except StoreError as raised:
        end = "told"
        sys.stderr.write(f"{work.__name__} {number}: {raised}\n")
    left = SHIM.lose_write_in(ctypes.c_long(-1), ctypes.c_int(0))
    contents(open_store(place))
    return end, left < 0


def undisturbed(folder, work):
    store = open_store(shutil.copytree(folder / "whole", folder / "undisturbed"), write=True)
    work(store)
    expected = contents(store)
    shutil.rmtree(store.path)
    return expected


def tried(folder, work, error, step, first):
    """Lose one write after another, each on a fresh store, until there are no more of them."""
    whole = folder / "whole"
    ends, number, hit = [], first, True
    expected = undisturbed(folder, work)
    while hit:
        place = shutil.copytree(whole, folder / work.__name__)
        end, hit = lost(place, work, number, error)
        again = open_store(place, write=True)
        if end == "told":
            work(again)
        if contents(again) != expected:
            raise AssertionError(f"{work.__name__} with write {number} lost ends otherwise")
        ends.append(end)
        shutil.rmtree(place)
        number += step
    return ends


if __name__ == "__main__":
    durable.settle = durable._flushed = lambda *_: None
    folder, error, every = Path(sys.argv[1]), int(sys.argv[2]), bool(sys.argv[3])
    folder.mkdir()
    filled(create_store(folder / "whole", POLICY))
    works = (append, link, forget, policy)
    said = {
        work.__name__: tried(folder, work, error, 1 if every else STEP, 0 if every else error % STEP + place)
        for place, work in enumerate(works)
    }
    sys.stdout.write(json.dumps(said) + "\n")
