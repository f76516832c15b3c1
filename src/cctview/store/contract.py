"""What a store is: the protocol, what it takes, and what it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TypeVar

import numpy as np

from cctview.errors import InputError, MissingError, PolicyError
from cctview.types import (
    Breaks,
    Detections,
    Embeddings,
    Frame,
    Journeys,
    Matches,
    Passages,
    Ragged,
    Table,
    Tracklets,
    TravelTimes,
)

__all__ = ["Admitted", "Batch", "Derived", "Forgotten", "Proof", "no_frame", "no_pixels"]

T = TypeVar("T", bound=Table)
Derived = Tracklets | Passages | Matches | Journeys | TravelTimes | Breaks


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one batch of the pipeline hands over.

    ``frames`` are all stills that were processed, also those without a detection. ``people`` has
    one row per frame: the ``(M, 4)`` boxes to black out. Rows of ``detections`` of type person are
    blacked out as well, and not stored.
    """

    frames: Sequence[Frame]
    detections: Detections
    embeddings: Embeddings
    people: Ragged[np.float32]

    def __post_init__(self) -> None:
        """Raise InputError unless ``people`` has one row of ``(M, 4)`` boxes per frame."""
        if len(self.people) != len(self.frames):
            raise InputError(f"batch: people has {len(self.people)} rows for {len(self.frames)} frames; give one each")
        if self.people.values.shape[1:] != (4,):
            raise InputError(f"batch: people must hold (M, 4) boxes, got {self.people.values.shape}")


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """How many rows of a batch were stored, and what was left out or blacked out.

    ``pixels`` counts stills kept as JPEG; ``frames_known`` those that were stored before;
    ``frames_expired`` those too old for the policy; ``frames_not_kept`` those stored without
    pixels; ``people_redacted`` the boxes blacked out; ``people_dropped`` the rows of type person.
    """

    frames: int = 0
    pixels: int = 0
    detections: int = 0
    embeddings: int = 0
    frames_known: int = 0
    frames_expired: int = 0
    frames_not_kept: int = 0
    people_redacted: int = 0
    people_dropped: int = 0

    @property
    def counts(self) -> Counter[str]:
        """The same numbers by name, to be added up over batches."""
        return Counter(asdict(self))


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was searched for after a removal, where, and what was found.

    ``needles`` counts the removed ids and stills looked for as raw bytes, ``found_before`` how many
    of them the same search saw before the removal, ``found`` how many it still sees: always 0, or
    the removal fails. ``files`` and ``bytes`` say what was searched, all of the store: its files, or
    the pieces of memory that hold a store without files. ``files_replaced`` counts those that are gone.
    """

    files: int
    bytes: int
    needles: int
    found_before: int
    found: int
    files_replaced: int


@dataclass(frozen=True, kw_only=True)
class Forgotten:
    """How many rows each table lost, how many stills lost their pixels, and the proof."""

    rows: dict[str, int] = field(default_factory=dict)
    pixels: int = 0
    proof: Proof | None = None


def no_frame(store: str, frame: int) -> MissingError:
    """Return the error for an id that no stored frame has."""
    return MissingError(f"{store}: no frame has the id {frame}; see which there are with scan(Frames)")


def no_pixels(store: str, frame: int) -> PolicyError:
    """Return the error for a stored frame whose still is not kept."""
    return PolicyError(
        f"{store}: the pixels of frame {frame} are not kept (by the policy, or expired or forgotten); run the source "
        "again under a policy that keeps them"
    )
