"""Links between cameras from tracklets alone: found, turned into a network, and held against one that was written."""

from __future__ import annotations

from cctview.discovery.checking import Verdict, checked, told_way, words_of
from cctview.discovery.clocks import Clock
from cctview.discovery.finding import Discovery, FoundLink, discover
from cctview.discovery.flows import busiest
from cctview.discovery.learnt import learnt_network, said_network
from cctview.discovery.priors import DiscoveryPriors

__all__ = [
    "Clock",
    "Discovery",
    "DiscoveryPriors",
    "FoundLink",
    "Verdict",
    "busiest",
    "checked",
    "discover",
    "learnt_network",
    "said_network",
    "told_way",
    "words_of",
]
