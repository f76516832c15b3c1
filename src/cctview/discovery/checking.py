"""A camera network held against what the data show: what contradicts it, what it lacks, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cctview.discovery.finding import Discovery, FoundLink
from cctview.discovery.priors import PRIORS
from cctview.discovery.timing import window_of
from cctview.geometry import turn_deg
from cctview.network import CameraNetwork, Link

__all__ = ["Verdict", "checked", "told_way", "words_of"]

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What data say of a network: ``wrong`` entries and links it ``lacks``, each as a sentence with evidence and fix.

    ``confirmed`` are its links that data show, ``unseen`` those of which they show nothing: little traffic, or none.
    """

    wrong: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    confirmed: tuple[Pair, ...] = ()
    unseen: tuple[Pair, ...] = ()


def checked(network: CameraNetwork, found: Discovery) -> Verdict:
    """Return what a discovery says of a network whose clocks the tracklets it was made from had been put on.

    Links across cameras without stills count as they are joined.
    """
    present = network.among(found.cameras)
    shown = {(link.origin, link.target): link for link in found.links}
    swapped = _swapped(present, shown)
    if swapped:
        return Verdict(wrong=(swapped,), unseen=tuple((link.origin, link.target) for link in present.links))
    clocks = [_clock(network, found, clock.camera) for clock in found.clocks if clock.ahead_s]
    told = {(link.origin, link.target): link for link in present.links}
    passed = {(link.origin, link.target): link for link in found.through}
    wrong = [sentence for link in present.links for sentence in _contradicted(present, link, shown, passed, told)]
    lacks = [
        _lacking(present, link)
        for pair, link in shown.items()
        if pair not in told and not (pair[::-1] in told and pair[::-1] not in shown)
    ]
    return Verdict(
        wrong=(*clocks, *wrong),
        lacks=tuple(lacks),
        confirmed=tuple(pair for pair in told if pair in shown),
        unseen=tuple(pair for pair in told if pair not in {*shown, *passed} and pair[::-1] not in {*shown} - {*told}),
    )


def told_way(link: FoundLink) -> str:
    """Return a link found in words: its ends, how vehicles drive at them, and how long it takes."""
    timing = link.timing
    seconds = f"{timing.median_s:.0f} s ({max(timing.p10_s, 0):.0f}-{timing.p90_s:.0f})"
    return f"{link.origin} ({link.leaves}) -> {link.target} ({link.arrives}), {seconds}"


def _evidence(link: FoundLink) -> str:
    return f"{link.found} vehicles found again, {link.evidence:.0f} standard deviations above chance"


def _clock(network: CameraNetwork, found: Discovery, camera: str) -> str:
    clock = next(one for one in found.clocks if one.camera == camera)
    sense = "ahead of" if clock.ahead_s > 0 else "behind"
    others = "the camera it is compared with (either may be wrong)" if clock.alone else "the others"
    mended = float(network.clock_s(np.array([camera]))[0]) - clock.ahead_s
    mended = 0.0 if abs(mended) <= PRIORS.clock_sigma * clock.error_s else mended
    return (
        f"clock of {camera}: {abs(clock.ahead_s):.0f} s {sense} {others}, give or take {clock.error_s:.0f} s, as lags "
        f"there and back tell; write clock_s = {mended:.0f}"
    )


def _contradicted(
    network: CameraNetwork,
    link: Link,
    shown: Mapping[Pair, FoundLink],
    passed: Mapping[Pair, FoundLink],
    told: Mapping[Pair, Link],
) -> Iterator[str]:
    """Yield what data say against a link of the network."""
    pair = (link.origin, link.target)
    name = f"link {link.origin} -> {link.target}"
    if pair in shown:
        against = list(_misdriven(network, link, shown[pair], name))
        back = shown.get(pair[::-1])
        if against and back and pair[::-1] not in told and not list(_misdriven(network, link, back, name)):
            yield _reversed(name, back)
            return
        yield from against
        yield from _mistimed(link, shown[pair], name)
    elif pair in passed:
        way = passed[pair]
        yield (
            f"{name}: its traffic passes {way.through} on the way ({way.timing.median_s:.0f} s, {_evidence(way)}); "
            f"write links over {way.through} in its place"
        )
    elif pair[::-1] in shown and pair[::-1] not in told:
        yield _reversed(name, shown[pair[::-1]])


