"""The rule of the original demonstration: whoever looks most alike is the same vehicle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError
from cctview.geometry import passing_time
from cctview.matching.pairs import distances, meetings
from cctview.matching.ranking import ranked
from cctview.network import CameraNetwork, Link
from cctview.types import Matches, Tracklets

__all__ = ["NearestMatcher", "NearestSettings"]

Floats = NDArray[np.floating[Any]]

_VERSION = "1"
_BLOCK = 2000


@dataclass(frozen=True, kw_only=True)
class NearestSettings:
    """How nearest vectors are ranked; raises SettingsError.

    At most ``k`` candidates are kept per query and link. A single candidate at the cosine distance ``limit``
    is as likely as nobody, and ``scale`` further off e times less likely; ``gaps`` looks beyond a camera that
    may have missed the vehicle. ``limit`` was read off one evening without labels, with the belief model as
    yardstick; ``scale`` was set by hand and never measured. The page on matching says more.
    """

    k: int = 10
    limit: float = 0.3
    scale: float = 0.05
    gaps: bool = True

    def __post_init__(self) -> None:
        for name, low, high in (("k", 1, 1000), ("limit", 0.0, 2.0), ("scale", 1e-3, 2.0)):
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise SettingsError(f"setting {name!r} is {value}: choose a value from {low:g} to {high:g}")


@dataclass(frozen=True)
class NearestMatcher:
    """Match each tracklet with those of the next camera that look most like it, as the original demonstration does.

    Every tracklet of the next camera whose lag lies in the link's window is a candidate, and the nearest vector
    wins; nothing is learnt, and nobody hears of the others' choices. The original tells distances and no
    probabilities. Those given here fall with the distance and sum to 1 with "it is not there", as softmax
    weights do; they are not calibrated.
    """

    settings: NearestSettings = field(default_factory=NearestSettings)

    @property
    def meta(self) -> Mapping[str, str]:
        """Method, version and settings, for the ``meta`` of the matches."""
        settings = {f"matcher_{key}": str(value) for key, value in asdict(self.settings).items()}
        return {"matcher": "nearest", "matcher_version": _VERSION, **settings}

    def __call__(self, tracklets: Tracklets, network: CameraNetwork) -> tuple[Matches, Mapping[tuple[str, str], float]]:
        """Return the matches on all links, and each link's longest lag in seconds."""
        meta = {**self.meta, **tracklets.meta}
        links = (*network.links, *(network.skipping() if self.settings.gaps else ()))
        time = passing_time(tracklets)
        ordered = tracklets[np.lexsort((tracklets.id, time))]
        parts = [part for link in links for part in self._matched(ordered, link, meta) if len(part)]
        matches = Matches.concat(parts).sort("query_camera", "camera", "query") if parts else Matches.empty(meta)
        return matches, {(link.origin, link.target): link.max_s for link in links}

    def _matched(self, tracklets: Tracklets, link: Link, meta: Mapping[str, str]) -> list[Matches]:
        """Return the matches of a link in blocks of queries; the tracklets are in order of time."""
        asked, gallery = (tracklets[tracklets.camera == end] for end in (link.origin, link.target))
        if not len(asked) or not len(gallery):
            return []
        came = _seconds(gallery)
        blocks = [asked[start : start + _BLOCK] for start in range(0, len(asked), _BLOCK)]
        return [self._ranked(link, block, gallery, came, meta) for block in blocks]

    def _ranked(
        self, link: Link, asked: Tracklets, gallery: Tracklets, came: Floats, meta: Mapping[str, str]
    ) -> Matches:
        met = meetings(_seconds(asked), came, link.min_s, link.max_s, np.arange(len(asked)))
        apart = distances(asked.vector, gallery.vector, met)
        looks = (self.settings.limit - apart.astype(np.float64)) / self.settings.scale
        weight = np.exp(looks)
        belief = weight / (1 + np.bincount(met.q, weight, len(asked))[met.q])
        return ranked(link, asked.id, gallery.id, met, apart, belief, {"looks": looks}, k=self.settings.k, meta=meta)


def _seconds(tracklets: Tracklets) -> Floats:
    return passing_time(tracklets).astype(np.int64) / 1e9
