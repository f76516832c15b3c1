"""The log of searches: who asked what for which purpose, each entry sealed to the one before.

An entry changed, moved or taken out breaks the chain of SHA-256 hashes from there on. Entries cut
off at the end leave a valid shorter chain: note the newest hash elsewhere to see that too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Self

from cctview.errors import PolicyError, StoreError

__all__ = ["FIRST", "LogEntry", "broken_at", "read_log", "require_purpose", "resealed", "sealed"]

FIRST = "0" * 64
_LONGEST_PURPOSE = 500


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One search: when, why, what was looked for, under which filters, and how much was found.

    ``previous`` is the hash of the entry before, ``FIRST`` for the first one; ``hash`` seals all
    other fields.
    """

    number: int
    time: str
    purpose: str
    subject: str
    filters: dict[str, str] = field(default_factory=dict)
    found: int = 0
    previous: str = FIRST
    hash: str = ""

    @property
    def seal(self) -> str:
        """The hash that belongs to what the entry says."""
        said = {key: value for key, value in asdict(self).items() if key != "hash"}
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=True).encode()).hexdigest()

    def to_line(self) -> str:
        """Return the entry as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=True) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Self:
        """Read an entry; raise StoreError for a line that is not one."""
        try:
            said = json.loads(line)
            return cls(**{item.name: said.pop(item.name) for item in fields(cls)}, **said)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(f"the log of searches is damaged at {line[:60]!r} ({error}); restore it") from error


def require_purpose(purpose: str) -> str:
    """Return the purpose on one line; raise PolicyError for one that says nothing, or too much."""
    purpose = " ".join(purpose.split())
    if not purpose or not purpose.isprintable():
        raise PolicyError("a search needs a purpose: say in a few words what the answer is for")
    if len(purpose) > _LONGEST_PURPOSE:
        raise PolicyError(f"the purpose has {len(purpose)} characters; say it in {_LONGEST_PURPOSE}")
    return purpose


def sealed(
    last: LogEntry | None, *, purpose: str, subject: str, filters: dict[str, str], found: int, now: datetime
) -> LogEntry:
    """Return the entry that follows ``last``; raise PolicyError for a purpose that says nothing."""
    entry = LogEntry(
        number=last.number + 1 if last else 1,
        time=now.astimezone(UTC).isoformat(timespec="seconds"),
        purpose=require_purpose(purpose),
        subject=subject,
        filters=filters,
        found=found,
        previous=last.hash if last else FIRST,
    )
    return replace(entry, hash=entry.seal)


def read_log(text: str) -> tuple[LogEntry, ...]:
    """Read the lines of a log, the oldest first."""
    return tuple(LogEntry.from_line(line) for line in text.splitlines() if line)


def resealed(entries: Iterable[LogEntry]) -> Iterator[LogEntry]:
    """Yield entries as one chain again: numbers, hashes before and seals are made anew, what they say stays."""
    previous = FIRST
    for number, entry in enumerate(entries, 1):
        linked = replace(entry, number=number, previous=previous)
        whole = replace(linked, hash=linked.seal)
        previous = whole.hash
        yield whole


def broken_at(entries: Iterable[LogEntry]) -> int | None:
    """Return the place, from 1, of the first entry that was changed, moved or lost; None when the chain holds."""
    previous = FIRST
    for place, entry in enumerate(entries, 1):
        if (entry.number, entry.previous, entry.hash) != (place, previous, entry.seal):
            return place
        previous = entry.hash
    return None
