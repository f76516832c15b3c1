"""The file of the log of searches; the caller holds the write lock while it grows."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from cctview.errors import StoreError
from cctview.privacy.log import LogEntry, read_log, sealed

__all__ = ["LOG", "append_entry", "last_entry", "log_entries", "readable_entries"]

LOG = "searches.log"
_LONGEST_LINE = 65_536  # bytes: a purpose of 500 characters, a few filters and hashes take less


def append_entry(folder: Path, *, purpose: str, subject: str, filters: dict[str, str], found: int) -> LogEntry:
    """Write down a search and return its entry; a half-written line of a killed process is cut off first."""
    path = folder / LOG
    past = log_entries(folder)
    whole = sum(len(entry.to_line()) for entry in past)
    entry = sealed(
        past[-1] if past else None,
        purpose=purpose,
        subject=subject,
        filters=filters,
        found=found,
        now=datetime.now(UTC),
    )
    with path.open("ab") as file:
        file.truncate(whole)
        file.write(entry.to_line().encode())
        file.flush()
        os.fsync(file.fileno())
    return entry


def last_entry(folder: Path) -> LogEntry | None:
    """Return the newest entry, without reading those before; None where there is none that can be read."""
    path = folder / LOG
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_LINE))
        lines = file.read().split(b"\n")[:-1]
    try:
        return LogEntry.from_line(lines[-1].decode("ascii")) if lines else None
    except (StoreError, UnicodeDecodeError):
        return None


def log_entries(folder: Path) -> tuple[LogEntry, ...]:
    """Return the entries of the log, the oldest first; a line without its end was never written."""
    path = folder / LOG
    text = path.read_text(encoding="ascii") if path.exists() else ""
    return read_log(text[: text.rfind("\n") + 1])


def readable_entries(folder: Path) -> tuple[list[LogEntry], int]:
    """Return the entries of a damaged log that can be read, and how many lines cannot."""
    path = folder / LOG
    lines = [line for line in (path.read_bytes() if path.exists() else b"").split(b"\n") if line]
    entries = []
    for line in lines:
        try:
            entries.append(LogEntry.from_line(line.decode("ascii")))
        except (StoreError, UnicodeDecodeError):
            continue
    return entries, len(lines) - len(entries)
