"""A test road as a source of stills, with a detector and looks that know what is in them: no pixels are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cctview.network import CameraNetwork
from cctview.privacy import Policy
from cctview.seams import Store
from cctview.sources import Known
from cctview.store import create_store
from cctview.testing.roads import Scenery, Seen, drive
from cctview.types import Detections, Embeddings, Frame, rows_of

GREY = np.full((8, 8, 3), 90, np.uint8)


@dataclass(frozen=True, eq=False)
class Road:
    """The stills of a road in order of time, and what is in them by the id of the still."""

    frames: list[Frame]
    detections: Detections
    embeddings: Embeddings
    network: CameraNetwork

    @property
    def producer(self) -> str:
        return "the truth"

    def __call__(self, frames: Sequence[Frame]) -> Detections:
        """Detect: what is in these stills, in their order."""
        ids = np.array([frame.id for frame in frames], np.int64)
        rows = np.flatnonzero(np.isin(self.detections.frame, ids))
        place = rows_of(ids, self.detections.frame[rows])
        return self.detections[rows[np.lexsort((self.detections.rank[rows], place))]]

    def looks(self, frames: Sequence[Frame], detections: Detections, embedder: object) -> Embeddings:
        """Embed: the looks of these detections."""
        return self.embeddings[rows_of(self.embeddings.detection, detections.id)]


def road(**scenery: object) -> Road:
    seen = drive(Scenery(**{"cameras": ("c1", "c2"), "seconds": 900.0, "per_minute": 8.0, **scenery}))
    return road_of(seen)


def road_of(seen: Seen) -> Road:
    found = seen.detections
    ids, first, owner = np.unique(found.frame, return_index=True, return_inverse=True)
    rows = zip(ids.tolist(), first.tolist(), strict=True)
    frames = [
        Frame(
            image=_image(still),
            camera=str(found.camera[row]),
            time=found.time[row],
            name=f"still-{still}",
            digest=still,
        )
        for still, row in rows
    ]
    renamed = found.replace(frame=np.array([frame.id for frame in frames], np.int64)[owner])
    ordered = sorted(frames, key=lambda frame: (frame.time, frame.camera))
    return Road(ordered, renamed, seen.embeddings, seen.network)


def _image(number: int) -> np.ndarray:
    """No two stills are the same, so that one can be forgotten."""
    return np.random.default_rng(abs(number)).integers(0, 255, (8, 8, 3), dtype=np.uint8)


class Stills:
    """A source of stills; ``before`` is called with the number of each before it is handed out."""

    name = "stills"

    def __init__(
        self,
        frames: Sequence[Frame],
        *,
        live: bool = False,
        network: CameraNetwork | None = None,
        before: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._frames, self.live, self.network, self._before = frames, live, network, before

    def count(self) -> int | None:
        return None if self.live else len(self._frames)

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Known]:
        for number, frame in enumerate(self._frames):
            self._before(number)
            yield Known(frame.id) if known(frame.id) else frame


def new_store(folder: Path) -> Store:
    return create_store(folder, Policy.default("tests"))
