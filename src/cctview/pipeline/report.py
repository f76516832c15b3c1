"""What a run did, as a value: parts of it add up to the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cctview.sources import Noticed, Skipped
from cctview.sources.source import together

__all__ = ["Linking", "RunReport", "Told", "added", "took"]

T = TypeVar("T")
Number = TypeVar("Number", int, float)


@dataclass(frozen=True, kw_only=True)
class Linking:
    """What linking made of what is stored.

    ``tracklets``, ``matches`` and ``journeys`` count rows; ``whole`` says that they took the place of all before.
    ``reason`` says why there are no journeys. ``late`` counts the stills in the store that came after later ones of
    their camera were linked: they take part when everything is linked again. ``unknown`` are the cameras in the
    store that the network does not know, ``unseen`` those of the network without stills. ``learnt`` says in words which
    links were found where nobody has said any, ``wrong`` what data say against those that somebody has, and ``lacks``
    which they have beside them. ``anew`` counts why states
    were of no use and everything was linked again, ``uncounted`` why tracklets are in no passage.
    """

    tracklets: int = 0
    matches: int = 0
    journeys: int = 0
    whole: bool = False
    reason: str = ""
    late: int = 0
    unknown: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    learnt: str = ""
    wrong: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    anew: Mapping[str, int] = field(default_factory=dict)
    uncounted: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, later: Linking) -> Linking:
        """Return what both together made; what is linked as a whole takes the place of what was before."""
        before = Linking() if later.whole else self
        journeys = before.journeys + later.journeys
        return Linking(
            tracklets=before.tracklets + later.tracklets,
            matches=before.matches + later.matches,
            journeys=journeys,
            whole=self.whole or later.whole,
            reason="" if journeys else later.reason,
            late=later.late,
            unknown=later.unknown,
            unseen=later.unseen,
            learnt=later.learnt or before.learnt,
            wrong=later.wrong or before.wrong,
            lacks=later.lacks or before.lacks,
            anew=Counter(self.anew) + Counter(later.anew),
            uncounted=Counter(before.uncounted) + Counter(later.uncounted),
        )


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What a run did: the closing summary, and the seconds each stage took (summed over workers).

    ``noticed`` tells by what it is what was guessed, mended or left out and is no still, how often and where first.
    ``linking`` is None as long as nothing was linked.
    """

    stills: int = 0
    known: int = 0
    skipped: tuple[Skipped, ...] = ()
    noticed: tuple[Noticed, ...] = ()
    detections: int = 0
    people: int = 0
    stored: Mapping[str, int] = field(default_factory=dict)
    linking: Linking | None = None
    seconds: float = 0.0
    stage_seconds: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, later: RunReport) -> RunReport:
        """Return what both parts of a run did together."""
        linkings = [part for part in (self.linking, later.linking) if part]
        return RunReport(
            stills=self.stills + later.stills,
            known=self.known + later.known,
            skipped=self.skipped + later.skipped,
            noticed=together((*self.noticed, *later.noticed)),
            detections=self.detections + later.detections,
            people=self.people + later.people,
            stored=added(self.stored, later.stored),
            linking=linkings[0] + linkings[1] if len(linkings) == 2 else next(iter(linkings), None),
            seconds=self.seconds + later.seconds,
            stage_seconds=added(self.stage_seconds, later.stage_seconds),
        )

    @property
    def seen(self) -> int:
        """How many items of the source have been dealt with."""
        return self.stills + self.known + len(self.skipped)

    @property
    def tracklets(self) -> int:
        """How many tracklets were made."""
        return self.linking.tracklets if self.linking else 0

    @property
    def matches(self) -> int:
        """How many queries were answered."""
        return self.linking.matches if self.linking else 0

    @property
    def journeys(self) -> int:
        """How many journeys were made."""
        return self.linking.journeys if self.linking else 0


class Told(Iterator[T], Generic[T]):
    """Hand on the items of a stage, and add up the parts of the report that come among them."""

    def __init__(self, items: Iterable[T | RunReport]) -> None:
        self._items = iter(items)
        self._report = RunReport()

    def __next__(self) -> T:
        for item in self._items:
            if not isinstance(item, RunReport):
                return item
            self._report += item
        raise StopIteration

    def taken(self) -> RunReport:
        """Return what was told since this was last asked."""
        report, self._report = self._report, RunReport()
        return report


def added(one: Mapping[str, Number], other: Mapping[str, Number]) -> dict[str, Number]:
    """Return the sums of two sets of named numbers."""
    return {name: one.get(name, 0) + other.get(name, 0) for name in dict.fromkeys((*one, *other))}


def took(stage: str, seconds: float) -> RunReport:
    """Return the part of a report that says how long a stage took."""
    return RunReport(stage_seconds={stage: seconds})
