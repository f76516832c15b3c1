"""What is kept, for whom and how long: the log of searches, and forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from cctview.errors import MissingError
from cctview.privacy import broken_at
from cctview.seams import Store
from cctview.web.model import answers
from cctview.web.model.moments import as_datetime64
from cctview.web.model.reading import Reading

__all__ = ["Keeping"]


class Keeping:
    """Tell what a store has kept of searches, and let it forget; ``reading`` knows the names of things."""

    def __init__(self, store: Store, reading: Reading) -> None:
        self._store, self._reading = store, reading

    def log(self) -> answers.Log:
        """Return the log of searches, the newest first, and whether its chain of hashes holds."""
        entries = self._store.log()
        head = entries[-1].hash if entries else ""
        return answers.Log(entries=entries[::-1], broken_at=broken_at(entries), head=head)

    def preview(
        self, *, before: datetime | None = None, camera: str | None = None, names: Sequence[str] = ()
    ) -> answers.Removal:
        """Return what ``forget`` would remove, without removing it."""
        return self._removal(before, camera, names, preview=True)

    def forget(
        self, *, before: datetime | None = None, camera: str | None = None, names: Sequence[str] = ()
    ) -> answers.Removal:
        """Remove what was seen before a time, by a camera, or both; or things by name, with all made from them.

        Raise MissingError when one of the names is not stored, InputError when nothing is chosen.
        """
        gone = self._removal(before, camera, names, preview=False)
        self._reading.refresh()
        return gone

    def _removal(
        self, before: datetime | None, camera: str | None, names: Sequence[str], *, preview: bool
    ) -> answers.Removal:
        ids = self._reading.forgettable(names) if names else None
        act = self._store.preview if preview else self._store.forget
        try:
            gone = act(before=as_datetime64(before), camera=camera, ids=ids)
        except MissingError as error:
            raise MissingError("one of these is no longer stored; nothing was removed") from error
        proof = asdict(gone.proof) if gone.proof else None
        return answers.Removal(preview=preview, rows=gone.rows, pixels=gone.pixels, proof=proof)
