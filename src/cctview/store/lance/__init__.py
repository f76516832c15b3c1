"""The store in a folder of LanceDB tables: nothing outside this package imports LanceDB."""

from __future__ import annotations

from cctview.store.lance.store import LanceStore

__all__ = ["LanceStore"]
