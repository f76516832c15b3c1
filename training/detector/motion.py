"""What fixed cameras give away for nothing: what moves, and what never does."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.fuse import Seen, iou

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Array = NDArray[np.float32]
CONTRAST = 20


def moving(stills: list[Image], window: int, samples: int = 30) -> list[Mask]:
    """Return where each still of one fixed camera (in time order) differs from its neighbours' median.

    The median is over `samples` of the `window` stills that surround it.
    """
    masks: list[Mask] = []
    for start in range(0, len(stills), window):
        around = stills[max(0, min(start, len(stills) - window)) : start + window]
        scene = np.median(np.stack(around[:: max(1, len(around) // samples)]), 0).astype(np.int16)
        for still in stills[start : start + window]:
            changed = np.abs(still.astype(np.int16) - scene).max(2) > CONTRAST
            closed = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
            masks.append(cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)).astype(bool))
    return masks


def filled(mask: Mask, box: Array) -> Array:
    """Return the share of each box (N, 4) that moves, (N,)."""
    total = cv2.integral(mask.astype(np.uint8))
    x = np.rint(box[:, [0, 2]]).astype(int).clip(0, mask.shape[1])
    y = np.rint(box[:, [1, 3]]).astype(int).clip(0, mask.shape[0])
    inside = total[y[:, 1], x[:, 1]] - total[y[:, 0], x[:, 1]] - total[y[:, 1], x[:, 0]] + total[y[:, 0], x[:, 0]]
    size = np.maximum((x[:, 1] - x[:, 0]) * (y[:, 1] - y[:, 0]), 1)
    return np.asarray(inside / size, np.float32)


def ring(mask: Mask, box: Array) -> Array:
    """Return the moving share of a band of a quarter of its size around each box, (N,)."""
    band = (box[:, 2:] - box[:, :2]) * 0.25
    wide = np.concatenate([box[:, :2] - band, box[:, 2:] + band], 1)
    sizes = [np.maximum((b[:, 2:].clip(0) - b[:, :2].clip(0)).prod(1), 1) for b in (wide, box)]
    outside = filled(mask, wide) * sizes[0] - filled(mask, box) * sizes[1]
    return np.asarray(outside / np.maximum(sizes[0] - sizes[1], 1), np.float32)


def unexplained(mask: Mask, box: Array, least: int = 40) -> Array:
    """Return boxes (M, 4) around moving regions of at least `least` pixels that no box covers."""
    rest = mask.copy()
    for x1, y1, x2, y2 in np.rint(box).astype(int).clip(0) + np.array([-3, -3, 3, 6]):
        rest[max(0, y1) : y2, max(0, x1) : x2] = False
    _, _, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8), connectivity=8)
    found = stats[1:][stats[1:, cv2.CC_STAT_AREA] >= least].astype(np.float32)
    return np.stack([found[:, 0], found[:, 1], found[:, 0] + found[:, 2], found[:, 1] + found[:, 3]], 1)


def repeated(boxes: list[Array], places: list[Seen], gap: int) -> list[tuple[Array, Array]]:
    """Return how often, and how surely, each box of one fixed camera's stills is seen at its place again.

    `places` are the box (N, 4) and best score (N,) of the stills to compare with; of the same
    stills' own, those fewer than `gap` away do not count (0: all count). The answer is, for each
    still, the share of other stills (N,) and the median score there (N,).
    """
    number = np.concatenate([np.full(len(b), i) for i, (b, _) in enumerate(places)])
    every, score = (np.concatenate([p[k] for p in places]) for k in (0, 1))
    out = []
    for i, mine in enumerate(boxes):
        far = np.abs(number - i) >= gap
        row, column = np.nonzero((iou(mine, every) > 0.5) & far)
        seen = np.full((len(mine), len(places)), np.nan, np.float32)
        np.fmax.at(seen, (row, number[column]), score[column])
        near = len({*range(max(0, i - gap + 1), min(len(places), i + gap))})
        share = np.isfinite(seen).sum(1) / max(1, len(places) - near)
        out.append((share.astype(np.float32), _median(seen)))
    return out


def _median(seen: Array) -> Array:
    """Return the median of each row's numbers, 0 without any."""
    filled_in = np.where(np.isfinite(seen).any(1, keepdims=True), seen, 0)
    return np.asarray(np.nanmedian(filled_in, 1), np.float32) if filled_in.size else np.zeros(len(seen), np.float32)
