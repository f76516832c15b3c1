"""From tracklets and the camera network to ranked, calibrated matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import turn_deg
from cctview.matching.belief import LinkModel, beliefs, sightings
from cctview.matching.candidates import Side, expected_heading, side_of, with_looks
from cctview.matching.learning import learn_link
from cctview.matching.pooling import joined_looks
from cctview.matching.settings import MatchSettings
from cctview.matching.travel import REACH_S
from cctview.network import CameraNetwork, Link
from cctview.types import Matches, Ragged, Tracklets

__all__ = ["match", "match_links"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_LEAST = 1e-7
_TURNED_DEG = 100.0


def match(
    tracklets: Tracklets,
    network: CameraNetwork,
    settings: MatchSettings = MatchSettings(),  # noqa: B008
) -> Matches:
    """Return for each tracklet its likeliest other halves at the end of each link that leaves its camera.

    A query only meets tracklets that do not go against the link, later by a lag within the link's
    window; with ``settings.gaps`` also at the camera after the next, because one may miss it.
    Appearance and travel time are learnt per link from these tracklets, without labels; the
    rows of one query are ranked by probability.
    """
    return match_links(tracklets, network, settings)[0]


def match_links(
    tracklets: Tracklets, network: CameraNetwork, settings: MatchSettings
) -> tuple[Matches, dict[tuple[str, str], float]]:
    """Return the matches, and the longest lag in seconds worth waiting for on each link."""
    meta = {"matcher": "belief", **{key: str(value) for key, value in asdict(settings).items()}, **tracklets.meta}
    vectors = tracklets.vector
    filled, waits = [], {}
    links = (*_upstream_first(network.links), *(network.skipping() if settings.gaps else ()))
    ends = {link: [(end, expected_heading(network, end, link)) for end in (link.origin, link.target)] for link in links}
    known = {end: side_of(tracklets, *end, settings) for end in dict.fromkeys(chain(*ends.values()))}
    for link in links:
        queries, gallery = (with_looks(known[end], vectors, settings) for end in ends[link])
        part, waits[link.origin, link.target] = _matched(tracklets, link, queries, gallery, settings, meta)
        if len(part):
            vectors = joined_looks(tracklets, vectors, part, settings.views)
            filled.append(part)
    matches = Matches.concat(filled).sort("query_camera", "camera", "query") if filled else Matches.empty(meta)
    return matches, waits


def _upstream_first(links: Sequence[Link]) -> list[Link]:
    """Return the links so that those into a camera come before those that go on from it the same way."""

    def before(link: Link) -> int:
        seen, front = {link.origin}, {link.origin}
        depth = 0
        while front:
            ahead = {a.origin for a in links if a.target in front and _same_way(a, link)} - seen
            seen, front, depth = seen | ahead, ahead, depth + bool(ahead)
        return depth

    return sorted(links, key=before)


def _same_way(a: Link, b: Link) -> bool:
    return turn_deg(a.direction_deg, b.direction_deg) < _TURNED_DEG


def _matched(
    tracklets: Tracklets, link: Link, queries: Side, gallery: Side, settings: MatchSettings, meta: dict[str, str]
) -> tuple[Matches, float]:
    if not len(queries) or not len(gallery):
        return Matches.empty(meta), link.max_s
    model = learn_link(queries, gallery, link, settings)
    chunks = np.array_split(np.arange(len(queries)), -(-len(queries) // settings.chunk_queries))
    parts = [_ranked(tracklets, link, model, queries, gallery, chunk, settings, meta) for chunk in chunks]
    return Matches.concat(parts), model.window[1]


def _ranked(
    tracklets: Tracklets,
    link: Link,
    model: LinkModel,
    queries: Side,
    gallery: Side,
    chunk: Ints,
    settings: MatchSettings,
    meta: dict[str, str],
) -> Matches:
    """Return the ``k`` likeliest candidates of a chunk of queries; rivals around the chunk compete too."""
    around = _around(queries, chunk, model.window[1] - model.window[0] + REACH_S)
    seen, why, belief = beliefs(model, sightings(model, queries, gallery, around), queries, gallery, settings)
    mine = np.flatnonzero((seen.met.q >= chunk[0]) & (seen.met.q <= chunk[-1]))
    seen, belief = seen.rows(mine), belief[mine]
    q, g, lag = seen.met
    none = np.clip(1 - np.bincount(q - chunk[0], belief, len(chunk)), 0, 1)
    best = np.lexsort((g, -belief, q))
    starts = np.searchsorted(q, chunk)
    rank = np.arange(len(q)) - starts[q[best] - chunk[0]]
    best = best[rank < settings.k]
    lengths = np.bincount(q[best] - chunk[0], minlength=len(chunk))
    ids = tracklets.id
    why = why.rows(mine[best])
    certainty = np.clip(belief[best], _LEAST, 1 - _LEAST)

    def ragged(values: Floats) -> Ragged[np.float32]:
        return Ragged.from_lengths(values.astype(np.float32), lengths)

    return Matches(
        meta=meta,
        query=ids[queries.row[chunk]],
        query_camera=np.full(len(chunk), link.origin),
        camera=np.full(len(chunk), link.target),
        candidates=Ragged.from_lengths(ids[gallery.row[g[best]]], lengths),
        distance=ragged(seen.distance[best]),
        probability=ragged(np.clip(belief[best], 0, 1)),
        lag_s=ragged(lag[best]),
        looks=ragged(why.looks),
        size=ragged(why.size),
        timing=ragged(why.timing),
        lane=ragged(why.lane),
        order=ragged(why.order),
        context=ragged(np.log(certainty / (1 - certainty)) - np.sum(why[:-1], axis=0)),
        p_none=none.astype(np.float32),
    )


def _around(queries: Side, chunk: Ints, reach: float) -> Ints:
    """Return the queries that may want the same gallery tracklets as the chunk does."""
    begin = np.searchsorted(queries.time, queries.time[chunk[0]] - reach)
    end = np.searchsorted(queries.time, queries.time[chunk[-1]] + reach, side="right")
    return np.arange(begin, end)
