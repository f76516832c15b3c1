"""How long work tells whoever watches how far it is."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Say how far a stage is; ``total`` is None where nobody can know."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report ``done`` of ``total`` in ``stage``."""
        ...


def silent(stage: str, done: int, total: int | None) -> None:
    """Report to nobody."""
