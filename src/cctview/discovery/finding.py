"""Links from tracklets alone: which flows exchange vehicles, in which direction, and how long the way takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cctview.discovery.clocks import Apart, Clock, apart_of, clocks_of
from cctview.discovery.coarse import likely_pairs
from cctview.discovery.flows import Flow, flows_of
from cctview.discovery.lags import Lags, Peak, alike_lags, mutual_lags, peaks_of
from cctview.discovery.priors import PRIORS, DiscoveryPriors
from cctview.discovery.timing import Timing, timing_of
from cctview.types import Tracklets

__all__ = ["Discovery", "FoundLink", "discover"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Pair = tuple[int, int]

_TWO = 2  # cameras, at least, to be linked
_OPPOSITE = {"towards": "away", "away": "towards", "right": "left", "left": "right"}


@dataclass(frozen=True, kw_only=True)
class FoundLink:
    """Traffic that goes from one camera to another, as look-alikes tell.

    ``leaves`` and ``arrives`` say how vehicles on it drive at either camera: towards it, away from it, or across the
    view to the right or the left. ``timing`` is how long it takes, ``share`` of the vehicles that left so many were
    found again, at least. ``evidence`` is in standard deviations above chance; ``false_rate`` the share of false
    links among those that are no surer. ``through`` names the camera that traffic passes on the way, where the way
    is the sum of two links; such a way is no link.
    """

    origin: str
    target: str
    leaves: str
    arrives: str
    timing: Timing
    share: float
    found: int
    evidence: float
    false_rate: float
    through: str = ""

    @property
    def probability(self) -> float:
        """How probable it is that traffic goes this way, 0 to 1."""
        return 1.0 - self.false_rate

    @property
    def sure(self) -> bool:
        """Whether hardly one in a thousand such links is false."""
        return self.false_rate < PRIORS.sure


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """What was looked at, and what was found: ``links``, and ways ``through`` other cameras that explain them.

    ``clocks`` tells those cameras' clocks that traffic in both directions compares; the lags and travel times of links
    are those of true clocks. ``flows`` counts the directions of cameras with vehicles enough; ``tried`` the pairs of
    them; ``quiet`` names the
    cameras without any; ``minutes`` is how long a time was looked at.
    """

    links: tuple[FoundLink, ...] = ()
    through: tuple[FoundLink, ...] = ()
    cameras: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    clocks: tuple[Clock, ...] = ()
    flows: int = 0
    tried: int = 0
    minutes: float = 0.0

    def clock_s(self, camera: str) -> float:
        """Return the seconds to add to a camera's stamps so that its clock tells what most others do."""
        return next((-clock.ahead_s for clock in self.clocks if clock.camera == camera), 0.0)


class _Way(NamedTuple):
    """A peak of two flows, from the one that saw the vehicles first to the other; ``lag_s`` is not negative."""

    ends: Pair
    lag_s: float
    peak: Peak
    false_rate: float


def discover(tracklets: Tracklets, priors: DiscoveryPriors = PRIORS) -> Discovery:
    """Return the links that the tracklets of all cameras show, without a word about the road.

    For each pair of cameras and of directions, look-alikes are counted by lag; what chance gives is told by the same
    two time-shifted against each other. The p-value of a pair is that of its best lag and width (Bonferroni), and
    over all pairs tried the share of false links is controlled by the step-up of Benjamini and Hochberg (1995) at
    ``priors.false_share``. A second round looks for side roads among the vehicles that no link of the first explains,
    under the same control. A lag that is the sum of two links' is a way through the camera between them. Two
    directions of one camera pair at one lag are one link and its echo, from vehicles whose direction was misjudged.
    """
    flows = flows_of(tracklets, priors)
    cameras = tuple(np.unique(tracklets.camera).tolist())
    quiet = tuple(sorted(set(cameras) - {flow.camera for flow in flows}))
    if len({flow.camera for flow in flows}) < _TWO:
        return Discovery(cameras=cameras, quiet=quiet, flows=len(flows))
    span = max(flow.time[-1] for flow in flows) - min(flow.time[0] for flow in flows)
    reach = int(min(priors.reach_s, priors.reach_share * span))
    if reach < priors.least_reach_s:
        return Discovery(cameras=cameras, quiet=quiet, flows=len(flows), minutes=float(span / 60))
    pairs = [(a, b) for a, b in combinations(range(len(flows)), 2) if flows[a].camera != flows[b].camera]
    first = _real(_tried(flows, pairs, reach, priors), len(pairs), priors)
    ways = _without_echoes(flows, first, priors)
    clocks = clocks_of(_apart(flows, ways, priors), priors)
    flows, ways = _on_one_clock(flows, ways, clocks)
    direct, through = _explained(flows, ways, priors)
    rest = _left_over(flows, [*direct, *(way for way, _ in through)], priors)
    second = _seen_beside(flows, rest, ways, reach, priors)
    direct, through = _explained(flows, _without_echoes(flows, [*ways, *second], priors), priors)
    told = [_told(rest if way in second else (flows, flows), way, "", priors) for way in direct]
    passed = [_told(rest if way in second else (flows, flows), way, by, priors) for way, by in through]
    return Discovery(
        links=tuple(sorted(_one_each(told), key=lambda link: (link.origin, link.target))),
        through=tuple(sorted(_one_each(passed), key=lambda link: (link.origin, link.target))),
        cameras=cameras,
        quiet=quiet,
        clocks=tuple(clocks),
        flows=len(flows),
        tried=len(pairs),
        minutes=float(span / 60),
    )


