"""Score detections against truth: counts, which add up, and the ratios made of them.

Matching, ignore regions and the 101-point average precision follow COCO's evaluation (Lin et al.
2014): within an image detections claim truths by falling score, each the free truth it overlaps
most; ignored truths absorb what nothing else claims, and crowd regions absorb any number by the
share of the detection that they cover. Classes are the caller's: pass the rows of one class, or of
several merged into one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError

__all__ = [
    "COCO_SIZES",
    "COCO_THRESHOLDS",
    "DetectionCounts",
    "ScoredBoxes",
    "TrueBoxes",
    "average_precision",
    "combine_counts",
    "count_detections",
    "operating_point",
    "recall_at_precision",
]

COCO_THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).round(2).tolist())
COCO_SIZES = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, kw_only=True)
class ScoredBoxes:
    """Detections of any number of images: `image` (N,), `box` (N, 4) xyxy, `score` (N,)."""

    image: NDArray[np.integer]
    box: NDArray[np.floating]
    score: NDArray[np.floating]

    def __post_init__(self) -> None:
        """Raise InputError when the columns differ in length or a box has no four sides."""
        _check_columns("detections", self.image, self.box, self.score)


@dataclass(frozen=True, kw_only=True)
class TrueBoxes:
    """Truths of any number of images; `ignored` and `crowd` (M,) count neither way."""

    image: NDArray[np.integer]
    box: NDArray[np.floating]
    ignored: NDArray[np.bool_]
    crowd: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Raise InputError when the columns differ in length or a box has no four sides."""
        _check_columns("truths", self.image, self.box, self.ignored, self.crowd)


@dataclass(frozen=True, kw_only=True)
class DetectionCounts:
    """What scoring needs to know, additive over images.

    `score` (N,), `hit` and `dropped` (T, N) for T overlap thresholds: whether each detection found
    a truth, and whether it counts at all; `truths` how many truths there were to find.
    """

    score: NDArray[np.floating]
    hit: NDArray[np.bool_]
    dropped: NDArray[np.bool_]
    truths: int

    def __add__(self, other: DetectionCounts) -> DetectionCounts:
        """Return the counts of both sets of images."""
        return combine_counts((self, other))


def _check_columns(
    what: str, image: NDArray[np.integer], box: NDArray[np.floating], *more: NDArray[np.generic]
) -> None:
    lengths = {len(column) for column in (image, box, *more)}
    if len(lengths) > 1 or box.ndim != 2 or box.shape[1] != 4:
        shapes = ", ".join(str(column.shape) for column in (image, box, *more))
        raise InputError(f"{what}: expected columns of one length and boxes (N, 4), got {shapes}; align the columns")


def count_detections(
    detections: ScoredBoxes,
    truths: TrueBoxes,
    *,
    thresholds: Iterable[float] = COCO_THRESHOLDS,
    area: tuple[float, float] = COCO_SIZES["all"],
    most: int = 100,
) -> DetectionCounts:
    """Match detections to truths, image by image.

    `area` (from, to) in px² keeps truths of that size and ignores the others, and the unmatched
    detections of other sizes; of each image the `most` best detections are kept.
    """
    levels = np.asarray(tuple(thresholds), dtype=np.float64)
    size = _areas(truths.box)
    ignored = truths.ignored | truths.crowd | (size < area[0]) | (size > area[1])
    sought = replace(truths, ignored=ignored)
    kept = _best(detections, most)
    hit, dropped = _match(kept, sought, levels)
    outside = (_areas(kept.box) < area[0]) | (_areas(kept.box) > area[1])
    dropped |= ~hit & outside
    return DetectionCounts(score=kept.score, hit=hit, dropped=dropped, truths=int((~ignored).sum()))


def combine_counts(counts: Iterable[DetectionCounts]) -> DetectionCounts:
    """Return the counts of all sets of images together; raise InputError without any."""
    parts = list(counts)
    if not parts:
        raise InputError("no counts to combine; count the detections of at least one image first")
    return DetectionCounts(
        score=np.concatenate([p.score for p in parts]),
        hit=np.concatenate([p.hit for p in parts], axis=1),
        dropped=np.concatenate([p.dropped for p in parts], axis=1),
        truths=sum(p.truths for p in parts),
    )


def average_precision(counts: DetectionCounts) -> NDArray[np.float64]:
    """Return the 101-point interpolated average precision per threshold, (T,); NaN without truths."""
    if not counts.truths:
        return np.full(len(counts.hit), np.nan)
    return np.array([_interpolated(*curve[:2]) for curve in _curves(counts)])


def recall_at_precision(counts: DetectionCounts, precision: float) -> NDArray[np.float64]:
    """Return the highest recall that any score threshold reaches at this precision, (T,)."""
    if not counts.truths:
        return np.full(len(counts.hit), np.nan)
    return np.array([recall[exact >= precision].max(initial=0.0) for recall, exact, _ in _curves(counts)])


