"""Find which tracklets of two cameras are one vehicle, without labels.

Pairs inside a link's travel-time window hold true matches among strangers; pairs outside
it hold strangers only. A classifier of the two gives the density ratio, and so the odds
that a pair is a match. It sees the likeness, the lag and the places in both views.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_matrix, csr_matrix, identity
from training.embedder.data import Boxes, Floats, Ints
from training.embedder.ratio import Ratio
from training.embedder.tracklets import shape_of

CLOSE = 60


@dataclass(frozen=True, kw_only=True)
class Link:
    """Name two cameras by number and the least, usual and greatest travel time in seconds."""

    source: int
    target: int
    low: float
    usual: float
    high: float


LINKS = (
    Link(source=0, target=1, low=8, usual=17, high=30),
    Link(source=1, target=2, low=160, usual=202, high=242),
    Link(source=0, target=2, low=176, usual=219, high=260),
    Link(source=3, target=4, low=32, usual=51, high=84),
    Link(source=4, target=3, low=36, usual=51, high=80),
)


@dataclass(frozen=True, kw_only=True)
class Tracks:
    """Hold one row per tracklet: its camera, the time and row of its largest box."""

    camera: Ints
    time: Floats
    shape: Floats
    size: Floats
    count: Ints
    growth: Floats


def summarise(boxes: Boxes, label: Ints) -> Tracks:
    """Describe the tracklets 0..T-1 that `label` numbers."""
    order = np.lexsort((-boxes.size, label))
    first = order[np.searchsorted(label[order], np.arange(label.max() + 1))]
    early = np.lexsort((boxes.time, label))
    begin = early[np.searchsorted(label[early], np.arange(label.max() + 1))]
    end = early[np.searchsorted(label[early], np.arange(label.max() + 1), side="right") - 1]
    return Tracks(
        camera=boxes.camera[first],
        time=boxes.time[first].astype(np.float32),
        shape=shape_of(boxes)[first],
        size=boxes.size[first],
        count=np.bincount(label),
        growth=np.log(boxes.size[end] / boxes.size[begin]).astype(np.float32),
    )


def candidates(tracks: Tracks, link: Link, shift: float = 0.0) -> Ints:
    """List the pairs (P, 2) of tracklets with a lag in the link's window moved by `shift`."""
    a = np.flatnonzero(tracks.camera == link.source)
    b = np.flatnonzero(tracks.camera == link.target)
    b = b[np.argsort(tracks.time[b], kind="stable")]
    begin = np.searchsorted(tracks.time[b], tracks.time[a] + link.low + shift)
    end = np.searchsorted(tracks.time[b], tracks.time[a] + link.high + shift, side="right")
    counts = end - begin
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.stack([np.repeat(a, counts), b[np.repeat(begin, counts) + offset]], axis=1)


class Likeness:
    """Compare the tracklets of two cameras: cosine, and how many are more alike than each.

    A rank says more than a cosine: many vans look like a white van, few like a lime taxi.
    """

    def __init__(self, tracks: Tracks, looks: Floats, link: Link) -> None:
        self.a = np.flatnonzero(tracks.camera == link.source)
        self.b = np.flatnonzero(tracks.camera == link.target)
        self.cosine = looks[self.a] @ looks[self.b].T
        self.ranks = [np.log1p(_ranks(self.cosine)), np.log1p(_ranks(self.cosine.T)).T]

    def __call__(self, pairs: Ints) -> Floats:
        """Return cosine, log rank of the second for the first, and the reverse (P, 3)."""
        i, j = np.searchsorted(self.a, pairs[:, 0]), np.searchsorted(self.b, pairs[:, 1])
        return np.stack([x[i, j] for x in (self.cosine, *self.ranks)], axis=1)


def _ranks(likeness: Floats) -> Floats:
    order = np.argsort(-likeness, axis=1, kind="stable")
    ranks = np.empty(likeness.shape, np.float32)
    np.put_along_axis(ranks, order, np.arange(likeness.shape[1], dtype=np.float32)[None], axis=1)
    return ranks


def _inputs(
    tracks: Tracks,
    looks: list[Likeness],
    pairs: Ints,
    habit: Habit,
    shift: float = 0.0,
) -> Floats:
    a, b = pairs.T
    usual = habit(tracks.time[a], tracks.time[b] - tracks.time[a] - shift)
    sizes = [np.log(tracks.size[a] / 30), np.log(tracks.size[b] / 30)]
    growths = [tracks.growth[a], tracks.growth[b]]
    columns = np.stack([usual, *sizes, *growths], axis=1)
    alike = [look(pairs) for look in looks]
    rows = [*alike, columns, tracks.shape[a], tracks.shape[b]]
    return np.concatenate(rows, axis=1).astype(np.float32)


