"""From a path to a store."""

from __future__ import annotations

from pathlib import Path

from cctview.privacy import Policy
from cctview.seams import Store

__all__ = ["create_store", "open_store"]


def create_store(path: str | Path, policy: Policy) -> Store:
    """Make an empty store in a new or empty folder, or open the one there under the same policy.

    Raise StoreError for a file or a folder that holds something else, PolicyError for a store
    under another policy.
    """
    from cctview.store.lance.store import create  # noqa: PLC0415 - LanceDB takes half a second to import

    return create(Path(path), policy)


def open_store(path: str | Path, *, write: bool = False) -> Store:
    """Open a store; raise StoreNotFoundError when there is none, StoreError when it cannot be used."""
    from cctview.store.lance.store import open_existing  # noqa: PLC0415 - LanceDB takes half a second to import

    return open_existing(Path(path), write=write)
