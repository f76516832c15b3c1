"""When each frame of a video is shown: presentation times as they are in the wild, made to grow."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cctview.sources.source import Noticed, Skipped

__all__ = ["Pace", "paced"]

_REORDERED = 16  # frames: the most that H.264 and H.265 hold back
_JUMP_S = 6 * 3600.0  # further than any pause in a file; the clock of a transport stream wraps after 26.5 hours
_USUAL_RATE = 25.0  # frames a second, where nothing tells them


class Shown(Protocol):
    """A frame with its presentation time in seconds, or None."""

    @property
    def time(self) -> float | None:
        """The presentation time."""
        ...


T = TypeVar("T", bound=Shown)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What is known of the rate: frames a second (0 for unknown), whether it holds against the frames' own times.

    ``shuffled`` says that the container has no presentation times, so that the decoder hands out those of storing.
    """

    rate: float = 0.0
    forced: bool = False
    shuffled: bool = False


def paced(items: Iterable[T | Skipped], pace: Pace) -> Iterator[tuple[float, T] | Skipped | Noticed]:
    """Yield each frame with its seconds after the first, in the order shown; every second is above the one before.

    A time that begins anew, jumps (a clock that wraps) or stands still becomes one frame after the last; frames
    without times follow at the rate. Both are told at the end, with how often they were.
    """
    clock = _Clock(pace)
    for item in _sorted(items) if pace.shuffled and not pace.forced else _timed(items):
        yield item if isinstance(item, Skipped) else (clock.second(item[1]), item[0])
    yield from clock.told()


class _Clock:
    """Seconds after the first frame, from presentation times in the order shown."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._step = 1.0 / (pace.rate or _USUAL_RATE)
        self._zero, self._last = 0.0, -self._step
        self._frames, self._untimed, self._joined = 0, 0, 0

    def second(self, time: float | None) -> float:
        """Return the second at which the next frame is shown."""
        if self._pace.forced:
            self._last = self._frames * self._step
        elif time is None:
            self._untimed += 1
            self._last += self._step
        elif self._frames == 0:
            self._zero, self._last = time, 0.0
        elif 0 < time - self._zero - self._last <= _JUMP_S:
            self._last = time - self._zero
        else:
            self._joined += 1
            self._last += self._step
            self._zero = time - self._last
        self._frames += 1
        return self._last

    def told(self) -> Iterator[Noticed]:
        """Yield what was guessed."""
        if self._untimed:
            what = f"a video frame without a time, put 1/{1 / self._step:g} s after the last (see --fps)"
            yield Noticed(what, self._untimed)
        if self._joined:
            yield Noticed(
                "a video time that begins anew, jumps or stands still, put one frame after the last", self._joined
            )


def _timed(items: Iterable[T | Skipped]) -> Iterator[tuple[T, float | None] | Skipped]:
    for item in items:
        yield item if isinstance(item, Skipped) else (item, item.time)


def _sorted(items: Iterable[T | Skipped]) -> Iterator[tuple[T, float | None] | Skipped]:
    """Yield the frames in their order with their times in order: storing shuffles times, never frames."""
    waiting: deque[T] = deque()
    times: list[float] = []
    for item in items:
        if isinstance(item, Skipped) or item.time is None:
            yield item if isinstance(item, Skipped) else (item, None)
            continue
        waiting.append(item)
        heapq.heappush(times, item.time)
        if len(waiting) > _REORDERED:
            yield waiting.popleft(), heapq.heappop(times)
    while waiting:
        yield waiting.popleft(), heapq.heappop(times)
