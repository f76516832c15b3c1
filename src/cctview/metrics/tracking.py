"""Score tracks against true tracks: HOTA, CLEAR and IDF1, as counts that add up and ratios made of them.

HOTA is that of Luiten et al. (IJCV 2021), CLEAR of Bernardin and Stiefelhagen (2008), the identity
measures of Ristani et al. (2016); details, such as which track a matching prefers, follow TrackEval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cctview.assign import assign
from cctview.metrics.counts import Additive
from cctview.metrics.overlap import Floats, Ints, SamePlace, TrackedBoxes, same_place

__all__ = ["ALPHAS", "ClearCounts", "HotaCounts", "IdentityCounts", "TrackingCounts", "count_tracking"]

ALPHAS = np.arange(0.05, 0.99, 0.05)
_EPS = float(np.finfo("float").eps)
_CONTINUITY = 1000.0
_MOSTLY, _HARDLY = 0.8, 0.2


@dataclass(frozen=True, eq=False, kw_only=True)
class HotaCounts(Additive):
    """Per overlap threshold (A,): boxes matched, missed and false, and sums over the matched boxes.

    ``association``, ``association_recall`` and ``association_precision`` sum, over matched boxes, how
    far their two tracks agree; ``overlap`` sums the overlaps.
    """

    matched: Floats
    missed: Floats
    false: Floats
    association: Floats
    association_recall: Floats
    association_precision: Floats
    overlap: Floats

    def curves(self) -> dict[str, Floats]:
        """Return each ratio per threshold, (A,)."""
        matched = np.maximum(1, self.matched)
        detection = self.matched / np.maximum(1, self.matched + self.missed + self.false)
        association = self.association / matched
        return {
            "HOTA": np.sqrt(detection * association),
            "DetA": detection,
            "AssA": association,
            "DetRe": self.matched / np.maximum(1, self.matched + self.missed),
            "DetPr": self.matched / np.maximum(1, self.matched + self.false),
            "AssRe": self.association_recall / matched,
            "AssPr": self.association_precision / matched,
            "LocA": np.where(self.matched > 0, self.overlap / matched, 1.0),
        }


@dataclass(frozen=True, kw_only=True)
class ClearCounts(Additive):
    """Boxes matched, missed and false at one threshold, switches of identity, and tracks by how much was found."""

    matched: int = 0
    missed: int = 0
    false: int = 0
    switches: int = 0
    fragments: int = 0
    overlap: float = 0.0
    mostly_tracked: int = 0
    partly_tracked: int = 0
    mostly_lost: int = 0

    def scores(self) -> dict[str, float]:
        """Return the ratios and the counts people compare; without truths MOTA is 0, as TrackEval has it."""
        truths = max(1, self.matched + self.missed)
        false = self.false if self.matched + self.missed else 0
        return {
            "MOTA": (self.matched - false - self.switches) / truths,
            "MOTP": self.overlap / max(1, self.matched),
            "recall": self.matched / truths,
            "precision": self.matched / max(1, self.matched + self.false),
            "IDSW": self.switches,
            "Frag": self.fragments,
            "MT": self.mostly_tracked,
            "PT": self.partly_tracked,
            "ML": self.mostly_lost,
        }


@dataclass(frozen=True, kw_only=True)
class IdentityCounts(Additive):
    """Boxes whose track is the one-to-one partner of their true track, and those on either side that are not."""

    right: int = 0
    missed: int = 0
    false: int = 0

    def scores(self) -> dict[str, float]:
        """Return IDF1, precision and recall."""
        return {
            "IDF1": self.right / max(1.0, self.right + (self.missed + self.false) / 2),
            "IDP": self.right / max(1, self.right + self.false),
            "IDR": self.right / max(1, self.right + self.missed),
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackingCounts(Additive):
    """The three families of counts of any number of sequences."""

    hota: HotaCounts
    clear: ClearCounts
    identity: IdentityCounts

    def scores(self) -> dict[str, float]:
        """Return all ratios; those of HOTA are means over the thresholds."""
        means = {name: float(curve.mean()) for name, curve in self.hota.curves().items()}
        return {**means, **self.identity.scores(), **self.clear.scores()}


def count_tracking(truth: TrackedBoxes, found: TrackedBoxes, *, threshold: float = 0.5) -> TrackingCounts:
    """Compare tracks with true tracks of one sequence.

    CLEAR and the identity measures take boxes for the same from an overlap of ``threshold`` on, HOTA
    from each of ``ALPHAS`` on. Identities of the two sides need not agree.
    """
    true_id, truth_track = np.unique(truth.track, return_inverse=True)
    found_id, found_track = np.unique(found.track, return_inverse=True)
    ours = TrackedBoxes(frame=truth.frame, track=truth_track, box=truth.box)
    theirs = TrackedBoxes(frame=found.frame, track=found_track, box=found.box)
    pairs = same_place(ours, theirs)
    both = _Tracks.of(ours, theirs, pairs, (len(true_id), len(found_id)))
    return TrackingCounts(
        hota=_hota(pairs, both), clear=_clear(pairs, both, threshold), identity=_identity(pairs, both, threshold)
    )


@dataclass(frozen=True, eq=False)
class _Tracks:
    """What two sets of tracks have in common.

    ``truth`` and ``found`` (P,) are the track numbers of each pair of boxes; ``link`` (P,) numbers
    the pairs of tracks, ``ends`` (2, L) are the tracks of each; ``length`` count boxes per track.
    """

    truth: Ints
    found: Ints
    link: Ints
    ends: Ints
    length: tuple[Ints, Ints]

    @classmethod
    def of(cls, truth: TrackedBoxes, found: TrackedBoxes, pairs: SamePlace, tracks: tuple[int, int]) -> _Tracks:
        left, right = truth.track[pairs.left], found.track[pairs.right]
        key, link = np.unique(left * max(tracks[1], 1) + right, return_inverse=True)
        lengths = np.bincount(truth.track, minlength=tracks[0]), np.bincount(found.track, minlength=tracks[1])
        return cls(left, right, link, np.stack(np.divmod(key, max(tracks[1], 1))), lengths)

    def union(self, shared: NDArray[Any]) -> NDArray[Any]:
        """Return how many boxes either track of each link has, (..., L), when ``shared`` of them are common."""
        return self.length[0][self.ends[0]] + self.length[1][self.ends[1]] - shared


def _hota(pairs: SamePlace, tracks: _Tracks) -> HotaCounts:
    matched = pairs.matched(_alignment(pairs, tracks)[tracks.link] * pairs.overlap)
    overlap = pairs.overlap[matched]
    hit = overlap >= ALPHAS[:, None] - _EPS
    links = tracks.ends.shape[1]
    level, place = np.nonzero(hit)
    shared = np.bincount(level * links + tracks.link[matched][place], minlength=len(ALPHAS) * links)
    shared = shared.reshape(len(ALPHAS), links).astype(np.float64)
    count = hit.sum(axis=1).astype(np.float64)
    squared = shared**2
    return HotaCounts(
        matched=count,
        missed=tracks.length[0].sum() - count,
        false=tracks.length[1].sum() - count,
        association=(squared / tracks.union(shared)).sum(axis=1),
        association_recall=(squared / tracks.length[0][tracks.ends[0]]).sum(axis=1),
        association_precision=(squared / tracks.length[1][tracks.ends[1]]).sum(axis=1),
        overlap=np.where(hit, overlap, 0.0).sum(axis=1),
    )


def _alignment(pairs: SamePlace, tracks: _Tracks) -> Floats:
    """Return how well each two tracks lie on one another over all frames, (L,): what HOTA's matching prefers."""
    row, column = (np.bincount(side, pairs.overlap) for side in (pairs.left, pairs.right))
    rivals = row[pairs.left] + column[pairs.right] - pairs.overlap
    share = np.divide(pairs.overlap, rivals, out=np.zeros(len(rivals)), where=rivals > _EPS)
    common = np.bincount(tracks.link, share, tracks.ends.shape[1])
    return common / tracks.union(common)