def _apart(flows: Sequence[Flow], ways: Sequence[_Way], priors: DiscoveryPriors) -> list[Apart]:
    """Return how far the clocks of two cameras are apart that the most evident ways compare, driven opposite ways."""
    found: dict[frozenset[str], Apart] = {}
    for n, one in enumerate(ways):
        for other in ways[n + 1 :]:
            a, b = (flows[end] for end in one.ends)
            cameras = frozenset((a.camera, b.camera))
            for lag, _ in _lags_between(flows, [other], one.ends):
                back = {flows[end].camera: flows[end].way for end in other.ends}
                opposite = all(_OPPOSITE.get(flow.way) == back[flow.camera] for flow in (a, b))
                if opposite and cameras not in found:
                    found[cameras] = apart_of(a.camera, b.camera, one.lag_s, lag, priors)
    return list(found.values())


def _on_one_clock(
    flows: Sequence[Flow], ways: Sequence[_Way], clocks: Sequence[Clock]
) -> tuple[list[Flow], list[_Way]]:
    """Return flows and ways as clocks that agree would have told them; a way may turn out to lead the other way."""
    ahead = {clock.camera: clock.ahead_s for clock in clocks}
    turned = []
    for way in ways:
        a, b = (ahead.get(flows[end].camera, 0.0) for end in way.ends)
        lag = way.lag_s - (b - a)
        ends = way.ends if lag >= 0 else way.ends[::-1]
        turned.append(way._replace(ends=ends, lag_s=abs(lag)))
    return [replace(flow, time=flow.time - ahead.get(flow.camera, 0.0)) for flow in flows], turned


class _Tried(NamedTuple):
    ends: Pair
    peaks: list[Peak]


def _tried(flows: Sequence[Flow], pairs: Sequence[Pair], reach: int, priors: DiscoveryPriors) -> list[_Tried]:
    """Return the peaks of each pair of flows that a coarse look does not rule out."""
    free = np.ones(2 * reach + 1, np.bool_)
    likely = likely_pairs(flows, flows, pairs, reach, priors)
    return [_Tried((a, b), peaks_of(alike_lags(flows[a], flows[b], reach, priors), free, priors)) for a, b in likely]


def _real(tried: Sequence[_Tried], count: int, priors: DiscoveryPriors) -> list[_Way]:
    """Return the ways that are held to be real among ``count`` pairs, by rising p-value."""
    best = np.sort([one.peaks[0].p for one in tried if one.peaks])
    rate = np.minimum.accumulate((best * count / np.arange(1, len(best) + 1))[::-1])[::-1]
    ways = []
    for ends, peaks in tried:
        for peak in peaks:
            place = int(np.searchsorted(best, peak.p, side="left"))
            false_rate = float(rate[min(place, len(rate) - 1)]) if place < len(rate) else 1.0
            if false_rate <= priors.false_share:
                a, b = ends if peak.lag_s >= 0 else ends[::-1]
                ways.append(_Way((a, b), abs(peak.lag_s), peak, false_rate))
    return sorted(ways, key=lambda way: (way.peak.p, -way.peak.z))


def _without_echoes(flows: Sequence[Flow], ways: Iterable[_Way], priors: DiscoveryPriors) -> list[_Way]:
    """Return the ways, the most evident first, less those of other directions of the same cameras at about one lag."""
    kept: list[_Way] = []
    for way in sorted(ways, key=lambda way: (way.peak.p, -way.peak.z)):
        lags = _lags_between(flows, kept, way.ends)
        if not any(abs(lag - way.lag_s) <= _slack(one, way, priors) for lag, one in lags):
            kept.append(way)
    return kept


def _lags_between(flows: Sequence[Flow], ways: Iterable[_Way], ends: Pair) -> list[tuple[float, _Way]]:
    """Return the lags of ways between the cameras of two flows, from the first one's to the second one's."""
    there = [flows[end].camera for end in ends]
    found = []
    for way in ways:
        names = [flows[end].camera for end in way.ends]
        if names in (there, there[::-1]):
            found.append((way.lag_s if names == there else -way.lag_s, way))
    return found


