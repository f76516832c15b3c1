"""The camera network: cameras and the ways between them, read from TOML text and written as such."""

from __future__ import annotations

from cctview.network.cameras import CameraNetwork, Learnt, Link
from cctview.network.reading import COMPASS, load_network, parse_network
from cctview.network.schematic import schematic_places
from cctview.network.writing import network_toml

__all__ = [
    "COMPASS",
    "CameraNetwork",
    "Learnt",
    "Link",
    "load_network",
    "network_toml",
    "parse_network",
    "schematic_places",
]
