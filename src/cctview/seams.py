"""Every seam of the program on one page: what may be put in another's place, and what it must then do.

Each seam has two implementations here, found by the same entry points as a stranger's (``cctview.plugins``),
and a contract suite in ``cctview.testing`` that both pass. This page imports nothing when it runs: the names of
other floors stand in annotations only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from cctview.embed.crops import Cropping
    from cctview.network import CameraNetwork
    from cctview.privacy import LogEntry, Policy
    from cctview.sources.source import Known, Skipped
    from cctview.store.contract import Admitted, Batch, Derived, Forgotten
    from cctview.store.filters import Hits, SearchFilters
    from cctview.types import Cameras, Detections, Embeddings, Frame, Matches, Table, Tracklets

__all__ = [
    "CameraProvider",
    "Detector",
    "Embedder",
    "Executor",
    "Matcher",
    "Poll",
    "Progress",
    "Source",
    "Store",
    "Tracker",
]

Item = TypeVar("Item")
Result = TypeVar("Result")
TableT = TypeVar("TableT", bound="Table")
State = TypeVar("State")


class Progress(Protocol):
    """Say how far a stage is; ``total`` is None where nobody can know."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report ``done`` of ``total`` in ``stage``."""
        ...


class Source(Protocol):
    """Anything that hands out frames; ``name`` is what the user gave, for messages."""

    name: str

    @property
    def network(self) -> CameraNetwork | None:
        """The camera network that comes with the stills, or None."""
        ...

    @property
    def live(self) -> bool:
        """Whether the stills may never end, so that what came is linked while more comes."""
        ...

    def count(self) -> int | None:
        """Return how many stills to expect, or None when nobody can know."""
        ...

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        """Yield every still once, in a fixed order; ``known`` says which frame ids are stored.

        A source that guesses, mends or leaves out what is no still may have a method ``noticed`` beside this, which
        returns what it noticed since it was last asked, as a tuple of ``Noticed``; the report of a run adds it up.
        """
        ...


class Poll(Protocol):
    """What a provider answered: ``image`` is None when the still is the one from last time."""

    image: bytes | None
    time: np.datetime64 | None
    validator: str | None


class CameraProvider(Protocol):
    """Who publishes cameras: a list of them, and the newest still of each."""

    def cameras(self) -> Cameras:
        """Return the cameras now published."""
        ...

    def still(self, camera: str, last: Poll | None) -> Poll:
        """Return the newest still of a camera; ``last`` is the answer before, or None the first time."""
        ...


class Detector(Protocol):
    """Find vehicles and people in a batch of stills.

    People are reported from the low threshold redaction needs; every other type from its own.
    """

    @property
    def producer(self) -> str:
        """The words that tie a detection to these very weights."""
        ...

    def __call__(self, frames: Sequence[Frame]) -> Detections:
        """Return the detections of all frames, in frame order, by rank within a frame; no frame changes another's."""
        ...


class Embedder(Protocol):
    """Turn crops ``uint8 (N, height, width, 3)`` RGB into unit vectors ``float32 (N, D)``."""

    @property
    def producer(self) -> str:
        """The words that tie a vector to these very weights."""
        ...

    @property
    def cropping(self) -> Cropping:
        """How the crops are to be cut out."""
        ...

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one unit vector per crop."""
        ...

    def features(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return one vector ``(N, D)`` per crop as the model gives it, of any length."""
        ...


class Tracker(Protocol[State]):
    """Join the detections of one camera into tracklets, one piece of time after another.

    A state is a value: ``step`` returns the next one and leaves the one it was given as it is, so that it can
    be stored, resumed, and worked on anywhere.
    """

    @property
    def meta(self) -> Mapping[str, str]:
        """What ends in the ``meta`` of the tracklets: method, version, settings, hash of its priors."""
        ...

    def fresh(self) -> State:
        """Return the state before the first still of a camera."""
        ...

    def step(self, state: State, detections: Detections, embeddings: Embeddings) -> tuple[State, Tracklets]:
        """Follow the vehicles through later stills of one camera; return the tracklets that ended.

        Each vehicle with an embedding is in at most one tracklet, each tracklet has at most one detection of a
        still. Raise InputError when there is more than one camera.
        """
        ...

    def ending(self, state: State) -> Tracklets:
        """Return the tracklets that are still open, as if the stills ended here."""
        ...

    def dump(self, state: State) -> bytes:
        """Return a state as bytes that hold nothing that could be executed."""
        ...

    def load(self, data: bytes) -> State:
        """Return the state that ``dump`` gave; raise FormatError for anything else."""
        ...


class Matcher(Protocol):
    """Rank, for tracklets that leave a camera, those of the next cameras that may be the same vehicle."""

    @property
    def meta(self) -> Mapping[str, str]:
        """What ends in the ``meta`` of the matches: method, version, settings, hash of its priors."""
        ...

    def __call__(self, tracklets: Tracklets, network: CameraNetwork) -> tuple[Matches, Mapping[tuple[str, str], float]]:
        """Return the matches on all links of the network, and how long to wait for each link's answers.

        ``tracklets`` are queries where a link leaves their camera and gallery where one ends there. One row for
        each query and link, candidates by falling probability, all of them later than the query; a query's
        probabilities and its ``p_none`` sum to at most 1. The wait, by (origin, target), is the seconds after a
        query passed its camera within which what its answer depends on has arrived.
        """
        ...


