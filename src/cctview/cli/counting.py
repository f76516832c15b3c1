"""Counts of passages as rows to export: bins, the minimum group, and what was left out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cctview.seams import Store

__all__ = ["counted_rows", "seconds_in"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_in(text: str) -> float | None:
    """Return the seconds of a duration such as 90s, 5m, 1h or 1d, None for an empty text; raise SettingsError."""
    from cctview.errors import SettingsError

    found = re.fullmatch(r"(\d+)\s*([smhd]?)", text.strip())
    if not text:
        return None
    if not found or not int(found[1]):
        raise SettingsError(f"--every {text!r}: expected whole seconds, minutes, hours or days, such as 30s, 5m or 1h")
    return float(int(found[1]) * _UNITS[found[2] or "s"])


def counted_rows(store: Store, every: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns of exported counts, and what else is to be said of them."""
    from cctview.aggregates import LEFT_OUT, counts, stills_span
    from cctview.formats.tabular import count_rows
    from cctview.types import Frames, Passages

    passages, least = store.scan(Passages), store.policy.minimum_group
    stills = store.columns(Frames, ["camera", "time"])
    spans = stills_span(*(stills.column(name).to_numpy() for name in ("camera", "time")))
    table = counts(passages, spans, every_s=seconds_in(every), least=least)
    said: dict[str, Any] = {}
    if int(table.meta[LEFT_OUT]):
        said[f"left out (fewer than {least} passages)"] = int(table.meta[LEFT_OUT])
    if len(table) and not table.whole.all():
        said["bins not covered from end to end"] = int((~table.whole).sum())
    if not len(passages):
        said["why"] = "no passages are stored: run cctview track STORE; cars, trucks and buses that moved are counted"
    return count_rows(table, store.network), said
