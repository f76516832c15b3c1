"""Links from the data at the end of linking: taken where nobody has said any, held against those that somebody has."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cctview.discovery import (
    Discovery,
    Verdict,
    busiest,
    checked,
    discover,
    learnt_network,
    said_network,
    words_of,
)
from cctview.discovery.priors import PRIORS
from cctview.network import CameraNetwork
from cctview.pipeline.report import RunReport, took
from cctview.seams import Store
from cctview.types import Tracklets

__all__ = ["busiest_tracklets", "discovered", "found_in", "said_by_somebody", "verdict_on"]

_HOUR = np.timedelta64(1, "h")


def discovered(store: Store, report: RunReport, again: Callable[[], RunReport]) -> RunReport:
    """Look for links in what was just linked; return the report with what was found, and with what it changed.

    Where nobody has said a link, those found become the store's network, marked as learnt, and everything is linked
    ``again`` along them, if they are not the ones that it was linked along. Where somebody has, nothing is changed.
    """
    start = time.perf_counter()
    said, found = found_in(store)
    seconds = time.perf_counter() - start
    spent = replace(took("discover", seconds), seconds=seconds)
    if said.links:
        verdict = checked(said, found)
        return _told(report + spent, wrong=verdict.wrong, lacks=verdict.lacks)
    network, known = learnt_network(found, said), store.network or CameraNetwork()
    if network.digest != known.digest and (network.links or known.links):
        store.set_network(network)
        report += again()
    return _told(report + spent, learnt=words_of(found))


def said_by_somebody(network: CameraNetwork | None) -> bool:
    """Return whether somebody said a network, so that it is not only what traffic taught."""
    return network is not None and (not network.links or any(not link.learnt for link in network.links))


def found_in(store: Store) -> tuple[CameraNetwork, Discovery]:
    """Return what somebody has said of a store's network, and what its tracklets show on the clocks that it tells."""
    said = said_network(store.network or CameraNetwork())
    return said, discover(said.on_one_clock(busiest_tracklets(store)))


def verdict_on(network: CameraNetwork, store: Store) -> Verdict:
    """Return what the tracklets of a store say of a network."""
    return checked(network, discover(network.on_one_clock(busiest_tracklets(store))))


def busiest_tracklets(store: Store) -> Tracklets:
    """Return the tracklets of the hours with most of them, as many as discovery looks at."""
    stamps = np.asarray(store.columns(Tracklets, ["first_time"])["first_time"].cast("int64"))
    hours = np.unique(stamps[busiest(stamps / 1e9, PRIORS.hours)] // _HOUR.astype("timedelta64[ns]").astype(np.int64))
    begins = hours.astype("datetime64[h]").astype("datetime64[ns]")
    parts = [store.scan(Tracklets, after=begin, before=begin + _HOUR) for begin in begins]
    return Tracklets.concat(parts) if parts else Tracklets.empty()


def _told(
    report: RunReport, *, learnt: str = "", wrong: tuple[str, ...] = (), lacks: tuple[str, ...] = ()
) -> RunReport:
    """Return the report with what was found said of its linking."""
    if report.linking is None:
        return report
    return replace(report, linking=replace(report.linking, learnt=learnt, wrong=wrong, lacks=lacks))
