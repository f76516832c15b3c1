from __future__ import annotations

import logging
import threading
from dataclasses import replace

import numpy as np
import pytest

from cctview.errors import StoreError
from cctview.store import Expiry
from cctview.store.memory import MemoryStore
from cctview.testing.samples import filled
from cctview.types import Detections, Frames


@pytest.fixture
def held(policy, request):
    return filled(MemoryStore.create(request.node.name, policy))


def later(days):
    return np.datetime64("now", "ns") + np.timedelta64(round(days * 24), "h")


def test_what_is_too_old_goes_from_a_thread_while_something_else_is_done(held):
    gone = threading.Event()
    held.set_policy(replace(held.policy, keep_frames=False))
    with Expiry(held, every_s=0.01, expired=lambda _: gone.set()) as expiry:
        assert gone.wait(20)
    assert expiry.counts == {"expired_pixels": 12}
    assert held.summary()["frames"]["pixel_bytes"] == 0
    assert "cctview-expiry" not in {thread.name for thread in threading.enumerate()}


def test_what_was_removed_is_counted_by_table(held):
    expiry = Expiry(held)
    assert expiry.once().proof is None
    assert expiry.counts == {}
    assert expiry.once(later(31)).rows["detections"] == 60
    assert (expiry.counts["expired_detections"], expiry.counts["expired_pixels"]) == (60, 12)
    assert len(held.scan(Detections)) == 0


@pytest.mark.parametrize(
    "error", [StoreError("gone"), OSError(5, "Input/output error"), UnicodeDecodeError("u", b"", 0, 1, "x")]
)
def test_no_error_ends_it_and_each_is_counted_and_told(held, monkeypatch, caplog, error):
    tries = iter([error, error])
    real, went = held.expire, threading.Event()

    def failing(now):
        broken = next(tries, None)
        if broken is not None:
            raise broken
        return real(later(4))

    monkeypatch.setattr(held, "expire", failing)
    with (
        caplog.at_level(logging.WARNING),
        Expiry(held, every_s=0.001, expired=lambda _: went.set()) as expiry,
    ):
        assert went.wait(20)
    assert expiry.counts == {"expiries_failed": 2, "expired_pixels": 12}
    assert caplog.text.count("is tried again") == 2


def test_nothing_expires_while_it_is_held(held):
    held.set_policy(replace(held.policy, keep_frames=False))
    gone = threading.Event()
    with Expiry(held, every_s=0.001, expired=lambda _: gone.set()) as expiry:
        with expiry.held():
            before = held.summary()["frames"]["pixel_bytes"]
            assert not gone.wait(0.05) or before == 0
            assert held.summary()["frames"]["pixel_bytes"] == before
        assert gone.wait(20)


def test_a_store_in_a_folder_takes_no_lock_when_nothing_is_due(full, monkeypatch):
    full.extend([], {"beliefs": b"x"})

    def locked(_):
        raise AssertionError("the lock was taken")

    monkeypatch.setattr("cctview.store.lance.store.locked", locked)
    assert full.expire(np.datetime64("now", "ns")).rows == {}
    monkeypatch.undo()
    assert full.expire(later(4)).pixels == 12
    assert full.states() == {"beliefs": b"x"}
    assert len(full.scan(Frames)) == 12
