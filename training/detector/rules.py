"""When what a teacher saw counts as an object: thresholds found with the hand-labelled stills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
ALL_GROUPS = (0, 1, 2)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Something that a fixed camera sees again and again at one place, but never surely.

    It holds for boxes seen there in more than `often` of the other stills with a median score below
    `weak`, whose own score is below `own`.
    """

    often: float
    weak: float
    own: float
    groups: tuple[int, ...] = ALL_GROUPS

    def holds(self, share: Array, median: Array, score: Array, group: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return for which boxes (N,) it holds."""
        mine = np.isin(group, self.groups)
        return np.asarray(mine & (share > self.often) & (median < self.weak) & (score < self.own), bool)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What becomes of a box, by its score and its group (vehicles, two-wheelers, people).

    From `sure` it is an object, from `unsure` it is left out of the loss, below that it is nothing.
    `moving` is added for vehicles that fit a moving region. `scenery` is nothing, `doubtful` is
    left out. `types` weigh the scores before they become shares of types.
    """

    sure: tuple[float, float, float]
    unsure: tuple[float, float, float]
    moving: float
    scenery: tuple[Place, ...]
    doubtful: Place
    types: tuple[float, ...] = (1, 1, 1, 1, 1, 1)


FDR, STRANGERS = "fdr", "strangers"
FIRST: Mapping[str, Rules] = {
    FDR: Rules(
        sure=(0.345, 0.33, 0.27),
        unsure=(0.25, 0.24, 0.18),
        moving=0.16,
        scenery=(Place(often=0.25, weak=1.0, own=0.30),),
        doubtful=Place(often=0.1, weak=1.0, own=0.48),
    ),
    STRANGERS: Rules(
        sure=(0.345, 0.33, 0.27),
        unsure=(0.25, 0.24, 0.18),
        moving=0.16,
        scenery=(Place(often=0.25, weak=1.0, own=0.75),),
        doubtful=Place(often=0.1, weak=1.0, own=0.6),
    ),
}
"""For what NanoDet and RetinaNet saw; about two in three of the sure boxes are objects."""
AGAIN: Mapping[str, Rules] = {
    FDR: Rules(
        sure=(0.30, 0.33, 0.22),
        unsure=(0.19, 0.20, 0.10),
        moving=0.0,
        scenery=(
            Place(often=0.15, weak=0.33, own=0.5, groups=(0, 1)),
            Place(often=0.85, weak=0.5, own=1.0, groups=(0, 1)),
        ),
        doubtful=Place(often=0.15, weak=0.33, own=0.5, groups=(2,)),
        types=(1, 0.9, 0.6, 1, 1, 1),
    ),
    STRANGERS: Rules(
        sure=(0.44, 0.36, 0.33),
        unsure=(0.21, 0.20, 0.14),
        moving=0.12,
        scenery=(
            Place(often=0.12, weak=0.42, own=0.6),
            Place(often=0.5, weak=0.6, own=0.75),
            Place(often=0.08, weak=1.0, own=0.7, groups=(1, 2)),
        ),
        doubtful=Place(often=0.12, weak=1.0, own=0.6),
    ),
}
"""For what an earlier detector saw in six looks, joined with the first teachers."""
