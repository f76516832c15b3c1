"""Counts that add up: over images, sequences or camera pairs, field by field."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Self

__all__ = ["Additive"]


class Additive:
    """Base of dataclasses whose fields add up."""

    def __add__(self, other: Self) -> Self:
        """Return the counts of both sets."""
        mine: Any = self
        return type(self)(
            **{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(mine)}
        )
