"""Turn what the teachers saw into labels: join, doubt, and use that the cameras stand still."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.detector.fuse import fuse, iou, overlap_of_smaller
from training.detector.motion import filled, moving, persistence, ring, unexplained
from training.detector.net import GROUPS, LABELS
from training.detector.stills import Image, Still
from training.detector.targets import Boxes

Array = NDArray[np.float32]
Seen = tuple[Array, Array]
Look = Callable[[Image, float], Seen]

SURE = np.array([0.345, 0.33, 0.27])
"""Score from which a label of each group counts as an object (about two in three are, by the dev labels)."""
UNSURE = np.array([0.25, 0.24, 0.18])
"""Score from which it counts as nothing known."""
STUDENT_SCORE = ([0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 1.0], [0, 0.12, 0.2, 0.3, 0.4, 0.55, 0.7, 0.9])
"""The detector's own scores, and the teacher's scores that are right as often on the dev labels."""
RETINANET_SHIFT = 0.5
STANDING = {True: (0.48, 0.30), False: (0.6, 0.75)}
"""Below these scores what never moves is unknown, or nothing; beside FDR Drive it may be a parked car."""


def group_of(scores: Array) -> NDArray[np.intp]:
    """Return the group of each row of scores (N, 6)."""
    return np.stack([scores[:, g].max(1, initial=0) for g in GROUPS], 1).argmax(1)


def look_at_all(stills: list[Still], look: Look, scales: list[float], least: float) -> dict[str, Seen]:
    """Look at every still at several scales and fuse; `scales` multiply a width of 352."""
    out = {}
    for still in stills:
        per_pixel = [s * 352 / max(352, still.image.shape[1]) for s in scales]
        looks = [look(still.image, s) for s in per_pixel]
        out[still.name] = fuse([(b[s.max(1) > least], s[s.max(1) > least]) for b, s in looks], per_pixel)
    return out


def read_retinanet(folder: Path) -> dict[str, Seen]:
    """Read the original's boxes, one per vehicle, by still."""
    rows = defaultdict(list)
    for path in sorted(folder.glob("*.csv")):
        with path.open() as lines:
            for row in csv.DictReader(lines):
                rows[row["frame"]].append(row)
    return {name: _without_twins(*_columns(found)) for name, found in rows.items()}


def _columns(rows: list[dict[str, str]]) -> Seen:
    box = np.array([[float(r[k]) for k in ("x1", "y1", "x2", "y2")] for r in rows], np.float32) + RETINANET_SHIFT
    scores = np.zeros((len(rows), len(LABELS)), np.float32)
    scores[np.arange(len(rows)), [LABELS.index(r["type"]) for r in rows]] = [
        float(r["percentage_probability"]) / 100 for r in rows
    ]
    return box, scores


def _without_twins(box: Array, scores: Array) -> Seen:
    """Drop the weaker of two boxes of a group that name one object twice."""
    best, group = scores.max(1), group_of(scores)
    rival = (iou(box, box) > 0.6) & (group[:, None] == group) & (best[:, None] < best)
    kept = ~rival.any(1)
    return box[kept], scores[kept]


def join(
    ours: Seen, theirs: Seen, overlap: float, both: Callable[[float, float], float], alone: tuple[float, float]
) -> Seen:
    """Join two teachers' views of one still.

    Pairs of a group that overlap get the score-weighted mean box and the score `both` gives; what
    one teacher alone saw keeps the share `alone` of its score.
    """
    (a, sa), (b, sb) = ours, theirs
    shares = iou(a, b) * (group_of(sa)[:, None] == group_of(sb))
    box, scores, used = a.copy(), sa * np.float32(alone[0]), np.zeros(len(b), bool)
    for i in np.argsort(-sa.max(1, initial=0)):
        free = np.where(used, 0, shares[i])
        if not len(b) or free.max() <= overlap:
            continue
        j = int(free.argmax())
        used[j] = True
        x, y = float(sa[i].max()), float(sb[j].max())
        box[i] = (a[i] * x + b[j] * y) / (x + y)
        scores[i] = sa[i] / x * min(1.0, both(x, y))
    return np.concatenate([box, b[~used]]), np.concatenate([scores, sb[~used] * np.float32(alone[1])])


def with_retinanet(seen: dict[str, Seen], folder: Path) -> dict[str, Seen]:
    """Join what NanoDet saw with RetinaNet's boxes where there are any."""
    original = read_retinanet(folder)
    both = lambda x, y: max(x, y) + 0.15  # noqa: E731
    return {n: join(s, original[n], 0.45, both, (1.0, 0.95)) if n in original else s for n, s in seen.items()}


