"""What a store is: the protocol, what it takes, and what it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import InputError
from cctview.privacy import LogEntry, Policy
from cctview.store.filters import Hits, SearchFilters
from cctview.types import (
    Breaks,
    Detections,
    Embeddings,
    Frame,
    Journeys,
    Matches,
    Ragged,
    Table,
    Tracklets,
    TravelTimes,
)

__all__ = ["Admitted", "Batch", "Derived", "Forgotten", "Proof", "Store"]

T = TypeVar("T", bound=Table)
Derived = Tracklets | Matches | Journeys | TravelTimes | Breaks


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
    the removal fails. ``files_replaced`` counts the files that are gone.
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


class Store(Protocol):
    """Keep tables and stills under a policy; every write is atomic and safe beside other writers."""

    @property
    def policy(self) -> Policy:
        """The policy now in force."""

    def set_policy(self, policy: Policy) -> None:
        """Put another policy in force; ``expire`` then removes what it no longer allows."""

    def pseudonym_key(self) -> bytes:
        """Return the key under which this store's ids are shown outside."""

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which frame ids are stored with all that belongs to them: (N,) to (N,)."""

    def append(self, batch: Batch) -> Admitted:
        """Store what the policy allows of the frames that are not known yet, all of it or nothing."""

    def scan(
        self,
        table: type[T],
        *,
        camera: str | None = None,
        after: np.datetime64 | None = None,
        before: np.datetime64 | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> T:
        """Return rows with ``after <= time < before``, in an order that writing does not change.

        ``ids`` are the rows' own: of frames, detections (for Embeddings too), tracklets (the query
        for Matches) or journeys.
        """

    def columns(
        self,
        table: type[Table],
        names: Sequence[str],
        *,
        camera: str | None = None,
        after: np.datetime64 | None = None,
        before: np.datetime64 | None = None,
        ids: NDArray[np.int64] | None = None,
        by: str = "",
    ) -> pa.Table:
        """Return some columns of rows as Arrow, filtered like ``scan``, in no order.

        ``by`` names the column the ids stand in, when they are not the rows' own.
        """

    def stream(
        self, table: type[Table], names: Sequence[str], *, imported_after: np.datetime64 | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all rows in batches of bounded size, in no order.

        ``imported_after`` asks only for rows of stills that were stored later than that.
        """

    def versions(self) -> dict[str, tuple[int, int]]:
        """Return version and rows of each table that has rows: what to read again when it changes."""

    def replace(self, tables: Iterable[Derived]) -> None:
        """Put derived tables in place of the old ones of their kinds, all of them in one step.

        A kind may come in parts, one by one: they wait outside of memory, and until the last one has come
        the store is as it was, and free for others.
        """

    def pixels(self, frame_ids: NDArray[np.int64]) -> list[bytes]:
        """Return the JPEG bytes of these frames, in their order."""

    def search(
        self,
        vector: NDArray[np.float32],
        *,
        purpose: str,
        subject: str,
        filters: SearchFilters = SearchFilters(),  # noqa: B008
        top: int = 20,
    ) -> Hits:
        """Find the vehicles that look most like a unit vector ``(D,)``, nearest first, and log the search.

        ``subject`` says in the log what was looked for. Raise PolicyError without a purpose.
        """

    def log(self) -> tuple[LogEntry, ...]:
        """Return the log of searches, the oldest first."""

    def preview(
        self,
        *,
        before: np.datetime64 | None = None,
        camera: str | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> Forgotten:
        """Return what ``forget`` would remove, without removing it."""

    def forget(
        self,
        *,
        before: np.datetime64 | None = None,
        camera: str | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> Forgotten:
        """Remove rows and all that was made from them, and prove that no file still holds them.

        ``before`` and ``camera`` may be combined. ``ids`` may name frames, detections, tracklets
        and journeys; a detection takes the pixels of its frame along.
        """

    def expire(self, now: np.datetime64) -> Forgotten:
        """Remove what the policy no longer allows at ``now``, and prove it."""

    def summary(self) -> dict[str, Any]:
        """Return rows, bytes, oldest and newest time and producer of each table."""
