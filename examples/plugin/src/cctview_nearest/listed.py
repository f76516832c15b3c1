"""A source: stills that a CSV file names, each with its camera and its time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from cctview import CameraNetwork, FormatError, Frame, FrameError, SourceNotFoundError
from cctview.sources import Known, Skipped, decode
from cctview.types import content_id, frame_id

__all__ = ["ListSource"]

_COLUMNS = ("camera", "time", "file")


class ListSource:
    """The stills of ``list://PATH``, a CSV file with the columns camera, time (ISO 8601 with offset) and file.

    Files are found from the folder of the list on. Raises SourceNotFoundError without a list, FormatError when
    a column is missing.
    """

    network: CameraNetwork | None = None
    live = False

    def __init__(self, address: str) -> None:
        self.name = address
        self._path = Path(address.removeprefix("list://"))
        if not self._path.is_file():
            raise SourceNotFoundError(f"{address}: there is no such file; give list:// and the path of a CSV file")
        with self._path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            self._rows = list(reader)
        missing = set(_COLUMNS) - set(reader.fieldnames or ())
        if missing:
            raise FormatError(f"{address}: no column {', '.join(sorted(missing))}; it needs {', '.join(_COLUMNS)}")

    def count(self) -> int:
        """Return how many stills the list names."""
        return len(self._rows)

    def frames(self, known: Callable[[int], bool]) -> Iterator[Frame | Skipped | Known]:
        """Yield each still in the order of the list; a line that cannot be used is skipped with its reason."""
        for number, row in enumerate(self._rows, start=2):
            try:
                yield self._read(row, known)
            except (FrameError, OSError, ValueError) as error:
                yield Skipped(f"{self._path}: line {number}", str(error))

    def _read(self, row: dict[str, str], known: Callable[[int], bool]) -> Frame | Known:
        moment = datetime.fromisoformat(row["time"])
        if moment.tzinfo is None:
            raise ValueError(f"time {row['time']!r} has no offset; write it as 2020-05-05T13:34:29-04:00")
        time = np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ns")
        data = (self._path.parent / row["file"]).read_bytes()
        frame = frame_id(row["camera"], time, content_id(data))
        if known(frame):
            return Known(frame)
        decoded = decode(data, row["file"])
        return Frame(
            image=decoded.image,
            camera=row["camera"],
            time=time,
            name=Path(row["file"]).stem,
            digest=content_id(data),
            encoded=decoded.jpeg,
        )
