"""Accuracy that a release must not lose: numbers in a TOML file, and which of them were missed.

[[reid]]
truth = "fdr/links.json"                      # the end of the path of the truth these numbers are for
at_least = {"all / rank-1" = 0.7}             # path into the scores, parts joined by " / "
at_most = {"all / calibration error" = 0.15}
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cctview.errors import FormatError, MissingError, SourceNotFoundError

__all__ = ["missed_gates"]

_KEYS = {"truth", "command", "at_least", "at_most"}


def missed_gates(path: Path, verb: str, truth: Path, scores: Mapping[str, Any]) -> tuple[int, list[str]]:
    """Return how many numbers the gate holds for this verb and truth, and a sentence for each one missed.

    A number that is not measured any more is missed too. Raises MissingError when the file has none
    for this truth, FormatError when it cannot be read.
    """
    entries = [entry for entry in _entries(path, verb) if truth.resolve().as_posix().endswith("/" + entry["truth"])]
    limits = [
        (name, float(limit), rising)
        for entry in entries
        for key, rising in (("at_least", True), ("at_most", False))
        for name, limit in entry.get(key, {}).items()
    ]
    if not limits:
        raise MissingError(f"{path}: holds no numbers for 'eval {verb}' with {truth.name}; add a [[{verb}]] entry")
    return len(limits), [miss for miss in (_miss(scores, *limit) for limit in limits) if miss]


def _entries(path: Path, verb: str) -> list[dict[str, Any]]:
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8-sig")).get(verb, [])
    except OSError as error:
        raise SourceNotFoundError(f"{path}: cannot be read ({error.strerror}); give the path of a gate file") from error
    except ValueError as error:
        raise FormatError(f"{path}: not a TOML file ({error})") from error
    for entry in entries if isinstance(entries, list) else [None]:
        if not isinstance(entry, dict) or "truth" not in entry or entry.keys() - _KEYS:
            raise FormatError(f"{path}: an entry [[{verb}]] needs 'truth', and knows " + ", ".join(sorted(_KEYS)))
    return list(entries)


def _miss(scores: Mapping[str, Any], name: str, limit: float, rising: bool) -> str | None:  # noqa: FBT001  a limit's side
    value: Any = scores
    for part in name.split(" / "):
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, float | int):
        return f"{name}: not measured, expected {'at least' if rising else 'at most'} {limit:g}"
    if (value >= limit) if rising else (value <= limit):
        return None
    return f"{name}: {value:.4g} is {'below' if rising else 'above'} {limit:g}"