def odds(
    tracks: Tracks,
    looks: list[Floats],
    link: Link,
    *,
    before: csr_matrix | None = None,
    seed: int = 0,
    steps: int = 1500,
) -> tuple[Ints, Floats]:
    """Return the pairs in the link's window and the odds of each that it is a match.

    `looks` are one or more embeddings (T, D) of the tracklets, of unit length; `before`
    (T, T) holds an earlier round's probabilities, from which the travel time of each minute
    is learnt.
    """
    rng = np.random.default_rng(seed)
    span = link.high - link.low
    shifts = [s for s in rng.integers(-900, 900, 40).tolist() if abs(s) > span + 60][:12]
    alike = [Likeness(tracks, x, link) for x in looks]
    habit = Habit(tracks, link, before)
    pairs, total = _close(alike[0], candidates(tracks, link))
    false = [_close(alike[0], candidates(tracks, link, s)) for s in shifts]
    real = _inputs(tracks, alike, pairs, habit)
    decoys = np.concatenate([_inputs(tracks, alike, p, habit, s) for (p, _), s in zip(false, shifts, strict=True)])
    ratio = Ratio.fit(real, decoys, steps=steps, dropout=0.1, seed=seed)
    rate = np.log(len(real) / total / (len(decoys) / sum(count for _, count in false)))
    log_ratio = np.minimum(ratio(real) + rate, 8.0)
    return pairs, np.maximum(np.exp(log_ratio) - 1.0, 0.0).astype(np.float32)


def _close(alike: Likeness, pairs: Ints) -> tuple[Ints, int]:
    """Return the pairs whose two are near the top of each other's list, and how many came in.

    All that is learnt about matches lies there; the rest only drowns it.
    """
    ranks = alike(pairs)[:, 1:]
    return pairs[(ranks < np.log1p(CLOSE)).all(axis=1)], len(pairs)


class Habit:
    """Know how often each travel time is taken around each time of day.

    It starts from the link's usual time and learns from an earlier round's likely matches.
    """

    CELL_S = 2.0
    ROW_S = 15.0

    def __init__(self, tracks: Tracks, link: Link, chance: csr_matrix | None) -> None:
        self.start, self.low = float(tracks.time.min()), link.low
        rows = int((tracks.time.max() - self.start) / self.ROW_S) + 1
        cells = np.arange(link.low, link.high + self.CELL_S, self.CELL_S)
        spread = (link.high - link.low) / 6
        prior = np.exp(-0.5 * ((cells - link.usual) / spread) ** 2) + 0.1
        level = np.tile(prior / prior.mean(), (rows, 1))
        if chance is not None:
            found = chance.tocoo()
            grid = np.zeros_like(level)
            lag = tracks.time[found.col] - tracks.time[found.row]
            np.add.at(grid, self._cell(tracks.time[found.row], lag, grid.shape), found.data**2)
            seen = gaussian_filter(grid, (4.0, 1.0), mode="nearest")
            level = 0.5 * level + seen / (seen.mean(axis=1, keepdims=True) + 1e-3)
        self.level = np.log(level).astype(np.float32)

    def _cell(self, time: Floats, lag: Floats, shape: tuple[int, ...]) -> tuple[Ints, Ints]:
        row = ((time - self.start) / self.ROW_S).astype(np.int64)
        column = ((lag - self.low) / self.CELL_S).astype(np.int64)
        return np.clip(row, 0, shape[0] - 1), np.clip(column, 0, shape[1] - 1)

    def __call__(self, time: Floats, lag: Floats) -> Floats:
        """Return the log frequency of each lag at each time, against all lags at that time."""
        return np.asarray(self.level[self._cell(time, lag, self.level.shape)], np.float32)


def posterior(pairs: Ints, weights: Floats, alike: csr_matrix) -> csr_matrix:
    """Turn odds into probabilities (T, T) under "one partner at most, perhaps none".

    `alike` (T, T) marks tracklets of one camera that may be pieces of one vehicle, each
    with itself: pieces do not compete with each other.
    """
    count = alike.shape[0]
    w = coo_matrix((weights, tuple(pairs.T)), shape=(count, count)).tocsr()
    i, j = pairs.T
    rows, columns = (np.asarray(w.sum(axis=axis)).ravel() for axis in (1, 0))
    rivals_of_j = rows[i] - np.asarray((w @ alike)[i, j]).ravel()
    rivals_of_i = columns[j] - np.asarray((alike @ w)[i, j]).ravel()
    rivals = np.maximum(rivals_of_i, 0) + np.maximum(rivals_of_j, 0)
    q = weights / (1.0 + weights + rivals)
    keep = q > 0.01
    return coo_matrix((q[keep], tuple(pairs[keep].T)), shape=(count, count)).tocsr()


def pieces(label: Ints, pairs: Ints, share: Floats, least: float = 0.15) -> csr_matrix:
    """Mark the tracklets that a not too unlikely pair of boxes joins, and each with itself."""
    count = int(label.max()) + 1
    a, b = label[pairs[share > least]].T
    ones = coo_matrix((np.ones(len(a)), (a, b)), shape=(count, count))
    return ((ones + ones.T + identity(count)) > 0).astype(np.float64).tocsr()


def expand(looks: Floats, chance: csr_matrix, least: float = 0.4) -> Floats:
    """Add to each tracklet's vector those of its likely partners, weighted by their chance."""
    sure = chance.copy()
    sure.data = np.where(sure.data > least, sure.data, 0)
    total = looks + sure @ looks + sure.T @ looks
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), np.float32)
