"""What was found, as a camera network: links marked as learnt, beside what somebody has said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cctview.discovery.finding import Discovery, FoundLink
from cctview.discovery.priors import PRIORS, DiscoveryPriors
from cctview.discovery.timing import window_of
from cctview.geometry import ground_distance_m
from cctview.network import CameraNetwork, Learnt, Link
from cctview.types import Cameras

__all__ = ["learnt_network", "said_network"]

_TURN_DEG = {"away": 0.0, "towards": 180.0, "right": 90.0, "left": 270.0}


def said_network(network: CameraNetwork) -> CameraNetwork:
    """Return what somebody has said of a network: without the links, clocks and headings that data told."""
    learnt = [link for link in network.links if link.learnt]
    if not learnt:
        return network
    alone = ~network.cameras.placed & ~network.cameras.aimed
    cameras = network.cameras.replace(
        heading_deg=np.where(network.cameras.aimed, network.cameras.heading_deg, 0.0).astype(np.float32),
        clock_s=np.where(alone, 0.0, network.cameras.clock_s),
    )
    return replace(network, cameras=cameras, links=tuple(link for link in network.links if not link.learnt))


def learnt_network(
    found: Discovery, said: CameraNetwork | None = None, priors: DiscoveryPriors = PRIORS
) -> CameraNetwork:
    """Return a network with the links found, each marked as learnt with its evidence.

    What somebody has ``said`` stays: cameras, places, headings, time zone, links. A camera that nobody has named gets
    an entry without a place, and a clock where that was found wrong; a heading where nobody said one is told against
    the other cameras of its road only, so that directions of links agree.
    """
    known = said or CameraNetwork()
    cameras = _cameras(found, known)
    pairs = {(link.origin, link.target) for link in known.links}
    links = [link for link in found.links if (link.origin, link.target) not in pairs]
    cameras = _turned(cameras, found.links)
    new = tuple(_link(link, cameras, priors) for link in links)
    return replace(known, cameras=cameras, links=(*known.links, *new))


def _cameras(found: Discovery, known: CameraNetwork) -> Cameras:
    """Return the known cameras and the others that have vehicles."""
    names = [name for name in found.cameras if name not in known.cameras.id]
    blank = np.zeros(len(names))
    others = Cameras(
        id=np.array(names, np.str_),
        name=np.array(names, np.str_),
        lon=blank,
        lat=blank,
        heading_deg=blank.astype(np.float32),
        interval_s=blank.astype(np.float32),
        clock_s=np.array([round(found.clock_s(name), 1) + 0.0 for name in names]),
        placed=np.zeros(len(names), np.bool_),
        aimed=np.zeros(len(names), np.bool_),
    )
    return Cameras.concat([known.cameras.replace(), others]) if len(known.cameras) else others


def _turned(cameras: Cameras, links: Sequence[FoundLink]) -> Cameras:
    """Return the cameras with headings, where nobody said one, that agree with how vehicles drive on the links."""
    names, heading = cameras.id.tolist(), cameras.heading_deg.astype(np.float64)
    known = cameras.aimed.copy()
    while True:
        step = next(_steps(names, heading, known, links), None)
        if step is None:
            left = np.flatnonzero(~known)
            if not len(left):
                return cameras.replace(heading_deg=heading.astype(np.float32))
            step = (int(left[0]), 0.0)
        heading[step[0]], known[step[0]] = step[1], True


def _steps(
    names: Sequence[str], heading: NDArray[np.float64], known: NDArray[np.bool_], links: Sequence[FoundLink]
) -> Iterator[tuple[int, float]]:
    """Yield the row and the heading of cameras that are told by a neighbour, the surest link first."""
    for link in sorted(links, key=lambda link: -link.evidence):
        a, b = names.index(link.origin), names.index(link.target)
        if known[a] and not known[b]:
            yield b, float(heading[a] + _TURN_DEG[link.leaves] - _TURN_DEG[link.arrives]) % 360
        if known[b] and not known[a]:
            yield a, float(heading[b] + _TURN_DEG[link.arrives] - _TURN_DEG[link.leaves]) % 360


def _link(link: FoundLink, cameras: Cameras, priors: DiscoveryPriors) -> Link:
    timing = link.timing
    a, b = (int(np.flatnonzero(cameras.id == end)[0]) for end in (link.origin, link.target))
    placed = bool(cameras.placed[[a, b]].all())
    points = (cameras.lon[a], cameras.lat[a], cameras.lon[b], cameras.lat[b])
    low, high = window_of(timing, priors)
    return Link(
        origin=link.origin,
        target=link.target,
        direction_deg=float(cameras.heading_deg[a] + _TURN_DEG[link.leaves]) % 360,
        metres=round(float(ground_distance_m(*points)) if placed else priors.usual_mps * max(timing.median_s, 0.5), 1),
        min_s=round(low, 1),
        max_s=round(high, 1),
        leaves=link.leaves,
        arrives=link.arrives,
        measured=placed,
        learnt=Learnt(
            median_s=round(max(timing.median_s, 0.0), 1),
            p10_s=round(max(timing.p10_s, 0.0), 1),
            p90_s=round(max(timing.p90_s, 0.0), 1),
            share=round(link.share, 3),
            evidence=round(link.evidence, 1),
            probability=link.probability,
        ),
    )
