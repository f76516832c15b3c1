"""From a name to a store: a path is a folder of LanceDB tables, ``KIND:NAME`` whatever is installed as that kind."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from cctview.plugins import load_plugin
from cctview.privacy import Policy
from cctview.seams import Store
from cctview.store.checking import Checked

__all__ = ["Kind", "check_store", "create_store", "open_store"]


class Kind(Protocol):
    """What an entry point of the group ``cctview.stores`` names: usually the class of the store itself."""

    def create(self, where: str, policy: Policy) -> Store:
        """Make an empty store, or open the one there under the same policy; raise PolicyError for another one."""
        ...

    def open(self, where: str, *, write: bool) -> Store:
        """Open the store there; raise StoreNotFoundError when there is none."""
        ...

    def check(self, where: str, *, repair: bool) -> Checked:
        """Look at all of the store there, and on request take out what is damaged; see ``check_store``."""
        ...


def create_store(path: str | Path, policy: Policy) -> Store:
    """Make an empty store, or open the one there under the same policy.

    ``path`` is a new or empty folder, or ``KIND:NAME`` such as ``memory:trial``. Raise StoreError for
    a file or a folder that holds something else, PolicyError for a store under another policy,
    InputError for a kind that is not installed.
    """
    kind, where = _kind(path)
    return kind.create(where, policy)


def open_store(path: str | Path, *, write: bool = False) -> Store:
    """Open a store; raise StoreNotFoundError when there is none, StoreError when it cannot be used."""
    kind, where = _kind(path)
    return kind.open(where, write=write)


def check_store(path: str | Path, *, repair: bool = False) -> Checked:
    """Look at all of a store: files, checksums, rows, references, stills, network, policy, key, log.

    With ``repair`` what cannot be read is taken out, ``lost`` says what that was, and the store is looked at again: it
    can then be read and written to. Raise StoreNotFoundError when there is none.
    """
    kind, where = _kind(path)
    return kind.check(where, repair=repair)


def _kind(path: str | Path) -> tuple[Kind, str]:
    """Return what makes and opens stores of this kind, and the rest of the name; a drive's letter is no kind."""
    kind, colon, rest = str(path).partition(":")
    named = isinstance(path, str) and colon and len(kind) > 1 and kind.isidentifier() and not Path(path).exists()
    return (load_plugin("stores", kind), rest) if named else (load_plugin("stores", "lance"), str(path))
