"""Rows of matches from judged pairs: candidates by falling probability, and what speaks for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.matching.pairs import Meetings
from cctview.network import Link
from cctview.types import REASONS, Matches, Ragged

__all__ = ["ranked"]

Floats = NDArray[np.floating[Any]]

_LEAST = 1e-7


def ranked(
    link: Link,
    asked: NDArray[np.int64],
    gallery: NDArray[np.int64],
    met: Meetings,
    distance: Floats,
    belief: Floats,
    why: Mapping[str, Floats],
    *,
    k: int,
    meta: Mapping[str, str],
) -> Matches:
    """Return one row of matches for each query (Q,) with its ``k`` likeliest of the gallery (G,).

    ``asked`` and ``gallery`` are tracklet ids; ``met`` are the P pairs in order of their query, with their
    ``distance`` (P,), ``belief`` (P,) and log-odds ``why`` (P,) in nats by the name of the reason, 0 for those
    left out. What a query's beliefs lack to 1 is its ``p_none``; ``context`` is what the log-odds of a belief
    are beyond the sum of its reasons. Of equal beliefs the earlier candidate comes first.
    """
    q, g, lag = met
    none = np.clip(1 - np.bincount(q, belief, len(asked)), 0, 1)
    best = np.lexsort((g, -belief, q))
    rank = np.arange(len(q)) - np.searchsorted(q, np.arange(len(asked)))[q[best]]
    best = best[rank < k]
    lengths = np.bincount(q[best], minlength=len(asked))
    told = {name: np.broadcast_to(why.get(name, 0.0), len(q))[best] for name in REASONS[:-1]}
    certainty = np.clip(belief[best], _LEAST, 1 - _LEAST)
    context = np.log(certainty / (1 - certainty)) - np.sum(list(told.values()), axis=0)

    def ragged(values: Floats) -> Ragged[np.float32]:
        return Ragged.from_lengths(values.astype(np.float32), lengths)

    return Matches(
        meta=meta,
        query=asked,
        query_camera=np.full(len(asked), link.origin),
        camera=np.full(len(asked), link.target),
        candidates=Ragged.from_lengths(gallery[g[best]], lengths),
        distance=ragged(distance[best]),
        probability=ragged(np.clip(belief[best], 0, 1)),
        lag_s=ragged(lag[best]),
        **{name: ragged(values) for name, values in told.items()},
        context=ragged(context),
        p_none=none.astype(np.float32),
    )
