"""What a source yields beside frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Known", "Noticed", "Notices", "Skipped", "noticed_by", "together"]


@dataclass(frozen=True)
class Skipped:
    """One still that cannot be used: where it is, and why."""

    where: str
    reason: str


@dataclass(frozen=True)
class Known:
    """A still that is stored already, so it was not decoded again; ``id`` is that of its frame."""

    id: int


@dataclass(frozen=True)
class Noticed:
    """Something that was guessed, mended or left out and is no still: what, how often, and where it was first."""

    what: str
    count: int = 1
    where: str = ""


def together(notices: Iterable[Noticed]) -> tuple[Noticed, ...]:
    """Return one notice for each thing that was noticed, with how often it was and where first."""
    found: dict[str, Noticed] = {}
    for notice in notices:
        first = found.setdefault(notice.what, Noticed(notice.what, 0, notice.where))
        found[notice.what] = Noticed(notice.what, first.count + notice.count, first.where)
    return tuple(found.values())


class Notices:
    """What a source noticed and has not told yet."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._found: tuple[Noticed, ...] = ()

    def add(self, *notices: Noticed) -> None:
        """Remember what was noticed."""
        self._found = together((*self._found, *notices))

    def taken(self) -> tuple[Noticed, ...]:
        """Return what was noticed since this was last asked."""
        found, self._found = self._found, ()
        return found


def noticed_by(source: object) -> tuple[Noticed, ...]:
    """Return what a source noticed since it was last asked; one that has no ``noticed`` notices nothing."""
    tell = getattr(source, "noticed", None)
    return tuple(tell()) if tell else ()
