"""cctview: vehicle journeys across public traffic cameras.

The public names live in the modules named below and are imported on first use, so that importing
the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cctview.detect import load_detector as load_detector
    from cctview.embed import load_embedder as load_embedder
    from cctview.errors import CctviewError as CctviewError
    from cctview.network import load_network as load_network
    from cctview.pipeline import run as run
    from cctview.privacy import Policy as Policy
    from cctview.sources import open_source as open_source
    from cctview.store import create_store as create_store
    from cctview.store import open_store as open_store

_HOME = {
    "CctviewError": "errors",
    "Policy": "privacy",
    "create_store": "store",
    "load_detector": "detect",
    "load_embedder": "embed",
    "load_network": "network",
    "open_source": "sources",
    "open_store": "store",
    "run": "pipeline",
}
__all__ = [
    "CctviewError",
    "Policy",
    "create_store",
    "load_detector",
    "load_embedder",
    "load_network",
    "open_source",
    "open_store",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'cctview' has no attribute {name!r}")
    return getattr(import_module(f"cctview.{_HOME[name]}"), name)