def _reversed(name: str, back: FoundLink) -> str:
    return f"{name}: its traffic goes the other way, {told_way(back)}: {_evidence(back)}; swap from and to"


def _misdriven(network: CameraNetwork, link: Link, found: FoundLink, name: str) -> Iterator[str]:
    """Yield what is said against how a link is driven: vehicles are seen from the wrong side."""
    driven = {found.origin: found.leaves, found.target: found.arrives}
    for camera in (link.origin, link.target):
        expected, seen = _expected(network, link, camera), driven[camera]
        if expected in _AGAINST and seen == _AGAINST[expected]:
            yield (
                f"{name}: vehicles at {camera} are seen from the {_SIDE[seen]}, not from the {_SIDE[expected]}: "
                f"{_evidence(found)}; turn the heading of {camera} or the direction of the link round"
            )


_SIDE = {"towards": "front", "away": "back"}
_AGAINST = {"towards": "away", "away": "towards"}


def _expected(network: CameraNetwork, link: Link, camera: str) -> str:
    """Return how vehicles on a link drive at a camera as the network has it, empty where it does not say."""
    said = link.leaves if camera == link.origin else link.arrives
    facing = network.heading(camera)
    if said or facing is None:
        return said
    turn = turn_deg(link.direction_deg, facing)
    return "away" if turn < PRIORS.along_deg else "towards" if turn > 180 - PRIORS.along_deg else ""


def _mistimed(link: Link, found: FoundLink, name: str) -> Iterator[str]:
    timing, (low, high) = found.timing, window_of(found.timing, PRIORS)
    if not link.min_s <= timing.median_s <= link.max_s:
        yield (
            f"{name}: it takes {timing.median_s:.0f} s ({timing.p10_s:.0f}-{timing.p90_s:.0f}), not {link.min_s:.0f} "
            f"to {link.max_s:.0f} s: {_evidence(found)}; write min_s = {low:.0f} and max_s = {high:.0f}, or mend its "
            "length or a clock"
        )


def _lacking(network: CameraNetwork, link: FoundLink) -> str:
    path = _path(network.links, link)
    if path:
        return f"{told_way(link)}: a way past {', '.join(path)}, or it misses many vehicles there: {_evidence(link)}"
    return f"{told_way(link)}: {_evidence(link)}"


def _path(links: Iterable[Link], found: FoundLink) -> list[str]:
    """Return the cameras between the ends of a link found on a path of two links, empty where there is none."""
    ways = {(link.origin, link.target) for link in links}
    return [b for a, b in ways if a == found.origin and (b, found.target) in ways][:1]


def _swapped(network: CameraNetwork, shown: Mapping[Pair, FoundLink]) -> str:
    """Return a sentence about two cameras that explain what is seen far better when their names are exchanged."""
    told = {(link.origin, link.target) for link in network.links}
    agreed = len(told & shown.keys())
    best, least = "", agreed + max(2, len(told) // 3)
    for a, b in combinations(sorted({end for pair in (*told, *shown) for end in pair}), 2):
        other = {a: b, b: a}
        now = len({(other.get(x, x), other.get(y, y)) for x, y in told} & shown.keys())
        if now >= least:
            best, least = _exchange(a, b, now, agreed, len(told)), now + 1
    return best


def _exchange(a: str, b: str, now: int, before: int, links: int) -> str:
    return (
        f"cameras {a} and {b} look exchanged: with their names the other way round data show {now} of {links} links, "
        f"as it is {before}; exchange their ids"
    )


def words_of(found: Discovery) -> str:
    """Return what was found as one sentence for a summary."""
    links = found.links
    if not links:
        return f"no link shows among {len(found.cameras)} cameras in {found.minutes:.1f} minutes"
    cameras = {end for link in links for end in (link.origin, link.target)}
    several = "s" if len(links) > 1 else ""
    told = [f"{told_way(link)}, {'sure' if link.sure else 'likely'}" for link in links]
    return f"found {len(links)} link{several} among {len(cameras)} cameras: {'; '.join(told)}"
