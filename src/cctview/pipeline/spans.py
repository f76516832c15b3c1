"""Which stretches of time are linked one after another."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Span", "spans_of"]

_DETECTIONS = 400_000  # in a span on average: what memory should hold; inherited from the first version
_LONGEST = np.timedelta64(1, "h")  # travel times follow the day; also the silence that parts two stretches


class Span(NamedTuple):
    """A stretch of time: ``after <= time < before``."""

    after: np.datetime64
    before: np.datetime64


def spans_of(times: NDArray[np.datetime64], detections: int) -> list[Span]:
    """Return the spans that are linked one after another, so that the times ``(F,)`` of all stills lie in them.

    Stretches of stills more than an hour apart are spans of their own, and the time between them is in none. Within a
    stretch spans follow each other and are of equal length. None is longer than an hour, so that travel times follow
    the day, nor has it on average more detections than memory should hold.
    """
    times = np.sort(times)
    edges = np.flatnonzero(np.diff(times) > _LONGEST) + 1
    spans: list[Span] = []
    for stretch in np.split(times, edges) if len(times) else []:
        first, last = stretch[0], stretch[-1]
        share = detections * len(stretch) // len(times)
        count = 1 + max(share // _DETECTIONS, int((last - first) // _LONGEST))
        bounds = first + (last - first) // count * np.arange(count + 1)
        bounds[-1] = last + np.timedelta64(1, "ns")
        spans += [Span(*ends) for ends in pairwise(bounds)]
    return spans
