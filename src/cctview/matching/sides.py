"""The two sides of a link: which tracklets of a camera may travel it, and what each shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.geometry import passing_time, turn_deg
from cctview.matching.priors import PRIORS
from cctview.matching.settings import MatchSettings
from cctview.matching.traits import Trait, height_of, lane_of
from cctview.network import CameraNetwork, Link
from cctview.road.flow import ways
from cctview.types import Tracklets

__all__ = ["KINDS", "Side", "expected_heading", "side_of", "with_looks"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

_OPPOSITE = {"towards": "away", "away": "towards"}
KINDS = PRIORS.kinds
_FEWEST_LIT = 3  # two vectors less their mean are opposites, whatever they show


@dataclass(frozen=True, eq=False, kw_only=True)
class Side:
    """The tracklets at one end of a link that may travel it, in time order.

    ``here`` points into the tracklets, at all of the camera's, and ``keep`` at those of ``here`` that
    are on this side; ``time`` (s) is when each was nearest to the camera; ``kind`` is the third of them
    it belongs to by quality; ``vector`` is centred on its camera; ``height`` and ``lane`` are normal
    scores, NaN where not known.
    """

    here: Ints
    keep: Ints
    time: Floats
    kind: Ints
    vector: Floats
    quality: Floats
    height: Floats
    lane: Floats

    def __len__(self) -> int:
        return len(self.keep)

    @property
    def row(self) -> Ints:
        """Where each stands among the tracklets, ``(N,)``."""
        return self.here[self.keep]


def side_of(tracklets: Tracklets, camera: str, way: str | None, settings: MatchSettings) -> Side:
    """Return the tracklets of ``camera`` that do not go against ``way`` and show enough of a vehicle.

    The least quality is a share of what the camera shows at its best.
    """
    here = np.flatnonzero(tracklets.camera == camera)
    here = here[np.lexsort((tracklets.id[here], passing_time(tracklets[here])))]
    own = tracklets[here]
    least = settings.min_quality * float(np.quantile(own.quality, PRIORS.best_quality)) if len(own) else 0.0
    going = ways(own, PRIORS.road) if settings.lanes else own.heading
    keep = np.flatnonzero((own.quality >= least) & (going != _OPPOSITE.get(way or "", "")))
    side = Side(
        here=here,
        keep=keep,
        time=passing_time(own[keep]).astype(np.int64) / 1e9,
        kind=_kinds(own.quality[keep]),
        vector=own.vector[keep],
        quality=own.quality[keep].astype(np.float64),
        height=_score(height_of(own), keep),
        lane=_score(lane_of(own[keep]), np.arange(len(keep))),
    )
    return with_looks(side, tracklets.vector, settings)


def with_looks(side: Side, vectors: NDArray[np.float32], settings: MatchSettings) -> Side:
    """Return the side with other vectors, (T, D) for all tracklets, and the rest as it was learnt."""
    vector: Floats = vectors[side.here].astype(np.float64)
    if settings.light:
        vector = _without_the_hour(vector)
    return replace(side, vector=vector[side.keep].astype(np.float32))


def _score(trait: Trait, rows: Ints) -> Floats:
    return np.where(trait.known, trait.score, np.nan)[rows]


def _kinds(quality: NDArray[np.float32]) -> Ints:
    """Return 0 to KINDS - 1 by rising quality, about as many of each."""
    if not len(quality):
        return np.zeros(0, np.intp)
    return np.searchsorted(np.quantile(quality, np.arange(1, KINDS) / KINDS), quality)


def _without_the_hour(vector: Floats) -> Floats:
    """Return unit vectors after what the vehicles of one camera and these minutes share is taken away.

    They are in order of time.
    """
    count = len(vector)
    if count < _FEWEST_LIT:
        return vector
    total = np.concatenate([np.zeros((1, vector.shape[1])), np.cumsum(vector, axis=0)])
    begin = np.clip(np.arange(count) - PRIORS.light_neighbours, 0, max(count - 2 * PRIORS.light_neighbours - 1, 0))
    end = np.minimum(begin + 2 * PRIORS.light_neighbours + 1, count)
    moved: Floats = vector - (total[end] - total[begin]) / (end - begin)[:, None]
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)


def expected_heading(network: CameraNetwork, camera: str, link: Link) -> str | None:
    """Return how a vehicle on the link looks at a camera: "away", "towards", None where it crosses or nobody said."""
    said = link.leaves if camera == link.origin else link.arrives
    if said:
        return said if said in _OPPOSITE else None
    facing = network.heading(camera)
    if facing is None:
        return None
    turn = turn_deg(link.direction_deg, facing)
    return "away" if turn < PRIORS.away_deg else "towards" if turn > PRIORS.towards_deg else None