def with_student(seen: dict[str, Seen], student: dict[str, Seen]) -> dict[str, Seen]:
    """Join the teachers' view with the student's own of the round before."""
    both = lambda x, y: 0.75 * max(x, y) + 0.25 * min(x, y) + 0.06  # noqa: E731
    return {n: join(s, _rescored(student[n]), 0.5, both, (0.8, 0.85)) if n in student else s for n, s in seen.items()}


def _rescored(seen: Seen) -> Seen:
    box, scores = seen
    best = scores.max(1, keepdims=True)
    return box, np.asarray(scores * np.interp(best, *STUDENT_SCORE) / np.maximum(best, 1e-6), np.float32)


def label(stills: list[Still], seen: dict[str, Seen]) -> dict[str, Boxes]:
    """Decide for every box seen whether it is an object, unknown, or nothing."""
    cameras = defaultdict(list)
    for still in stills:
        cameras[still.camera].append(still)
    return {name: boxes for group in cameras.values() for name, boxes in _label_camera(group, seen, cameras).items()}


def _label_camera(stills: list[Still], seen: dict[str, Seen], cameras: dict[str, list[Still]]) -> dict[str, Boxes]:
    domain = stills[0].domain
    found = [_worth_a_thought(*seen[s.name]) for s in stills]
    repeated = _repeated(stills, [b for b, _ in found], seen, cameras)
    masks = moving([s.image for s in stills]) if domain in ("fdr", "clip") else [None] * len(stills)
    return {
        s.name: _decide(box, scores, again, mask, domain)
        for s, (box, scores), again, mask in zip(stills, found, repeated, masks, strict=True)
    }


def _worth_a_thought(box: Array, scores: Array) -> Seen:
    kept = scores.max(1, initial=0) >= UNSURE[group_of(scores)] - 0.1
    return box[kept], scores[kept]


def _repeated(
    stills: list[Still], boxes: list[Array], seen: dict[str, Seen], cameras: dict[str, list[Still]]
) -> list[Array]:
    """Return how persistently each box is seen at its place; a clip is compared with the day's stills."""
    domain = stills[0].domain
    if domain in ("fdr", "london-24h") and len(stills) > 20:
        return persistence(boxes, gap=12 if domain == "fdr" else 3)
    day = cameras.get("london-24h/" + stills[0].name.split("_")[0], []) if domain == "clip" else []
    places = [b[s.max(1, initial=0) >= UNSURE[0]] for b, s in (seen[d.name] for d in day)]
    share = lambda box: np.mean([(iou(box, p) > 0.6).any(1) for p in places], 0)  # noqa: E731
    return [np.asarray(share(b) if places else np.zeros(len(b)), np.float32) for b in boxes]


def _decide(box: Array, scores: Array, repeated: Array, mask: NDArray[np.bool_] | None, domain: str) -> Boxes:
    best, group = scores.max(1, initial=0), group_of(scores)
    weaker = (overlap_of_smaller(box, box) > 0.72) & (group[:, None] == group) & (best[:, None] < best)
    nested, score = weaker.any(1), best.copy()
    if mask is not None:
        inside, around = filled(mask, box), ring(mask, box)
        fits = (inside > 0.45) & (around < 0.5 * inside) & ~nested & (best > 0.25)
        score += 0.16 * fits
        repeated = np.where((inside < 0.1) | (domain != "fdr"), repeated, 0)
    doubt, wrong = STANDING[domain == "fdr"]
    unsure = (score < SURE[group]) | ((repeated > 0.1) & (best < doubt)) | nested
    kept = (score >= UNSURE[group]) & ~((repeated > 0.25) & (best < wrong))
    found = Boxes(box[kept], shares_of_types(scores[kept]), unsure[kept])
    return found if mask is None or domain != "clip" else _and_whatever_moves(found, mask)


def _and_whatever_moves(found: Boxes, mask: NDArray[np.bool_]) -> Boxes:
    """Ignore large moving regions that no teacher explained, unless half the scene moves."""
    extra = unexplained(mask, found.box, 150) if mask.mean() < 0.25 else np.zeros((0, 4), np.float32)
    types = np.tile(np.eye(len(LABELS), dtype=np.float32)[0], (len(extra), 1))
    return Boxes(
        np.concatenate([found.box, extra]),
        np.concatenate([found.types, types]),
        np.append(found.ignored, np.ones(len(extra), bool)),
    )


def shares_of_types(scores: Array) -> Array:
    """Sharpen scores (N, 6) into shares of the types of each row's own group."""
    mask = np.zeros_like(scores)
    for number, group in enumerate(GROUPS):
        mask[group_of(scores) == number, group] = 1
    sharp = scores**2 * mask
    return np.asarray(sharp / np.maximum(sharp.sum(1, keepdims=True), 1e-9), np.float32)


def resized(image: Image, scale: float) -> Image:
    """Scale a still with the interpolation that suits the direction."""
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return image if scale == 1 else np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
