"""The camera network: cameras and the ways between them, read from TOML text and written as such."""

from __future__ import annotations

from cctview.network.cameras import CameraNetwork, Link
from cctview.network.reading import load_network, parse_network
from cctview.network.writing import network_toml

__all__ = ["CameraNetwork", "Link", "load_network", "network_toml", "parse_network"]
