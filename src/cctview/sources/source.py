"""What a source yields beside frames."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Known", "Skipped"]


@dataclass(frozen=True)
class Skipped:
    """One still that cannot be used: where it is, and why."""

    where: str
    reason: str


@dataclass(frozen=True)
class Known:
    """A still that is stored already, so it was not decoded again; ``id`` is that of its frame."""

    id: int
