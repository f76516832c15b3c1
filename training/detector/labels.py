"""Turn what the teachers saw into labels: join, doubt, and use that the cameras stand still."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.detector.fuse import Seen, iou, overlap_of_smaller
from training.detector.motion import filled, moving, repeated, ring, unexplained
from training.detector.net import GROUPS, LABELS
from training.detector.rules import FDR, STRANGERS, Rules
from training.detector.stills import Still
from training.detector.targets import Boxes

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAST = 0.1
RETINANET_SHIFT = 0.5
STILL = 0.1
"""A box of which a smaller share moves stands still."""


@dataclass(frozen=True, kw_only=True)
class Join:
    """How two views of one still become one.

    Pairs of a group that overlap by `overlap` get the score that `agreed` makes of both; what one
    view alone saw keeps the share `ours` or `theirs` of its score. Their boxes weigh `boxes` times
    their score.
    """

    agreed: Callable[[float, float], float]
    ours: float
    theirs: float
    boxes: float = 1.0
    overlap: float = 0.45


TEACHERS = Join(agreed=lambda x, y: max(x, y) + 0.15, ours=1.0, theirs=0.95)
WITH_RETINANET = Join(agreed=lambda x, y: x + 0.5 * y * (1 - x), ours=1.0, theirs=0.5)
WITH_NANODET = Join(agreed=lambda x, y: x + 0.8 * y * (1 - x), ours=0.8, theirs=0.8, boxes=0.3)


def group_of(scores: Array) -> NDArray[np.intp]:
    """Return the group of each row of scores (N, 6)."""
    return np.stack([scores[:, g].max(1, initial=0) for g in GROUPS], 1).argmax(1)


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


def joined(ours: dict[str, Seen], theirs: dict[str, Seen], how: Join) -> dict[str, Seen]:
    """Join the views of every still that both have; the others stay as they are."""
    return {name: _join(seen, theirs[name], how) if name in theirs else seen for name, seen in ours.items()}


def _join(ours: Seen, theirs: Seen, how: Join) -> Seen:
    (a, sa), (b, sb) = ours, theirs
    shares = iou(a, b) * (group_of(sa)[:, None] == group_of(sb))
    box, scores, used = a.copy(), sa * np.float32(how.ours), np.zeros(len(b), bool)
    for i in np.argsort(-sa.max(1, initial=0)):
        free = np.where(used, 0, shares[i])
        if not len(b) or free.max() <= how.overlap:
            continue
        j = int(free.argmax())
        used[j] = True
        x, y = float(sa[i].max()), float(sb[j].max())
        box[i] = (a[i] * x + b[j] * how.boxes * y) / (x + how.boxes * y)
        scores[i] = sa[i] / x * min(1.0, how.agreed(x, y))
    return np.concatenate([box, b[~used]]), np.concatenate([scores, sb[~used] * np.float32(how.theirs)])


def label(stills: list[Still], seen: dict[str, Seen], rules: Mapping[str, Rules]) -> dict[str, Boxes]:
    """Decide for every box seen whether it is an object, unknown, or nothing."""
    cameras = defaultdict(list)
    for still in stills:
        cameras[still.camera].append(still)
    likely = {still.name: _likely(*seen[still.name]) for still in stills}
    labels: dict[str, Boxes] = {}
    for group in cameras.values():
        labels |= _label_camera(group, likely, cameras, rules[FDR if group[0].domain == FDR else STRANGERS])
    return labels


def _likely(box: Array, scores: Array) -> Seen:
    kept = scores.max(1, initial=0) >= LEAST
    return box[kept], scores[kept]


def _label_camera(
    stills: list[Still], seen: dict[str, Seen], cameras: dict[str, list[Still]], rules: Rules
) -> dict[str, Boxes]:
    domain = stills[0].domain
    found = [seen[s.name] for s in stills]
    masks = moving([s.image for s in stills], window=270) if domain in (FDR, "clip") else [None] * len(stills)
    standing = [_stands(box, mask) for (box, _), mask in zip(found, masks, strict=True)]
    again = _seen_again(stills, found, standing, [seen[s.name] for s in _day_of(stills[0], cameras)])
    return {
        still.name: _decide(*view, stands, *places, mask, rules, domain)
        for still, view, stands, places, mask in zip(stills, found, standing, again, masks, strict=True)
    }


def _stands(box: Array, mask: Mask | None) -> NDArray[np.bool_]:
    return np.ones(len(box), bool) if mask is None else filled(mask, box) < STILL


def _day_of(still: Still, cameras: dict[str, list[Still]]) -> list[Still]:
    """Return the stills of the whole day that a clip's scenery is to be known from."""
    return cameras.get("london-24h/" + still.name.split("_")[0], []) if still.domain == "clip" else []


def _seen_again(
    stills: list[Still], found: list[Seen], standing: list[NDArray[np.bool_]], day: list[Seen]
) -> list[tuple[Array, Array]]:
    """Return share and median score with which each box is seen at its place in other stills; 0 for what moves."""
    domain = stills[0].domain
    places = [(b[k], s[k].max(1, initial=0)) for (b, s), k in zip(found, standing, strict=True)]
    if domain in (FDR, "london-24h") and len(stills) > 20:
        counted = repeated([b for b, _ in places], places, gap=36 if domain == FDR else 3)
    else:
        known = [(b, s.max(1, initial=0)) for b, s in day]
        counted = repeated([b for b, _ in places], known or [places[0]], gap=0 if day else 1)
    return [_spread(c, k) for c, k in zip(counted, standing, strict=True)]


def _spread(counted: tuple[Array, Array], at: NDArray[np.bool_]) -> tuple[Array, Array]:
    out = np.zeros((2, len(at)), np.float32)
    out[:, at] = counted
    return out[0], out[1]


def _decide(
    box: Array,
    scores: Array,
    stands: NDArray[np.bool_],
    share: Array,
    median: Array,
    mask: Mask | None,
    rules: Rules,
    domain: str,
) -> Boxes:
    best, group = scores.max(1, initial=0), group_of(scores)
    weaker = (overlap_of_smaller(box, box) > 0.72) & (group[:, None] == group) & (best[:, None] < best)
    nested = weaker.any(1)
    score = np.where(nested, 0.5, 1.0) * best
    if mask is not None:
        inside = filled(mask, box)
        score += rules.moving * ((inside > 0.45) & (ring(mask, box) < 0.5 * inside) & ~nested & (best > 0.25))
    holds = [place.holds(share, median, best, group) for place in (*rules.scenery, rules.doubtful)]
    scenery, doubtful = np.any(holds[:-1], axis=0) & stands, holds[-1] & stands
    score[scenery] = 0
    kept, unsure = score >= np.take(rules.unsure, group), (score < np.take(rules.sure, group)) | doubtful
    types = shares_of_types(scores[kept] * np.array(rules.types, np.float32))
    labels = Boxes(box[kept], types, unsure[kept])
    return labels if mask is None or domain != "clip" else _and_whatever_moves(labels, mask)


def _and_whatever_moves(found: Boxes, mask: Mask) -> Boxes:
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
