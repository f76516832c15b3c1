"""From tracklets and the camera network to ranked matches whose probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import turn_deg
from cctview.matching.belief import LinkModel, beliefs, pairs_within
from cctview.matching.learning import learn_link
from cctview.matching.pairs import Meetings
from cctview.matching.pooling import joined_looks
from cctview.matching.priors import PRIORS
from cctview.matching.ranking import ranked
from cctview.matching.settings import MatchSettings
from cctview.matching.sides import Side, expected_heading, side_of, with_looks
from cctview.matching.travel import REACH_S
from cctview.network import CameraNetwork, Link
from cctview.priors import fingerprint
from cctview.seams import Matcher
from cctview.types import Matches, Tracklets

__all__ = ["BeliefMatcher", "match"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_VERSION = "2"


def match(
    tracklets: Tracklets,
    network: CameraNetwork,
    how: MatchSettings | Matcher = MatchSettings(),  # noqa: B008
) -> Matches:
    """Return for each tracklet its likeliest other halves at the end of each link that leaves its camera.

    ``how`` is a matcher, or the settings of the one that is built in. One row for each query and link,
    candidates by falling probability.
    """
    matcher = BeliefMatcher(how) if isinstance(how, MatchSettings) else how
    return matcher(tracklets, network)[0]


@dataclass(frozen=True)
class BeliefMatcher:
    """Match by a model of each link that is learnt from the tracklets themselves, without labels.

    A query only meets tracklets that do not go against the link, later by a lag within the link's window; with
    ``settings.gaps`` also at the camera after the next, because one may miss it. Looks, travel time, size and
    lane are learnt per link by matching and fitting in turn, and the probabilities are those of all one-to-one
    assignments. The page on matching says why each part is there.
    """

    settings: MatchSettings = field(default_factory=MatchSettings)

    @property
    def meta(self) -> Mapping[str, str]:
        """Method, version, hash of its priors and settings, for the ``meta`` of the matches."""
        settings = {f"matcher_{key}": str(value) for key, value in asdict(self.settings).items()}
        return {"matcher": "belief", "matcher_version": _VERSION, "matcher_priors": fingerprint(PRIORS), **settings}

    def __call__(self, tracklets: Tracklets, network: CameraNetwork) -> tuple[Matches, Mapping[tuple[str, str], float]]:
        """Return the matches on all links, and the seconds after which each link's answers are settled.

        A link's wait is the longest lag worth waiting for, as learnt, and as long as the pairs around speak.
        """
        settings = self.settings
        meta = {**self.meta, **tracklets.meta}
        vectors = tracklets.vector
        filled, waits = [], {}
        links = (*_upstream_first(network.links), *(network.skipping() if settings.gaps else ()))
        ends = {
            link: [(end, expected_heading(network, end, link)) for end in (link.origin, link.target)] for link in links
        }
        known = {end: side_of(tracklets, *end, settings) for end in dict.fromkeys(chain(*ends.values()))}
        for link in links:
            queries, gallery = (with_looks(known[end], vectors, settings) for end in ends[link])
            part, longest = _matched(tracklets, link, queries, gallery, settings, meta)
            waits[link.origin, link.target] = longest + REACH_S
            if len(part):
                vectors = joined_looks(tracklets, vectors, part, settings.views)
                filled.append(part)
        matches = Matches.concat(filled).sort("query_camera", "camera", "query") if filled else Matches.empty(meta)
        return matches, waits


def _upstream_first(links: Sequence[Link]) -> list[Link]:
    """Return the links so that those into a camera come before those that go on from it the same way."""

    def before(link: Link) -> int:
        met, front = {link.origin}, {link.origin}
        depth = 0
        while front:
            ahead = {a.origin for a in links if a.target in front and _same_way(a, link)} - met
            met, front, depth = met | ahead, ahead, depth + bool(ahead)
        return depth

    return sorted(links, key=before)


def _same_way(a: Link, b: Link) -> bool:
    return turn_deg(a.direction_deg, b.direction_deg) < PRIORS.turned_deg


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
    pairs, why, belief = beliefs(model, pairs_within(model, queries, gallery, around), queries, gallery, settings)
    mine = (pairs.met.q >= chunk[0]) & (pairs.met.q <= chunk[-1])
    pairs, why, belief = pairs.rows(mine), why.rows(mine), belief[mine]
    met = Meetings(pairs.met.q - chunk[0], pairs.met.g, pairs.met.lag)
    asked, candidates = (tracklets.id[rows] for rows in (queries.row[chunk], gallery.row))
    return ranked(link, asked, candidates, met, pairs.distance, belief, why.shown(), k=settings.k, meta=meta)


def _around(queries: Side, chunk: Ints, reach: float) -> Ints:
    """Return the queries that may want the same gallery tracklets as the chunk does."""
    begin = np.searchsorted(queries.time, queries.time[chunk[0]] - reach)
    end = np.searchsorted(queries.time, queries.time[chunk[-1]] + reach, side="right")
    return np.arange(begin, end)
