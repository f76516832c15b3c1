"""Where frames, detections, embeddings and what is made from them are kept, under a policy."""

from __future__ import annotations

from cctview.store.checking import Checked, Finding
from cctview.store.contract import Admitted, Batch, Derived, Forgotten, Proof
from cctview.store.expiring import Expiry
from cctview.store.filters import COLOURS, Hits, SearchFilters
from cctview.store.opening import check_store, create_store, open_store

__all__ = [
    "COLOURS",
    "Admitted",
    "Batch",
    "Checked",
    "Derived",
    "Expiry",
    "Finding",
    "Forgotten",
    "Hits",
    "Proof",
    "SearchFilters",
    "check_store",
    "create_store",
    "open_store",
]
