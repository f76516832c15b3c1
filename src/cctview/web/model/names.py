"""Between stored ids and what stands in a URL: 16 hexadecimal digits, pseudonyms under the policy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cctview.errors import FormatError, MissingError
from cctview.naming import parse_detection_name
from cctview.privacy import ids_behind, pseudonyms
from cctview.seams import Store
from cctview.types import Detections, Frames

__all__ = ["Names"]

_DIGITS = 16
_LONGEST = 400


class Names:
    """The names of one store's ids under the policy that was in force when this was made."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = store.pseudonym_key() if store.policy.pseudonyms else None

    def out(self, ids: NDArray[np.int64]) -> list[str]:
        """Return the name of each id."""
        shown = ids if self._key is None else pseudonyms(self._key, ids)
        return [f"{value:016x}" for value in shown.tolist()]

    def id(self, name: str, what: str) -> int:
        """Return the id behind a name, stored or not; raise MissingError for what cannot be a name."""
        digits = len(name) == _DIGITS and name.isascii() and name.isalnum()
        try:
            value = int(name, 16) if digits else -1
        except ValueError:
            value = -1
        if not 0 <= value < 2**63:
            raise MissingError(f"no {what} is named {name[:_LONGEST]!r}; names are 16 hexadecimal digits")
        column = np.array([value], np.int64)
        return int((column if self._key is None else ids_behind(self._key, column))[0])

    def frame(self, name: str) -> int:
        """Return the id of a frame by its digits or its readable name."""
        return self._still(name) if "--" in name else self.id(name, "frame")

    def detection(self, name: str) -> int:
        """Return the id of a detection by its digits or its readable name."""
        if "--" not in name:
            return self.id(name, "detection")
        try:
            parsed = parse_detection_name(name)
        except FormatError as error:
            raise MissingError(str(error)) from error
        frame = np.array([self._still(parsed.still)], np.int64)
        rows = self._store.columns(Detections, ["id", "rank"], ids=frame, by="frame")
        found = rows.column("id").to_numpy()[rows.column("rank").to_numpy() == parsed.rank]
        if not len(found):
            raise MissingError(f"no detection is named {name[:_LONGEST]!r}; names stand in the exported tables")
        return int(found[0])

    def _still(self, name: str) -> int:
        stem = name.removesuffix("--original")
        rows = self._store.columns(Frames, ["id", "name"], camera=_camera(stem))
        found = np.flatnonzero(np.array(rows.column("name").to_pylist()) == stem)
        if not len(found):
            raise MissingError(f"no frame is named {name[:_LONGEST]!r}; names stand in the exported tables")
        return int(rows.column("id").to_numpy()[found[0]])


def _camera(stem: str) -> str:
    return stem.split("--", maxsplit=1)[0]
