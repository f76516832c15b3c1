"""Boxes of two sides that lie in the same still: all pairs, how far they overlap, what each shows, what to ignore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.assign import assign
from cctview.errors import InputError
from cctview.geometry import aligned_iou

__all__ = ["SamePlace", "TrackedBoxes", "majority", "same_place", "shown_tracks", "without_ignored"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]

_EPS = float(np.finfo("float").eps)


@dataclass(frozen=True, eq=False, kw_only=True)
class TrackedBoxes:
    """Boxes with the identity each was given: ``frame`` (N,), ``track`` (N,), ``box`` (N, 4) xyxy.

    ``frame`` rises with time; an identity stands at most once in a frame.
    """

    frame: Ints
    track: Ints
    box: Floats

    def __post_init__(self) -> None:
        """Raise InputError when columns differ in length or an identity stands twice in a frame."""
        if not len(self.frame) == len(self.track) == len(self.box) or self.box.shape[1:] != (4,):
            shapes = f"{self.frame.shape}, {self.track.shape} and {self.box.shape}"
            raise InputError(f"tracked boxes: expected columns (N,), (N,) and (N, 4), got {shapes}; align the columns")
        pairs, count = np.unique(np.stack([self.frame, self.track]), axis=1, return_counts=True)
        if (count > 1).any():
            frame, track = pairs[:, np.argmax(count > 1)].tolist()
            raise InputError(f"tracked boxes: identity {track} stands twice in frame {frame}; keep one of them")

    def __len__(self) -> int:
        return len(self.frame)

    def rows(self, chosen: Any) -> TrackedBoxes:
        """Return the chosen rows only."""
        return TrackedBoxes(frame=self.frame[chosen], track=self.track[chosen], box=self.box[chosen])


@dataclass(frozen=True, eq=False, kw_only=True)
class SamePlace:
    """All pairs of a left and a right row in one frame, frame by frame, row by row.

    ``left`` and ``right`` (P,) are row numbers, ``overlap`` (P,) the intersection over union;
    ``start`` (F+1,) bounds each frame's pairs, ``width`` (F,) counts its right rows. Frames with one
    side only have no pairs and do not stand here.
    """

    left: Ints
    right: Ints
    overlap: Floats
    start: Ints
    width: Ints

    def frames(self) -> Iterator[tuple[slice, int]]:
        """Yield the pairs of each frame and how many right rows it has: they reshape to (left, right)."""
        for begin, end, width in zip(
            self.start[:-1].tolist(), self.start[1:].tolist(), self.width.tolist(), strict=True
        ):
            yield slice(begin, end), width

    def matched(self, score: Floats) -> Ints:
        """Return the pairs (M,) that an assignment of greatest total score makes in each frame; none of score 0."""
        found = [np.zeros(0, np.intp)]
        for part, width in self.frames():
            rows, columns = assign(-score[part].reshape(-1, width), 0.0)
            found.append(part.start + rows * width + columns)
        return np.concatenate(found)


def same_place(left: TrackedBoxes, right: TrackedBoxes) -> SamePlace:
    """Return the pairs of boxes that lie in the same frame, rows of a frame in their given order."""
    ours, theirs = np.argsort(left.frame, kind="stable"), np.argsort(right.frame, kind="stable")
    first = np.searchsorted(right.frame[theirs], left.frame[ours], side="left")
    count = np.searchsorted(right.frame[theirs], left.frame[ours], side="right") - first
    row = np.repeat(ours, count)
    column = theirs[np.arange(len(row)) + np.repeat(first - (np.cumsum(count) - count), count)]
    overlap = aligned_iou(left.box[row].astype(np.float64), right.box[column].astype(np.float64))
    frame, start = np.unique(left.frame[row], return_index=True)
    width = np.searchsorted(right.frame[theirs], frame, side="right") - np.searchsorted(right.frame[theirs], frame)
    return SamePlace(left=row, right=column, overlap=overlap, start=np.append(start, len(row)), width=width)


def shown_tracks(found: TrackedBoxes, truth: TrackedBoxes, *, threshold: float = 0.5) -> Ints:
    """Return the true track that each found box (N,) shows, -1 for none.

    Boxes pair up one to one in the assignment of greatest overlap from ``threshold`` on.
    """
    pairs = same_place(truth, found)
    matched = pairs.matched(np.where(pairs.overlap >= threshold, pairs.overlap, 0.0))
    shown = np.full(len(found), -1)
    shown[pairs.right[matched]] = truth.track[pairs.left[matched]]
    return shown


def majority(group: Ints, value: Ints, groups: int) -> Ints:
    """Return the most frequent value (N,) of each group 0..groups-1, the lowest of equals; -1 where it has none.

    Rows without a group or a value, which are -1, have no vote.
    """
    told = (group >= 0) & (value >= 0)
    votes, count = np.unique(np.stack([group[told], value[told]]), axis=1, return_counts=True)
    order = np.lexsort((-votes[1], count))
    most = np.full(groups, -1)
    most[votes[0][order]] = votes[1][order]
    return most


def without_ignored(
    found: TrackedBoxes, truth: TrackedBoxes, ignored: Mask, *, threshold: float = 0.5
) -> tuple[TrackedBoxes, TrackedBoxes]:
    """Return both sides without what counts neither way.

    Ignored truths (M,) leave, and with them each found box that pairs with one in the assignment of
    greatest overlap from ``threshold`` on, as in the preprocessing of the MOT challenge.
    """
    pairs = same_place(truth, found)
    matched = pairs.matched(np.where(pairs.overlap >= threshold - _EPS, pairs.overlap, 0.0))
    excused = pairs.right[matched[ignored[pairs.left[matched]]]]
    return found.rows(~np.isin(np.arange(len(found)), excused)), truth.rows(~ignored)
