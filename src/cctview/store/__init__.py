"""Where frames, detections, embeddings and what is made from them are kept, under a policy."""

from __future__ import annotations

from cctview.store.contract import Admitted, Batch, Derived, Forgotten, Proof
from cctview.store.expiring import Expiry
from cctview.store.filters import COLOURS, Hits, SearchFilters
from cctview.store.opening import create_store, open_store

__all__ = [
    "COLOURS",
    "Admitted",
    "Batch",
    "Derived",
    "Expiry",
    "Forgotten",
    "Hits",
    "Proof",
    "SearchFilters",
    "create_store",
    "open_store",
]
