"""The seam every source of frames satisfies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from cctview.types import Frame

__all__ = ["Known", "Skipped", "Source"]


@dataclass(frozen=True)
class Skipped:
    """One still that cannot be used: where it is, and why."""

    where: str
    reason: str


@dataclass(frozen=True)
class Known:
    """A still that is stored already, so it was not decoded again; ``id`` is that of its frame."""

    id: int


class Source(Protocol):
    """Anything that hands out frames; ``name`` is what the user gave, for messages."""

    name: str

    def count(self) -> int | None:
        """Return how many stills to expect, or None when nobody can know."""
        ...

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        """Yield every still once, in a fixed order; ``known`` says which frame ids are stored."""
        ...
