"""The policy of a store, and its TOML text."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from cctview.errors import SettingsError, nearest

__all__ = ["UNLIMITED", "Kept", "Policy"]

Kept = Literal["frames", "detections", "embeddings", "journeys"]
UNLIMITED = "unlimited"
_LONGEST_DAYS = 36_500
_DAYS = ("frames_days", "detections_days", "embeddings_days", "journeys_days")
_TYPES: dict[str, type] = {
    "purpose": str,
    "consent": str,
    "expiry_from": str,
    "keep_frames": bool,
    "redact_people": bool,
    "pseudonyms": bool,
    "minimum_group": int,
}
_HEADER = '# What this store may hold, for how long, and why. Days may be a number or "unlimited".\n'


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Say what a store may hold, for how long, and for which purpose.

    Days count from ``expiry_from``: the capture of a still, or its import into the store; None
    keeps for good. What is made from other rows goes with them, so journeys may not be kept longer
    than embeddings, nor embeddings longer than detections. People are blacked out in every still
    that is kept; ``redact_people=False`` needs ``consent``, a text that says who agreed.
    ``minimum_group`` is the least number of vehicles an aggregate may be computed from.
    """

    purpose: str
    keep_frames: bool = True
    redact_people: bool = True
    consent: str = ""
    frames_days: float | None = 3.0
    detections_days: float | None = 30.0
    embeddings_days: float | None = 7.0
    journeys_days: float | None = 7.0
    pseudonyms: bool = True
    minimum_group: int = 5
    expiry_from: Literal["capture", "import"] = "import"  # last, and quoted: a text cut short cannot be read

    def __post_init__(self) -> None:
        """Raise SettingsError naming the setting that cannot be used."""
        self._check_texts()
        for name in _DAYS:
            _check_days(name, getattr(self, name))
        self._check_order()
        if type(self.minimum_group) is not int or self.minimum_group < 1:
            raise SettingsError(f"policy: minimum_group must be a whole number from 1, got {self.minimum_group!r}")
        if self.keep_frames and not self.redact_people and not self.consent:
            raise SettingsError(
                "policy: stills with people in them may not be kept; leave redact_people = true, set "
                "keep_frames = false, or say in `consent` who agreed"
            )

    @classmethod
    def default(cls, purpose: str) -> Self:
        """Return the policy with every setting at its default."""
        return cls(purpose=purpose)

    def days(self, kept: Kept) -> float | None:
        """Return how many days rows of this kind may be kept, None for good."""
        value: float | None = getattr(self, f"{kept}_days")
        return value

    def keeps_no_more_than(self, other: Policy) -> bool:
        """Return whether nothing may be kept or shown under this policy that may not under the other one."""
        last = (getattr(self, name) or float("inf") for name in _DAYS)
        limits = (getattr(other, name) or float("inf") for name in _DAYS)
        hidden = all(getattr(self, name) or not getattr(other, name) for name in ("redact_people", "pseudonyms"))
        said = all(getattr(self, name) == getattr(other, name) for name in ("purpose", "consent", "expiry_from"))
        less = self.minimum_group >= other.minimum_group and self.keep_frames <= other.keep_frames
        return all(mine <= theirs for mine, theirs in zip(last, limits, strict=True)) and hidden and said and less

    def to_toml(self) -> str:
        """Return the policy as TOML text that ``from_toml`` reads back."""
        lines = [f"{item.name} = {_toml(getattr(self, item.name))}" for item in fields(self)]
        return _HEADER + "\n".join(lines) + "\n"

    @classmethod
    def from_toml(cls, text: str, where: str = "policy") -> Self:
        """Read the text of a policy; raise SettingsError for a broken, half-written or unknown setting.

        Every setting must be there: a file cut short must not turn into a looser policy.
        """
        try:
            given = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{where}: this is not complete TOML ({error}); write it again") from error
        known = [item.name for item in fields(cls)]
        for name in given.keys() - set(known):
            raise SettingsError(f"{where}: unknown setting {name!r}; {nearest(name, known)}")
        for name in known:
            if name not in given:
                raise SettingsError(f"{where}: the setting {name!r} is missing, so the file may be cut short; add it")
        return cls(**{name: _parsed(name, value, where) for name, value in given.items()})

    def _check_texts(self) -> None:
        if not self.purpose.strip():
            raise SettingsError("policy: a store needs a purpose; say in one line what its data is for")
        for name in ("purpose", "consent"):
            if not getattr(self, name).isprintable():
                raise SettingsError(f"policy: {name} must be one line of printable text")
        if self.expiry_from not in ("capture", "import"):
            raise SettingsError(f"policy: expiry_from is 'capture' or 'import', got {self.expiry_from!r}")

    def _check_order(self) -> None:
        for shorter, longer in (("embeddings_days", "detections_days"), ("journeys_days", "embeddings_days")):
            limit, value = getattr(self, longer), getattr(self, shorter)
            if limit is not None and (value is None or value > limit):
                raise SettingsError(
                    f"policy: {shorter} ({_toml(value)}) is longer than {longer} ({_toml(limit)}), but the first are "
                    f"made from the second and go with them; set {shorter} to at most {_toml(limit)}"
                )


def _check_days(name: str, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and 0 < value <= _LONGEST_DAYS):  # type: ignore[operator]
        raise SettingsError(
            f"policy: {name} must lie between 0 and {_LONGEST_DAYS} days or be unlimited, got {value!r}"
        )


def _toml(value: object) -> str:
    return json.dumps(UNLIMITED if value is None else value, ensure_ascii=False)


def _parsed(name: str, value: Any, where: str) -> Any:
    if name in _DAYS:
        return None if value == UNLIMITED else value
    if type(value) is not _TYPES[name]:
        raise SettingsError(f"{where}: {name} must be {_TYPES[name].__name__}, got {value!r}")
    return value
