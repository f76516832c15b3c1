"""The file of the log of searches; the caller holds the write lock while it grows."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from cctview.privacy.log import LogEntry, read_log, sealed

__all__ = ["LOG", "append_entry", "log_entries"]

LOG = "searches.log"


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


def log_entries(folder: Path) -> tuple[LogEntry, ...]:
    """Return the entries of the log, the oldest first; a line without its end was never written."""
    path = folder / LOG
    text = path.read_text(encoding="ascii") if path.exists() else ""
    return read_log(text[: text.rfind("\n") + 1])
