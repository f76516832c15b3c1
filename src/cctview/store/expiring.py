"""Expiry while a program goes on: what the policy no longer allows is removed within a minute of its time."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import numpy as np

from cctview.seams import Store
from cctview.store.contract import Forgotten

__all__ = ["Expiry"]

_LOG = logging.getLogger(__name__)
_EVERY_S = 20.0  # a third of the minute that is promised: a removal that takes a while still ends within it
_REST = 2.0  # times as long as a removal took others have the store for themselves: writers wait a third at most


def _nobody(_: Forgotten) -> None:
    """Tell nobody."""


class Expiry:
    """Expire a store from a thread of its own, as long as the ``with`` block lasts.

        with Expiry(store, expired=tell) as expiry:
            ...                     # anything that takes long: a run, a server
        expiry.counts               # {"expired_frames": 12, "expired_pixels": 12}

    The store, open for writing, is looked at every ``every_s`` seconds; its lock is taken only when something is due,
    and left to others for twice as long as a removal took. ``expired`` is called with each removal. An error of any
    kind is logged, counted as ``expiries_failed``, and tried again.
    """

    def __init__(
        self, store: Store, *, every_s: float = _EVERY_S, expired: Callable[[Forgotten], None] = _nobody
    ) -> None:
        self._store, self._every_s, self._expired = store, every_s, expired
        self._counts: Counter[str] = Counter()
        self._turn = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="cctview-expiry", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def counts(self) -> dict[str, int]:
        """What was removed so far by table, the stills that lost their pixels, and how often it failed."""
        return dict(self._counts)

    def once(self, now: np.datetime64 | None = None) -> Forgotten:
        """Remove what the policy does not allow at ``now``, the present by default; never raise."""
        with self._turn:
            try:
                gone = self._store.expire(np.datetime64(time.time_ns(), "ns") if now is None else now)
                self._counts.update({f"expired_{name}": count for name, count in gone.rows.items() if count})
                self._counts.update({"expired_pixels": gone.pixels} if gone.pixels else {})
                if gone.proof:
                    self._expired(gone)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next minute must come
                self._counts["expiries_failed"] += 1
                _LOG.warning("what is too old could not be removed just now, and is tried again: %s", error)
                return Forgotten()
            return gone

    @contextmanager
    def held(self) -> Iterator[None]:
        """Remove nothing while the block lasts: for work that must not see the store change again."""
        with self._turn:
            yield

    def _watch(self) -> None:
        pause = self._every_s
        while not self._done.wait(pause):
            start = time.monotonic()
            self.once()
            pause = max(self._every_s, _REST * (time.monotonic() - start))