class Executor(Protocol):
    """Where work runs."""

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield ``work(item)`` for each item, in their order, while later ones are being worked on.

        Items are asked for as they are needed, a bounded number ahead. An error of the work, or of the items,
        is raised where its result would have come. Closing the iterator ends the work.
        """
        ...


class Store(Protocol):
    """Keep tables and stills under a policy; every write is atomic and safe beside other writers."""

    @property
    def policy(self) -> Policy:
        """The policy now in force."""
        ...

    def set_policy(self, policy: Policy) -> None:
        """Put another policy in force; ``expire`` then removes what it no longer allows."""
        ...

    @property
    def network(self) -> CameraNetwork | None:
        """The camera network with its time zone, or None where nobody has said it yet."""
        ...

    def set_network(self, network: CameraNetwork) -> None:
        """Put another camera network in the place of the one before; what was derived stays until it is replaced."""
        ...

    def pseudonym_key(self) -> bytes:
        """Return the key under which this store's ids are shown outside."""
        ...

    def known(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which frame ids are stored with all that belongs to them: (N,) to (N,)."""
        ...

    def append(self, batch: Batch) -> Admitted:
        """Store what the policy allows of the frames that are not known yet, all of it or nothing."""
        ...

    def scan(
        self,
        table: type[TableT],
        *,
        camera: str | None = None,
        after: np.datetime64 | None = None,
        before: np.datetime64 | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> TableT:
        """Return rows with ``after <= time < before``, in an order that writing does not change.

        ``ids`` ``(K,)`` are the rows' own: of frames, detections (for Embeddings too), tracklets (the query
        for Matches) or journeys.
        """
        ...

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

        ``by`` names the column the ids ``(K,)`` stand in, when they are not the rows' own.
        """
        ...

    def stream(
        self, table: type[Table], names: Sequence[str], *, imported_after: np.datetime64 | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield some columns of all rows in batches of bounded size, in no order.

        ``imported_after`` asks only for rows of stills that were stored later than that.
        """
        ...

    def versions(self) -> dict[str, tuple[int, int]]:
        """Return version and rows of each table that has rows: what to read again when it changes."""
        ...

    def replace(self, tables: Iterable[Derived]) -> None:
        """Put derived tables in place of the old ones of their kinds, all of them in one step.

        A kind may come in parts, one by one: they wait outside of memory, and until the last one has come
        the store is as it was, and free for others.
        """
        ...

    @property
    def removals(self) -> int:
        """How often something was removed: ask before reading what ``extend`` will be given a part of."""
        ...

    def extend(self, tables: Iterable[Derived], states: Mapping[str, bytes], *, removals: int | None = None) -> None:
        """Add rows to derived tables and put states in place of the ones before, all of it in one step.

        A state is what a stage must remember to go on, by name. ``replace``, ``forget``, ``expire`` and another
        policy or network drop them all, for they hold what vehicles look like. ``removals`` is what that
        property said before any of this was read; raise StoreChangedError when something was removed since, for
        rows and states may still hold it.
        """
        ...

    def states(self) -> Mapping[str, bytes]:
        """Return the states that ``extend`` stored last."""
        ...

    def pixels(self, frame_ids: NDArray[np.int64]) -> list[bytes]:
        """Return the JPEG bytes of these frames ``(K,)``, in their order."""
        ...

    def search(
        self,
        vector: NDArray[np.float32],
        *,
        purpose: str,
        subject: str,
        filters: SearchFilters = ...,
        top: int = 20,
    ) -> Hits:
        """Find the vehicles that look most like a unit vector ``(D,)``, nearest first, and log the search.

        ``subject`` says in the log what was looked for. Raise PolicyError without a purpose.
        """
        ...

    def log(self) -> tuple[LogEntry, ...]:
        """Return the log of searches, the oldest first."""
        ...

    def preview(
        self,
        *,
        before: np.datetime64 | None = None,
        camera: str | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> Forgotten:
        """Return what ``forget`` would remove, without removing it; ``ids`` are ``(K,)``."""
        ...

    def forget(
        self,
        *,
        before: np.datetime64 | None = None,
        camera: str | None = None,
        ids: NDArray[np.int64] | None = None,
    ) -> Forgotten:
        """Remove rows and all that was made from them, and prove that no file still holds them.

        ``before`` and ``camera`` may be combined. ``ids`` ``(K,)`` may name frames, detections, tracklets
        and journeys; a detection takes the pixels of its frame along.
        """
        ...

    def expire(self, now: np.datetime64) -> Forgotten:
        """Remove what the policy no longer allows at ``now``, and prove it.

        Where only stills lose their pixels, states and ``removals`` stay as they are.
        """
        ...

    def summary(self) -> dict[str, Any]:
        """Return rows, bytes, oldest and newest time and producer of each table."""
        ...