def _clear(pairs: SamePlace, tracks: _Tracks, threshold: float) -> ClearCounts:
    near = pairs.overlap >= threshold - _EPS
    truths = len(tracks.length[0])
    ever, last = np.full(truths, -1), np.full(truths, -1)
    found, starts = np.zeros(truths, np.int64), np.zeros(truths, np.int64)
    matched = switches = 0
    overlap = 0.0
    for part, width in pairs.frames():
        truth, track = tracks.truth[part], tracks.found[part]
        score = np.where(near[part], _CONTINUITY * (track == last[truth]) + pairs.overlap[part], 0.0)
        rows, columns = assign(-score.reshape(-1, width), 0.0)
        hit = rows * width + columns
        truth, track = truth[hit], track[hit]
        switches += int(np.sum((ever[truth] >= 0) & (ever[truth] != track)))
        starts[truth] += last[truth] < 0
        found[truth] += 1
        last[:] = -1
        ever[truth] = last[truth] = track
        matched += len(hit)
        overlap += float(pairs.overlap[part][hit].sum())
    share = found / np.maximum(tracks.length[0], 1)
    mostly = int(np.sum(share > _MOSTLY))
    partly = int(np.sum(share >= _HARDLY)) - mostly
    return ClearCounts(
        matched=matched,
        missed=int(tracks.length[0].sum()) - matched,
        false=int(tracks.length[1].sum()) - matched,
        switches=switches,
        fragments=int(np.maximum(starts - 1, 0).sum()),
        overlap=overlap,
        mostly_tracked=mostly,
        partly_tracked=partly,
        mostly_lost=truths - mostly - partly,
    )


def _identity(pairs: SamePlace, tracks: _Tracks, threshold: float) -> IdentityCounts:
    common = np.bincount(tracks.link[pairs.overlap >= threshold], minlength=tracks.ends.shape[1])
    right = _heaviest_matching(tracks.ends[:, common > 0], common[common > 0])
    return IdentityCounts(
        right=right, missed=int(tracks.length[0].sum()) - right, false=int(tracks.length[1].sum()) - right
    )


def _heaviest_matching(ends: Ints, weight: Ints) -> int:
    """Return the greatest total weight of links (2, L) that share no end, solved part by connected part."""
    if not len(weight):
        return 0
    shape = ends.max(axis=1) + 1
    graph = coo_array((weight, (ends[0], ends[1] + shape[0])), shape=(shape.sum(), shape.sum()))
    part = connected_components(graph, directed=False)[1][ends[0]]
    order = np.argsort(part, kind="stable")
    cuts = np.flatnonzero(np.diff(part[order])) + 1
    return sum(_heaviest(ends[:, rows], weight[rows]) for rows in np.split(order, cuts))


def _heaviest(ends: Ints, weight: Ints) -> int:
    if len(weight) == 1:
        return int(weight[0])
    row, column = (np.unique(end, return_inverse=True)[1] for end in ends)
    gain = np.zeros((row.max() + 1, column.max() + 1))
    gain[row, column] = weight
    return int(gain[assign(-gain, 0.0)].sum())
