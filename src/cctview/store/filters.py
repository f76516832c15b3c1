"""What a search may ask for, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cctview.errors import SettingsError, nearest
from cctview.types import VEHICLE_TYPES, Detections

__all__ = ["COLOURS", "Hits", "SearchFilters"]

COLOURS = ("black", "grey", "white", "red", "orange", "yellow", "green", "blue")


@dataclass(frozen=True, kw_only=True)
class SearchFilters:
    """Which vehicles are asked for; None lets all pass. Raise SettingsError for an unknown type or colour."""

    camera: str | None = None
    after: np.datetime64 | None = None
    before: np.datetime64 | None = None
    type: str | None = None
    colour: str | None = None

    def __post_init__(self) -> None:
        for name, known in (("type", VEHICLE_TYPES), ("colour", COLOURS)):
            value = getattr(self, name)
            if value is not None and value not in known:
                raise SettingsError(f"no vehicle has the {name} {value[:50]!r}; {nearest(value[:50], known)}")

    @property
    def said(self) -> dict[str, str]:
        """The filters that are set, in words for the log."""
        return {item.name: str(value) for item in fields(self) if (value := getattr(self, item.name)) is not None}


@dataclass(frozen=True, eq=False, kw_only=True)
class Hits:
    """What was found, nearest first: detections (N), cosine distances (N,), and coarse colours (N,).

    A colour is empty where the policy keeps no pixels to see it in.
    """

    detections: Detections
    distance: NDArray[np.float32]
    colour: NDArray[np.str_]