def operating_point(counts: DetectionCounts, score: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision and recall (T,) of the detections at or above a score; NaN where undefined."""
    used = (counts.score >= score) & ~counts.dropped
    found = (counts.hit & used).sum(1)
    with np.errstate(invalid="ignore"):
        return found / used.sum(1).astype(float), found / np.float64(counts.truths)


def _curves(counts: DetectionCounts) -> list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """Recall, precision and score at each place where the threshold can stand, per overlap level."""
    order = np.argsort(-counts.score, kind="stable")
    score = counts.score[order].astype(np.float64)
    curves = []
    for hit, dropped in zip(counts.hit[:, order], counts.dropped[:, order], strict=True):
        used = hit[~dropped]
        found = used.cumsum()
        curves.append((found / counts.truths, found / np.arange(1, len(used) + 1), score[~dropped]))
    return curves


def _interpolated(recall: NDArray[np.float64], precision: NDArray[np.float64]) -> float:
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, _RECALLS, side="left")
    return float(np.append(envelope, 0.0)[places].mean())


def _areas(box: NDArray[np.floating]) -> NDArray[np.floating]:
    return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])


def _best(detections: ScoredBoxes, most: int) -> ScoredBoxes:
    """Order by image and falling score, and keep the first `most` of each image."""
    order = np.lexsort((-detections.score, detections.image))
    image = detections.image[order]
    kept = order[_ranks(image) < most]
    return ScoredBoxes(image=detections.image[kept], box=detections.box[kept], score=detections.score[kept])


def _ranks(groups: NDArray[np.integer]) -> NDArray[np.intp]:
    """Count up from 0 within each run of a sorted column."""
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(groups) else np.empty(0, np.intp)
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))


def _match(
    detections: ScoredBoxes, truths: TrueBoxes, levels: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Let all images claim truths at once, rank by rank; return hit and dropped, (T, N)."""
    images, row = np.unique(np.concatenate([detections.image, truths.image]), return_inverse=True)
    rows, truth_rows = row[: len(detections.image)], row[len(detections.image) :]
    slots, free = _slots(truth_rows, truths, len(images), len(levels))
    hit = np.zeros((len(levels), len(rows)), bool)
    dropped = np.zeros_like(hit)
    ranks = _ranks(rows)
    for rank in range(int(ranks.max(initial=-1)) + 1):
        turn = np.flatnonzero(ranks == rank)
        overlap = _overlaps(detections.box[turn], slots.box[rows[turn]], slots.crowd[rows[turn]])
        hit[:, turn], dropped[:, turn] = _claim(
            overlap, slots.ignored[rows[turn]], slots.crowd[rows[turn]], free, rows[turn], levels
        )
    return hit, dropped


@dataclass(frozen=True)
class _Slots:
    """Truths laid out by image: box (I, G, 4), ignored and crowd (I, G)."""

    box: NDArray[np.float64]
    ignored: NDArray[np.bool_]
    crowd: NDArray[np.bool_]


def _slots(rows: NDArray[np.intp], truths: TrueBoxes, images: int, levels: int) -> tuple[_Slots, NDArray[np.bool_]]:
    order = np.argsort(rows, kind="stable")
    place = _ranks(rows[order])
    shape = (images, int(place.max(initial=-1)) + 1)
    box, ignored, crowd = np.zeros((*shape, 4)), np.ones(shape, bool), np.zeros(shape, bool)
    box[rows[order], place] = truths.box[order]
    ignored[rows[order], place] = truths.ignored[order]
    crowd[rows[order], place] = truths.crowd[order]
    free = np.zeros((levels, *shape), bool)
    free[:, rows[order], place] = True
    return _Slots(box, ignored, crowd), free


def _overlaps(box: NDArray[np.floating], others: NDArray[np.float64], crowd: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Overlap of each box (N, 4) with its own row of truths (N, G, 4): IoU, or cover for a crowd."""
    own = box[:, None].astype(np.float64)
    low, high = np.maximum(own[..., :2], others[..., :2]), np.minimum(own[..., 2:], others[..., 2:])
    shared = (high - low).clip(0).prod(-1)
    area, other = (own[..., 2:] - own[..., :2]).prod(-1), (others[..., 2:] - others[..., :2]).prod(-1)
    whole = np.where(crowd, area, area + other - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)


def _claim(
    overlap: NDArray[np.float64],
    ignored: NDArray[np.bool_],
    crowd: NDArray[np.bool_],
    free: NDArray[np.bool_],
    rows: NDArray[np.intp],
    levels: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Let each detection claim its best free truth, and mark that truth taken in `free`."""
    if not overlap.shape[1]:
        nothing = np.zeros((len(levels), len(rows)), bool)
        return nothing, nothing.copy()
    open_ = (free[:, rows] | crowd) & (overlap >= np.minimum(levels, 1 - 1e-10)[:, None, None])
    real, spare = open_ & ~ignored, open_ & ignored
    hit: NDArray[np.bool_] = np.logical_or.reduce(real, axis=2)
    choice = np.where(hit[..., None], real, spare)
    taken = choice.shape[2] - 1 - np.where(choice, overlap, -1.0)[..., ::-1].argmax(2)
    claimed: NDArray[np.bool_] = np.logical_or.reduce(choice, axis=2)
    level, turn = np.nonzero(claimed)
    free[level, rows[turn], taken[level, turn]] = False
    return hit, claimed & ~hit