def _slack(one: _Way, other: _Way, priors: DiscoveryPriors) -> float:
    """Return by how many seconds the lags of two ways may differ and still be one."""
    return (
        priors.chain_s + priors.chain_share * max(one.lag_s, other.lag_s) + (one.peak.width_s + other.peak.width_s) / 4
    )


def _explained(
    flows: Sequence[Flow], ways: Sequence[_Way], priors: DiscoveryPriors
) -> tuple[list[_Way], list[tuple[_Way, str]]]:
    """Return the ways that no shorter ones add up to, and the others with the camera that they lead through first."""
    direct: list[_Way] = []
    through: list[tuple[_Way, str]] = []
    onward: dict[str, list[tuple[str, float]]] = {}
    for way in sorted(ways, key=lambda way: way.lag_s):
        begin, end = (flows[end].camera for end in way.ends)
        by = _by(onward, begin, end, way.lag_s, _slack(way, way, priors))
        if by:
            through.append((way, by))
        else:
            direct.append(way)
            onward.setdefault(begin, []).append((end, way.lag_s))
    return direct, through


def _by(onward: Mapping[str, Sequence[tuple[str, float]]], begin: str, end: str, lag_s: float, slack_s: float) -> str:
    """Return the first camera on a path of two ways or more that takes about so long, empty where there is none."""
    paths: list[tuple[tuple[str, ...], float]] = [
        ((begin, camera), lag) for camera, lag in onward.get(begin, ()) if camera != end
    ]
    while paths:
        path, spent = paths.pop()
        for camera, lag in onward.get(path[-1], ()):
            total = spent + lag
            if camera == end and abs(total - lag_s) <= slack_s:
                return path[1]
            if camera not in (*path, end) and total <= lag_s + slack_s:
                paths.append(((*path, camera), total))
    return ""


def _left_over(flows: Sequence[Flow], known: Sequence[_Way], priors: DiscoveryPriors) -> tuple[list[Flow], list[Flow]]:
    """Return the vehicles of each flow of which no known way tells where they went, and where they came from."""
    leaving = [np.ones(len(flow), np.bool_) for flow in flows]
    coming = [np.ones(len(flow), np.bool_) for flow in flows]
    for way in known:
        window = (way.lag_s - way.peak.width_s, way.lag_s + way.peak.width_s)
        left, came = mutual_lags(flows[way.ends[0]], flows[way.ends[1]], window, priors)
        leaving[way.ends[0]][left], coming[way.ends[1]][came] = False, False
    left_over, came_over = (
        [flow.rows(rows) for flow, rows in zip(flows, kept, strict=True)] for kept in (leaving, coming)
    )
    return left_over, came_over


def _seen_beside(
    flows: Sequence[Flow],
    rest: tuple[Sequence[Flow], Sequence[Flow]],
    known: Sequence[_Way],
    reach: int,
    priors: DiscoveryPriors,
) -> list[_Way]:
    """Return the ways that the vehicles show which are left over, at lags where no way is known yet."""
    queries, gallery = rest
    pairs = [
        (a, b)
        for a, b in permutations(range(len(flows)), 2)
        if flows[a].camera != flows[b].camera and min(len(queries[a]), len(gallery[b])) >= priors.fewest
    ]
    tried = []
    for a, b in likely_pairs(queries, gallery, pairs if known else [], reach, priors):
        lags = alike_lags(queries[a], gallery[b], reach, priors)
        free = lags.lag_s > 0
        for lag, way in _lags_between(flows, known, (a, b)):
            free &= np.abs(lags.lag_s - lag) > _slack(way, way, priors)
        lags = Lags(lags.alike * (free | (lags.lag_s <= 0)), lags.pairs)
        tried.append(_Tried((a, b), peaks_of(lags, free, priors)))
    return _real(tried, len(pairs), priors)


def _told(sides: tuple[Sequence[Flow], Sequence[Flow]], way: _Way, through: str, priors: DiscoveryPriors) -> FoundLink:
    """Return what is to be told of a way: how long it takes, and how many vehicles were found again."""
    one, other = (flows[end] for flows, end in zip(sides, way.ends, strict=True))
    timing, found = timing_of(one, other, way.lag_s, way.peak.width_s, priors)
    return FoundLink(
        origin=one.camera,
        target=other.camera,
        leaves=one.way,
        arrives=other.way,
        timing=timing,
        share=min(1.0, found / len(one)),
        found=round(found),
        evidence=way.peak.z,
        false_rate=way.false_rate,
        through=through,
    )


def _one_each(links: Sequence[FoundLink]) -> list[FoundLink]:
    """Return the most evident link from each camera to each other."""
    best: dict[tuple[str, str], FoundLink] = {}
    for link in sorted(links, key=lambda link: -link.evidence):
        best.setdefault((link.origin, link.target), link)
    return list(best.values())
